"""What a converted file says about where its weights are from and how images are prepared for them.

It is text by name, so that every format can hold it. Files from elsewhere may say what they like:
what is read back is taken only if it is one of the few things that it can be.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping

from keras_alexnet.checkpoints.loaded import Loaded
from keras_alexnet.checkpoints.reading.files import CheckpointFile
from keras_alexnet.checkpoints.registry import Checkpoint, get_checkpoint, list_checkpoints
from keras_alexnet.checkpoints.verifying import flaw
from keras_alexnet.variants import get_variant, list_variants
from keras_alexnet.variants.records import Pixels, Variant

ORDERS = ("rgb", "bgr")
LAYOUT = (
    "Keras's: kernels of convolutions (height, width, in, out), dense ones (in, out), rows behind "
    "the maps in the order height, width, channels"
)


def provenance(
    loaded: Loaded,
    sha256: str,
    variant: str | None,
    checkpoint: str | None,
) -> dict[str, str]:
    """Return what is to stand in a converted file. What is not known is left out.

    Args:
        loaded: The account of the load.
        sha256: Hash of the file that was loaded.
        variant: The network, if it is one of the variants.
        checkpoint: Name of the published checkpoint that these are the weights of.
    """
    from keras_alexnet import __version__  # not before the package is complete

    said = {
        "keras_alexnet_version": __version__,
        "variant": variant,
        "checkpoint": checkpoint,
        "licence": get_checkpoint(checkpoint).licence if checkpoint else None,
        "layout": LAYOUT,
        "source_file": _printable(os.path.basename(loaded.path)),
        "source_sha256": sha256,
        "source_format": loaded.format,
        "source_naming": loaded.dialect,
        "changes": " ".join(loaded.changes),
        **_preparation(variant, checkpoint, loaded.channel_order),
    }
    return {name: text for name, text in said.items() if text}


def published(path: str, form: str) -> Checkpoint | None:
    """Return the published checkpoint that a file is a copy of, by its size and hash.

    Args:
        path: The file.
        form: Its format.
    """
    rows = (get_checkpoint(name) for name in list_checkpoints())
    return next((row for row in rows if form in row.formats and not flaw(path, row)), None)


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with CheckpointFile(path) as file:
        for piece in file.chunks(0, file.size):
            digest.update(piece)
    return digest.hexdigest()


def claimed_order(metadata: Mapping[str, str]) -> str | None:
    """Return the order of colours that a file says its weights take, if it says one.

    >>> claimed_order({"channel_order": "bgr"}), claimed_order({"channel_order": "xyz"})
    ('bgr', None)
    """
    order = metadata.get("channel_order")
    return order if order in ORDERS else None


def claimed_variant(metadata: Mapping[str, str]) -> str | None:
    """Return the variant that a file says its weights are of, if it says one."""
    name = metadata.get("variant")
    return name if name in list_variants() else None


def claimed_checkpoint(metadata: Mapping[str, str]) -> str | None:
    """Return the published checkpoint that a file says it was converted from, if it says one."""
    name = metadata.get("checkpoint")
    return name if name in list_checkpoints() else None


def _preparation(
    variant: str | None, checkpoint: str | None, order: str | None
) -> dict[str, str | None]:
    """Say how images are prepared, if the network and the order of colours are known."""
    if variant is None or order is None:
        return {"channel_order": order}
    from keras_alexnet.preprocessing import evaluation_preprocessor  # it needs the registry

    record = get_variant(variant)
    pixels = get_checkpoint(checkpoint).pixels if checkpoint else record.pixels
    record = dataclasses.replace(record, pixels=dataclasses.replace(pixels, order=order))
    return {
        "channel_order": order,
        "preprocessing": str(evaluation_preprocessor(record)),
        "pixels": json.dumps(_constants(record, record.pixels)),
    }


def _constants(record: Variant, pixels: Pixels) -> dict:
    """Return the figures of the preparation of images."""
    names = ("resizing", "base", "scale", "mean", "std", "order")
    return {"input_size": record.input_size, **{name: getattr(pixels, name) for name in names}}


def _printable(name: str) -> str:
    """Return the name of a file in UTF-8, whatever bytes it is made of."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
