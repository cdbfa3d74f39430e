"""The rows of `gpu.py`: which sides, of which network and job, and what is to be reached."""

import dataclasses

from peers.gpu_names import CEILINGS, EPOCH, LAYERS, STEPS

BATCHES = (1, 8, 32, 128, 256, 512, 1024)


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table: sides that do the same.

    Args:
        title: Its first words.
        group: The sides, by `gpu_names.GROUPS`.
        wave: Rows of one number get ready at the same time, in the order of the numbers.
        target: The time, or the ratio, to reach.
        net: The network.
        job: The job and its dtype, as the sides take it.
        cases: What the sides do in turn.
        batches: Batches in a step of a side.
        needs: Seconds without which it does not begin.
    """

    title: str
    group: str
    wave: int
    target: str = ""
    net: str = "owt"
    job: str = "- float32"
    cases: tuple[str, ...] = ("",)
    batches: int = STEPS
    needs: float = 40.0

    def is_curve(self) -> bool:
        """Return whether the cases are sizes of batches."""
        return self.group.startswith("curve")


def network_row(net: str, job: str, wave: int, target: str) -> Row:
    """Return the row of a network's step."""
    return Row(f"{net} {job}", "network", wave, target, net, job)


def curve_row(net: str, job: str, wave: int, batches=BATCHES, group: str = "curve") -> Row:
    """Return the row of a network's speed and memory as the batch grows."""
    sizes = ",".join(map(str, batches))
    cases = tuple(f"batch {size}" for size in batches)
    return Row(f"{group} of {net} {job}", group, wave, "", net, f"{job} {sizes}", cases)


def with_batches(row: Row, batches) -> Row:
    """Return a curve for other sizes of batches, and any other row as it is."""
    if not row.is_curve():
        return row
    return curve_row(row.net, row.job.split()[0], row.wave, batches, row.group)


RATIO = "the PyTorch backend 1.05 times PyTorch's best"
ROWS = (
    Row("ceilings", "ceilings", 1, cases=CEILINGS),
    network_row("owt", "train bfloat16", 1, f"JAX 2.8 ms; {RATIO}"),
    Row("augmentation of uint8 images of 256 x 256", "augmentation", 1, "0.3 ms"),
    Row(
        "fit of owt bfloat16 on uint8 images of 256 x 256 in host memory",
        "fit",
        2,
        "30,000 images/s, the device waits below 10 %",
        "owt",
        "fit bfloat16",
        batches=EPOCH,
    ),
    Row("LRN", "LRN", 2, cases=tuple(" ".join(map(str, case)) for case in LAYERS)),
    network_row("owt", "train float32", 3, RATIO),
    network_row("paper", "train bfloat16", 3, f"JAX 4.0 ms; {RATIO}"),
    network_row("paper", "train float32", 4, RATIO),
    network_row("owt", "forward float32", 4, RATIO),
    network_row("paper", "forward float32", 5, RATIO),
    curve_row("owt", "train", 6),
    curve_row("paper", "train", 6),
    curve_row("owt", "forward", 7),
    curve_row("paper", "forward", 7),
    curve_row("owt", "train", 8, group="curve on PyTorch"),
    curve_row("paper", "train", 8, group="curve on PyTorch"),
)
SMALL = "cifar10_19pct"
QUICK = (
    Row("ceilings", "ceilings", 1, cases=CEILINGS),
    Row(f"{SMALL} train bfloat16", "network", 1, net=SMALL, job="train bfloat16"),
    Row("augmentation", "augmentation", 1),
    curve_row(SMALL, "forward", 1, (1,)),
)
