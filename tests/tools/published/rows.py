"""The records of published figures, and the reader of their tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lrn:
    """Constants of y = x / (k + alpha * sum of squares over the window) ** beta.

    ``alpha`` is the factor of each single square, as in the paper's formula. ``groups`` is the
    number of channel groups across whose borders the window never reaches.
    """

    n: int
    k: float
    alpha: float
    beta: float
    groups: int = 1


@dataclass(frozen=True)
class Row:
    """One layer of a published table; fields that the layer does not have are None."""

    name: str
    op: str
    filters: int | None
    kernel: int | None
    stride: int | None
    padding: tuple[int, int] | None
    groups: int | None
    output: tuple[int, ...]
    params: int
    macs: int
    lrn: Lrn | None = None
    dropout_rate: float | None = None
    # "inverted" scales while training and is the identity afterwards, "downscale" only masks while
    # training and multiplies by the keep probability afterwards.
    dropout_kind: str | None = None


@dataclass(frozen=True)
class Variant:
    """One published network: its input, its layers and its published totals."""

    name: str
    input_size: int
    classes: int
    parameters: int
    macs: int
    neurons: int
    rows: tuple[Row, ...]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return (self.input_size, self.input_size, 3)

    def row(self, name: str) -> Row:
        """Return the row of the layer called `name`."""
        return next(row for row in self.rows if row.name == name)


def number(text: str) -> int | None:
    return None if text == "-" else int(text.replace(",", ""))


def row(line: str, lrn: dict[str, Lrn], dropout_kind: str | None) -> Row:
    name, op, filters, kernel, stride, padding, groups, output, params, macs = line.split()
    dropout = op == "dropout"
    if padding == "-":
        pads = None
    else:
        before, after = padding.split(",")
        pads = (int(before), int(after))
    return Row(
        name=name,
        op=op,
        filters=number(filters),
        kernel=number(kernel),
        stride=number(stride),
        padding=pads,
        groups=number(groups),
        output=tuple(int(size) for size in output.split("x")),
        params=number(params) or 0,
        macs=number(macs) or 0,
        lrn=lrn.get(name),
        dropout_rate=0.5 if dropout else None,
        dropout_kind=dropout_kind if dropout else None,
    )


def variant(
    name: str,
    input_size: int,
    classes: int,
    parameters: int,
    macs: int,
    neurons: int,
    table: str,
    lrn: dict[str, Lrn] | None = None,
    dropout_kind: str | None = None,
) -> Variant:
    lines = table.strip().splitlines()
    rows = tuple(row(line, lrn or {}, dropout_kind) for line in lines)
    return Variant(name, input_size, classes, parameters, macs, neurons, rows)
