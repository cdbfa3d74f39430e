"""Training: what a run keeps on the disk while it goes on."""
