"""Fixtures that several tests of the command line share."""

from colours import place  # noqa: F401
from downloads import home, known, server  # noqa: F401
