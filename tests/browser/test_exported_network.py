"""An exported network in the page of examples/browser: Keras's own classes come out."""

import keras
import numpy as np
import pytest
from PIL import Image

import chromium
from browser_page import link_page, shown
from helpers import to_numpy
from keras_alexnet import AlexNet, evaluation_preprocessor, export_model
from static_server import serving


@pytest.mark.long
@pytest.mark.one_backend
@pytest.mark.peer("chromium", "onnxruntime-web", "onnx")
def test_the_page_shows_kerass_top_five(tmp_path):
    """`owt` with its preparation inside takes a picture of any size."""
    model = AlexNet("owt", initialization="robust")
    kernel = model.get_layer("fc8").kernel
    kernel.assign(8 * kernel)  # random weights find all classes about equally probable
    image = np.random.default_rng(0).integers(0, 256, (9, 12, 3), "uint8")
    picture = Image.fromarray(image).resize((480, 360), Image.Resampling.BICUBIC)
    picture.save(tmp_path / "drawn.png")
    export_model(model, tmp_path / "model.onnx", preprocessing=True, verbose=False)
    prepared = evaluation_preprocessor("owt")(np.asarray(picture)[None])
    (expected,) = to_numpy(model(keras.ops.convert_to_tensor(prepared), training=False))
    link_page(tmp_path)
    with chromium.page() as page, serving(tmp_path) as address:
        page.open(f"{address}?image=drawn.png")
        found, _ = shown(page, "drawn.png")
    assert [index for index, _ in found] == np.argsort(-expected)[:5].tolist()
    assert [p for _, p in found] == pytest.approx(np.sort(expected)[:-6:-1], rel=0.01)
