"""Write folders of images as TFRecords, the form in which ImageNet is often kept, and read them.

    python examples/tfrecords.py photos/ records/      # photos/train/cats/1.jpg, photos/val/...
    python examples/tfrecords.py --quick               # drawn images, written and read back

The files are kept as they are, not decoded, some thousand in a record file: train-00000-of-00008
and so on. The names of features are those of TensorFlow's own script for ImageNet, and as there the
labels count from 1, in the order of the sorted names. `records` reads either; imagenet.py uses it.
"""

import argparse
import json
import os
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.data.labelled_files import find_images
from keras_alexnet.training.padding import pad_batches

FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/class/label": tf.io.FixedLenFeature([], tf.int64),
}
PARTS = {"train": "train", "val": "validation"}  # folders and how their record files begin
IMAGENET = {"train": 1_281_167, "validation": 50_000}  # images, where images.json does not say
CORES = os.cpu_count() or 1


def write(directory: pathlib.Path, output: pathlib.Path, images_per_file: int = 1000) -> None:
    """Write the images of train/ and val/, in an order of their own, and how many there are."""
    output.mkdir(parents=True, exist_ok=True)
    counts = {}
    for part, begin in PARTS.items():
        files = find_images(str(directory / part))
        order = np.random.default_rng(0).permutation(len(files))
        shards = np.array_split(order, -(-len(files) // images_per_file))
        for number, shard in enumerate(shards):
            name = f"{begin}-{number:05}-of-{len(shards):05}"
            with tf.io.TFRecordWriter(str(output / name)) as writer:
                for index in shard:
                    writer.write(_example(files.paths[index], files.labels[index] + 1))
        print(
            f"{part}: {len(files)} images of {len(files.class_names)} classes, {len(shards)} files"
        )
        counts[begin] = len(files)
    (output / "images.json").write_text(json.dumps(counts))


def _example(path: str, label: int) -> bytes:
    encoded = tf.train.Feature(
        bytes_list=tf.train.BytesList(value=[pathlib.Path(path).read_bytes()])
    )
    number = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    feature = {"image/encoded": encoded, "image/class/label": number}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def records(
    directory: str,
    size: int,
    batch_size: int,
    first_epoch: int = 0,
    machines: int = 1,
    machine: int = 0,
):
    """Return the training and the validation images as batches of squares with this side.

    The shorter side is brought to `size` and the centre kept, as the 2012 network's images were;
    TensorFlow resizes, a grey level or so off Pillow's. Of the training images the order is
    another in each epoch. How many batches there are is known, which Keras needs to train on
    several devices, and the last is padded if they do not divide it.

    On several machines each reads its share of both: of all records, in the order that they have in
    this epoch on every machine, the first of `machines` takes the first, the second the second, and
    so on. Shares differ by one image at most.
    """
    path = pathlib.Path(directory, "images.json")
    counts = json.loads(path.read_text()) if path.exists() else IMAGENET

    def dataset(begin, shuffled):
        # Each pass is shuffled anew, on all machines alike; a run that goes on, differently.
        pattern = f"{directory}/{begin}-*"
        files = tf.data.Dataset.list_files(pattern, shuffle=shuffled, seed=first_epoch)
        data = files.interleave(tf.data.TFRecordDataset, num_parallel_calls=CORES)
        data, count = data.shard(machines, machine), len(range(machine, counts[begin], machines))
        data = data.shuffle(10_000, seed=first_epoch) if shuffled else data
        data = data.map(lambda record: _parsed(record, size), num_parallel_calls=CORES)
        data = data.batch(batch_size).prefetch(2)
        # TensorFlow's autotuning can hold up the end of an epoch by half a minute.
        options = tf.data.Options()
        options.autotune.enabled = False
        data = data.with_options(options)
        batches = -(-count // batch_size)
        data = data.apply(tf.data.experimental.assert_cardinality(batches))
        return pad_batches(data, count, batch_size)

    return dataset("train", True), dataset("validation", False)


def _parsed(record, size: int):
    example = tf.io.parse_single_example(record, FEATURES)
    image = tf.io.decode_image(example["image/encoded"], channels=3, expand_animations=False)
    sides = tf.shape(image)[:2]
    resized = tf.image.resize(image, sides * size // tf.reduce_min(sides), antialias=True)
    square = tf.image.resize_with_crop_or_pad(resized, size, size)
    pixels = tf.cast(tf.clip_by_value(tf.round(square), 0, 255), tf.uint8)
    return pixels, tf.cast(example["image/class/label"] - 1, tf.int32)


def draw_folders(directory: pathlib.Path, training: int = 256, held_out: int = 200) -> None:
    """Write drawn images as train/class/number.png and val/class/number.png."""
    for part, count in (("train", training), ("val", held_out)):
        images, labels = drawn_images(count, seed=count, size=32)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            folder = directory / part / f"class {label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", nargs="?", type=pathlib.Path, help="with train/ and val/")
    parser.add_argument("output", nargs="?", type=pathlib.Path, help="folder for the record files")
    parser.add_argument("--quick", action="store_true", help="with drawn images")
    arguments = parser.parse_args()
    if not arguments.quick and arguments.output is None:
        parser.error("give a folder to read and one to write, or --quick")
    with tempfile.TemporaryDirectory() as made:
        directory, output = arguments.directory, arguments.output
        if arguments.quick:
            directory, output = pathlib.Path(made, "folders"), pathlib.Path(made, "records")
            draw_folders(directory)
        write(directory, output)
        for part in records(str(output), 32, batch_size=64):
            labels = np.concatenate([labels for _, labels in part.as_numpy_iterator()])
            print(f"Read back {len(labels)} images, of each class {np.bincount(labels).tolist()}.")


if __name__ == "__main__":
    main()
