"""`Evaluation`: the figures of a network on labelled images, as records and tables."""

import dataclasses

import numpy as np

from keras_alexnet.errors import escaped
from keras_alexnet.short_repr import short_repr
from keras_alexnet.tables import add_numbers, new_table, screen_width, table_text

WIDTH = 100  # columns of a table where there is no terminal
IN_WORDS = {9: "nine", 10: "ten"}


@dataclasses.dataclass(frozen=True)
class ClassFigures:
    """The figures of one class; `str` returns them in words.

    Args:
        name: The class.
        images: Number of its images.
        correct: Number of its images that got this class.
        taken_for: The wrong class that its images got most often, `None` if all are right.
        times: Number of its images that got that wrong class.
    """

    name: str
    images: int
    correct: int
    taken_for: str | None
    times: int

    @property
    def recall(self) -> float:
        """The share of the class's images that are right, between 0 and 1."""
        return self.correct / self.images

    def __str__(self) -> str:
        """Return the figures as a sentence."""
        right = f"{self.name}: {self.correct:,} of {self.images:,} right"
        if self.taken_for is None:
            return right
        return f"{right}; most often taken for {self.taken_for}, {_times(self.times)}"


@dataclasses.dataclass(frozen=True, eq=False)  # arrays do not compare to one truth value
class Evaluation:
    """The accuracies of a network on labelled images. `print` shows the table.

    Args:
        class_names: The names of the classes in the order of the model's outputs.
        images: Number of images.
        top1: The share of the images whose class had the highest score, between 0 and 1.
        top5: The share whose class had one of the five highest; `None` for 5 classes or fewer.
        confusion: Integers of shape `(classes, classes)`: the number of images of the class of the
            row that got the class of the column, from one crop. The diagonal counts the right ones.
        ten_crop_top1: As `top1`, from the mean probabilities of ten crops; `None` if not measured.
        ten_crop_top5: As `top5`, from ten crops.
        crops: Number of crops averaged for each prediction: 9 for some networks for CIFAR-10.
    """

    class_names: tuple[str, ...]
    images: int
    top1: float
    top5: float | None
    confusion: np.ndarray
    ten_crop_top1: float | None = None
    ten_crop_top5: float | None = None
    crops: int = 10

    __repr__ = short_repr("images", "top1", "top5")

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def per_class(self) -> list[ClassFigures]:
        """Return the figures of every class with images, in the model's order."""
        numbers = np.flatnonzero(self.confusion.sum(axis=1)).tolist()
        return [self._figures(number) for number in numbers]

    def worst(self, count: int = 5) -> list[ClassFigures]:
        """Return the classes with the lowest recall, the lowest first."""
        return sorted(self.per_class(), key=lambda figures: figures.recall)[:count]

    def to_dict(self) -> dict:
        """Return all figures, and the errors that papers report, as plain lists and numbers."""
        classes = [
            {**dataclasses.asdict(figures), "recall": figures.recall}
            for figures in self.per_class()
        ]
        figures = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        figures["class_names"] = list(self.class_names)
        figures["confusion"] = self.confusion.tolist()
        return {**figures, **self.errors(), "per_class": classes}

    def errors(self) -> dict[str, float | None]:
        """Return one minus each accuracy, as papers report it: `top1_error` and so on."""
        names = ("top1", "top5", "ten_crop_top1", "ten_crop_top5")
        return {f"{name}_error": _rest(getattr(self, name)) for name in names}

    def summary(self, worst: int = 5) -> str:
        """Return accuracies, errors and a number of worst classes as tables of text.

        The tables are as wide as the terminal, or 100 columns without one.
        """
        width, errors = screen_width(WIDTH), ("top-5 error", "top-1 error")
        guessing = f"guessing gives {100 / self.classes:.4g} %"
        parts = [
            f"{self.images:,} images of {self.classes:,} classes; {guessing}",
            table_text(self._accuracies(), width, errors),
        ]
        if worst:
            least = ("images", "most often taken for")
            parts.append(table_text(self._worst_table(worst), width, least))
        return "\n\n".join(parts)

    def __str__(self) -> str:
        """Return accuracies, errors and the five worst classes as tables of text."""
        return self.summary()

    def _figures(self, number: int) -> ClassFigures:
        row = self.confusion[number].copy()
        images, correct, row[number] = row.sum(), row[number], 0
        taken_for = self.class_names[row.argmax()] if row.any() else None
        return ClassFigures(
            self.class_names[number], int(images), int(correct), taken_for, int(row.max())
        )

    def _accuracies(self):
        table = new_table("accuracy")
        add_numbers(table, "top-1", "top-5", "top-1 error", "top-5 error")
        rows = {"one crop": (self.top1, self.top5)}
        if self.ten_crop_top1 is not None:
            rows[f"{IN_WORDS[self.crops]} crops"] = (self.ten_crop_top1, self.ten_crop_top5)
        for name, parts in rows.items():
            table.add_row(name, *map(_percent, (*parts, *map(_rest, parts))))
        return table

    def _worst_table(self, count):
        table = new_table()
        table.add_column("worst classes", overflow="fold")
        add_numbers(table, "recognised", "images")
        table.add_column("most often taken for", overflow="fold")
        for row in self.worst(count):
            taken_for = f"{escaped(row.taken_for)}, {_times(row.times)}" if row.taken_for else ""
            table.add_row(escaped(row.name), _percent(row.recall), f"{row.images:,}", taken_for)
        return table


def _rest(part: float | None) -> float | None:
    return None if part is None else 1 - part


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.2f} %"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
