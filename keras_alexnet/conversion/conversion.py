"""`convert_checkpoint`: from a checkpoint of any format to Keras's own or safetensors."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import keras

from keras_alexnet.arguments import boolean, file_path
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.loading import check_options, load_source, say
from keras_alexnet.checkpoints.networks import has_classifier
from keras_alexnet.checkpoints.prepared import Prepared, prepare
from keras_alexnet.checkpoints.report import Loaded
from keras_alexnet.checkpoints.sources import open_source
from keras_alexnet.conversion.comparison import compare_written
from keras_alexnet.conversion.formats import format_to_write
from keras_alexnet.conversion.provenance import converted_card, file_texts
from keras_alexnet.errors import UserError
from keras_alexnet.files import check_free, written_whole
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.model import pretrained
from keras_alexnet.published.hashes import file_hash
from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import ChannelOrder, PathLike, VariantName, Verify, Weights
from keras_alexnet.variants import named_variant


@dataclasses.dataclass(frozen=True)
class Converted:
    """The report of a conversion. `print` shows it in sentences.

    Args:
        path: The file that was written.
        size: Its size in bytes.
        loaded: The report of reading the source.
        card: The model card in the file.
    """

    path: str
    size: int
    loaded: Loaded
    card: ModelCard

    __repr__ = short_repr("path", "size")

    @property
    def provenance(self) -> Mapping[str, str]:
        """The card as the file holds it, text by name."""
        return file_texts(self.card)

    @property
    def written(self) -> str:
        """Two sentences: the file that was written, and the preparation of images in it."""
        return (
            f"Wrote {self.path!r}, {self.size:,} bytes, and read it again: its "
            f"{len(self.loaded.assigned)} tensors equal the source's, bit for bit. "
            + self.provenance.get("preprocessing", "How images are prepared is not known.")
        )

    def __str__(self) -> str:
        """Return the report in a few lines."""
        return f"{self.loaded}\n{self.written}"


def convert_checkpoint(
    path: Weights,
    out: PathLike,
    *,
    variant: VariantName | None = None,
    model: keras.Model | None = None,
    channel_order: ChannelOrder | None = None,
    overwrite: bool = False,
    verify: Verify = "warn",
    verbose: bool = False,
) -> Converted:
    """Write the weights of any format as Keras's or safetensors, with their provenance inside.

    The source is read as `load_checkpoint` reads it. The file is written beside `out`, read again
    and compared with the source tensor by tensor, and then renamed: it is there in full or not at
    all. `AlexNet(variant, weights=out)` loads it, on every backend and in both data formats.

    The file holds a model card, text by name: `variant`, `checkpoint` and `licence` if these are
    published weights, `channel_order`, `preprocessing` in a sentence and its figures in `pixels`,
    `class_names`, `training`, `layout`, `source_file`, `source_sha256`, `source_format`,
    `source_naming`, `changes`, `keras_alexnet_version` and `keras_version`; what is not known is
    left out. `get_model_card` reads it. A `.weights.h5` file holds it in the attributes of its
    root, a `.keras` archive in the configuration of the model, and safetensors in `__metadata__`.

    Args:
        path: A file, or the name of a published checkpoint, as `list_checkpoints()` gives it.
        out: The file to write. Its ending tells the format: `.weights.h5` for
            `model.load_weights`, `.keras` for `keras.saving.load_model`, or `.safetensors`, with
            our layers' names and Keras's layouts (`conv1.kernel`: height, width, in, out).
        variant: The network that the weights belong to, by a name that `list_variants()` gives.
            Needed only if the file does not tell: it does if it is a copy of a published one, if
            this package wrote it, or if only one network has its names and shapes.
        model: Instead of a variant, a built network for the weights, for images of another size
            say. If `AlexNet` did not build it, the card does not say how images are prepared.
        channel_order: As `load_checkpoint` takes it: `"rgb"` or `"bgr"` to have the first kernels
            reversed where the weights take the other order.
        overwrite: Whether to replace a file at `out`.
        verify: As `load_checkpoint` takes it.
        verbose: Whether to print the report, as `load_checkpoint` does it.

    Returns:
        A `Converted` with path and size, the report of the load, and the card.

    Raises:
        UserError: (a `ValueError`) if the source cannot be read or does not fit; if it fits more
            than one network, with their names; if `out` exists, has another ending, or cannot be
            written. No file is left then.

    Example:

    >>> import os, tempfile
    >>> from keras_alexnet import AlexNet
    >>> folder = tempfile.mkdtemp()
    >>> source, out = (os.path.join(folder, name) for name in ("net.keras", "net.safetensors"))
    >>> AlexNet("cifar10_80sec").save(source)
    >>> converted = convert_checkpoint(source, out, verify="off")
    >>> converted.card.variant, converted.card.source.file
    ('cifar10_80sec', 'net.keras')
    """
    out = file_path("out", out)
    check_options(verify, channel_order)
    overwrite, verbose = boolean("overwrite", overwrite), boolean("verbose", verbose)
    _check_one(variant, model)
    variant = named_variant(variant)
    form = format_to_write(out)
    check_free(out, overwrite)
    loading: dict[str, Any] = {"channel_order": channel_order, "verify": verify, "verbose": verbose}
    with open_source(path, variant, argument="path") as source:
        if model is None:
            options = {
                "include_top": has_classifier(source, variant),
                "data_format": "channels_last",
                "dtype": "float32",
            }
            made = pretrained(source, variant, options, **loading)
            model, prepared, loaded = made.model, made.prepared, made.loaded
        else:
            _check_complete(prepare(source, model, channel_order))
            prepared, loaded = load_source(source, model, **loading)
        card = converted_card(prepared, loaded, file_hash(source.contents.path, "sha256"))
        with written_whole(out) as beside:
            form.write(model, card, beside)
            compare_written(prepared, card, beside)
            size = os.path.getsize(beside)
            check_free(out, overwrite)
    converted = Converted(out, size, loaded, card)
    if verbose:
        say(converted.written)
    return converted


def _check_one(variant: str | None, model) -> None:
    """Raise if a variant and a model are given, which could contradict each other."""
    if variant is not None and model is not None:
        raise UserError(
            f"Received both variant={variant!r} and a model.",
            "`variant` and `model` exclude each other.",
            "Leave `variant` out: the model says which network it is.",
        )


def _check_complete(prepared: Prepared) -> None:
    """Raise unless every layer of the model gets its weights from the file."""
    kept = prepared.plan.kept
    if kept:
        raise CheckpointError(
            f"{prepared.source.contents.path!r} has no weights for {', '.join(kept)}: "
            f"{'; '.join(kept.values())}.",
            "The file must have weights for every layer of the model.",
            "Build the model with as many classes, or leave `model` out.",
        )
