"""`Timings`: the times of one kind of step, with their figures and warnings."""

import dataclasses
import statistics

import numpy as np

WIDE_SPREAD = 0.1  # interquartile range / median; above it, the timing is noisy


@dataclasses.dataclass(frozen=True)
class Timings:
    """The times of one kind of step, in seconds.

    Args:
        name: Name of the step, such as `"train"` or `"Forward"`.
        first: Seconds of the first step, which includes tracing and compiling; `None` if unknown.
        warm_up: Seconds per batch of the steps between the first and the measured ones.
        seconds: Seconds per batch of every measured step, in order.
        images: Images per batch; `None` if unknown.
        waits: Seconds per batch that the device waited for its input; `None` if unknown.
        partial: Seconds of steps with fewer images, such as an epoch's last; no figure has them.
    """

    name: str
    first: float | None
    warm_up: tuple[float, ...]
    seconds: tuple[float, ...]
    images: int | None = None
    waits: tuple[float, ...] | None = None
    partial: tuple[float, ...] = ()

    def __repr__(self) -> str:
        """Return the name and the median in one line."""
        milliseconds = f"{1000 * self.median:.4g}" if self.seconds else "unknown"
        return f"Timings({self.name!r}, median {milliseconds} ms)"

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return statistics.fmean(self.seconds)

    @property
    def deviation(self) -> float:
        """The standard deviation of the population, as the notebook computes it."""
        return statistics.pstdev(self.seconds)

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    def percentile(self, share: float) -> float:
        """Return the time below which this share of the steps lies, interpolated linearly."""
        return float(np.quantile(self.seconds, share))

    @property
    def images_per_second(self) -> float | None:
        """Images per second at the median; `None` if the number of images is unknown."""
        return None if self.images is None else self.images / self.median

    @property
    def spread(self) -> float:
        """The interquartile range divided by the median."""
        return (self.percentile(0.75) - self.percentile(0.25)) / self.median

    @property
    def input_share(self) -> float | None:
        """The share of the time that the device waited for its input; `None` if unknown."""
        return None if self.waits is None else sum(self.waits) / sum(self.seconds)

    def warnings(self) -> list[str]:
        """Return a sentence on each reason not to quote the figures as they are."""
        found = []
        if len(self.seconds) < 10:
            found.append(f"{self.name}: only {len(self.seconds)} steps were measured.")
        if self.spread > WIDE_SPREAD:
            found.append(
                f"{self.name}: the interquartile range is {100 * self.spread:.0f} % of the median. "
                "Other programs were running, or the processor's clock changed. Quote the median, "
                "and measure again on a quiet machine."
            )
        drift = self._drift()
        if abs(drift) > WIDE_SPREAD:
            found.append(
                f"{self.name}: the second half of the steps was {100 * abs(drift):.0f} % "
                f"{'slower' if drift > 0 else 'faster'} than the first. Warm up longer, and check "
                "that the machine neither overheats nor runs out of memory."
            )
        return found

    def _drift(self) -> float:
        """Return how much slower the second half of the steps was, as a share of the first."""
        half = len(self.seconds) // 2
        if half < 5:
            return 0.0
        return statistics.median(self.seconds[half:]) / statistics.median(self.seconds[:half]) - 1

    def to_dict(self) -> dict:
        """Return the raw times and all figures as plain lists and numbers."""
        return {
            **dataclasses.asdict(self),
            "mean": self.mean,
            "deviation": self.deviation,
            "median": self.median,
            "p10": self.percentile(0.1),
            "p90": self.percentile(0.9),
            "images_per_second": self.images_per_second,
            "input_share": self.input_share,
            "warnings": self.warnings(),
        }
