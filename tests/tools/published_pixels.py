"""How each network takes its pixels, copied a second time from the sources and done in NumPy."""

import numpy as np

# (side resized to, side of the crop, mean as it is
# subtracted, divisor, factor on 0 to 255, blue first).
SOURCE2012 = (256, 224, (127.3049, 119.7154, 104.9126), (1, 1, 1), 1, False)
CAFFE = (256, 227, (104.00698793, 116.66876762, 122.67891434), (1, 1, 1), 1, True)
TORCHVISION = (256, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1 / 255, False)
SLIM = (256, 224, (123.68, 116.78, 103.94), (1, 1, 1), 1, False)
CIFAR = (32, 32, (125.27, 122.93, 113.86), (1, 1, 1), 1, False)
CIFAR_CROPS = (32, 24, (125.27, 122.93, 113.86), (1, 1, 1), 1, False)
PUBLISHED = {
    "paper": SOURCE2012,
    "source2012": SOURCE2012,
    "source2012_half": SOURCE2012,
    "bvlc": CAFFE,
    "caffenet": CAFFE,
    "owt": TORCHVISION,
    "cuda_convnet2": SOURCE2012,
    "slim_v2": SLIM,
    "notebook": TORCHVISION,
    "ungrouped": TORCHVISION,
    "cifar10_18pct": CIFAR,
    "cifar10_19pct": CIFAR,
    "cifar10_80sec": CIFAR,
    "cifar10_11pct": CIFAR_CROPS,
    "cifar10_13pct": CIFAR_CROPS,
}


def published(name, images):
    """Return what a network takes, from RGB images of 0 to 255, in NumPy."""
    _, _, mean, std, factor, blue_first = PUBLISHED[name]
    images = images.astype("float64")
    images = images[..., ::-1] if blue_first else images
    return (images * factor - mean) / std


def photos(rows, columns, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, rows, columns, 3), dtype="uint8")


def without_antialiasing(image, rows, columns):
    """Resize an image `(height, width, 3)` of whole numbers as OpenCV's bilinear `resize` does.

    A new pixel lies at (place + 0.5) * old / new - 0.5 and is what lies between its neighbours.
    """
    for axis, size in ((0, rows), (1, columns)):
        old = image.shape[axis]
        places = (np.arange(size) + 0.5) * old / size - 0.5
        known = np.arange(old)

        def between(line, places=places, known=known):
            return np.interp(places, known, line)

        image = np.apply_along_axis(between, axis, image)
    return image.round().astype("uint8")
