"""Sizes and hashes of published files."""

import functools
import hashlib
import os
from collections.abc import Callable

from keras_alexnet.published.records import Checkpoint

# Some files have only the first digits of a sha256 published, as part of their names.
PREFIXES = {"sha256-prefix": "sha256"}


def size_and_hash(checkpoint: Checkpoint) -> str:
    """Return the size and the strongest hash of a published file in words.

    Example:

    >>> from keras_alexnet.published.lookup import get_checkpoint
    >>> size_and_hash(get_checkpoint("ungrouped_imgclsmob"))
    'sha1 8ae4618efdb64d4b2b74fc4346ff917b3d51e3b2'
    """
    algorithm, digits = _strongest(checkpoint)
    beginning = " beginning with" if algorithm in PREFIXES else ""
    size = "" if checkpoint.size is None else f"{checkpoint.size:,} bytes, "
    return f"{size}{PREFIXES.get(algorithm, algorithm)}{beginning} {digits}"


def file_hash(path: str, algorithm: str) -> str:
    """Return the hash of a file, in hexadecimal digits."""
    # MD5 and SHA-1 are not used to sign here; the publishers chose them.
    make = functools.partial(hashlib.new, algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, make).hexdigest()


def verify_hash(
    path: str, checkpoint: Checkpoint, hashed: Callable[[str, str], str] = file_hash
) -> str:
    """Return why a file is not the published one; empty if it is.

    Args:
        path: The file.
        checkpoint: The published one.
        hashed: Returns the hash of a file; pass a cached function to compare several checkpoints.
    """
    size = os.path.getsize(path)
    if checkpoint.size not in (None, size):
        return f"it has {size:,} bytes, not {checkpoint.size:,}"
    algorithm, digits = _strongest(checkpoint)
    name = PREFIXES.get(algorithm, algorithm)
    found = hashed(path, name)
    same = found.startswith(digits) if algorithm in PREFIXES else found == digits
    return "" if same else f"its {name} is {found}"


def _strongest(checkpoint: Checkpoint) -> tuple[str, str]:
    algorithm, _, digits = checkpoint.hashes[0].partition(":")
    return algorithm, digits.lower()
