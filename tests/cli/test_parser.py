"""Mistakes in the words of a command line: three sentences on one line, and exit code 2."""

import pytest

from keras_alexnet.cli import COMMANDS, main
from keras_alexnet.cli.parser import KINDS, Parser

pytestmark = pytest.mark.backend_free

NAMES = [module.__name__.rpartition(".")[2].replace("_", "-") for module in COMMANDS]
COMMANDS_ARE = f"COMMAND must be one of: {', '.join(NAMES)}."

# The words, the command that is told of, and the sentences: received, expected, and what is meant.
MISTAKES = [
    (
        "list --josn",
        "list",
        "Received the option --josn. The option must be one that `keras-alexnet list` has. "
        "Did you mean '--json'?",
    ),
    (
        "download --otuput=folder",
        "download",
        "Received the option --otuput=folder. The option must be one that `keras-alexnet download` "
        "has. Did you mean '--output'?",
    ),
    (
        "--versoin list",
        "",
        "Received the option --versoin. The option must be one that `keras-alexnet` has. "
        "Did you mean '--version'?",
    ),
    (
        "fit --zzz",
        "fit",
        "Received the option --zzz. The option must be one that `keras-alexnet fit` has. "
        "DIR stands without an option.",
    ),
    (
        "evaluate --weights owt photos",
        "evaluate",
        "Received the option --weights. The option must be one that `keras-alexnet evaluate` has. "
        "MODEL and DIR stand without an option.",
    ),
    ("fti photos", "", f"Received COMMAND='fti'. {COMMANDS_ARE} Did you mean 'fit'?"),
    ("it's", "", f"""Received COMMAND="it's". {COMMANDS_ARE}"""),
    ("", "", "Received too few arguments. `keras-alexnet` also needs: COMMAND."),
    (
        "describe",
        "describe",
        "Received too few arguments. `keras-alexnet describe` also needs: MODEL.",
    ),
    (
        "evaluate",
        "evaluate",
        "Received too few arguments. `keras-alexnet evaluate` also needs: MODEL, DIR.",
    ),
    (
        "list bvlc",
        "list",
        "Received 'bvlc', which is one argument too many. The usage is: "
        "keras-alexnet list [-h] [--json].",
    ),
    (
        "classify cat.jpg --model m.keras --weights owt",
        "classify",
        "Received --weights together with --model. Only one of --weights and --model can be given.",
    ),
    (
        "benchmark paper --variant owt",
        "benchmark",
        "Received --variant together with VARIANT. Only one of --variant and VARIANT can be given.",
    ),
    (
        "convert a.npz b.keras --channel-order bgf",
        "convert",
        "Received --channel-order='bgf'. --channel-order must be one of: rgb, bgr. "
        "Did you mean 'bgr'?",
    ),
    ("fit --seed x", "fit", "Received --seed='x'. --seed must be a whole number."),
    (
        "fit --warmup-ratio x",
        "fit",
        "Received --warmup-ratio='x'. --warmup-ratio must be a number.",
    ),
    (
        "benchmark --batches 0",
        "benchmark",
        "Received --batches='0'. --batches must be a whole number of at least 1.",
    ),
    (
        "fit --learning-rate=-inf",
        "fit",
        "Received --learning-rate='-inf'. --learning-rate must be a positive number.",
    ),
    (
        "fit --epochs",
        "fit",
        "Received --epochs without a value. --epochs must be followed by a value.",
    ),
    ("fit --quick=yes", "fit", "Received --quick with the value 'yes'. --quick takes no value."),
    (
        "check-images photos --move-to",
        "check-images",
        "Received --move-to without a value. --move-to must be followed by a value.",
    ),
    (
        "fit --ba 3",
        "fit",
        "Received --ba, which is short for several options. The option must be one of: "
        "--batch-size, --bad-images.",
    ),
]


def printed(words, capsys):
    """Return the line that a wrong command line gives on the error stream."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out, captured.err.count("\n")) == (2, "", 1)
    return captured.err.removesuffix("\n")


@pytest.mark.parametrize(("words", "command", "sentences"), MISTAKES)
def test_a_mistake_is_three_sentences(words, command, sentences, capsys):
    """The last one names the help of the command that was meant, not of the program."""
    program = f"keras-alexnet {command}".rstrip()
    remedy = f"Run `{program} --help` to see every argument."
    assert printed(words.split(), capsys) == f"{program}: {sentences} {remedy}"


REQUIRED = {
    "describe": "paper",
    "check-images": "photos",
    "evaluate": "owt photos",
    "classify": "cat.jpg",
    "features": "cat.jpg --layer fc7 --output fc7.npz",
    "convert": "weights.npz weights.keras",
    "export": "net.keras --output net.onnx",
}


@pytest.mark.parametrize("command", NAMES)
@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("--json=3", "Received --json with the value '3'. --json takes no value."),
        (
            "--nosuch",
            "Received the option --nosuch. The option must be one that `keras-alexnet {}` has.",
        ),
    ],
)
def test_every_command_names_its_own_help(command, word, sentence, capsys):
    words = [command, *REQUIRED.get(command, "").split(), word]
    line = printed(words, capsys)
    assert line.startswith(f"keras-alexnet {command}: {sentence.format(command)} ")
    assert line.endswith(f" Run `keras-alexnet {command} --help` to see every argument.")


@pytest.mark.parametrize("module", COMMANDS, ids=NAMES)
def test_the_kind_of_every_value_has_words(module):
    parser = Parser()
    module.add(lambda *declared, **options: parser)
    kinds = {action.type.__name__ for action in parser._actions if action.type is not None}
    assert kinds <= set(KINDS)


def test_one_of_several_required_options(capsys):
    parser = Parser(prog="program", add_help=False)
    either = parser.add_mutually_exclusive_group(required=True)
    either.add_argument("--weights")
    either.add_argument("--model")
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args([])
    assert capsys.readouterr().err == (
        "program: Received too few arguments. `program` also needs one of: --weights --model. "
        "Run `program --help` to see every argument.\n"
    )


def test_what_cannot_be_printed_is_escaped(capsys):
    line = printed(["list", "--a\x1b[31m\nb"], capsys)
    assert "Received the option --a\\x1b[31m\\nb." in line


def test_an_unknown_message_of_argparse_is_kept():
    """Another version of Python may word it otherwise."""
    error = Parser(prog="program", add_help=False)._sentences("of another kind")
    assert error.received == "Received wrong arguments: of another kind."
    assert error.expected == "The usage is: program."
    assert error.remedy == "Run `program --help` to see every argument."
