"""Names as users write them: one rule for variants, weights and recipes, in Python and commands."""

import contextlib
import warnings

import pytest
from PIL import Image

import keras_alexnet as package
from keras_alexnet import AlexNet, get_recipe, get_variant, list_variants, load_checkpoint
from keras_alexnet.checkpoints import sources
from keras_alexnet.cli import main
from keras_alexnet.errors import UserError
from keras_alexnet.jobs import downloads
from keras_alexnet.names import OTHER_NAMES
from keras_alexnet.published.lookup import (
    get_checkpoint,
    known_checkpoint,
    list_checkpoints,
    named_checkpoint,
)
from keras_alexnet.training.job import Job
from keras_alexnet.variants import named_variant

# The word, and the variant that it means; the last two fit several, which is said.
VARIANTS = {
    "torchvision": "owt",
    "Torchvision": "owt",
    "OWT": "owt",
    "BVLC": "bvlc",
    "bvlc-alexnet": "bvlc",
    "bvlc_reference_caffenet": "caffenet",
    "CaffeNet": "caffenet",
    "cuda-convnet2": "cuda_convnet2",
    "CIFAR10-19pct": "cifar10_19pct",
    "caffe": "bvlc",
    "AlexNet": "paper",
}
SEVERAL = {
    "caffe": "'caffe' is taken for 'bvlc'.*'caffenet'",
    "AlexNet": "'paper'.*'owt'.*'bvlc'",
    "alexnet": "'owt', torchvision's.*'bvlc'",
}
# The word, the variant that it goes with, and the published checkpoint that it means.
WEIGHTS = [
    ("imagenet", None, "owt_torchvision"),
    ("imagenet", "bvlc", "bvlc_caffe"),
    ("ImageNet", "caffenet", "caffenet_caffe"),
    ("DEFAULT", None, "owt_torchvision"),
    ("default", "bvlc", "bvlc_caffe"),
    ("IMAGENET1K_V1", None, "owt_torchvision"),
    ("imagenet1k-v1", "owt", "owt_torchvision"),
    ("AlexNet_Weights.IMAGENET1K_V1", None, "owt_torchvision"),
    ("AlexNet_Weights.DEFAULT", None, "owt_torchvision"),
    ("alexnet", None, "owt_torchvision"),
    ("alexnet", "bvlc", "bvlc_caffe"),
    ("owt", None, "owt_torchvision"),
    ("torchvision", "owt", "owt_torchvision"),
    ("ungrouped", None, "ungrouped_imgclsmob"),
    ("caffe", None, "bvlc_caffe"),
    ("OWT-Torchvision", None, "owt_torchvision"),
    ("bvlc_onnx", "bvlc", "bvlc_onnx"),
]


def said(word):
    """Return a context that expects a warning, if a word fits several networks."""
    message = SEVERAL.get(word)
    return pytest.warns(UserWarning, match=message) if message else contextlib.nullcontext()


@pytest.mark.backend_free
@pytest.mark.parametrize(("word", "name"), VARIANTS.items())
def test_variants(word, name):
    """By the rule in `get_variant`, wherever a variant is named; a guess is said."""
    with said(word):
        assert get_variant(word).name == name
    if name in package.list_recipes():
        with said(word):
            assert get_recipe(word).variant == name
    with said(word):
        assert Job.of(variant=word) == Job(variant=name)


@pytest.mark.backend_free
def test_every_name_means_itself():
    """No other name hides one of the tables, and each stands for a variant that is there."""
    for name in list_variants():
        assert get_variant(name.upper().replace("_", "-")).name == name
    for name in list_checkpoints():
        assert known_checkpoint(name.upper().replace("_", " ")).name == name
    assert not OTHER_NAMES.keys() & {*list_variants(), *list_checkpoints()}
    assert {other.variant for other in OTHER_NAMES.values()} <= {*list_variants()}


@pytest.mark.parametrize("word", ["CIFAR10-19pct", "cifar10 19PCT"])
def test_networks_and_preprocessors(word):
    """The builder and the preprocessors take the same names, and give the variant's own."""
    model = AlexNet(word, input_shape=(16, 16, 3))
    assert (model.name, model.card.variant) == ("alexnet_cifar10_19pct", "cifar10_19pct")
    expected = str(package.evaluation_preprocessor("cifar10_19pct"))
    assert str(package.evaluation_preprocessor(word)) == expected


@pytest.mark.backend_free
@pytest.mark.parametrize(("word", "variant", "name"), WEIGHTS)
def test_weights(word, variant, name):
    """By the rule in `known_checkpoint`, for `AlexNet`, `get_checkpoint` and the files alike."""
    several = word if variant is None else ""
    with said(several):
        assert named_checkpoint(word, variant).name == name
    if variant is None:
        with said(several):
            assert get_checkpoint(word).name == name


@pytest.mark.backend_free
@pytest.mark.parametrize("word", [None, "alexnet", "AlexNet"])
def test_alexnet_leaves_the_variant_to_the_weights(word):
    """As leaving it out does, and without a warning: nothing is guessed."""
    assert named_variant(word) is None


def asked_for(monkeypatch):
    """Have published weights named in an error in place of being downloaded."""

    def refuse(checkpoint):
        raise UserError(f"It asked for {checkpoint.name}.", "The", "end.")

    monkeypatch.setattr(sources, "local_copy", refuse)


@pytest.mark.parametrize(("word", "variant", "name"), WEIGHTS)
def test_networks_with_weights(word, variant, name, monkeypatch):
    """Weights by each name, in each place where Python takes weights."""
    asked_for(monkeypatch)
    calls = [lambda: AlexNet(variant, weights=word), lambda: AlexNet("alexnet", weights=name)]
    if variant is None:
        calls.append(lambda: package.get_model_card(word))
        calls.append(lambda: package.convert_checkpoint(word, "out.safetensors"))
    for call in calls:
        with (
            warnings.catch_warnings(),
            pytest.raises(UserError, match=f"for {name}. The end.$"),
        ):
            warnings.simplefilter("ignore")
            call()


def test_imagenet_is_the_models(monkeypatch):
    """Loaded into a model, the best documented weights are those of the model's variant."""
    asked_for(monkeypatch)
    for variant, name in (("bvlc", "bvlc_caffe"), ("owt", "owt_torchvision")):
        model = AlexNet(variant, include_top=False)
        for word in ("imagenet", "DEFAULT"):
            with pytest.raises(UserError, match=f"for {name}. The end.$"):
                load_checkpoint(model, word)
    with pytest.raises(UserError, match="'cifar10_19pct', of which no weights are published"):
        load_checkpoint(AlexNet("cifar10_19pct", input_shape=(16, 16, 3)), "imagenet")


MISTAKES = [
    ("IMAGENET1K_V1", "bvlc", "belong to the variant 'owt'.*Build AlexNet"),
    ("owt", "bvlc", "belong to the variant 'owt'"),
    ("paper", None, "'paper', of which no weights are published"),
    ("IMAGENET1K_V2", None, "no published checkpoint"),
    ("Owt-torchvison", None, "no published checkpoint.*Did you mean 'owt_torchvision'"),
]


@pytest.mark.backend_free
@pytest.mark.parametrize(("word", "variant", "message"), MISTAKES)
def test_mistakes_about_weights(word, variant, message):
    """A name of another network's weights, or of none, is refused with what there is."""
    with pytest.raises(UserError, match=message):
        named_checkpoint(word, variant)


@pytest.mark.backend_free
def test_a_similar_name_is_offered():
    """Whatever its case."""
    with pytest.raises(UserError, match="Did you mean 'cuda_convnet2'"):
        get_variant("CUDA-convnet-2")
    with pytest.raises(UserError, match="Did you mean 'cifar10_80sec'"):
        get_recipe("CIFAR10-80s")
    with pytest.raises(UserError, match="Did you mean 'alexnet'"):  # not 'caffenet'
        get_variant("alexnett")


@pytest.mark.backend_free
def test_a_file_goes_before_another_name(tmp_path, monkeypatch):
    """But not before the names of the table; a folder is no file of weights."""
    monkeypatch.chdir(tmp_path)
    for name in ("torchvision", "DEFAULT", "owt_torchvision", "imagenet"):
        (tmp_path / name).touch()
    (tmp_path / "owt").mkdir()
    assert named_checkpoint("torchvision") is None
    assert named_checkpoint("DEFAULT") is None
    for name in ("owt_torchvision", "imagenet", "owt"):
        assert named_checkpoint(name).name == "owt_torchvision"


COMMANDS = {
    "classify": lambda word: ["classify", "a/1.png", "--weights", word],
    "evaluate": lambda word: ["evaluate", word, "."],
    "convert": lambda word: ["convert", word, "out.safetensors"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("word", ["owt", "imagenet", "Torchvision", "IMAGENET1K_V1"])
def test_commands_take_the_same_weights(command, word, tmp_path, monkeypatch, capsys):
    """All that `download` takes, and mean the same file."""
    asked_for(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    Image.new("RGB", (8, 8)).save("a/1.png")  # which is looked at before the network is
    assert main(COMMANDS[command](word)) == 2
    assert "asked for owt_torchvision" in capsys.readouterr().err


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("word", "file", "note"),
    [
        ("owt", "alexnet-owt-7be5be79.pth", ""),
        ("imagenet", "alexnet-owt-7be5be79.pth", ""),
        ("DEFAULT", "alexnet-owt-7be5be79.pth", ""),
        ("caffe", "bvlc_alexnet.caffemodel", "keras-alexnet download: note: Caffe has two"),
    ],
)
def test_download_takes_them_too(word, file, note, monkeypatch, capsys):
    """And says in a note where a name fits several networks."""
    monkeypatch.setattr(downloads, "find_copy", lambda record, folders: (record.filename, {}))
    assert main(["download", word]) == 0
    captured = capsys.readouterr()
    assert f"Found a copy: {file}" in captured.out
    assert captured.err.startswith(note)
    assert captured.err.count("\n") == bool(note)


def test_commands_take_the_same_variants(capsys):
    """`describe` and `benchmark` build the same network under each of its names."""
    assert main(["describe", "CIFAR10-19pct"]) == 0
    assert "89,578" in capsys.readouterr().out
    assert main(["list"]) == 0
    assert "torchvision is owt" in " ".join(capsys.readouterr().out.split())
    assert main(["describe", "alexnot"]) == 2
    assert "variant='alexnot', which is not known" in capsys.readouterr().err
