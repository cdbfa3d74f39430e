"""Damaged checkpoints by the thousand, and what must not happen when they are read."""
