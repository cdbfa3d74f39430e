"""Train on several machines with JAX: one process on each, which uses all of its devices.

    KERAS_BACKEND=jax python examples/several_machines_jax.py photos/ --output run \
        --coordinator 10.0.0.1:1234 --processes 2 --process 0    # on 10.0.0.1
    (the same command with --process 1 on the second machine)

`keras.distribution` connects the processes by `jax.distributed` and divides every batch among the
devices of all: the losses are those of one process. Each process reads its own part of every batch,
and process 0 saves. Both folders must have the same path on all machines. If a process ends, the
others end with an error. Start all again, and they go on from the last whole epoch.
On TensorFlow, Keras cannot train on several machines: MultiWorkerMirroredStrategy fails in Keras
itself (https://github.com/keras-team/keras/issues/20585).
"""

import argparse
import os

import keras
import numpy as np

from keras_alexnet import AlexNet, distribution, get_variant, paper_optimizer, training_preprocessor
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.data.labelled_files import find_images
from keras_alexnet.training.state import RunState


class Share(keras.utils.PyDataset):
    """One process's part of every batch. Images that fill no whole batch wait for another epoch."""

    def __init__(self, given: argparse.Namespace, process: int, processes: int):
        super().__init__(workers=4)
        size = get_variant(given.variant).pixels.base
        self.files, self.reader = find_images(given.directory), ImageReader(size)
        self.batch_size, self.process, self.processes = given.batch_size, process, processes
        if given.batch_size % processes or given.batch_size > len(self.files):
            raise SystemExit("--batch-size must be a multiple of the processes, up to all images.")

    def start(self, epoch: int) -> None:
        self.epoch = epoch
        self.order = np.random.default_rng(epoch).permutation(len(self.files))

    def on_epoch_end(self) -> None:
        self.start(self.epoch + 1)

    def __len__(self) -> int:
        return len(self.files) // self.batch_size

    def __getitem__(self, number: int):
        batch = self.order[number * self.batch_size :][: self.batch_size]
        chosen = np.split(batch, self.processes)[self.process]
        images = [self.reader.read(self.files.paths[index]) for index in chosen]
        return np.stack(images), np.array([self.files.labels[index] for index in chosen])


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train on several machines.")
    parser.add_argument("directory", help="one folder of images per class")
    parser.add_argument("--output", default="run", help="folder of the model, history and state")
    parser.add_argument("--variant", default="owt", help="the network")
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--batch-size", type=int, default=256, help="images of all processes")
    parser.add_argument("--learning-rate", type=float, default=0.01)
    return parser


def build(given: argparse.Namespace, classes: int) -> keras.Model:
    """Build and compile the network behind its own augmentation, the same in every process."""
    os.makedirs(given.output, exist_ok=True)
    pixels = get_variant(given.variant).pixels
    x = training_preprocessor(given.variant)(keras.Input((pixels.base, pixels.base, 3)))
    x = keras.layers.Rescaling(1 / pixels.spread)(x)  # robust initial values expect this
    model = AlexNet(given.variant, input_tensor=x, classes=classes, initialization="robust")
    model.compile(paper_optimizer(given.learning_rate), "sparse_categorical_crossentropy")
    return model


def main() -> None:
    parser = options()
    parser.add_argument("--coordinator", help="address and port of process 0")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--process", type=int, default=0, help="number of this process")
    given = parser.parse_args()
    keras.utils.set_random_seed(0)
    if given.processes > 1:  # before anything else asks for devices
        keras.distribution.initialize(given.coordinator, given.processes, given.process)
    data, state = Share(given, given.process, given.processes), RunState(given.output)
    layout = distribution()  # on the devices of all machines
    layout.auto_shard_dataset = False  # each process reads its part alone
    with layout.scope():
        model = build(given, len(data.files.class_names))
        data.start(first := state.resume(model))
        saves = {"callbacks": [state], "verbose": 2} if given.process == 0 else {"verbose": 0}
        model.fit(data, epochs=given.epochs, initial_epoch=first, shuffle=False, **saves)
    if given.process == 0:  # outside the scope, where a save asks the other processes for nothing
        model.save(f"{given.output}/model.keras")


if __name__ == "__main__":
    main()
