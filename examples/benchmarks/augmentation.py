"""Time the augmentation of training images, and the whole input against the training step.

First: a window and a mirroring of its own for each image, and colour noise, out of 128 uint8
images of 256 x 256, against `keras.layers.RandomCrop` and `RandomFlip`, which do less (one window
for the whole batch, no noise), and against torchvision's transforms image by image with the noise
added by hand, if torchvision is installed. As a training step runs them, and inside `tf.data`.
Then: images per second that come out of a folder of JPEGs of 500 x 375 and a stack, beside those
that a training step of the 2012 network takes. Outputs checked first, sides alternating, medians.

    KERAS_BACKEND=tensorflow python examples/benchmarks/augmentation.py
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np
from PIL import Image

from keras_alexnet import (
    AlexNet,
    PCAColorNoise,
    RandomCropFlip,
    image_folder,
    training_preprocessor,
)
from keras_alexnet.benchmarking.devices import synchronize
from keras_alexnet.data.drawn import drawn_images

BACKEND = keras.backend.backend()
FORMAT = {"data_format": "channels_last"}
SIZE, WINDOW = 256, 224


def coordinates(count):
    """Return images whose channels are the row, the column and the number of the image."""
    images = np.empty((count, SIZE, SIZE, 3), "uint8")
    images[..., 0] = np.arange(SIZE)[:, None]
    images[..., 1] = np.arange(SIZE)
    images[..., 2] = np.arange(count)[:, None, None]
    return images


def check(images, windows, own_places):
    """Stop unless all windows are exact ones, mirrored or not, at places of their own or one."""
    windows = np.asarray(windows)
    assert windows.shape == (len(images), WINDOW, WINDOW, 3), windows.shape
    places = set()
    for image, window in zip(images, windows, strict=True):
        top, left = int(window[0, 0, 0]), int(window[0, :, 1].min())
        cut = image[top : top + WINDOW, left : left + WINDOW]
        mirrored = window[0, 0, 1] > window[0, -1, 1]
        np.testing.assert_array_equal(window, cut[:, ::-1] if mirrored else cut)
        places.add((top, left))
    assert (len(places) > 1) == own_places, places


def ours(noise=True):
    """Return this package's layers as one."""
    layers = [RandomCropFlip(WINDOW, WINDOW, seed=1, **FORMAT)]
    return keras.layers.Pipeline([*layers, PCAColorNoise(seed=2, **FORMAT)] if noise else layers)


def keras_own():
    """Return the layers of Keras that come nearest."""
    crop = keras.layers.RandomCrop(WINDOW, WINDOW, seed=1, **FORMAT)
    return keras.layers.Pipeline([crop, keras.layers.RandomFlip("horizontal", seed=2, **FORMAT)])


def as_in_fit(layers, images, steps=1):
    """Return a function that runs layers as training steps do, and waits for the last result."""
    images = keras.ops.convert_to_tensor(images)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(lambda x: layers(x, training=True), autograph=False)

        def step():
            return compiled(images)

    elif BACKEND == "jax":
        import jax

        layers(images, training=True)  # builds what there is to build

        def changed(state, x):
            return layers.stateless_call([], state, x, training=True)

        # `fit` compiles no model that holds Keras's RandomCrop, which cannot be compiled.
        own = all(layer.supports_jit for layer in layers.layers)
        changed = jax.jit(changed) if own else changed
        state = [variable.value for variable in layers.non_trainable_variables]

        def step():
            nonlocal state
            windows, state = changed(state, images)
            return windows

    else:

        def step():
            return layers(images, training=True)

    def run():
        for _ in range(steps):
            windows = step()
        synchronize(windows)
        return windows

    return run


def in_tf_data(layers, images):
    """Return a function that takes the next batch of a data set mapped over by layers."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False  # else the next batch is made while the other side's is timed
    options.experimental_optimization.inject_prefetch = False
    dataset = tf.data.Dataset.from_tensors(images).repeat().map(layers).with_options(options)
    batches = iter(dataset)
    return lambda: next(batches)


def torchvision_own(images, noise=True):
    """Return a function that has torchvision transform images one by one, and noise by hand."""
    import torch
    from torchvision.transforms import v2

    layer = PCAColorNoise()
    axes = torch.tensor(layer.axes * layer.deviations, dtype=torch.float32)
    steps = [v2.RandomCrop(WINDOW), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32)]
    transform = v2.Compose(steps)
    photos = [torch.from_numpy(image).permute(2, 0, 1).contiguous() for image in images]

    def one(photo):
        window = transform(photo)
        colour = axes @ torch.randn(3) if noise else torch.zeros(3)
        return window.add_(0.1 * colour[:, None, None]).div_(1.1 if noise else 1)

    return lambda: torch.stack([one(photo) for photo in photos])


def medians(sides, repeats):
    """Time functions alternately and return the median of each in milliseconds."""
    seconds = [[] for _ in sides]
    for number in range(repeats + 1):
        for side, times in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            side()
            if number:  # the first round warms up
                times.append(time.perf_counter() - start)
    return [1000 * statistics.median(times) for times in seconds]


def compare(label, mine, other, repeats):
    """Time two functions and print their medians and ratio."""
    mine, other = medians((mine, other), repeats)
    row = f"{mine:8.1f} ms  {other:8.1f} ms  {other / mine:5.1f} x"
    print(f"{BACKEND:<11} {label:<52} {row}", flush=True)


def time_augmentation(count, repeats):
    """Compare the layers with Keras's and torchvision's on a batch of images."""
    print(f"{'backend':<11} {'crop, flip and noise':<52} {'ours':>11} {'theirs':>12}   ratio")
    images = coordinates(count)
    for place, runner in (("in a training step", as_in_fit), ("in tf.data", in_tf_data)):
        check(images, runner(ours(noise=False), images)(), own_places=True)
        check(images, runner(keras_own(), images)(), own_places=False)
        sides = runner(ours(), images), runner(keras_own(), images)
        compare(f"{count} images against RandomCrop + RandomFlip, {place}", *sides, repeats)
    try:
        windows = torchvision_own(images, noise=False)()
    except (ImportError, RuntimeError) as error:  # RuntimeError: made for another PyTorch
        print(f"Not compared with torchvision, which cannot be imported: {error}")
        return
    check(images, windows.permute(0, 2, 3, 1), own_places=True)
    sides = as_in_fit(ours(), images), torchvision_own(images)
    compare(f"{count} images against torchvision image by image", *sides, repeats)


def draw_photos(folder, count):
    """Write JPEGs of 500 x 375, as many bytes in each as a photo has, for two classes."""
    images, _ = drawn_images(count, seed=0, size=500)
    rng = np.random.default_rng(0)
    for number, image in enumerate(images):
        grain = rng.normal(0, 8, (375, 500, 1))
        photo = np.clip(image[:375] + grain, 0, 255).astype("uint8")
        path = folder / f"class_{number % 2}" / f"{number:04}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(photo).save(path, quality=90)


def time_input(variant, batch, count, steps, repeats):
    """Print how fast images come, how fast a training step takes them, and both at once."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        draw_photos(folder, count)
        stack = training_preprocessor(variant, seed=1, **FORMAT)
        files = image_folder(name, stack.layers[0].size, batch_size=batch, shuffle=True)
        data = files.map(lambda x, y: (stack(x), y)).prefetch(2)
        model = AlexNet(variant, classes=2, weights=None)
        xla = BACKEND != "torch"
        loss = "sparse_categorical_crossentropy"
        model.compile("sgd", loss, jit_compile=xla)
        images, labels = next(iter(data.as_numpy_iterator()))

        def read():
            return [None for _ in data]

        def train():
            for _ in range(steps):
                model.train_on_batch(images, labels)

        def both():
            model.fit(data, verbose=0, shuffle=False)

        read_ms, train_ms = medians((read, train), repeats + 1)
        (both_ms,) = medians((both,), repeats)
        size = sum(path.stat().st_size for path in folder.rglob("*.jpg")) / count / 1000
    reads, trains, runs = (
        1000 * images / ms
        for images, ms in ((count, read_ms), (steps * batch, train_ms), (count, both_ms))
    )
    print(f"{BACKEND:<11} {variant}, JPEGs of {size:.0f} kB: {reads:.0f} images/s from the folder,")
    print(f"{'':<11} {trains:.0f} images/s into the training step: {reads / trains:.1f} x")
    print(f"{'':<11} {runs:.0f} images/s in fit, reading and training at once", flush=True)


def main():
    """Time the augmentation, then the input."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few images, to see that it runs")
    quick = parser.parse_args().quick
    time_augmentation(*((2, 1) if quick else (128, 9)))
    time_input(*(("cifar10_19pct", 2, 4, 1, 1) if quick else ("paper", 32, 256, 2, 2)))


if __name__ == "__main__":
    main()
