"""What reading a folder of JPEGs costs: images per second of one core, and cores for a rate.

JPEGs of 500 x 375 of about 110 kB, as ImageNet's are, are drawn; `image_folder` reads them as
squares of 256. Processor time of whole passes over the folder, all threads together, after a first
one; sides alternating, medians. So other work on the machine disturbs the figures little, and a
core that has nothing to do counts nothing.

    KERAS_BACKEND=tensorflow python examples/benchmarks/decoding.py
"""

import argparse
import io
import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np
from PIL import Image

from keras_alexnet import image_folder

ROWS, COLUMNS = 375, 500
IMAGENET, EPOCHS, HOUR = 1_281_167, 90, 3600


def photo(rng):
    """Return noise of all sizes, the coarse stronger than the fine, as in photos."""
    values = np.zeros((ROWS, COLUMNS, 3))
    for power in range(2, 9):
        small = rng.normal(0, 1, (2**power, 2**power, 3))
        for channel in range(3):
            layer = Image.fromarray(small[:, :, channel].astype("float32"))
            values[:, :, channel] += np.asarray(layer.resize((COLUMNS, ROWS))) * 100 / 1.6**power
    return Image.fromarray(np.clip(128 + values, 0, 255).astype("uint8"))


def encoded(image, size):
    """Return an image as the JPEG whose bytes come nearest to a size from below."""
    best = b""
    for quality in range(50, 100):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        if best and file.tell() > size:
            break
        best = file.getvalue()
    return best


def draw(folder, count, size):
    """Write some JPEGs for two classes, and return their mean size."""
    rng = np.random.default_rng(0)
    sizes = []
    for number in range(count):
        path = folder / f"class_{number % 2}" / f"{number:04}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded(photo(rng), size))
        sizes.append(path.stat().st_size)
    return statistics.mean(sizes)


def decode_alone(folder):
    """Decode all files of a folder one by one, without resizing."""
    for path in folder.rglob("*.jpg"):
        with Image.open(path) as image:
            image.convert("RGB").load()


def read(data):
    """Go through a data set once."""
    for _ in data:
        pass


def processor_time(function, *arguments):
    """Return the seconds that all cores together compute for a call, and those that it takes."""
    spent, began = time.process_time(), time.perf_counter()
    function(*arguments)
    return time.process_time() - spent, time.perf_counter() - began


def main():
    """Time all sides and print their rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--bytes", type=int, default=110_000, help="largest size of a JPEG")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="few images: does it run?")
    options = parser.parse_args()
    if options.quick:
        options.images, options.repeats = 4, 1
    needed = EPOCHS * IMAGENET / HOUR
    with tempfile.TemporaryDirectory() as name:
        folder, cache = pathlib.Path(name, "photos"), pathlib.Path(name, "cache")
        folder.mkdir()
        size = draw(folder, options.images, options.bytes)
        print(f"{options.images} JPEGs of {COLUMNS} x {ROWS}, {size / 1000:.0f} kB on average")
        sides = {
            "Pillow alone, without resizing": (decode_alone, folder),
            "image_folder": (read, image_folder(folder, 256)),
            "image_folder, cache on disk": (read, image_folder(folder, 256, cache=cache)),
        }
        times = {label: [] for label in sides}
        for repeat in range(options.repeats + 1):
            for label, side in sides.items():
                seconds = processor_time(*side)
                if repeat:  # the first round warms up, and fills the cache
                    times[label].append(seconds)
    for label, passes in times.items():
        busy, wall = (statistics.median(column) for column in zip(*passes, strict=True))
        rate = options.images / busy
        print(
            f"{keras.backend.backend():<11} {label:<31} {rate:7.0f} images/s of one core, "
            f"{needed / rate:6.1f} cores for {needed:,.0f} images/s; {busy / wall:.1f} cores busy"
        )


if __name__ == "__main__":
    main()
