"""`fit` from weights: what is loaded, how images are prepared, and what is refused."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet import AlexNet, get_model_card, jobs
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.networks import ready_network
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.weights import load_initial
from runs import copied_after, quietly

# The weights are made, and the sanity check sees it.
pytestmark = pytest.mark.filterwarnings("ignore:(?s).*The weights look untrained:UserWarning")

VARIANT = "cifar10_18pct"
HEAD = "fc10"


@pytest.fixture
def start(tmp_path):
    """A file of weights for dogs and cats, whose images are prepared in a way of its own."""
    keras.utils.set_random_seed(7)
    model = AlexNet(VARIANT, classes=2, initialization="robust", data_format="channels_last")
    pixels = dataclasses.replace(
        Job(variant=VARIANT).record.pixels, mean=(90.0, 100.0, 110.0), std=(50.0, 60.0, 70.0)
    )
    model.card = dataclasses.replace(
        model.card, class_names=("dogs", "cats"), pixels=pixels, licence="MIT"
    )
    path = tmp_path / "start.keras"
    model.save(path)
    return str(path)


def draw_folders(folder, *names):
    """Make a folder of five small noisy images for each class, and return its path."""
    generator = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(5):
            image = Image.fromarray(generator.integers(0, 256, (40, 36, 3), "uint8"))
            image.save(folder / name / f"{number}.png")
    return str(folder)


def named_weights(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


@pytest.mark.medium
def test_a_new_head(start):
    """All layers but the last are the file's, bit for bit; the last is for the new classes."""
    expected = named_weights(AlexNet(weights=start))
    job = Job.of(weights=start)
    assert (job.variant, job.initialization) == (VARIANT, "robust")
    model = build_model(job, 3)
    said = load_initial(model, start, job.variant, ["cats", "cows", "dogs"])
    assert said == (
        f"The weights are those of {start!r}. The head {HEAD!r} is new, for 3 classes.",
    )
    found = named_weights(model)
    kernel, bias = found.pop(HEAD)
    assert kernel.shape == (expected.pop(HEAD)[0].shape[0], 3) and not bias.any()
    assert np.std(kernel) == pytest.approx(0.01, rel=0.1)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        for one, other in zip(found[name], values, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.medium
def test_the_same_classes_keep_their_head(start):
    """In the order of the folders, which is not that of the file."""
    model = build_model(Job.of(weights=start), 2)
    said = load_initial(model, start, VARIANT, ["cats", "dogs"])
    assert said[0].endswith("is kept, because the classes are those of the weights.")
    for found, wanted in zip(
        model.get_layer(HEAD).get_weights(),
        AlexNet(weights=start).get_layer(HEAD).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(found, wanted[..., ::-1])


@pytest.mark.long
@pytest.mark.eager
def test_a_run_begins_where_the_weights_are(start, tmp_path):
    """Almost without a rate, the model that is saved computes what the file's does from pixels."""
    folder = draw_folders(tmp_path / "images", "cats", "dogs")
    outcome = jobs.fit(
        folder,
        weights=start,
        epochs=1,
        learning_rate=1e-12,
        output=str(tmp_path / "run"),
        verbose=0,
    )
    pixels = np.random.default_rng(1).integers(0, 256, (4, 40, 36, 3)).astype("uint8")
    found = keras.saving.load_model(outcome.model_path).predict(pixels, verbose=0)
    expected = ready_network(start).model.predict(pixels, verbose=0)
    np.testing.assert_allclose(found, expected[:, ::-1], rtol=1e-4, atol=1e-6)
    card = get_model_card(outcome.model_path)
    assert card.class_names == ("cats", "dogs") and card.licence == "MIT"
    assert card.pixels.mean == (90.0, 100.0, 110.0)
    assert card.training.weights == "start.keras" and card.checkpoint is None
    assert "trained from the weights of 'start.keras' with Adam for 1 epochs" in str(card)


@pytest.mark.medium
@pytest.mark.eager
def test_an_interrupted_run_goes_on(start, tmp_path, monkeypatch):
    """With the weights of a whole run; other weights are refused."""
    folder = draw_folders(tmp_path / "images", "cats", "cows")
    job = Job.of(weights=start, directory=folder, epochs=2)
    with monkeypatch.context() as patch:
        copied_after(1, tmp_path / "parts", patch)
        quietly(job, tmp_path / "whole")
    with pytest.raises(UserError, match=r"weights was '.*start\.keras' and is None"):
        quietly(dataclasses.replace(job, weights=None), tmp_path / "parts")
    assert quietly(job, tmp_path / "parts").resumed_at == 1
    whole, parts = (
        keras.saving.load_model(tmp_path / name / "model.keras") for name in ("whole", "parts")
    )
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"variant": "owt"}, r"variant='owt' for .*holds the variant 'cifar10_18pct'\. .*Leave"),
        ({"weights": "owt_torchvison"}, r"Did you mean 'owt_torchvision'"),
        ({"weights": 5}, r"Received weights=5\."),
    ],
)
def test_what_does_not_fit_is_refused(given, message, start, tmp_path):
    """In three sentences, and no folder is left."""
    output = tmp_path / "run"
    with pytest.raises(UserError, match=message) as caught:
        jobs.fit(**{"weights": start, "output": str(output), "verbose": 0, **given})
    assert caught.value.expected and caught.value.remedy
    assert not output.exists()


@pytest.mark.medium
def test_images_of_another_size_are_refused(start):
    """Where a dense layer that is loaded sees them."""
    model = build_model(Job.of(weights=start, image_size=24), 2)
    with pytest.raises(UserError, match=r"where it has \(576, 2\)\. .*\(--image-size\) out"):
        load_initial(model, start, VARIANT, ["cats", "dogs"])


@pytest.mark.medium
def test_gray_weights_are_refused(tmp_path):
    """A folder's images are of colour."""
    path = str(tmp_path / "gray.keras")
    AlexNet(VARIANT, input_shape=(32, 32, 1), data_format="channels_last").save(path)
    with pytest.raises(UserError, match=r"takes 1 channel\. .* for colour images"):
        Job.of(weights=path)


@pytest.mark.medium
def test_quick_keeps_the_size_of_the_weights(start):
    """Dense layers are for images of one size."""
    job = Job.of(weights=start).quick()
    assert (job.window, job.epochs, job.drawn) == (Job(variant=VARIANT).window, 1, 200)
