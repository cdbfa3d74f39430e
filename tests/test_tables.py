"""Tables on screens of any width, and JSON with a row of numbers on each line."""

import json
import re

import numpy as np
import pytest

from keras_alexnet.benchmarking.report import Report
from keras_alexnet.benchmarking.timings import Timings
from keras_alexnet.cli import check_images, main
from keras_alexnet.data.image_check import Finding, Findings
from keras_alexnet.describe import Description, LayerFigures
from keras_alexnet.evaluation.class_tables import class_table
from keras_alexnet.evaluation.classifying import Classified, Guess
from keras_alexnet.evaluation.figures import Evaluation
from keras_alexnet.tables import json_text

TIMINGS = tuple(
    Timings(name, 1.5, (0.2,), (0.1,) * 20, 32) for name in ("Forward", "Forward-backward")
)
REPORT = Report(TIMINGS, {"backend": "tensorflow 2.21.0"}, {"host": 12_345_678_900})
RUNS = [{"backend": name, "report": REPORT.to_dict()} for name in ("tensorflow", "jax")]
for run in RUNS:
    run["mode"] = run["report"]["environment"]["compile mode"] = "compiled"
EVALUATION = Evaluation(
    ("great white shark", "n01440764_tench_with_a_long_name"),
    1234,
    0.5,
    0.7,
    np.array([[300, 12], [10, 912]]),
    0.6,
    0.8,
)
LAYER = LayerFigures("conv1", "LocalResponseNormalization", (55, 55, 96), 34_944, 290_400, 105_415)
DESCRIPTION = Description("alexnet_paper", (224, 224, 3), (LAYER,))
FINDING = Finding("photos/cats/a very long [name] of a file.jpg", "it is empty (0 bytes)")
GUESS = Guess("great white shark", "n01484850", 0.9312)


def print_compared():
    """Print the table of `benchmark --compare`."""
    results = iter([RUNS])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_alexnet.benchmarking.compare.compare", lambda *_: next(results))
        assert main(["benchmark", "--compare"]) == 0


# What prints a table, the figures that it must never break, and those that are always there.
TABLES = {
    "list": (lambda: main(["list"]), ["60,965,224", "1,131,457,664"], ["paper", "cifar10_13pct"]),
    "download": (lambda: main(["download", "--list"]), ["244.4"], ["owt_torchvision_2017"]),
    "describe": (
        lambda: print(DESCRIPTION),
        ["55 x 55 x 96", "100.00 %", "290,400"],
        ["conv1", "34,944"],
    ),
    "evaluate": (lambda: print(EVALUATION), ["40.00 %", "312"], ["50.00 %", "80.00 %", "96.15 %"]),
    "check-images": (
        lambda: check_images._print(Findings(2, (FINDING,), ())),
        [],
        ["Checked 2 images: 1 cannot be read."],
    ),
    "classify": (
        lambda: print(class_table([Classified("a/photo.jpg", (GUESS,), True)] * 2)),
        ["n01484850"],
        ["93.12 %"],
    ),
    "benchmark": (lambda: print(REPORT), ["1,500.0", "320.0"], ["100.0", "11,774 MiB"]),
    "compare": (print_compared, ["1,500", "320.0"], ["tensorflow", "* 100.0"]),
}
PROSE = ("keras-alexnet describe", "1,234 images of", "alexnet_paper:", "tensorflow, ", "jax, ")


@pytest.mark.backend_free
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_tables_fit_the_screen(name, width, monkeypatch, capsys):
    """No line is wider, no figure is broken, and what is left out is named."""
    monkeypatch.setenv("COLUMNS", str(width))
    show, figures, always = TABLES[name]
    show()
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if not line.startswith(PROSE)]
    assert [line for line in lines if len(line) > width] == []
    assert "…" not in out
    assert [text for text in always if text not in out] == []
    if width == 200:
        assert "Too wide to show" not in out
    if "Too wide to show" not in out:
        assert [text for text in figures if text not in out] == []


@pytest.mark.backend_free
def test_columns_go_in_their_order_and_are_named(monkeypatch, capsys):
    """The layer and its parameters stay longest."""
    monkeypatch.setenv("COLUMNS", "40")
    print(DESCRIPTION)
    out = capsys.readouterr().out
    assert re.search(r"(?m)^layer +output +parameters$", out)
    assert re.search(r"(?m)^conv1 +55 x 55 x 96 +34,944$", out)
    named = " ".join(out.split())
    assert "Too wide to show: type, share, neurons, multiply-adds." in named


@pytest.mark.backend_free
def test_without_a_terminal_a_row_is_a_line(monkeypatch, capsys):
    """`keras-alexnet list | grep one-tower` finds the whole row."""
    monkeypatch.delenv("COLUMNS", raising=False)
    main(["list"])
    row = r"(?m)^cuda_convnet2 +cuda-convnet2's one-tower .* owt +224 +61,100,840 +714,188,480 +-$"
    assert re.search(row, capsys.readouterr().out)


@pytest.mark.backend_free
def test_json_has_a_row_of_numbers_on_a_line():
    """A matrix stays one to the eye, whatever texts stand beside it, and the value is the same."""
    value = {
        **EVALUATION.to_dict(),
        "texts": ["[\n1,\n2\n]", '"[', "]"],
        "mixed": [1, None, True, [], {}, [[]], -1.5e-7],
        "empty": [],
        "nested": [[[1, 2], [3, 4]], [{"a": [5]}]],
    }
    text = json_text(value)
    assert json.loads(text) == value
    assert "\n    [300, 12],\n    [10, 912]\n" in text
    assert '"a": [5]' in text
