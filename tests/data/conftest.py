"""Fixtures that several tests of images share."""

from gray_images import folder  # noqa: F401
