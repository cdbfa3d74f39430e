"""Frozen layers: their names, their weights, the epochs after which they are trained."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training.freezing import frozen_layers
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.state import RunState
from keras_alexnet.variants import get_variant
from runs import copied_after, interrupted_after, quietly

SMALL = {
    "variant": "cifar10_18pct",
    "epochs": 4,
    "batch_size": 5,
    "learning_rate": 1e-3,
    "freeze": "conv1-conv2",
    "unfreeze_after": 2,
}


@pytest.fixture
def images(tmp_path):
    """A folder of six small noisy images of each of two classes."""
    generator = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(6):
            image = Image.fromarray(generator.integers(0, 256, (32, 32, 3), "uint8"))
            image.save(tmp_path / "images" / name / f"{number}.png")
    return str(tmp_path / "images")


@pytest.mark.backend_free
def test_names_and_ranges():
    """In the order of the network, each once; a range has all that lies between."""
    record = get_variant("bvlc")
    assert frozen_layers("fc6", record) == ("fc6",)
    assert frozen_layers("fc6, conv1", record) == ("conv1", "fc6")
    expected = ("conv3", "relu3", "conv4", "relu4", "conv5")
    assert frozen_layers("conv3-conv5,conv4", record) == expected


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        ("conv9", r"Received layer='conv9', .* Did you mean 'conv\d'\?"),
        ("conv1-", r"Received layer='', which is not known\. The layers are: conv1, relu1"),
        ("", r"Received layer=''"),
        ("conv5-conv1", r"the range 'conv5-conv1'\. .* Write it as conv1-conv5"),
        ("conv1-conv2-conv3", r"the range 'conv1-conv2-conv3'\. A range must have two layers"),
    ],
)
def test_mistakes_are_named(freeze, message):
    with pytest.raises(UserError, match=message):
        Job(variant="bvlc", freeze=freeze)


def test_one_layer_must_be_left():
    """A run that trains nothing is a mistake."""
    with pytest.raises(UserError, match=r"all layers with weights, conv1 to fc10\. .*--freeze"):
        build_model(Job(variant="cifar10_18pct", freeze="conv1-fc10"), 10)


@pytest.mark.medium
def test_frozen_layers_have_no_gradient():
    """Neither the step nor the optimizer has anything for them."""
    model = build_model(Job(**SMALL), 10)
    model.optimizer.build(model.trainable_variables)
    names = {layer.name for layer in model.layers if layer.trainable_weights}
    assert names == {"conv3", "fc10"}
    sizes = sorted(tuple(weights.shape) for weights in model.trainable_variables)
    moments = [tuple(v.shape) for v in model.optimizer.variables if len(v.shape)]
    assert sorted(moments) == sorted(sizes * 2)


def conv_weights(model):
    return [value for name in ("conv1", "conv2") for value in model.get_layer(name).get_weights()]


def equal(ones, others):
    return all(map(np.array_equal, ones, others))


@pytest.mark.long
@pytest.mark.parametrize("recipe", [None, pytest.param("cifar10_80sec", marks=pytest.mark.eager)])
def test_they_are_trained_after_some_epochs(recipe, images, tmp_path, monkeypatch):
    """Bit for bit the same before; the rate of Adam begins anew, that of a recipe does not."""
    job = Job.of(recipe, directory=images, **SMALL)
    found, rates = [conv_weights(build_model(job, 2))], []
    save = RunState.on_epoch_end

    def note(self, epoch, logs=None):
        found.append(conv_weights(self.model))
        rates.append((int(keras.ops.convert_to_numpy(self.model.optimizer.iterations)), self._rate))
        save(self, epoch, logs)

    monkeypatch.setattr(RunState, "on_epoch_end", note)
    quietly(job, tmp_path / "run")
    assert [equal(found[0], later) for later in found[1:]] == [True, True, False, False]
    assert not equal(found[3], found[4])
    steps = [step for step, _ in rates]
    assert steps == ([2, 4, 6, 8] if recipe else [2, 4, 2, 4])
    if recipe is None:
        np.testing.assert_allclose([rate for _, rate in rates], [1e-3, 5e-4] * 2, rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("recipe", [None, "cifar10_80sec"])
@pytest.mark.eager
def test_an_interrupted_run_ends_as_a_whole_one(recipe, images, tmp_path, monkeypatch):
    """Interrupted with frozen layers, where they become trainable, and after it."""
    job = Job.of(recipe, directory=images, **{**SMALL, "batch_size": 10})  # a step an epoch
    with monkeypatch.context() as patch:
        copied_after(1, tmp_path / "parts", patch)
        quietly(job, tmp_path / "whole")
    for epoch in (2, 3):
        with monkeypatch.context() as patch:
            interrupted_after(epoch, patch)
            with pytest.raises(Interrupted):
                quietly(job, tmp_path / "parts")
    assert quietly(job, tmp_path / "parts").resumed_at == 3
    whole, parts = (
        keras.saving.load_model(tmp_path / name / "model.keras") for name in ("whole", "parts")
    )
    assert equal(whole.get_weights(), parts.get_weights())
