"""The public names: pinned with their parameters, and alone used by examples and the command line.

A name is public if the `__all__` of its module has it and that module is in one of these tables.
"""

import ast
import importlib
import inspect
import pathlib

import pytest

import keras_alexnet
from keras_alexnet import jobs
from signatures import signature
from test_package import PACKAGE, ROOT

pytestmark = pytest.mark.backend_free

# Every name with its parameters, their order, kinds and defaults. Names and parameters may be
# added, the latter with a default at the end; none may be renamed, moved, changed or removed.
TOP_LEVEL = {
    "AlexNet": (
        "variant=None, include_top=True, weights=None, input_tensor=None, input_shape=None, "
        "pooling=None, classes=None, classifier_activation='softmax', name=None, *, "
        "initialization='published', data_format=None, dtype=None, sum_colors=False, "
        "verbose=False"
    ),
    "BenchmarkCallback": "batch_size=None, images=None, warm_up=3, path=None, verbose=True",
    "CoupledSGD": (
        "learning_rate=0.01, momentum=0.9, groups=(Group(pattern='(^|/)bias$', factor=2.0, "
        "learning_rate=None, weight_decay=0.0), Group(pattern='', factor=1.0, learning_rate=None,"
        " weight_decay=0.0005)), velocity='with_rate', name='coupled_sgd', **kwargs"
    ),
    "CoupledSGD.from_config": "config, custom_objects=None",
    "FlatLossWarning": (
        "steps=None, classes=None, tolerance=0.01, window=50, say=None, mean_weight=1.0"
    ),
    "Group": "pattern='', factor=1.0, learning_rate=None, weight_decay=0.0",
    "Group.from_config": "config",
    "LocalResponseNormalization": (
        "size=5, k=2.0, alpha=0.0001, beta=0.75, region='across_channels', groups=1, "
        "data_format=None, *, even_window='before', **kwargs"
    ),
    "LocalResponseNormalization.from_caffe": (
        "local_size=5, alpha=1.0, beta=0.75, k=1.0, norm_region='ACROSS_CHANNELS', **kwargs"
    ),
    "LocalResponseNormalization.from_onnx": "size, alpha=0.0001, beta=0.75, bias=1.0, **kwargs",
    "LocalResponseNormalization.from_tensorflow": (
        "depth_radius=5, bias=1.0, alpha=1.0, beta=0.5, **kwargs"
    ),
    "LocalResponseNormalization.from_torch": "size, alpha=0.0001, beta=0.75, k=1.0, **kwargs",
    "LocallyConnected2D": (
        "filters, kernel_size, strides=1, padding='valid', data_format=None, activation=None, "
        "use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros', "
        "kernel_regularizer=None, bias_regularizer=None, **kwargs"
    ),
    "ModelCard": (
        "variant=None, input_size=None, pixels=None, channel_order=None, class_names=None, "
        "training=None, checkpoint=None, licence=None, source=None, changes=None, "
        "keras_alexnet_version=None, keras_version=None"
    ),
    "NineCrop": "height, width, data_format=None, **kwargs",
    "PCAColorNoise": (
        "std=0.1, dialect='source2012', value_range=255, seed=None, axes=None, deviations=None, "
        "data_format=None, **kwargs"
    ),
    "RandomCropFlip": "height, width, flip=True, seed=None, data_format=None, **kwargs",
    "ReduceOnPlateau": "monitor='val_accuracy', factor=0.1, times=3, patience=5, **kwargs",
    "TenCrop": "height, width, data_format=None, **kwargs",
    "UserError": "received, expected='', remedy=''",
    "benchmark": "model, batch_size=32, num_batches=100, burn_in=10, *, compiled=None, say=None",
    "convert_checkpoint": (
        "path, out, *, variant=None, model=None, channel_order=None, overwrite=False, "
        "verify='warn', verbose=False"
    ),
    "decode_predictions": "preds, top=5",
    "describe": "model",
    "distribution": "layout='data_parallel', devices=None",
    "evaluation_preprocessor": "variant='paper', *, image_size=None, mean=None, data_format=None",
    "export_model": (
        "model, path, *, format=None, preprocessing=False, precision='float32', "
        "normalization=None, photos=None, overwrite=False, verbose=True"
    ),
    "feature_extractor": "model, layers",
    "fully_convolutional": "model, input_shape=None",
    "get_checkpoint": "name",
    "get_model_card": "source",
    "get_recipe": "name",
    "get_variant": "name",
    "image_folder": (
        "directory, image_size=256, *, resizing='shorter_side', batch_size=32, subset=None, "
        "held_out=0.2, shuffle=False, seed=0, first_epoch=0, class_names=None, cache=False, "
        "bad_images='stop'"
    ),
    "list_checkpoints": "",
    "list_recipes": "",
    "list_variants": "",
    "load_checkpoint": (
        "model, path, *, sum_colors=False, channel_order=None, verify='warn', verbose=False"
    ),
    "multi_crop_model": "model, views=10, image_size=None",
    "paper_optimizer": (
        "learning_rate=0.01, momentum=0.9, weight_decay=0.0005, bias_factor=2.0, **kwargs"
    ),
    "preprocess_input": "x, variant='paper', data_format=None",
    "ten_crop_model": "model, image_size=None, views=10",
    "training_preprocessor": (
        "variant='paper', *, image_size=None, mean=None, color_noise=None, seed=None, "
        "data_format=None"
    ),
}
JOBS = {
    "ClassFigures": "name, images, correct, taken_for, times",
    "Classification": (
        "model_name, images, assumptions, count=0, csv=None, skipped=(), passed_over=(), "
        "precision='float32', notes=()"
    ),
    "Classified": "path, guesses, probabilities",
    "Download": "name, path, downloaded, verified",
    "Evaluation": (
        "class_names, images, top1, top5, confusion, ten_crop_top1=None, ten_crop_top5=None, "
        "crops=10"
    ),
    "Exported": (
        "path, size, format, precision, runtime, error, kept, images, photos, install, notes=()"
    ),
    "Features": "path, names_path, record_path, shape, record",
    "Finding": "path, reason, moved_to=None",
    "Findings": "checked, bad, remarks, passed_over=()",
    "FolderEvaluation": "evaluation, measured, notes, network, files, precision='float32'",
    "Guess": "name, wordnet, score",
    "Job": (
        "variant='paper', directory=None, epochs=4, batch_size=16, learning_rate=0.0004, "
        "image_size=None, augmentation=True, initialization='robust', drawn=1400, seed=0, "
        "compile_mode='auto', recipe=None, bad_images='stop', schedule='cosine', warmup_ratio=0.1, "
        "weights=None, freeze=None, unfreeze_after=None, label_smoothing=0.0, "
        "class_weights=False, early_stopping=None, best=False, precision='float32', "
        "log=None, devices=1"
    ),
    "Job.of": "recipe=None, **settings",
    "Outcome": (
        "folder, model_path, evaluation, training_count, epochs, resumed_at, seconds, warning, "
        "state_path, pictures=(), skipped=(), best_epoch=None"
    ),
    "check_images": "directory, move_to=None, *, verbose='auto'",
    "classify": (
        "images, *, weights=None, model=None, variant=None, ten_crop=False, top=5, batch_size=32,"
        " precision=None, verbose='auto', csv=None, bad_images='stop'"
    ),
    "download": "name, folder=None, *, timeout=30.0, verbose='auto'",
    "evaluate": (
        "model, directory, *, variant=None, ten_crop=None, batch_size=32, precision=None, "
        "verbose='auto'"
    ),
    "export": (
        "model, output, *, variant=None, format=None, preprocessing=False, precision='float32', "
        "normalization=None, photos=None, overwrite=False, verbose='auto'"
    ),
    "features": (
        "images, layer, output, *, weights=None, model=None, variant=None, pooling='none', "
        "batch_size=32, bad_images='stop', overwrite=False, verbose='auto'"
    ),
    "fit": (
        "directory=None, *, output=None, variant=None, recipe=None, epochs=None, batch_size=None,"
        " learning_rate=None, image_size=None, augmentation=True, initialization='robust', "
        "compile_mode='auto', seed=0, bad_images='stop', overwrite=False, "
        "accept_changed_data=False, discard_state=False, quick=False, verbose='auto', "
        "schedule=None, warmup_ratio=None, weights=None, freeze=None, unfreeze_after=None, "
        "label_smoothing=0.0, class_weights=False, early_stopping=None, best=False, "
        "precision='float32', log=None, preset=None, devices=1"
    ),
    "local_copy": "name",
}
MODULES = {
    "benchmarking.compare": "compare",
    "benchmarking.devices": "peak_memory synchronize",
    "benchmarking.passes": "forward forward_backward",
    "benchmarking.runner": "NOTEBOOK_NAMES activation_lines benchmark",
    "data.drawn": "CLASS_NAMES drawn_images",
    "data.image_reader": "ImageReader",
    "data.labelled_files": "LabelledFiles find_images",
    "errors": "Interrupted Note UserError escaped",
    "evaluation.networks": "ReadyNetwork load_model ready_network",
    "evaluation.precision": "PRECISIONS in_precision",
    "export.formats": "EXPORT_FORMATS ExportFormat",
    "layers": (
        "AdaptiveAveragePooling2D CeilPooling2D Conv2D DownscaledDropout Dropout "
        "LocalResponseNormalization LocallyConnected2D MaxPooling2D"
    ),
    "names": "OTHER_NAMES did_you_mean",
    "pictures": (
        "attempted check_drawable check_picture filter_smoothness plot_classified plot_confusion "
        "plot_description plot_filters plot_history plot_panel"
    ),
    "progress": "position quiet",
    "published.lookup": "checkpoints_of get_checkpoint list_checkpoints",
    "recipes": "Recipe get_recipe list_recipes",
    "startup": "import_package keep_memory",
    "tables": "add_numbers csv_writer json_text new_table screen_width table_text",
    "training.compile_modes": "MODES",
    "training.job": "Job LOGS PRECISIONS build_model",
    "training.padding": "PaddedLoss pad_batches",
    "training.presets": "PRESETS",
    "training.schedule": "SCHEDULES",
    "training.state": "RunState",
    "type_aliases": (
        "BadImages CaffeRegion ChannelOrder CheckpointName CompileMode DataFormat DeviceLayout "
        "EvenWindow ExportFormatName ExportPrecision FeaturePooling Identifier InferencePrecision "
        "Initialization Log Logs NoiseDialect NormalizationForm Padding PathLike Pooling Precision "
        "RecipeName Reduction Region Resizing Scaling Schedule Shape Sides Subset Tensor "
        "VariantName Velocity Verbose Verify Weights WeightsName"
    ),
    "variants": "Variant get_variant list_variants",
}


def parameters(function):
    """Return the parameters of a function or class as they would be written, without types."""
    found = signature(function)
    plain = [
        parameter.replace(annotation=parameter.empty) for parameter in found.parameters.values()
    ]
    return str(inspect.Signature(plain))[1:-1]


def described(module):
    """Return the parameters of every public name of a module, and of its classes' class methods."""
    found = {}
    for name in module.__all__:
        thing = getattr(module, name)
        found[name] = parameters(thing)
        if inspect.isclass(thing):
            methods = (key for key, value in vars(thing).items() if isinstance(value, classmethod))
            found |= {f"{name}.{key}": parameters(getattr(thing, key)) for key in methods}
    return found


@pytest.mark.parametrize(("module", "expected"), [(keras_alexnet, TOP_LEVEL), (jobs, JOBS)])
def test_names_and_parameters(module, expected):
    """What others call stays as it is: see the tables."""
    assert described(module) == expected
    assert sorted(module.__all__) == list(module.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_names_of_other_public_modules(name):
    """They are there, and documented; an alias of a type has no place for a text."""
    module = importlib.import_module(f"keras_alexnet.{name}")
    assert sorted(module.__all__) == MODULES[name].split()
    things = [getattr(module, each) for each in module.__all__]
    assert [thing for thing in things if inspect.isroutine(thing) and not thing.__doc__] == []
    assert [thing for thing in things if inspect.isclass(thing) and not thing.__doc__] == []


PACKAGE_NAMES = {*keras_alexnet.__all__, "__version__", "jobs"}
PUBLIC = {
    "keras_alexnet": PACKAGE_NAMES,
    "keras_alexnet.jobs": {*jobs.__all__},
    **{f"keras_alexnet.{name}": {*names.split()} for name, names in MODULES.items()},
}


def private_names(source):
    """Return the names of the package in a source text that are not public."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name not in PUBLIC}
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names} - PUBLIC.get(node.module, set())
            found |= {f"{node.module}.{name}" for name in names}
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "keras_alexnet":
            found |= {f"keras_alexnet.{node.attr}"} - {f"keras_alexnet.{x}" for x in PACKAGE_NAMES}
    return {name for name in found if name.split(".")[0] == "keras_alexnet"}


def test_private_names_are_found():
    """In every form of an import."""
    assert private_names("from keras_alexnet import AlexNet, jobs\nimport keras, os") == set()
    assert private_names("from keras_alexnet.jobs import fit, run") == {"keras_alexnet.jobs.run"}
    assert private_names("def f():\n    from keras_alexnet.files import write_json") == {
        "keras_alexnet.files.write_json"
    }
    assert private_names("import keras_alexnet.backends") == {"keras_alexnet.backends"}
    assert private_names("import keras_alexnet\nkeras_alexnet.files") == {"keras_alexnet.files"}


SCRIPTS = sorted((ROOT / "examples").rglob("*.py")) + sorted((PACKAGE / "cli").rglob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_examples_and_commands_use_public_names(path: pathlib.Path):
    """The command line has its own modules besides."""
    names = private_names(path.read_text(encoding="utf-8"))
    if path.parent.name == "cli":
        names = {name for name in names if not name.startswith("keras_alexnet.cli.")}
    assert names == set()
