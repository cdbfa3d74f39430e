"""What all layers on images have in common: where they run, and that they run there alike."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from coordinates import coordinate_images, read_places
from helpers import BACKEND, tensor, to_numpy, traced
from keras_alexnet import PCAColorNoise, RandomCropFlip, TenCrop, preprocessing
from keras_alexnet.backends import chosen, foreign, plain
from keras_alexnet.preprocessing import CenterCrop, NineCrop, PixelNormalization, SquareResize, base

LAST = {"data_format": "channels_last"}
LAYERS = {
    "resize": functools.partial(SquareResize, 20, **LAST),
    "warp": functools.partial(SquareResize, 20, "warp", **LAST),
    "crop": functools.partial(RandomCropFlip, 12, 10, seed=3, **LAST),
    "centre": functools.partial(CenterCrop, 12, 10, **LAST),
    "nine": functools.partial(NineCrop, 12, 10, **LAST),
    "ten": functools.partial(TenCrop, 12, 10, **LAST),
    "noise": functools.partial(PCAColorNoise, seed=3, **LAST),
    "pixels": functools.partial(PixelNormalization, (1.0, 2.0, 3.0), order="bgr", **LAST),
}
RANDOM = ("crop", "noise")
every_layer = pytest.mark.parametrize("name", LAYERS)
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 24, 30, 3), dtype="uint8")


@pytest.mark.backend_free
def test_every_layer_is_here():
    """A new layer of the package must join the table."""
    public = {getattr(preprocessing, name) for name in preprocessing.__all__}
    layers = {x for x in public if isinstance(x, type) and issubclass(x, base.ImageLayer)}
    assert layers == {make.func for make in LAYERS.values()}
    kinds = {LAYERS[name].func for name in RANDOM}
    assert {layer for layer in layers if issubclass(layer, base.RandomImageLayer)} == kinds


def same(found, expected):
    """Compare images; a level of difference where a compiler rounded a half of uint8 otherwise."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    tolerance = 1 if found.dtype == np.uint8 else 1e-4
    difference = np.abs(found.astype("float64") - expected)
    assert difference.max() <= tolerance
    assert (difference > 1e-4).mean() < 0.02


@every_layer
def test_registered_under_the_package(name):
    """Files name every layer after the package."""
    kind = LAYERS[name].func
    assert keras.saving.get_registered_name(kind) == f"keras_alexnet>{kind.__name__}"


@every_layer
def test_config(name):
    """A layer made from a config does and says the same, and the config is plain data."""
    layer = LAYERS[name](name="mine")
    data = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(data)
    assert again.get_config() == layer.get_config()
    assert again.sentence() == layer.sentence()
    same(to_numpy(again(IMAGES)), to_numpy(layer(IMAGES)))


@every_layer
def test_shape_and_type_are_known_beforehand(name):
    """The symbolic shape and type are those that come out, for one image and for a batch."""
    layer = LAYERS[name]()
    for images in (IMAGES, IMAGES[0], IMAGES.astype("float32")):
        symbolic = layer(keras.KerasTensor(images.shape, images.dtype.name))
        found = layer(images)
        assert symbolic.shape == tuple(found.shape)
        assert symbolic.dtype == keras.backend.standardize_dtype(found.dtype)
        assert layer.compute_output_shape((None, *IMAGES.shape[1:]))[0] is None


@pytest.mark.medium
@every_layer
@pytest.mark.parametrize("training", [True, False])
def test_compiled(name, training):
    """What the backend's compiler makes of a layer is what it computes without."""
    found = to_numpy(run_compiled(LAYERS[name](), IMAGES, training))
    if name == "noise" and training:  # TensorFlow's compiler has normal numbers of its own
        colours = found * 1.1 - IMAGES
        assert np.ptp(colours, axis=(1, 2)).max() < 1e-3
        assert len(np.unique(colours[:, 0, 0].round(2), axis=0)) == 6
    else:
        same(found, to_numpy(LAYERS[name]()(IMAGES, training=training)))


def run_compiled(layer, images, training):
    """Compile a layer with the backend's compiler, its stream handed through, and run it."""
    if BACKEND == "tensorflow":
        return tf.function(lambda x: layer(x, training=training), jit_compile=True)(images)
    if BACKEND == "jax":
        import jax

        layer.build(images.shape)
        state = [variable.value for variable in layer.non_trainable_variables]
        return jax.jit(lambda s, x: layer.stateless_call([], s, x, training=training)[0])(
            state, images
        )
    return layer(images, training=training)  # PyTorch's compiler needs one for C++ on the machine


@pytest.mark.medium
@pytest.mark.parametrize("jit_compile", [True, "auto"])
def test_models_stay_compiled(jit_compile):
    """All layers say that they can be compiled, and a model with all of them trains compiled."""
    inputs = keras.Input(IMAGES.shape[1:], dtype="uint8")
    x = SquareResize(20, **LAST)(inputs)
    x = RandomCropFlip(18, 18, seed=1, **LAST)(x)
    x = CenterCrop(16, 16, **LAST)(x)
    x = PCAColorNoise(seed=2, **LAST)(PixelNormalization(128.0, **LAST)(x))
    views = [layer(8, 8, **LAST)(x) for layer in (NineCrop, TenCrop)]
    x = keras.layers.Flatten()(keras.layers.Concatenate(1)(views))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    kinds = {type(layer) for layer in model.layers}
    assert {make.func for make in LAYERS.values()} <= kinds
    assert all(layer.supports_jit for layer in model.layers)
    expected = {"tensorflow": jit_compile is True, "jax": True, "torch": False}[BACKEND]
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=asked(jit_compile))
    model.fit(IMAGES, np.arange(6) % 2, batch_size=3, verbose=0)
    assert model.jit_compile is expected
    assert np.isfinite(model.predict(IMAGES, verbose=0)).all()


def asked(jit_compile):
    """PyTorch's compiler needs one for C++ on the machine, so it is asked for nothing there."""
    return False if BACKEND == "torch" else jit_compile


@pytest.mark.medium
@every_layer
def test_in_tf_data(name):
    """Mapped over batches, single images, and in parallel, on whatever backend is running."""
    batched = tf.data.Dataset.from_tensor_slices(IMAGES).batch(4)
    single = tf.data.Dataset.from_tensor_slices(IMAGES)
    expected = to_numpy(LAYERS[name]()(IMAGES, training=False))
    for dataset, parallel in ((batched, None), (batched, 2), (single, None), (single, 2)):
        mapped = dataset.map(LAYERS[name](), num_parallel_calls=parallel)
        elements = list(mapped.as_numpy_iterator())
        for element in elements:
            mapped.element_spec.shape.assert_is_compatible_with(element.shape)
            assert mapped.element_spec.dtype == element.dtype
        images = np.stack(elements) if dataset is single else np.concatenate(elements)
        if name in RANDOM:
            assert images.shape == expected.shape
            assert images.dtype == expected.dtype
            assert (images != expected).any()
        else:
            same(images, expected)


def test_stream_in_tf_data():
    """Drawn anew in every epoch, and the same in every run where one map draws at a time."""

    def run():
        images = coordinate_images(40, 12, 12)
        layer = RandomCropFlip(6, 6, seed=3, **LAST)
        dataset = tf.data.Dataset.from_tensor_slices(images).batch(40).map(layer)
        return [next(iter(dataset.as_numpy_iterator())) for _ in range(2)]

    first, second = run()
    assert len(set(read_places(first).tops)) == 7
    assert (first != second).any()
    np.testing.assert_array_equal(run(), [first, second])


@pytest.mark.medium
def test_training_in_tf_data():
    """`training=False` cuts the centre inside `tf.data` too."""
    layer = RandomCropFlip(6, 6, seed=3, **LAST)
    dataset = tf.data.Dataset.from_tensors(coordinate_images(9, 12, 12))
    (images,) = dataset.map(lambda x: layer(x, training=False)).as_numpy_iterator()
    assert set(read_places(images).tops) == {3}


@every_layer
def test_in_a_pipeline(name):
    """`keras.layers.Pipeline` runs it on arrays and inside `tf.data`."""
    layer = LAYERS[name]()
    found = to_numpy(keras.layers.Pipeline([layer])(IMAGES, training=False))
    same(found, to_numpy(layer(IMAGES, training=False)))
    dataset = tf.data.Dataset.from_tensors(IMAGES).map(keras.layers.Pipeline([LAYERS[name]()]))
    assert next(iter(dataset)).shape == found.shape


def test_memory_of_the_stream_is_one_variable():
    """A random layer has its seed for a variable, and running inside `tf.data` adds none."""
    layer = RandomCropFlip(6, 6, seed=3, **LAST)
    next(iter(tf.data.Dataset.from_tensors(IMAGES).map(layer)))
    assert [tuple(variable.shape) for variable in layer.variables] == [(2,)]
    assert layer.trainable_variables == []


@pytest.mark.medium
def test_many_sizes_are_nothing_to_warn_of(caplog):
    """Batches of one size after another are not logged as a mistake by TensorFlow."""
    layers = PixelNormalization(128.0, **LAST)
    for size in range(12, 24):
        layers(IMAGES[:, :size])
    assert not caplog.records


NAMES = [
    "arange",
    "cast",
    "concatenate",
    "convert_to_tensor",
    "expand_dims",
    "flip",
    "matmul",
    "reshape",
    "round",
    "shape",
    "squeeze",
    "stack",
    "sum",
    "take",
    "transpose",
    "zeros_like",
]


@pytest.fixture
def foreign_tensorflow(monkeypatch):
    """Return TensorFlow's operations as the other backends have them inside `tf.data`."""
    with monkeypatch.context() as patch:
        patch.setattr(keras.backend, "backend", lambda: "another")
        operations = foreign.Operations("tensorflow")
    monkeypatch.setattr(base, "operations", lambda name: operations)
    return operations


@pytest.mark.backend_free
@pytest.mark.parametrize("name", NAMES)
def test_keras_has_what_stands_behind_its_door(foreign_tensorflow, name):
    """Keras's private modules have every function that backends/foreign.py takes from them.

    If this or the next test fails with a new Keras, that file is what has to change.
    """
    assert not foreign_tensorflow.native
    assert callable(getattr(foreign_tensorflow, name))


@pytest.mark.medium
@every_layer
@pytest.mark.parametrize("single", [False, True])
def test_what_stands_behind_the_door_works(foreign_tensorflow, name, single):
    """Every layer runs on it inside a map, as it runs on the backend itself."""
    layer = LAYERS[name]()
    images = IMAGES[:1] if single else IMAGES
    dataset = tf.data.Dataset.from_tensors(images[0] if single else images)
    run = tf.autograph.experimental.do_not_convert(layer._run)
    for training in (False, True):
        mapped = dataset.map(functools.partial(run, "tensorflow", training=training))
        found = next(iter(mapped.as_numpy_iterator()))
        expected = LAYERS[name]()(images[0] if single else images, training=training)
        if name not in RANDOM or not training or BACKEND == "tensorflow":
            same(found, to_numpy(expected))
        else:
            assert found.shape == tuple(expected.shape)
    assert layer.get_config() == {**LAYERS[name]().get_config(), "name": layer.name}


@pytest.mark.backend_free
def test_no_such_operation(foreign_tensorflow):
    """An operation that there is not is named."""
    with pytest.raises(AttributeError, match="tensorflow has no operation 'no_such_thing'"):
        foreign_tensorflow.no_such_thing  # noqa: B018


DTYPES = ("uint8", "int32", "float16", "bfloat16", "float32")


@pytest.mark.medium
@pytest.mark.parametrize("dtype", DTYPES)
def test_fast_crop_is_the_plain_one(dtype):
    """The backend's own way of cutting gives the bits that `keras.ops` gives."""
    ops, images = foreign.operations(BACKEND), keras.ops.cast(tensor(IMAGES), dtype)
    fast = traced(lambda *x: chosen("crop")(ops, *x, 12, 13))
    rng = np.random.default_rng(1)
    places = [rng.integers(0, below, 6).astype("int32") for below in (24 - 11, 30 - 12, 2)]
    found = fast(images, *map(tensor, places))
    expected = plain.crop(ops, images, *map(tensor, places), 12, 13)
    assert keras.backend.standardize_dtype(found.dtype) == dtype
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))
    by_hand = [
        image[top : top + 12, left : left + 13][:, :: -1 if mirrored else 1]
        for image, top, left, mirrored in zip(IMAGES, *places, strict=True)
    ]
    np.testing.assert_array_equal(to_numpy(found), np.stack(by_hand).astype(to_numpy(found).dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("out", "tolerance"), [("float32", 1e-5), ("float16", 0.3), ("bfloat16", 2)]
)
@pytest.mark.parametrize("shape", [(), (3,), (6, 1, 1, 3), (24, 30, 3)])
def test_fast_affine_is_the_plain_one(dtype, out, tolerance, shape):
    """The backend's own way of scaling and shifting gives what `keras.ops` and NumPy give."""
    ops, images = foreign.operations(BACKEND), keras.ops.cast(tensor(IMAGES), dtype)
    scale, shift = np.random.default_rng(2).uniform(-1, 1, (2, *shape)).astype("float32")
    arguments = (images, tensor(scale), tensor(shift))
    found = traced(lambda *x: chosen("affine")(ops, *x, out))(*arguments)
    expected = plain.affine(ops, *arguments, out)
    assert keras.backend.standardize_dtype(found.dtype) == out
    by_hand = to_numpy(images).astype("float64") * scale + shift
    np.testing.assert_allclose(to_numpy(found), to_numpy(expected), atol=tolerance)
    np.testing.assert_allclose(to_numpy(found), by_hand, atol=4 * tolerance)
