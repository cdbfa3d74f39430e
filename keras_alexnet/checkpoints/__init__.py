"""Published weights: where they are, how to read them, and how to be sure of what was read."""
