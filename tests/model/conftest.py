"""Fixtures that several rooms share."""

from array_files import no_network  # noqa: F401
