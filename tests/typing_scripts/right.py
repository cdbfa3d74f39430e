"""A user's script with every public name. It is only checked, never run: see test_types.py."""

import os
import pathlib

import keras
import numpy as np

import keras_alexnet
from keras_alexnet import jobs

FOLDER = pathlib.Path("photos")

# Names: those of the tables, other spellings, and what is known at run time only.
names: list[str] = [
    *keras_alexnet.list_variants(),
    *keras_alexnet.list_checkpoints(),
    *keras_alexnet.list_recipes(),
]
variant = keras_alexnet.get_variant("paper")
shape: int = keras_alexnet.get_variant(names[0]).input_size
licence: str = keras_alexnet.get_checkpoint("owt_torchvision").licence
recipe = keras_alexnet.get_recipe("cifar10_80sec")

# Models.
model = keras_alexnet.AlexNet()
keras_alexnet.AlexNet("owt", weights="imagenet", dtype="mixed_float16", verbose=True)
keras_alexnet.AlexNet(names[0], weights=FOLDER / "mine.pth", input_shape=(None, None, 3))
keras_alexnet.AlexNet("Torchvision", include_top=False, pooling="avg", name="mine")
keras_alexnet.AlexNet(
    input_tensor=keras.Input((32, 32, 3)), classes=np.argmax([1]).item(), classifier_activation=None
)
keras_alexnet.AlexNet("bvlc", initialization="robust", data_format="channels_last")
keras_alexnet.AlexNet("bvlc", data_format=keras.config.image_data_format(), sum_colors=True)
keras_alexnet.feature_extractor(model, "fc7")
keras_alexnet.feature_extractor(model, ["relu5", "fc7"]).predict(np.zeros((1, 224, 224, 3)))
keras_alexnet.feature_extractor(model, {"fc7": "features"})
keras_alexnet.fully_convolutional(model, (None, 512, 3))
keras_alexnet.ten_crop_model(model, image_size=256)
keras_alexnet.multi_crop_model(model, 9, image_size=(32, 32))

# Layers.
norm = keras_alexnet.LocalResponseNormalization(5, 2.0, region="within_channel", name="norm1")
keras_alexnet.LocalResponseNormalization(4, k=1, groups=2, even_window="after")
same: keras_alexnet.LocalResponseNormalization = norm.from_tensorflow(2, alpha=1e-4)
keras_alexnet.LocalResponseNormalization.from_torch(5, k=2.0)
keras_alexnet.LocalResponseNormalization.from_caffe(norm_region="WITHIN_CHANNEL", dtype="float32")
keras_alexnet.LocalResponseNormalization.from_onnx(size=5, bias=1)
images = norm(np.zeros((1, 8, 8, 3)))
norm.build((None, 8, 8, 3))
sizes: tuple[int | None, ...] = norm.compute_output_shape((None, 8, 8, 3))
config: dict[str, object] = norm.get_config()
keras_alexnet.LocallyConnected2D(64, 3, padding="same", activation="relu")
keras_alexnet.LocallyConnected2D(
    filters=8,
    kernel_size=(3, 3),
    activation=keras.activations.relu,
    kernel_initializer=keras.initializers.RandomNormal(0, 0.01),
    bias_regularizer=keras.regularizers.L2(1e-3),
)
keras_alexnet.RandomCropFlip(224, 224, flip=False, seed=1, data_format="channels_first")
keras_alexnet.PCAColorNoise(0.1, "lighting", value_range=1, deviations=[1, 2, 3]).adapt(images)
keras_alexnet.TenCrop(224, 224)
keras_alexnet.NineCrop(24, width=24)

# Images.
train = keras_alexnet.training_preprocessor("bvlc_caffe", image_size=64, mean=(1, 2, 3), seed=0)
said: str = train.sentence()
keras_alexnet.evaluation_preprocessor(variant, data_format=None)(images)
keras_alexnet.preprocess_input(images, "caffenet", data_format="channels_last")
best: list[list[tuple[str, str, float]]] = keras_alexnet.decode_predictions(images, top=3)
data = keras_alexnet.image_folder(FOLDER, 256, resizing="warp", subset="held_out", cache="cache")
keras_alexnet.image_folder("photos", bad_images="skip", class_names=["cat", "dog"], shuffle=True)

# Training.
groups = [keras_alexnet.Group("bias$", factor=2.0), keras_alexnet.Group(weight_decay=5e-4)]
model.compile(keras_alexnet.CoupledSGD(0.1, groups=groups, velocity="without_rate"), "mse")
keras_alexnet.CoupledSGD(keras.optimizers.schedules.CosineDecay(0.1, 100), clipnorm=1.0)
model.compile(keras_alexnet.paper_optimizer(0.01, weight_decay=0), "mse")
model.compile(recipe.optimizer(100), "mse")
timer = keras_alexnet.BenchmarkCallback(batch_size=32, path=FOLDER / "times.json")
callbacks = [
    timer,
    keras_alexnet.FlatLossWarning(classes=10, say=print),
    keras_alexnet.ReduceOnPlateau("val_loss", patience=3, min_delta=0.1),
]
model.fit(data, callbacks=callbacks)
speed: float = timer.report()["train"].mean

# Weights, cards and figures.
loaded = keras_alexnet.load_checkpoint(model, os.path.join("a", "b.pth"), channel_order="rgb")
keras_alexnet.load_checkpoint(model, "imagenet", verify="raise")
written: str = keras_alexnet.convert_checkpoint(
    FOLDER / "bvlc.npy", "out.weights.h5", variant="bvlc", verify="off"
).path
keras_alexnet.export_model(model, FOLDER / "net.onnx", precision="float16", photos=FOLDER)
keras_alexnet.export_model("mine.keras", "net", format="saved_model", preprocessing=True)
card: keras_alexnet.ModelCard | None = keras_alexnet.get_model_card(model)
keras_alexnet.get_model_card("mine.safetensors")
parameters: int = keras_alexnet.describe(model).parameters
keras_alexnet.describe(model).plot(FOLDER / "model.png")
keras_alexnet.benchmark(model, 8, num_batches=3, burn_in=1, say=print)
with keras_alexnet.distribution("one_weird_trick", devices=2).scope():
    keras_alexnet.AlexNet("owt")

# Jobs.
try:
    outcome: jobs.Outcome = jobs.fit("photos", variant="owt", recipe="owt", epochs=3, quick=True)
    result: jobs.FolderEvaluation = jobs.evaluate(outcome.model_path, FOLDER, verbose=0)
    jobs.evaluate("owt_torchvision", "photos", variant="owt").plot_confusion("confusion.png")
    evaluation: jobs.Evaluation = result.evaluation
    worst: list[jobs.ClassFigures] = evaluation.worst(3)
    answers: jobs.Classification = jobs.classify([FOLDER / "1.jpg", "2.jpg"], weights="imagenet")
    jobs.classify("1.jpg", model=model, top=3)
    jobs.classify(FOLDER, csv="classes.csv", bad_images="skip")
    rows: jobs.Features = jobs.features(FOLDER, "fc7", "fc7.npy", pooling="average")
    first: jobs.Classified = answers.images[0]
    guess: jobs.Guess = first.guesses[0]
    exported: jobs.Exported = jobs.export("owt_torchvision", "net.tflite", photos=["1.jpg"])
    jobs.export(model, "net.onnx", normalization="operator", overwrite=True)
    findings: jobs.Findings = jobs.check_images("photos", move_to=FOLDER / "bad", verbose="auto")
    bad: tuple[jobs.Finding, ...] = tuple(findings.bad)
    download: jobs.Download = jobs.download("bvlc_caffe", timeout=10)
    there: str | None = jobs.local_copy("bvlc_caffe")
    job: jobs.Job = jobs.Job.of("paper", epochs=2)
except keras_alexnet.UserError as error:
    remedy: str = error.remedy
