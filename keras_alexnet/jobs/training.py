"""`fit`: a network trained on a folder of images, measured and saved."""

from __future__ import annotations

from keras_alexnet.arguments import boolean, file_path
from keras_alexnet.errors import UserError
from keras_alexnet.jobs.fit_settings import (
    DEFAULTS,
    computing_settings,
    image_settings,
    loss_settings,
    network_settings,
    schedule_settings,
    step_settings,
)
from keras_alexnet.progress import verbosity
from keras_alexnet.training.job import Job
from keras_alexnet.training.outcome import Outcome
from keras_alexnet.training.presets import preset_settings
from keras_alexnet.training.run import run
from keras_alexnet.training.run_folder import FOLDER, free_folder
from keras_alexnet.type_aliases import (
    BadImages,
    CompileMode,
    Initialization,
    Log,
    PathLike,
    Precision,
    RecipeName,
    Schedule,
    VariantName,
    Verbose,
    Weights,
)


def fit(
    directory: PathLike | None = None,
    *,
    output: PathLike | None = None,
    variant: VariantName | None = None,
    recipe: RecipeName | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    augmentation: bool = DEFAULTS.augmentation,
    initialization: Initialization = DEFAULTS.initialization,
    compile_mode: CompileMode = DEFAULTS.compile_mode,
    seed: int = DEFAULTS.seed,
    bad_images: BadImages = DEFAULTS.bad_images,
    overwrite: bool = False,
    accept_changed_data: bool = False,
    discard_state: bool = False,
    quick: bool = False,
    verbose: Verbose = "auto",
    schedule: Schedule | None = None,
    warmup_ratio: float | None = None,
    weights: Weights | None = None,
    freeze: str | None = None,
    unfreeze_after: int | None = None,
    label_smoothing: float = DEFAULTS.label_smoothing,
    class_weights: bool = DEFAULTS.class_weights,
    early_stopping: int | None = None,
    best: bool = DEFAULTS.best,
    precision: Precision = DEFAULTS.precision,
    log: Log | None = None,
    preset: str | None = None,
    devices: int = DEFAULTS.devices,
) -> Outcome:
    """Train a network on a folder of images, measure it on held-out ones, and save all of it.

    The output folder gets `model.keras`, which takes RGB pixels of 0 to 255 of images of any size;
    `classes.json`; `files.csv` (which images were trained on, and which held out); `history.csv`
    and `curve.csv` (loss and accuracy, by epochs and by twentieths of them); `results.json`;
    `job.json`; the state of training; and pictures, if matplotlib is installed. A run that was
    interrupted goes on from its last whole epoch if it is called again with the same arguments.
    With `schedule="constant"` a finished one goes on with more epochs.

    Args:
        directory: A folder with one folder of images per class, of which a fifth is held out; or
            with two such folders named `train` and `val`; `None` for images of shapes and textures
            that the package draws.
        output: The folder to save in; `None` for `alexnet-fit` in the current folder, or
            `alexnet-fit-2` and so on if there is another run in it.
        variant: Name of the network; `None` for that of the weights, the recipe's, or `"paper"`.
        recipe: Name of a published way of training, with its steps in proportion to the epochs;
            `None` for Adam with a `schedule`.
        epochs: Passes over the training images; `None` for those of the preset or the recipe,
            else 5.
        batch_size: Images per step; `None` for the recipe's, or 16.
        learning_rate: Highest rate of Adam, or the rate that the recipe begins with; `None` for
            that of the preset or the recipe, else 4e-4.
        image_size: Side of the windows that the network sees, in pixels; `None` for that of the
            weights, or the variant's.
        augmentation: Whether training images are cut at random, mirrored and given colour noise;
            else the network sees the centre of each.
        initialization: `"robust"` or `"published"` initial values, as `AlexNet` takes it; with
            weights, those of a new last layer.
        compile_mode: `"xla"`, `"plain"`, or `"auto"` for Keras's own choice.
        seed: Fixes initial values, order, augmentation and drawn images.
        bad_images: `"stop"`: an image file that cannot be read ends the run; `"skip"`: it is left
            out.
        overwrite: Whether an earlier run in the folder is replaced.
        accept_changed_data: Whether a run goes on if images were added or removed since it began.
        discard_state: Whether the state of training is removed at the end, so that no epoch can
            follow.
        quick: Whether the images are half as large and the run has one epoch: a trial.
        verbose: 0 for silence; 1 for Keras's progress bars; 2 for a line for each epoch; `"auto"`
            for bars on a terminal and in a notebook, lines elsewhere.
        schedule: How Adam's rate changes: `"cosine"` lets it rise from 0 and fall back to 0 like a
            cosine; `"constant"` keeps it. `None` for the recipe's, or `"cosine"`.
        warmup_ratio: Share of all steps in which a cosine schedule's rate rises, at least 0 and
            less than 1; `None` for 0.1.
        weights: The weights that the network begins with, as `AlexNet` takes them: the name of a
            published checkpoint, downloaded if it is not on this machine, or the path of a file.
            Images are prepared as for these weights. The last layer is made new, unless the weights
            are for the same classes. `None` for initial values.
        freeze: Layers that stay as they are, names and ranges in the order of the network, such as
            `"conv1-conv5"` or `"conv1,fc6-fc7"`, or `"body"` for all but the last; `None` for those
            of the preset. No time is spent on the gradients of the layers below the first that is
            trained.
        unfreeze_after: Number of epochs after which the frozen layers are trained as well, with a
            new optimizer whose rate begins its schedule again; `None` for that of the preset.
        label_smoothing: Share of each label that is spread over all classes, at least 0 and less
            than 1 (arXiv:1512.00567).
        class_weights: Whether every class has the same influence on the loss: Keras's
            `class_weight`, n / (classes * count) for a class with `count` of n training images.
        early_stopping: Number of epochs without a lower held-out loss after which the training
            ends; `None` to train for all epochs.
        best: Whether the model is that of the epoch with the lowest held-out loss, not the last.
        precision: `"float32"`; or Keras's policy `"mixed_bfloat16"` or `"mixed_float16"`, with
            which layers compute in half precision, and float16 scales the loss. The model that is
            saved computes in float32.
        log: A record of the epochs in the output folder: `"tensorboard"` for Keras's callback
            (folder `tensorboard`), `"jsonl"` for `history.jsonl`; `"csv"` is `history.csv`, which
            every run writes.
        preset: Settings under one name, which the other arguments override: `"scratch"`,
            `"fine_tune"`, `"linear_probe"` or `"head_first"`. `None` for `"fine_tune"` with
            weights and no recipe, else `"scratch"`.
        devices: Number of devices of this machine that share every batch, on TensorFlow
            (`tf.distribute.MirroredStrategy`) and JAX (`keras.distribution.DataParallel`). A run
            may go on with another number.

    Returns:
        An `Outcome` with the path of the model, the accuracies on the held-out images (parts
        between 0 and 1), and how long it took, in seconds.

    Raises:
        UserError: (a `ValueError`) for an unknown name or choice; if images cannot be found or
            read, the output cannot be written, another process trains into it, or it holds a run
            with other settings, classes or images; for more devices than there are, or several on
            PyTorch. All files are then as they were.

    Example:

    >>> import os, tempfile
    >>> output = os.path.join(tempfile.mkdtemp(), "run")
    >>> outcome = fit(variant="cifar10_19pct", quick=True, output=output, verbose=0)
    >>> outcome.evaluation.images, os.path.basename(outcome.model_path)
    (40, 'model.keras')
    """
    quick, overwrite = boolean("quick", quick), boolean("overwrite", overwrite)
    discard_state = boolean("discard_state", discard_state)
    accept_changed_data = boolean("accept_changed_data", accept_changed_data)
    given = {
        **network_settings(variant, weights, freeze, unfreeze_after, initialization),
        **step_settings(epochs, batch_size, learning_rate, early_stopping, best),
        **schedule_settings(recipe, schedule, warmup_ratio),
        **loss_settings(label_smoothing, class_weights),
        **image_settings(directory, image_size, augmentation, bad_images),
        **computing_settings(compile_mode, precision, seed, log, devices),
    }
    given = {name: value for name, value in given.items() if value is not None}
    settings = {**preset_settings(preset, weights, recipe), **given}
    if "unfreeze_after" in settings and "freeze" not in settings:
        raise UserError(
            f"Received unfreeze_after={unfreeze_after!r} without freeze.",
            "Only layers that are frozen can become trainable.",
            "Pass `freeze` (--freeze), such as 'conv1-conv5', or leave `unfreeze_after` out.",
        )
    job = Job.of(recipe, **settings)
    if quick:
        job = job.quick()
    if output is not None:
        folder = file_path("output", output)
    else:
        folder = FOLDER if overwrite else free_folder(job)
    level = verbosity(verbose)
    return run(
        job,
        folder,
        verbose=level,
        overwrite=overwrite,
        say=print if level else lambda text: None,
        accept_changed_data=accept_changed_data,
        discard_state=discard_state,
    )
