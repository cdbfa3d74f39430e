"""`Timings`: the figures, their spread, and the warnings about them."""

import numpy as np
import pytest

from timed_steps import STEADY, timings


@pytest.mark.backend_free
def test_figures_are_numpys():
    """Mean, deviation, median and percentiles equal NumPy's."""
    seconds = np.random.default_rng(0).gamma(5, 0.02, 37)
    found = timings(seconds, images=32)
    assert found.mean == pytest.approx(np.mean(seconds))
    assert found.deviation == pytest.approx(np.std(seconds))
    assert found.median == pytest.approx(np.median(seconds))
    for share in (0.0, 0.1, 0.25, 0.9, 1.0):
        assert found.percentile(share) == pytest.approx(np.quantile(seconds, share))
    assert found.images_per_second == pytest.approx(32 / np.median(seconds))
    assert timings().images_per_second is None


@pytest.mark.backend_free
def test_a_wide_spread_is_said():
    """Steady steps give no warning; noise, drift and few steps each give one in words."""
    assert timings().warnings() == []
    (noisy,) = timings((0.1, 0.2) * 10).warnings()
    assert "the interquartile range is" in noisy and "Quote the median" in noisy
    assert any(
        "slower than the first" in text for text in timings((0.1,) * 10 + (0.2,) * 10).warnings()
    )
    assert any(
        "faster than the first" in text for text in timings((0.2,) * 10 + (0.1,) * 10).warnings()
    )
    assert timings((0.1,) * 4).warnings() == ["train: only 4 steps were measured."]


@pytest.mark.backend_free
def test_drift_is_said_from_ten_steps_on():
    """Halves of fewer than five steps say nothing of it, and fewer than ten are said to be few."""
    few = timings((0.1,) * 4 + (0.12,) * 5).warnings()
    assert few[0] == "train: only 9 steps were measured."
    assert not any("second half" in text for text in few)
    (text,) = [text for text in timings((0.1,) * 5 + (0.12,) * 5).warnings() if "second" in text]
    assert text.startswith("train: the second half of the steps was 20 % slower than the first.")
    assert timings((0.1,) * 5 + (0.105,) * 5).warnings() == []


@pytest.mark.backend_free
def test_all_figures_are_kept():
    """The dict has the raw times, and under each name the figure that is computed from them."""
    found = timings(images=32, waits=(0.01,) * 10)
    kept = found.to_dict()
    assert (kept["first"], kept["warm_up"], kept["seconds"]) == (1.0, (0.2,), STEADY)
    assert kept["p10"] == pytest.approx(np.quantile(STEADY, 0.1)) != kept["p90"]
    assert kept["p90"] == pytest.approx(np.quantile(STEADY, 0.9))
    for name in ("mean", "deviation", "median", "images_per_second", "input_share"):
        assert kept[name] == getattr(found, name)
    assert kept["warnings"] == []


@pytest.mark.backend_free
def test_input_share():
    """What was waited for the input is a share of the time."""
    assert timings((0.1,) * 10, waits=(0.05,) * 10).input_share == pytest.approx(0.5)
    assert timings().input_share is None
