"""A server of this machine, and a folder for downloads."""

from downloads import home, known, server  # noqa: F401
