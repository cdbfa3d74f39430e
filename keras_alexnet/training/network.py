"""The network of a job: built, compiled for a phase, and plain after the training."""

from typing import Any, cast

import keras
import numpy as np

from keras_alexnet.model import AlexNet
from keras_alexnet.preprocessing import evaluation_preprocessor, training_preprocessor
from keras_alexnet.recipes.records import Plateau
from keras_alexnet.training.compile_modes import jit_compile
from keras_alexnet.training.freezing import Phase, freeze_layers
from keras_alexnet.training.losses import training_loss
from keras_alexnet.training.schedule import learning_rate
from keras_alexnet.type_aliases import Initialization

UNIT_VARIANCE = "unit_variance"  # name of the layer that divides by the deviation of the pixels


def network(job, classes: int, unit_variance: bool, dtype: str | None = None) -> keras.Model:
    """Return the model of a job with its initial values, not compiled.

    Args:
        job: The `Job`.
        classes: Number of classes.
        unit_variance: Whether the pixels are divided by their deviation.
        dtype: Data type or policy of the network's layers; `None` for that of Keras.
    """
    keras.utils.set_random_seed(job.seed)
    record = job.record
    recipe = job.adapted_recipe()
    options: dict[str, Any] = {"image_size": job.window, "data_format": "channels_last"}
    if job.augmentation:
        noise = recipe.color_noise.values[0] if recipe else None
        stack = training_preprocessor(record, color_noise=noise, seed=job.seed, **options)
    else:
        stack = evaluation_preprocessor(record, **options)
    x = stack(keras.Input((None, None, 3), name="image"))
    if unit_variance:
        x = keras.layers.Rescaling(1 / record.pixels.spread, name=UNIT_VARIANCE)(x)
    return AlexNet(
        job.variant,
        input_tensor=x,
        classes=classes,
        initialization=cast(Initialization, job.initialization),
        data_format="channels_last",
        dtype=dtype,
    )


def compile_model(model: keras.Model, job, phase: Phase, steps_per_epoch: int) -> None:
    """Compile a model for a phase of its training, with a new optimizer.

    Adam's rate has a schedule in each phase, so that the layers that become trainable begin with
    small steps. A recipe has one for the whole training.

    Args:
        model: The model from `build_model`.
        job: The `Job`.
        phase: The phase.
        steps_per_epoch: Training steps of an epoch.
    """
    freeze_layers(model, phase.frozen)
    recipe = job.adapted_recipe()
    if recipe:
        optimizer = recipe.optimizer(steps_per_epoch)
        optimizer.build(model.trainable_variables)
        optimizer.iterations.assign(phase.first * steps_per_epoch)
        if phase.first and isinstance(recipe.learning_rate, Plateau):
            optimizer.learning_rate = model.optimizer.learning_rate
    else:
        steps = steps_per_epoch * (phase.last - phase.first)
        rate = learning_rate(job.schedule, job.learning_rate, steps, job.warmup_ratio)
        optimizer = keras.optimizers.Adam(rate)
    model.compile(
        optimizer,
        training_loss(job.label_smoothing, job.class_weights),
        weighted_metrics=["accuracy"],
        jit_compile=jit_compile(job.compile_mode),
    )


def make_step_variables(model: keras.Model) -> None:
    """Make the variables of the optimizer and the metrics of a compiled classifier.

    Where they are made by the first training step, TensorFlow traces that step twice, which takes
    as long as dozens of steps of a small network.

    Args:
        model: The model from `build_model`.
    """
    model.optimizer.build(model.trainable_variables)
    labels, scores = keras.ops.zeros(1), keras.ops.zeros((1, model.output_shape[-1]))
    model.compute_metrics(None, labels, scores)
    model.reset_metrics()


def plain_model(job, trained: keras.Model) -> keras.Model:
    """Return a trained model without optimizer and without the division by the deviation.

    conv1(x / s) = (W / s) * x + b, so the division becomes part of conv1's kernel, and the network
    is the plain variant, whatever file its weights go to.

    Args:
        job: The `Job`.
        trained: The model from `build_model`, trained.
    """
    model = network(job, trained.output_shape[-1], unit_variance=False)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    if any(layer.name == UNIT_VARIANCE for layer in trained.layers):
        kernel, *bias = model.get_layer("conv1").get_weights()
        spread = job.record.pixels.spread
        model.get_layer("conv1").set_weights([kernel / np.float32(spread), *bias])
    return model
