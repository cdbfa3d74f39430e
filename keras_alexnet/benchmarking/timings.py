"""Step times: what they say, and what they do not."""

import dataclasses
import statistics

WIDE_SPREAD = 0.1  # the interquartile range over the median above which a timing is called noisy


@dataclasses.dataclass(frozen=True)
class Timings:
    """The times of one kind of step, in seconds.

    Args:
        name: What was timed, such as `"train"` or `"Forward"`.
        first: The first step, which includes tracing and compiling; `None` if it was not kept.
        warm_up: Further steps that were left out before the measurement.
        seconds: Seconds per batch of every measured step, in order.
        images: Images per batch; `None` if unknown, and then there is no rate.
        waits: Seconds per batch that the device waited for its input; `None` if unknown.
        partial: Seconds of steps with fewer images, such as an epoch's last; they are left out.
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
        ordered = sorted(self.seconds)
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    @property
    def images_per_second(self) -> float | None:
        """The rate at the median; `None` if the number of images is unknown."""
        return None if self.images is None else self.images / self.median

    @property
    def spread(self) -> float:
        """The interquartile range as a part of the median."""
        return (self.percentile(0.75) - self.percentile(0.25)) / self.median

    @property
    def input_share(self) -> float | None:
        """The part of the time that the device waited for its input; `None` if unknown."""
        return None if self.waits is None else sum(self.waits) / sum(self.seconds)

    def warnings(self) -> list[str]:
        """Return what is to be known before the figures are quoted, in sentences."""
        found = []
        if len(self.seconds) < 10:
            found.append(f"{self.name}: only {len(self.seconds)} steps were measured.")
        if self.spread > WIDE_SPREAD:
            found.append(
                f"{self.name}: half of the steps lie {100 * self.spread:.0f} % of the median "
                "apart; something else was running, or the processor's clock changed. Quote "
                "the median, and measure again on a quiet machine."
            )
        drift = self._drift()
        if abs(drift) > WIDE_SPREAD:
            found.append(
                f"{self.name}: the second half of the steps was {100 * abs(drift):.0f} % "
                f"{'slower' if drift > 0 else 'faster'} than the first. Warm up longer, or look "
                "for heat or memory running out."
            )
        return found

    def _drift(self) -> float:
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
