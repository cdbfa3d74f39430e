"""Zip and tar archives, and the checksum of zip."""
