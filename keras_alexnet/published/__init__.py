"""Published weights: their records, their copies on this machine, downloads and hashes."""
