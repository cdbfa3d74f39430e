"""Checkpoint formats: bytes to named arrays."""
