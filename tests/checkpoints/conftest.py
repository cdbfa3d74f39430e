"""Fixtures that several tests of checkpoints share."""

from array_files import no_network  # noqa: F401
from assigned import load  # noqa: F401
