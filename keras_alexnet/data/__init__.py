"""Images for training: folders of images, and a small data set that the package draws."""
