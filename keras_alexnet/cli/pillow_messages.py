"""`pillow_silenced` keeps Pillow quiet about damaged files: a command says what it found."""

import contextlib
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def pillow_silenced() -> Iterator[None]:
    """Hold back Pillow's warnings and log messages in the block, such as on damaged EXIF data."""
    logger = logging.getLogger("PIL")
    level = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(level)
