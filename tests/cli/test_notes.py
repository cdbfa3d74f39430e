"""The package's warnings are notes of a command; those of others stay warnings."""

import warnings

import pytest

from keras_alexnet.cli.output import notes_of
from keras_alexnet.errors import warn

pytestmark = pytest.mark.backend_free


def test_a_warning_of_the_package_is_a_note_on_one_line(capsys):
    with notes_of("fit"):
        warn("A file was\nskipped.")
    assert capsys.readouterr().err == "keras-alexnet fit: note: A file was\\nskipped.\n"


@pytest.mark.parametrize("category", [UserWarning, RuntimeWarning, FutureWarning])
def test_a_warning_of_another_package_stays_a_warning(category, capsys):
    with notes_of("fit"), pytest.warns(category, match="of NumPy"):
        warnings.warn("of NumPy", category, stacklevel=1)
    with notes_of("fit"), pytest.raises(category, match="of NumPy"):  # an error in these tests
        warnings.warn("of NumPy", category, stacklevel=1)
    assert capsys.readouterr().err == ""


def test_a_warning_of_the_package_is_a_user_warning():
    with pytest.warns(UserWarning, match="A file was skipped"):
        warn("A file was skipped.")
