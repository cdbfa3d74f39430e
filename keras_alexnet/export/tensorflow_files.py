"""Writers and readers of TensorFlow's formats: SavedModel and LiteRT (TensorFlow Lite).

A SavedModel is a folder with the signature `serving_default`, which TensorFlow Serving runs; the
texts stand in its `assets.extra/model_card.json`, where TensorFlow leaves other programs' files. A
LiteRT file is followed by a zip archive with `labels.txt`, a class in a line, and
`model_card.json`, as LiteRT's own tools add files to a model:
https://ai.google.dev/edge/litert/models/metadata
"""

import json
import os
import zipfile
from collections.abc import Callable, Mapping

import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.export.operators import Graph
from keras_alexnet.export.settings import Settings
from keras_alexnet.files import check_room, read_json, write_json

Run = Callable[[np.ndarray], list[np.ndarray]]
CARD = "model_card.json"
LABELS = "labels.txt"
OUTPUTS = "output_names"  # in the card, in order: a signature has none
EXTRA = "assets.extra"
MARGIN = 1 << 18  # bytes of a SavedModel that are no weights, at least


def write_saved_model(
    graph: Graph, texts: Mapping[str, str], path: str, settings: Settings
) -> None:
    """Write a SavedModel, a folder: each weight once, and a batch of any size.

    Args:
        graph: The network.
        texts: What the folder says about it, by name.
        path: The folder.
        settings: How to write it; the precision is `"float32"` or `"float16"`.

    Raises:
        UserError: If int8 is asked for.
        OSError: If the disk is too full.
    """
    if settings.precision == "int8":
        raise UserError(
            "Received precision='int8' for a SavedModel.",
            "The weights of a SavedModel are float32 or float16.",
            "Export the model as LiteRT (.tflite), which has int8.",
        )
    import tensorflow as tf

    from keras_alexnet.export.tensorflow_module import GraphModule

    half, chain = settings.precision == "float16", settings.normalization == "chain"
    module = GraphModule(graph, half, chain)
    os.makedirs(os.path.join(path, EXTRA))
    # TensorFlow has errors of its own for a full disk, one for each step of writing.
    check_room(os.path.join(path, EXTRA, CARD), MARGIN + module.nbytes)
    tf.saved_model.save(module, path, signatures={"serving_default": module.concrete()})
    write_json(os.path.join(path, EXTRA, CARD), _card(graph, texts))


def load_saved_model(path: str) -> Run:
    """Return the function of a batch that the signature `serving_default` of a SavedModel is."""
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    serve = loaded.signatures["serving_default"]
    (given,) = serve.structured_input_signature[1]
    remedy = "Export the model again."
    card = os.path.join(path, EXTRA, CARD)
    names = read_json(card, _output_names, "It must name the outputs of the model.", remedy)

    def run(batch: np.ndarray) -> list[np.ndarray]:
        found = serve(**{given: tf.constant(batch)})
        return [found[name].numpy() for name in names]

    return run


def write_litert(graph: Graph, texts: Mapping[str, str], path: str, settings: Settings) -> None:
    """Write a LiteRT file: LiteRT's own operators alone, and a batch of any size.

    Normalization is a chain of operators unless `settings.normalization` is "operator".

    With int8 the products, the poolings and what is between them have whole numbers. Normalization
    and the preparation of photos remain float32, since 8 bits are too few for sums of squares and
    for photos of every size; so do the input and the outputs.

    Args:
        graph: The network.
        texts: What the file says about it, by name.
        path: The file.
        settings: How to write it.

    Raises:
        UserError: If int8 is asked for without images.
    """
    import tensorflow as tf

    from keras_alexnet.export.litert import quantized
    from keras_alexnet.export.tensorflow_module import GraphModule

    # LiteRT's operator for normalization takes several times as long as the chain (2.3, on a CPU).
    module = GraphModule(graph, chain=settings.normalization != "operator")
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.concrete()], module)
    if settings.precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if settings.precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif settings.precision == "int8":
        converter.representative_dataset = _calibration(graph, settings)
    content = quantized(converter) if settings.precision == "int8" else converter.convert()
    with open(path, "wb") as file:
        file.write(content)
    with zipfile.ZipFile(path, "a") as archive:  # offsets from the start of the file, as LiteRT's
        if "class_names" in texts:
            labels = "".join(f"{name}\n" for name in json.loads(texts["class_names"]))
            archive.writestr(zipfile.ZipInfo(LABELS), labels)
        card = json.dumps(_card(graph, texts), indent=1)
        archive.writestr(zipfile.ZipInfo(CARD), card)


def load_litert(path: str) -> Run:
    """Return the function of a batch that LiteRT computes with a file."""
    from keras_alexnet.export import litert

    with zipfile.ZipFile(path) as archive:
        names = _output_names(json.loads(archive.read(CARD)))
    interpreter = litert.interpreter(path)
    (given,) = interpreter.get_input_details()
    outputs = interpreter.get_signature_runner().get_output_details()
    places = [outputs[name]["index"] for name in names]

    def run(batch: np.ndarray) -> list[np.ndarray]:
        if tuple(interpreter.get_input_details()[0]["shape"]) != batch.shape:
            interpreter.resize_tensor_input(given["index"], batch.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], batch)
        interpreter.invoke()
        return [interpreter.get_tensor(place) for place in places]

    return run


def _calibration(graph: Graph, settings: Settings):
    """Return the function that gives LiteRT's converter one image after the other."""
    images = settings.calibration
    if images is None or not len(images):
        raise UserError(
            "Received precision='int8' without images.",
            "The ranges of all values must be measured on images like those of later.",
            "Give a folder of photos.",
        )
    return lambda: ([image[None].astype(graph.input.dtype)] for image in images)


def _card(graph: Graph, texts: Mapping[str, str]) -> dict[str, str]:
    return {**texts, OUTPUTS: json.dumps([value.name for value in graph.outputs])}


def _output_names(card) -> list[str]:
    return json.loads(card[OUTPUTS])
