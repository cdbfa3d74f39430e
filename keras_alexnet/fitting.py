"""The main job: train an AlexNet on a folder of images or on the drawn ones, measure, save."""

import dataclasses
import json
import os
import sys
import time
from typing import Any

import keras

from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.data.labelled import training_and_held_out
from keras_alexnet.data.reading import ImageReader, StopOnFailure
from keras_alexnet.files import made_folder, written_whole
from keras_alexnet.model import AlexNet
from keras_alexnet.variants import get_variant

# Pixels are brought to about zero mean and unit variance, which the robust initial values expect:
# the mean of torchvision's three channel means (.485, .456, .406) and the standard deviation of
# ImageNet's pixels over all images (.274, .268, .280), on 0 to 255.
PIXEL_MEAN, PIXEL_DEVIATION = 114.5, 70.0


@dataclasses.dataclass(frozen=True)
class Job:
    """What to train and how.

    Args:
        variant: Name of the network.
        directory: Folder with one folder of images per class; `None` for the drawn data set.
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Step size of the Adam optimiser.
        image_size: Height and width of the images; `None` for the variant's own.
        initialization: `"robust"` or `"published"`, as `AlexNet` takes it.
        drawn: Number of images to draw when there is no directory.
        seed: Fixes initial values, order and drawn images.
    """

    variant: str = "paper"
    directory: str | None = None
    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 4e-4
    image_size: int | None = None
    initialization: str = "robust"
    drawn: int = 2000
    seed: int = 0

    def quick(self) -> "Job":
        """Return the same job in small: half-size images, fewer of them, one pass."""
        size = get_variant(self.variant).input_size
        return dataclasses.replace(
            self, image_size=size if size < 100 else size // 2, drawn=200, epochs=1
        )


@dataclasses.dataclass(frozen=True)
class Images:
    """Training and held-out images in the form that `fit` and `evaluate` take."""

    training: dict[str, Any]
    held_out: dict[str, Any]
    training_count: int
    held_out_count: int
    class_names: tuple[str, ...]
    reader: ImageReader | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a job; `accuracy` is that on the held-out images, between 0 and 1."""

    model_path: str
    class_names: tuple[str, ...]
    training_count: int
    held_out_count: int
    accuracy: float
    loss: float
    seconds: float

    @property
    def chance(self) -> float:
        """The accuracy of guessing among the classes."""
        return 1 / len(self.class_names)

    def to_dict(self) -> dict:
        """Return all figures as plain lists and numbers."""
        figures = dataclasses.asdict(self)
        return {**figures, "class_names": list(self.class_names), "chance": self.chance}


def load_images(job: Job) -> Images:
    """Find or draw the images of a job, four fifths to train on and one to measure with."""
    size = job.image_size or get_variant(job.variant).input_size
    batch = job.batch_size
    if job.directory is None:
        images, labels = drawn_images(job.drawn, job.seed, size)
        cut = len(images) * 4 // 5
        training = {"x": images[:cut], "y": labels[:cut], "batch_size": batch}
        held_out = {"x": images[cut:], "y": labels[cut:], "batch_size": batch}
        return Images(training, held_out, cut, len(images) - cut, CLASS_NAMES)
    files, test = training_and_held_out(job.directory, job.seed)
    reader = ImageReader(size)
    return Images(
        # The data set shuffles itself; Keras warns if it is asked to.
        {"x": reader.dataset(files, batch, shuffle=True, seed=job.seed), "shuffle": False},
        {"x": reader.dataset(test, batch)},
        len(files),
        len(test),
        files.class_names,
        reader,
    )


def build_model(job: Job, classes: int) -> keras.Model:
    """Build and compile the job's model, which takes pixels of 0 to 255."""
    keras.utils.set_random_seed(job.seed)
    record = get_variant(job.variant)
    size = job.image_size or record.input_size
    pixels = keras.Input((size, size, 3), name="image")
    scale = 1 / PIXEL_DEVIATION
    scaled = keras.layers.Rescaling(scale, offset=-PIXEL_MEAN * scale, name="scale")(pixels)
    model = AlexNet(
        job.variant,
        input_tensor=scaled,
        classes=classes,
        initialization=job.initialization,
        data_format="channels_last",
    )
    model.compile(
        keras.optimizers.Adam(job.learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def run(job: Job, output: str, verbose: bool = True, say=print) -> Outcome:
    """Train, measure on the held-out images and save the model and its class names.

    Args:
        job: What to train and how.
        output: Folder for `model.keras` and `classes.json`; made if it does not exist.
        verbose: Whether Keras shows its progress: a bar on a terminal, a line an epoch in a log.
        say: Called with a line of text now and then.

    Raises:
        UserError: If images cannot be found or read, or the output cannot be written.
    """
    start = time.perf_counter()
    images = load_images(job)
    model = build_model(job, len(images.class_names))
    path = os.path.join(output, "model.keras")
    watch = [StopOnFailure(images.reader)] if images.reader else []
    with made_folder(output):
        say(
            f"Training {model.name}, {model.count_params():,} parameters, on "
            f"{images.training_count:,} images of {len(images.class_names)} classes; "
            f"{images.held_out_count:,} are held out."
        )
        model.fit(
            **images.training,
            epochs=job.epochs,
            verbose=_verbosity() if verbose else 0,
            validation_data=_validation(images.held_out),
            callbacks=watch,
        )
        loss, accuracy = model.evaluate(**images.held_out, verbose=0, callbacks=watch)
        with written_whole(path) as beside:
            model.save(beside)
        classes = os.path.join(output, "classes.json")
        with written_whole(classes) as beside, open(beside, "w") as file:
            json.dump(list(images.class_names), file, indent=1)
    return Outcome(
        path,
        images.class_names,
        images.training_count,
        images.held_out_count,
        float(accuracy),
        float(loss),
        time.perf_counter() - start,
    )


def _verbosity() -> int:
    """Return Keras's number for a progress bar on a terminal, a line an epoch in a log."""
    return 1 if sys.stdout.isatty() else 2


def _validation(held_out: dict[str, Any]):
    return (held_out["x"], held_out["y"]) if "y" in held_out else held_out["x"]
