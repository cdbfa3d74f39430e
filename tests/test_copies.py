"""Every public object can be copied and pickled, in use too, and has a `repr` of one line."""

import copy
import inspect
import pickle

import keras
import numpy as np
import pytest

import keras_alexnet as package
from helpers import tensor, to_numpy
from keras_alexnet import AlexNet, get_recipe, get_variant
from keras_alexnet.published.lookup import get_checkpoint

SHAPE = (16, 16, 3)
pytestmark = pytest.mark.eager
IMAGES = np.random.default_rng(0).uniform(0, 255, (4, 20, 20, 3)).astype("float32")
LONGEST = 160  # characters of a line


def small():
    """Return the smallest network."""
    return AlexNet("cifar10_19pct", input_shape=SHAPE)


def fitted(callback=None, optimizer="sgd"):
    """Return a model after one epoch of six steps."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    x, y = np.ones((6, 2), "float32"), np.arange(6) % 3
    callbacks = [callback] if callback else []
    model.fit(x, y, batch_size=1, epochs=1, shuffle=False, verbose=0, callbacks=callbacks)
    return model


def used(callback):
    """Return a callback after a `fit`."""
    fitted(callback)
    return callback


def trained_optimizer():
    """Return an optimizer with velocities."""
    return fitted(optimizer=package.paper_optimizer(0.5)).optimizer


def loaded(folder):
    """Return the report of loading weights."""
    path = folder / "net.weights.h5"
    AlexNet("cifar10_19pct").save_weights(path)
    model = AlexNet("cifar10_19pct")
    return package.load_checkpoint(model, path, verify="off", verbose=False)


def converted(folder):
    """Return the report of a conversion."""
    path = folder / "net.keras"
    AlexNet("cifar10_19pct").save(path)
    out = folder / "net.safetensors"
    return package.convert_checkpoint(path, out, verify="off", verbose=False)


def report():
    """Return a report of forward and backward passes."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    return package.benchmark(model, 1, 2, 1)


def local():
    """Return a layer with weights."""
    layer = package.LocallyConnected2D(2, 3, strides=6, data_format="channels_last")
    layer.build((None, 20, 20, 3))
    return layer


def outputs(layer):
    """Return what a layer or a model gives at inference."""
    size = layer.input_shape[1] if isinstance(layer, keras.Model) else 20
    return to_numpy(layer(IMAGES[:, :size, :size], training=False))


def drawn(layer):
    """Return what a layer of random numbers gives in training."""
    return to_numpy(layer(IMAGES, training=True))


def state(thing):
    """Return the attributes of a callback, but for the model that it was set to."""
    return {
        name: str(value) if name.startswith("_") else value
        for name, value in vars(thing).items()
        if name not in ("_model", "_timed", "_lock", "say", "monitor_op") and "0x" not in str(value)
    }


def numbers(optimizer):
    """Return the configuration of an optimizer, and where two steps with it lead."""
    config = str(optimizer.get_config())
    variable = keras.Variable(np.ones((2, 3), "float32"), name="kernel")
    bias = keras.Variable(np.ones(3, "float32"), name="bias")
    if optimizer.built:  # for variables of its own, which it alone can change
        optimizer = copy.deepcopy(optimizer)
    gradients = [np.ones((2, 3), "float32"), np.ones(3, "float32")]
    for _ in range(2):
        optimizer.apply([tensor(g) for g in gradients], [variable, bias])
    return config, to_numpy(variable).tolist(), to_numpy(bias).tolist()


def itself(record):
    """Return a record."""
    return record


LAST = {"data_format": "channels_last"}
# By name: how it is made, and what its copies must have in common with it.
OBJECTS = {
    "AlexNet": (small, outputs),
    "feature_extractor": (lambda: package.feature_extractor(small(), "relu3"), outputs),
    "ten_crop_model": (lambda: package.ten_crop_model(small(), 20), outputs),
    "BenchmarkCallback": (lambda: package.BenchmarkCallback(8, verbose=False), state),
    "BenchmarkCallback in use": (
        lambda: used(package.BenchmarkCallback(1, warm_up=1, verbose=False)),
        lambda callback: (callback.report().timings, callback.report().environment),
    ),
    "FlatLossWarning": (lambda: package.FlatLossWarning(steps=3), state),
    "FlatLossWarning in use": (
        lambda: used(package.FlatLossWarning(steps=3, window=2, tolerance=9.0, say=len)),
        state,
    ),
    "ReduceOnPlateau": (package.ReduceOnPlateau, state),
    "ReduceOnPlateau in use": (lambda: used(package.ReduceOnPlateau("loss", min_delta=9)), state),
    "Recipe.callbacks": (
        lambda: get_recipe("source2012").callbacks(),
        lambda callbacks: [state(callback) for callback in callbacks],
    ),
    "CoupledSGD": (lambda: package.CoupledSGD(0.5), numbers),
    "CoupledSGD in use": (trained_optimizer, numbers),
    "Recipe.optimizer": (lambda: get_recipe("cifar10_80sec").optimizer(391), numbers),
    "Group": (lambda: package.Group("bias$", factor=2.0), itself),
    "UserError": (lambda: package.UserError("Received 1.", "0 was expected.", "Give 0."), vars),
    "paper_optimizer": (package.paper_optimizer, numbers),
    "LocalResponseNormalization": (lambda: package.LocalResponseNormalization(**LAST), outputs),
    "LocallyConnected2D": (local, outputs),
    "NineCrop": (lambda: package.NineCrop(8, 9, **LAST), outputs),
    "TenCrop": (lambda: package.TenCrop(8, 9, **LAST), outputs),
    "PCAColorNoise": (lambda: package.PCAColorNoise(seed=1, **LAST), drawn),
    "RandomCropFlip": (lambda: package.RandomCropFlip(8, 9, **LAST), drawn),
    "training_preprocessor": (
        lambda: package.training_preprocessor("cifar10_18pct", image_size=24, seed=1, **LAST),
        lambda stack: to_numpy(stack(IMAGES, training=False)),
    ),
    "ModelCard": (lambda: package.get_model_card(small()), itself),
    "Variant": (lambda: get_variant("source2012"), itself),
    "Recipe": (lambda: get_recipe("source2012"), itself),
    "Checkpoint": (lambda: get_checkpoint("bvlc_caffe"), itself),
    "describe": (lambda: package.describe(small()), itself),
    "benchmark": (report, itself),
    "Timings": (lambda: report().timings[0], itself),
    "load_checkpoint": (loaded, itself),
    "convert_checkpoint": (converted, itself),
}


def made(name, folder):
    """Return an object by its name in the table."""
    make = OBJECTS[name][0]
    return make(folder) if "folder" in inspect.signature(make).parameters else make()


@pytest.mark.backend_free
def test_every_public_class_is_tried():
    """A new public class must join the table."""
    classes = {name for name in package.__all__ if inspect.isclass(getattr(package, name))}
    assert classes <= OBJECTS.keys()


NETWORKS = ("AlexNet", "feature_extractor", "ten_crop_model")  # compiled anew in each copy


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.medium] if name in NETWORKS else [])
        for name in OBJECTS
    ],
)
def test_copies(name, tmp_path):
    """A deep copy and a pickled one are as the original, and the original is as it was."""
    thing, facts = made(name, tmp_path), OBJECTS[name][1]
    copies = [copy.deepcopy(thing), pickle.loads(pickle.dumps(thing))]
    expected = facts(thing)
    for other in copies:
        assert type(other) is type(thing)
        if isinstance(expected, np.ndarray):
            np.testing.assert_array_equal(facts(other), expected)
        else:
            assert facts(other) == expected


def test_a_copied_optimizer_goes_on():
    """Its next step is the original's, with the velocity and the number of steps so far."""
    model = fitted(optimizer=package.paper_optimizer(0.5))
    copies = [copy.deepcopy(model.optimizer), pickle.loads(pickle.dumps(model.optimizer))]
    copies.append(copy.deepcopy(copies[0]))  # of a copy that has not been used
    steps, values = 6, [to_numpy(variable) for variable in model.trainable_variables]
    gradients = [
        tensor(np.ones(variable.shape, "float32")) for variable in model.trainable_variables
    ]
    model.optimizer.apply(gradients, model.trainable_variables)
    expected = [to_numpy(variable) for variable in model.trainable_variables]
    for optimizer in (*copies, package.paper_optimizer(0.5)):
        variables = [
            keras.Variable(value, name=variable.name)
            for value, variable in zip(values, model.trainable_variables, strict=True)
        ]
        optimizer.apply(gradients, variables)
        same = all(
            np.array_equal(to_numpy(one), other)
            for one, other in zip(variables, expected, strict=True)
        )
        is_copy = any(optimizer is other for other in copies)
        assert same is is_copy
        assert int(to_numpy(optimizer.iterations)) == (steps + 1 if is_copy else 1)


@pytest.mark.parametrize("name", [name for name in OBJECTS if name.endswith("in use")])
def test_a_copied_callback_has_no_model_and_can_be_used(name):
    """The model of the `fit` before stays where it is; the next `fit` sets its own."""
    callback = OBJECTS[name][0]()
    if isinstance(callback, keras.callbacks.Callback):
        other = pickle.loads(pickle.dumps(callback))
        assert (callback.model is None, other.model) == (False, None)
        used(other)
        assert OBJECTS[name][1](other) is not None


@pytest.mark.parametrize("name", OBJECTS)
def test_a_short_line_says_what_it_is(name, tmp_path):
    """The class and what sets the object apart, and no address in memory."""
    thing = made(name, tmp_path)
    line = repr(thing)
    assert len(line) <= LONGEST
    assert "\n" not in line
    assert " at 0x" not in line
    assert isinstance(thing, list) or type(thing).__name__ in line
