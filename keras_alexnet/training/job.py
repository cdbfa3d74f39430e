"""`Job`: the settings of a training, and the model that it trains."""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.published.lookup import named_checkpoint
from keras_alexnet.recipes import Recipe, get_recipe
from keras_alexnet.training.freezing import Phase, frozen_layers, phases_of
from keras_alexnet.type_aliases import RecipeName
from keras_alexnet.variants import Variant, get_variant

__all__ = ["LOGS", "PRECISIONS", "Job", "build_model"]

if TYPE_CHECKING:  # the command line knows a job's defaults without Keras
    import keras


LOGS = ("tensorboard", "csv", "jsonl")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class Job:
    """The settings of a training.

    Args:
        variant: Name of the network.
        directory: Folder with one folder of images per class; `None` for the drawn data set.
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Highest rate of the Adam optimizer, or the initial rate of the recipe.
        image_size: Side of the windows that the network sees; `None` for that of the weights, or
            the variant's own.
        augmentation: Whether to crop training images at random, mirror them and add colour noise,
            as far as the variant's authors did; otherwise the network sees the centre of each.
        initialization: `"robust"` or `"published"`, as `AlexNet` takes it.
        drawn: Number of images to draw when there is no directory.
        seed: Fixes initial values, order, augmentation and drawn images.
        compile_mode: `"xla"`, `"plain"`, or `"auto"` for Keras's own choice.
        recipe: Name of a published recipe, whose steps are scaled to the epochs; `None` for Adam
            with a schedule.
        bad_images: `"stop"`: an image file that cannot be read ends the run; `"skip"`: the run
            leaves it out.
        schedule: How Adam's rate changes, `"cosine"` or `"constant"`; `None` with a recipe.
        warmup_ratio: Share of all steps in which a cosine schedule's rate rises; 0 without one.
        weights: Name of published weights, or the path of a file, whose values the network begins
            with; `None` for initial values.
        freeze: Names and ranges of layers that stay as they are, such as `"conv1-conv5"`, or
            `"body"` for all but the last; `None` to train all.
        unfreeze_after: Number of epochs after which these layers are trained as well; `None` for
            never.
        label_smoothing: Share of each label that is spread over all classes.
        class_weights: Whether every class has the same influence, however many images it has.
        early_stopping: Number of epochs without a lower held-out loss after which the training
            ends; `None` to train for all epochs.
        best: Whether the model is that of the epoch with the lowest held-out loss, not the last.
        precision: Data type or policy in which the network is trained, one of `PRECISIONS`.
        log: The record of the epochs beside `history.csv`, one of `LOGS`; `None` for no other.
        devices: Number of devices of this machine that share every batch.
    """

    variant: str = "paper"
    directory: str | None = None
    epochs: int = 4
    batch_size: int = 16
    learning_rate: float = 4e-4
    image_size: int | None = None
    augmentation: bool = True
    initialization: str = "robust"
    drawn: int = 1400
    seed: int = 0
    compile_mode: str = "auto"
    recipe: str | None = None
    bad_images: str = "stop"
    schedule: str | None = "cosine"
    warmup_ratio: float = 0.1
    weights: str | None = None
    freeze: str | None = None
    unfreeze_after: int | None = None
    label_smoothing: float = 0.0
    class_weights: bool = False
    early_stopping: int | None = None
    best: bool = False
    precision: str = "float32"
    log: str | None = None
    devices: int = 1

    def __post_init__(self):
        """Replace names by those of the tables, and clear what the job does not use.

        Raises:
            UserError: If a name is not known.
        """
        object.__setattr__(self, "variant", get_variant(self.variant).name)
        if self.recipe is not None:
            object.__setattr__(self, "recipe", get_recipe(self.recipe).name)
            object.__setattr__(self, "schedule", None)
        if self.schedule != "cosine":
            object.__setattr__(self, "warmup_ratio", 0.0)
        self.phases()  # an unknown layer raises here

    @classmethod
    def of(cls, recipe: RecipeName | None = None, **settings: Any) -> "Job":
        """Return a job with some settings, and all others from weights, a recipe or the defaults.

        Weights decide the variant. They are downloaded if they are not on this machine.

        >>> Job.of("cifar10_80sec", epochs=20).learning_rate
        0.001
        """
        if settings.get("weights") is not None:
            from keras_alexnet.training.weights import initial_card  # late: it needs Keras

            weights, variant = settings["weights"], settings.get("variant")
            named = named_checkpoint(weights, variant)
            card = initial_card(weights, variant)
            settings |= {"variant": card.variant, "weights": named.name if named else weights}
        if recipe is None:
            return cls(**settings)
        record = get_recipe(recipe)
        published = {
            "variant": record.variant,
            "epochs": record.epochs,
            "batch_size": record.batch_size,
            "learning_rate": record.learning_rate.values[0],
        }
        return cls(recipe=recipe, **{**published, **settings})

    def adapted_recipe(self) -> Recipe | None:
        """Return the recipe with this job's epochs and rate, `None` without a recipe.

        Its steps are at the same shares of the training, because a recipe by iterations on ImageNet
        has no others on other data. All epochs hold out the same images.
        """
        if self.recipe is None:
            return None
        record = get_recipe(self.recipe).stretched(self.epochs).scaled(self.learning_rate)
        return dataclasses.replace(record, batch_size=self.batch_size, held_back=0)

    @functools.cached_property
    def card(self) -> ModelCard:
        """The model card of the weights; without weights, one that names the variant alone."""
        if self.weights is None:
            return ModelCard(self.variant)
        from keras_alexnet.training.weights import initial_card  # late: it needs Keras

        return initial_card(self.weights, self.variant)

    @property
    def record(self) -> Variant:
        """The variant's record, with the preparation of the images that the weights expect."""
        return self.card.record()

    def phases(self) -> list[Phase]:
        """Return the phases of the training, of which each has its own frozen layers."""
        frozen: tuple[str, ...] = ()
        if self.freeze is not None:
            frozen = frozen_layers(self.freeze, get_variant(self.variant))
        return phases_of(self.epochs, frozen, self.unfreeze_after)

    @property
    def window(self) -> int:
        """Side of the windows that the network sees."""
        return self.image_size or self.record.input_size

    @property
    def base(self) -> int:
        """Side of the images that the windows are cut out of: 256 for 224."""
        record = self.record
        return round(self.window * record.pixels.base / record.input_size)

    def quick(self) -> "Job":
        """Return a smaller job: one epoch, fewer images, half as large if no weights fix it."""
        size = self.image_size
        if self.weights is None:
            size = self.window if self.window < 100 else self.window // 2
        return dataclasses.replace(self, image_size=size, drawn=200, epochs=1)


def build_model(job: Job, classes: int, steps_per_epoch: int = 1) -> "keras.Model":
    """Build and compile the job's model, which takes RGB pixels of 0 to 255 of any image size.

    Its first layers are the variant's own preprocessing, or that of the weights. With the robust
    initial values, which expect inputs of about unit variance, the pixels are then divided by their
    deviation. The model has initial values, which `load_initial` replaces by those of the weights,
    and is compiled for the first phase of the training.

    Args:
        job: The job.
        classes: Number of classes.
        steps_per_epoch: Training steps of an epoch, for the schedule of the rate.
    """
    from keras_alexnet.training.network import compile_model, network  # late: they need Keras

    divided = job.initialization == "robust" and job.weights is None
    model = network(job, classes, divided, job.precision)
    compile_model(model, job, job.phases()[0], steps_per_epoch)
    return model
