"""The learning rate of a run without recipe, by training steps."""

__all__ = ["SCHEDULES"]

SCHEDULES = ("cosine", "constant")


def warmup_steps(steps: int, warmup_ratio: float) -> int:
    """Return the number of steps in which the rate rises.

    >>> warmup_steps(300, 0.1)
    30
    """
    return int(steps * warmup_ratio)


def learning_rate(schedule: str | None, peak: float, steps: int, warmup_ratio: float):
    """Return the rate that an optimizer of Keras takes: a number, or a schedule.

    With `"cosine"`, the rate rises from 0 in a straight line, during w = int(steps * warmup_ratio)
    steps, and then falls to 0 (arXiv:1608.03983, without restarts):

        rate(i) = peak * i / w                                       for i < w
        rate(i) = peak * (1 + cos(pi * (i - w) / (steps - w))) / 2   for w <= i <= steps

    Args:
        schedule: `"cosine"`, or `"constant"` for the peak in every step.
        peak: The highest rate.
        steps: Number of training steps.
        warmup_ratio: Share of the steps in which the rate rises, at least 0 and less than 1.

    Example:

    >>> rate = learning_rate("cosine", 1.0, steps=20, warmup_ratio=0.2)
    >>> [round(float(rate(step)), 2) for step in (0, 2, 4, 12, 20)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if schedule != "cosine":
        return peak
    from keras.optimizers.schedules import CosineDecay  # late, for the names of the schedules

    rising = warmup_steps(steps, warmup_ratio)
    if not rising:
        return CosineDecay(peak, steps)
    return CosineDecay(0.0, steps - rising, warmup_target=peak, warmup_steps=rising)
