"""The classes of images as a table of text, and as a CSV table."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from keras_alexnet.arguments import file_path
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.evaluation.classifying import Classified, named
from keras_alexnet.files import check_writable, written_whole
from keras_alexnet.tables import add_numbers, csv_writer, new_table, screen_width, table_text

FEW = 10  # images; of more, each has one line in a table of text


def class_table(results: Sequence[Classified]) -> str:
    """Return a table of text: all classes of a few images, the best class of each of many."""
    probabilities = all(result.probabilities for result in results)
    few = len(results) <= FEW
    known = any(guess.wordnet for result in results for guess in result.guesses)
    table = new_table()
    for heading in ("image", "class"):
        table.add_column(heading, overflow="fold")
    if known:
        table.add_column("WordNet", no_wrap=True)
    add_numbers(table, "probability" if probabilities else "score")
    for place, result in enumerate(results):
        if place and few:
            table.add_row()
        for number, guess in enumerate(result.guesses if few else result.guesses[:1]):
            score = f"{100 * guess.score:.2f} %" if probabilities else f"{guess.score:.4g}"
            path = escaped(result.path) if number == 0 else ""
            wordnet = [guess.wordnet or ""] if known else []
            table.add_row(path, escaped(guess.name), *wordnet, score)
    return table_text(table, screen_width(), ("WordNet",))


def write_classes(
    results: Iterable[Classified], paths: Sequence[str], class_names: Sequence[str], file
) -> int:
    """Write a CSV table with a row for each image, and return the number of rows.

    Args:
        results: The images, which need not be in memory.
        paths: Their paths.
        class_names: The names of all classes. If one has a WordNet identifier, the table has
            columns for them.
        file: A text file.

    Example:

    >>> import sys
    >>> from keras_alexnet.evaluation.classifying import Guess
    >>> guesses = (Guess("cat", None, 0.75), Guess("dog", None, 0.25))
    >>> results = [Classified("1.jpg", guesses, probabilities=True)]
    >>> write_classes(results, ["1.jpg"], ["cat", "dog"], sys.stdout)
    file,class1,probability1,class2,probability2
    1.jpg,cat,0.75,dog,0.25
    1
    """
    known = any(wordnet for _, wordnet in map(named, class_names))
    writer, count = csv_writer(file, paths), 0
    for count, result in enumerate(results, start=1):
        score = "probability" if result.probabilities else "score"
        columns, row = ["file"], [result.path]
        for rank, guess in enumerate(result.guesses, start=1):
            columns += [f"class{rank}", *([f"wordnet{rank}"] if known else []), f"{score}{rank}"]
            row += [guess.name, *([guess.wordnet or ""] if known else []), f"{guess.score:.6g}"]
        if count == 1:
            writer.writerow(columns)
        writer.writerow(row)
    return count


def table_path(csv) -> str:
    """Return the path of a table to write, or raise if it is not the path of one."""
    path = file_path("csv", csv)
    if not path.lower().endswith(".csv"):  # an image, if the name of the table was forgotten
        raise UserError(
            f"Received the table {path!r}.",
            "The path of the table must end in .csv, so that no other file is replaced.",
            "Choose a name such as classes.csv.",
        )
    check_writable(path)
    return path


@contextlib.contextmanager
def opened_table(table) -> Iterator:
    """Give the file to write rows to: an open one, or a new one that is written whole."""
    if not isinstance(table, str):
        yield table
        return
    with (
        written_whole(table) as beside,
        open(beside, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        yield file
