"""Members of zip and tar archives, and the CRC-32 of zip archives."""
