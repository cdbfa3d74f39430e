"""Arguments of a wrong type: a `UserError` with the argument's name, and no error of Keras."""

import dataclasses
import os

import keras
import numpy as np
import pytest
from PIL import Image

import keras_alexnet
from keras_alexnet import UserError, jobs, layers
from signatures import signature

# For each public call its right arguments, and the names of those that are tried with wrong ones.
NORM = keras_alexnet.LocalResponseNormalization
SMALL = {"variant": "cifar10_18pct"}
SIZE = {"height": 4, "width": 4}
MODEL = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
FOLDER = {"directory": ".", "image_size": 8}
EVALUATE = {"model": "a.keras", "directory": "photos"}
EXPORT = {"model": MODEL, "path": "a.onnx"}
CALLS = [
    (keras_alexnet.AlexNet, SMALL, "variant weights input_tensor input_shape pooling classes"),
    (keras_alexnet.AlexNet, SMALL, "include_top sum_colors verbose"),
    (keras_alexnet.AlexNet, SMALL, "classifier_activation name initialization data_format dtype"),
    (NORM, {}, "size k alpha beta region groups data_format even_window"),
    (NORM.from_tensorflow, {}, "depth_radius bias alpha beta"),
    (NORM.from_torch, {"size": 5}, "size alpha beta k"),
    (NORM.from_caffe, {}, "local_size alpha beta k norm_region"),
    (NORM.from_onnx, {"size": 5}, "size alpha beta bias"),
    (keras_alexnet.RandomCropFlip, SIZE, "height width flip seed data_format"),
    (keras_alexnet.TenCrop, SIZE, "height width data_format"),
    (keras_alexnet.NineCrop, SIZE, "height width data_format"),
    (keras_alexnet.PCAColorNoise, {}, "std dialect value_range seed axes deviations data_format"),
    (layers.CeilPooling2D, {}, "pool_size strides reduction data_format"),
    (layers.AdaptiveAveragePooling2D, {"output_size": 6}, "output_size data_format"),
    (keras_alexnet.benchmark, {"model": MODEL}, "batch_size num_batches burn_in compiled"),
    (keras_alexnet.load_checkpoint, {"model": MODEL, "path": "a.npz"}, "sum_colors verify verbose"),
    (keras_alexnet.convert_checkpoint, {"path": "a.npz", "out": "b.keras"}, "path out overwrite"),
    (keras_alexnet.convert_checkpoint, {"path": "a.npz", "out": "b.keras"}, "verify verbose"),
    (keras_alexnet.export_model, EXPORT, "path format preprocessing precision normalization"),
    (keras_alexnet.export_model, EXPORT, "overwrite verbose"),
    (keras_alexnet.image_folder, FOLDER, "directory image_size batch_size subset held_out shuffle"),
    (keras_alexnet.image_folder, FOLDER, "seed resizing cache bad_images class_names"),
    (keras_alexnet.training_preprocessor, {}, "variant image_size mean color_noise seed"),
    (keras_alexnet.evaluation_preprocessor, {}, "variant image_size mean data_format"),
    (keras_alexnet.preprocess_input, {"x": np.zeros((4, 4, 3))}, "x variant data_format"),
    (keras_alexnet.decode_predictions, {"preds": np.zeros((1, 1000))}, "top"),
    (keras_alexnet.CoupledSGD, {}, "learning_rate momentum groups velocity"),
    (keras_alexnet.paper_optimizer, {}, "learning_rate momentum weight_decay bias_factor"),
    (keras_alexnet.Group, {}, "factor learning_rate weight_decay"),
    (keras_alexnet.ReduceOnPlateau, {}, "factor times patience"),
    (keras_alexnet.FlatLossWarning, {}, "steps classes tolerance window mean_weight"),
    (keras_alexnet.BenchmarkCallback, {}, "batch_size images warm_up path verbose"),
    (keras_alexnet.distribution, {}, "layout devices"),
    (keras_alexnet.get_variant, {}, "name"),
    (keras_alexnet.get_checkpoint, {}, "name"),
    (keras_alexnet.get_recipe, {}, "name"),
    (jobs.local_copy, {}, "name"),
    (jobs.fit, {}, "directory output variant recipe epochs batch_size learning_rate image_size"),
    (jobs.fit, {}, "initialization compile_mode seed bad_images schedule warmup_ratio weights"),
    (jobs.fit, {}, "freeze unfreeze_after label_smoothing early_stopping precision log verbose"),
    (jobs.fit, {}, "augmentation overwrite accept_changed_data discard_state quick class_weights"),
    (jobs.fit, {}, "best devices"),
    (jobs.evaluate, EVALUATE, "directory ten_crop batch_size verbose"),
    (
        jobs.classify,
        {"images": "a.png"},
        "images weights model ten_crop top batch_size bad_images csv verbose",
    ),
    (jobs.features, {"images": "a.png", "layer": "fc7", "output": "a.npy"}, "layer output pooling"),
    (jobs.features, {"images": "a.png", "layer": "fc7", "output": "a.npy"}, "overwrite verbose"),
    (jobs.export, {"model": "a.keras", "output": "a.onnx"}, "model output format precision"),
    (jobs.export, {"model": "a.keras", "output": "a.onnx"}, "preprocessing overwrite verbose"),
    (jobs.check_images, {"directory": "photos"}, "directory move_to verbose"),
    (jobs.download, {"name": "owt_torchvision"}, "name folder verbose"),
]
LOCAL = (
    keras_alexnet.LocallyConnected2D,
    {"filters": 2, "kernel_size": 3},
    "filters kernel_size strides padding data_format activation kernel_initializer "
    "use_bias bias_initializer kernel_regularizer bias_regularizer",
)
WRONG = [object(), [["a"]], {"a": 1}]
CASES = [(call, right, name) for call, right, names in [*CALLS, LOCAL] for name in names.split()]


@pytest.mark.parametrize(("call", "right", "name"), CASES)
def test_an_object_a_list_and_a_dict(call, right, name, tmp_path, monkeypatch):
    """None of them is ever right, and the error comes before any work."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
    for wrong in WRONG:
        with pytest.raises(UserError) as caught:
            call(**{**right, name: wrong})
        assert caught.value.expected and caught.value.remedy
    assert os.listdir() == []


def flags(call):
    """Return the names of the arguments that are True or False, or None."""
    kinds = {name: str(one.annotation) for name, one in signature(call).parameters.items()}
    return {name for name, kind in kinds.items() if kind in ("bool", "bool | None", str(bool))}


@pytest.mark.backend_free
def test_every_flag_is_tried():
    """Those of all public calls are in the list above; records check no arguments."""
    public = [getattr(keras_alexnet, name) for name in keras_alexnet.__all__]
    public += [getattr(jobs, name) for name in jobs.__all__]
    public = [call for call in public if not dataclasses.is_dataclass(call)]
    tried = {call: {name for one, _, name in CASES if one is call} for call in public}
    assert {call: flags(call) - tried[call] for call in public if flags(call) - tried[call]} == {}
    assert sum(map(len, map(flags, public))) > 20


@pytest.mark.parametrize(
    ("call", "right", "name"), [case for case in CASES if case[2] in flags(case[0])]
)
@pytest.mark.parametrize("wrong", ["no", "", 2, [], np.zeros(2, bool)])
def test_what_is_no_flag(call, right, name, wrong):
    """Words would all be true, and an empty list false."""
    with pytest.raises(UserError, match=f"Received {name}=.* `{name}` must be True or False"):
        call(**{**right, name: wrong})


def test_flags_of_all_types_are_right():
    """NumPy's too, and 1; they become Python's, which a configuration can hold."""
    for flip in (True, np.True_, np.array(True), 1, np.int64(1)):
        assert keras_alexnet.RandomCropFlip(4, 4, flip=flip).get_config()["flip"] is True


NUMBERS = [
    (NORM, "k alpha beta size"),
    (keras_alexnet.CoupledSGD, "learning_rate momentum"),
    (keras_alexnet.paper_optimizer, "learning_rate momentum weight_decay bias_factor"),
    (keras_alexnet.Group, "factor weight_decay"),
    (keras_alexnet.ReduceOnPlateau, "factor times"),
    (keras_alexnet.FlatLossWarning, "tolerance mean_weight"),
    (keras_alexnet.PCAColorNoise, "std value_range"),
]


@pytest.mark.parametrize(
    ("call", "name"), [(call, name) for call, names in NUMBERS for name in names.split()]
)
@pytest.mark.parametrize("wrong", [None, "0.5", b"1", np.nan, np.zeros(2), True])
def test_text_and_none_are_no_numbers(call, name, wrong):
    """Also text that looks like one, and an array of several."""
    with pytest.raises(UserError, match=rf"Received {name}="):
        call(**{name: wrong})


def test_numbers_of_all_types_are_right():
    """NumPy's, arrays without axes, and integers."""
    for one in (1, np.float32(1), np.int64(1), np.array(1.0)):
        assert float(NORM(k=one, alpha=one, beta=one).k) == 1
        assert keras_alexnet.paper_optimizer(weight_decay=one).groups[1].weight_decay == 1.0


@pytest.mark.parametrize("wrong", [None, 5, "owt", ["a"]])
def test_what_is_no_model(wrong):
    """Functions of a model."""
    calls = (
        keras_alexnet.describe,
        keras_alexnet.benchmark,
        keras_alexnet.fully_convolutional,
        keras_alexnet.ten_crop_model,
        keras_alexnet.multi_crop_model,
        lambda model: keras_alexnet.feature_extractor(model, "fc7"),
        lambda model: keras_alexnet.load_checkpoint(model, __file__),
    )
    for call in calls:
        with pytest.raises(UserError):
            call(wrong)


@pytest.mark.parametrize("names", ["cat", 5, [1, 2], {"cat": 0}])
def test_what_is_no_list_of_names(names, tmp_path):
    """A text would otherwise be a class for each of its letters."""
    for name in ("cat", "dog"):
        os.mkdir(tmp_path / name)
        Image.new("RGB", (8, 8)).save(tmp_path / name / "1.png")
    with pytest.raises(UserError, match="`class_names` must be a list of names"):
        keras_alexnet.image_folder(tmp_path, 8, class_names=names)
    for share in (None, "0.2", [0.2]):
        with pytest.raises(UserError, match="Received held_out="):
            keras_alexnet.image_folder(tmp_path, 8, held_out=share)


@pytest.mark.parametrize("wrong", [None, 5, "photos", ["a"]])
def test_what_is_no_images(wrong):
    """A layer adapts to images alone."""
    with pytest.raises(ValueError):
        keras_alexnet.PCAColorNoise().adapt(wrong)


def test_a_shape_of_four_sizes():
    """With the batch, as other programs have it."""
    model = keras_alexnet.AlexNet("cifar10_18pct", data_format="channels_last")
    with pytest.raises(UserError, match=r"`input_shape` must have three sizes"):
        keras_alexnet.fully_convolutional(model, (1, 64, 64, 3))
    assert isinstance(keras_alexnet.fully_convolutional(model, (64, 64, 3)), keras.Model)
