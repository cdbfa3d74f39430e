"""Published weights: which exist, where they are, download, hashes."""
