"""What to train and how, and the model that it is about."""

import dataclasses

import keras

from keras_alexnet.errors import UserError, explain
from keras_alexnet.model import AlexNet
from keras_alexnet.preprocessing import evaluation_preprocessor, training_preprocessor
from keras_alexnet.training.compiling import jit_compile
from keras_alexnet.variants import get_variant


@dataclasses.dataclass(frozen=True)
class Job:
    """What to train and how.

    Args:
        variant: Name of the network.
        directory: Folder with one folder of images per class; `None` for the drawn data set.
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Step size of the Adam optimiser.
        image_size: Side of the windows that the network sees; `None` for the variant's own.
        augmentation: Whether training images are cut at random, mirrored and given colour noise,
            as far as the variant's authors did; else the network sees the centre of each.
        initialization: `"robust"` or `"published"`, as `AlexNet` takes it.
        drawn: Number of images to draw when there is no directory.
        seed: Fixes initial values, order, augmentation and drawn images.
        compile_mode: `"xla"`, `"plain"`, or `"auto"` for the one that was measured to be faster.
    """

    variant: str = "paper"
    directory: str | None = None
    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 4e-4
    image_size: int | None = None
    augmentation: bool = True
    initialization: str = "robust"
    drawn: int = 2000
    seed: int = 0
    compile_mode: str = "auto"

    @property
    def window(self) -> int:
        """Side of the windows that the network sees."""
        return self.image_size or get_variant(self.variant).input_size

    @property
    def base(self) -> int:
        """Side of the images that the windows are cut out of: 256 for 224."""
        record = get_variant(self.variant)
        return round(self.window * record.pixels.base / record.input_size)

    def quick(self) -> "Job":
        """Return the same job in small: half-size images, fewer of them, one pass."""
        size = self.window if self.window < 100 else self.window // 2
        return dataclasses.replace(self, image_size=size, drawn=200, epochs=1)

    def continues(self, earlier: dict) -> None:
        """Raise unless a run with these earlier settings can be gone on with as this job.

        It may have more or fewer epochs; all else must be as it was.
        """
        settings = dataclasses.asdict(self)
        changed = [
            f"{name} was {earlier.get(name)!r} and is {value!r}"
            for name, value in settings.items()
            if name not in ("epochs", "compile_mode") and earlier.get(name) != value
        ]
        if changed:
            raise UserError(
                explain(
                    f"The output folder holds an unfinished run with other settings: "
                    f"{'; '.join(changed)}.",
                    "A run goes on with the settings that it began with.",
                    "Give the same ones, choose another folder, or begin anew with --overwrite.",
                )
            )


def build_model(job: Job, classes: int) -> keras.Model:
    """Build and compile the job's model, which takes RGB pixels of 0 to 255 of any image size.

    Its first layers are the variant's own preprocessing. With the robust initial values, which
    expect inputs of about unit variance, the pixels are then divided by their deviation.
    """
    keras.utils.set_random_seed(job.seed)
    record = get_variant(job.variant)
    options = {"image_size": job.window, "data_format": "channels_last"}
    if job.augmentation:
        stack = training_preprocessor(record, seed=job.seed, **options)
    else:
        stack = evaluation_preprocessor(record, **options)
    x = stack(keras.Input((None, None, 3), name="image"))
    if job.initialization == "robust":
        x = keras.layers.Rescaling(1 / record.pixels.spread, name="unit_variance")(x)
    model = AlexNet(
        job.variant,
        input_tensor=x,
        classes=classes,
        initialization=job.initialization,
        data_format="channels_last",
    )
    model.compile(
        keras.optimizers.Adam(job.learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile(job.compile_mode),
    )
    return model
