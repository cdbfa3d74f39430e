"""Images to train on: folders of one's own, and a small set that the package draws itself."""
