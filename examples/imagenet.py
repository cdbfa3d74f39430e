"""Train an ImageNet network by its published recipe, on all GPUs of a machine.

    python examples/imagenet.py /data/imagenet                    # folders train/ and val/
    python examples/imagenet.py /data/records --recipe bvlc       # or TFRecords: tfrecords.py
    KERAS_BACKEND=jax python examples/imagenet.py /data/imagenet
    python examples/imagenet.py --quick                           # drawn images, two virtual CPUs

Every GPU gets a share of each batch and all have the same weights: `tf.distribute.MirroredStrategy`
on TensorFlow, `keras.distribution.DataParallel` on JAX, where the last batch of an epoch is padded
so that the devices divide it (`pad_batches`). Run again with the same --output after an
interruption it goes on from the last whole epoch. The folder gets history.csv and, at the end,
model.keras, training.png and conv1.png.
"""

import argparse
import contextlib
import dataclasses
import glob
import pathlib
import tempfile

import keras
from tfrecords import draw_folders, records, write

import keras_alexnet
from keras_alexnet import ReduceOnPlateau, get_recipe, get_variant, image_folder
from keras_alexnet.pictures import plot_filters, plot_history
from keras_alexnet.training.padding import PaddedLoss, pad_batches
from keras_alexnet.training.state import RunState


def images(directory: str, recipe, first_epoch: int = 0):
    """Return training and validation images as uint8 squares, from record files or folders."""
    pixels = get_variant(recipe.variant).pixels
    if glob.glob(f"{directory}/train-*"):
        return records(directory, pixels.base, recipe.batch_size, first_epoch)
    options = {"resizing": pixels.resizing, "batch_size": recipe.batch_size}
    options |= {"subset": "both", "shuffle": True, "first_epoch": first_epoch}
    parts = image_folder(directory, pixels.base, **options)
    return [pad_batches(part, len(part.file_paths), recipe.batch_size) for part in parts]


def split_cpu() -> None:
    """Make two virtual devices of the CPU, where the backend has not started yet."""
    # The backend raises RuntimeError once it has started: its devices are then used as they are.
    with contextlib.suppress(RuntimeError):
        if keras.backend.backend() == "jax":
            import jax

            jax.config.update("jax_num_cpu_devices", 2)
        elif keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            cpu, two = (
                tf.config.list_physical_devices("CPU")[0],
                tf.config.LogicalDeviceConfiguration(),
            )
            tf.config.set_logical_device_configuration(cpu, [two] * 2)


def all_devices(quick: bool):
    """Return the context in which a model must be built to be trained on all devices."""
    if keras.backend.backend() == "jax":
        parallel = keras.distribution.DataParallel()
        keras.distribution.set_distribution(parallel)
        print(f"JAX trains on {parallel.device_mesh.devices.size} devices.")
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
        strategy = tf.distribute.MirroredStrategy(cpus if quick else None)  # None: all GPUs
        print(f"TensorFlow trains on {strategy.num_replicas_in_sync} devices.")
        return strategy.scope()
    else:
        print("On PyTorch this script trains on one device; Keras's guides show how to use more.")
    return contextlib.nullcontext()


def build(recipe, steps_per_epoch: int, classes: int) -> keras.Model:
    """Build and compile the recipe's network behind its own augmentation."""
    base = get_variant(recipe.variant).pixels.base
    prepare = keras_alexnet.training_preprocessor(
        recipe.variant, color_noise=recipe.color_noise.values[0], seed=0
    )
    print(prepare)
    x = prepare(keras.Input((base, base, 3)))
    model = keras_alexnet.AlexNet(recipe.variant, input_tensor=x, classes=classes)
    top5 = keras.metrics.SparseTopKCategoricalAccuracy(5, name="top5")
    loss = PaddedLoss("sparse_categorical_crossentropy")
    optimizer = recipe.optimizer(steps_per_epoch)
    model.compile(optimizer, loss, weighted_metrics=["accuracy", top5])
    return model


def train(directory: str, output: pathlib.Path, recipe, classes: int, quick: bool = False):
    """Train to the end of the recipe, from the last epoch that was done."""
    output.mkdir(parents=True, exist_ok=True)
    state, callbacks = RunState(str(output)), recipe.callbacks()
    with all_devices(quick):
        training, validation = images(directory, recipe)
        model = build(recipe, len(training), classes)
        first_epoch = state.resume(model)
    for callback in callbacks:
        if isinstance(callback, ReduceOnPlateau):  # it goes by the epochs that were
            callback.resume(state.history)
    if first_epoch:
        training, validation = images(directory, recipe, first_epoch)
    model.fit(
        training,
        validation_data=validation,
        epochs=recipe.epochs,
        initial_epoch=first_epoch,
        callbacks=[*callbacks, state],
        shuffle=False,  # the images come shuffled
        verbose=2,
    )
    model.save(output / "model.keras")
    state.discard()
    plot_history(state.history, str(output / "training.png"))
    plot_filters(model, str(output / "conv1.png"))
    errors = [100 - 100 * state.history[name][-1] for name in ("val_accuracy", "val_top5")]
    print("Top-1 and top-5 error, one crop: {:.1f} and {:.1f} %.".format(*errors))
    print(f"Published: {recipe.result}")
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?", help="folders train/ and val/, or TFRecords")
    parser.add_argument("--recipe", default="paper", help="see keras_alexnet.list_recipes()")
    parser.add_argument("--epochs", type=int, help="the recipe's, or in proportion to them")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("imagenet-run"))
    parser.add_argument("--quick", action="store_true", help="drawn images, two virtual devices")
    arguments = parser.parse_args()
    quick = arguments.quick
    recipe = get_recipe("cifar10_80sec" if quick else arguments.recipe)
    if quick or arguments.epochs:
        recipe = recipe.stretched(1 if quick else arguments.epochs)
    if quick:
        recipe = dataclasses.replace(recipe, batch_size=32)
    if not quick:
        if arguments.directory is None:
            parser.error("give the folder with ImageNet, or --quick")
        train(arguments.directory, arguments.output, recipe, arguments.classes)
        return
    split_cpu()
    with tempfile.TemporaryDirectory() as made:
        folders, written = pathlib.Path(made, "folders"), pathlib.Path(made, "records")
        draw_folders(folders, 32, 32)  # one whole batch each
        write(folders, written)
        try:
            model = train(str(folders), arguments.output, recipe, 10, quick)
            training, validation = images(str(written), recipe)  # the same in the other form
            model.evaluate(training.concatenate(validation), verbose=2)
        finally:
            keras.distribution.set_distribution(None)  # the process may go on with other work


if __name__ == "__main__":
    main()
