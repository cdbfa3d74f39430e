"""The expected values of normalization, and how close results must be."""

import numpy as np

import reference_lrn
from helpers import gradient, normal, tensor, to_numpy, traced

BETAS = [0.75, 0.5, 1, 0.6]


# Constants under which every window matters: inputs of about 1 change the divisor by half.
STRONG = {"k": 1.0, "alpha": 0.1, "beta": 0.75}


def expected(layer, x, dy=None):
    """Return what the NumPy reference makes of x, or its gradient for the upstream dy."""
    config = layer.get_config()
    arguments = [config[name] for name in ("size", "k", "alpha", "beta")]
    if config["region"] == "across_channels":
        arguments.append(config["groups"])
        value, slope = reference_lrn.lrn_across, reference_lrn.lrn_across_gradient
    else:
        value, slope = reference_lrn.lrn_within, reference_lrn.lrn_within_gradient
    last = -1 if config["data_format"] == "channels_last" else 1
    x = np.moveaxis(x, last, -1)
    if dy is None:
        y = value(x, *arguments, even=config["even_window"])
    else:
        y = slope(x, np.moveaxis(dy, last, -1), *arguments, even=config["even_window"])
    return np.moveaxis(y, -1, last)


def assert_close(actual, wanted, tolerance=1e-5):
    """Compare relative to the largest magnitude: gradients are differences that can cancel."""
    assert actual.shape == wanted.shape
    largest = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(to_numpy(actual), wanted, rtol=0, atol=tolerance * largest)


def assert_right(layer, x, tolerance=1e-5):
    """Compare value and gradient with the reference's."""
    dy = normal(*x.shape, seed=1, dtype=x.dtype)
    run = traced(lambda x, dy: (layer(x), gradient(layer, x, dy)))
    y, dx = run(tensor(x), tensor(dy))
    assert_close(y, expected(layer, x), tolerance)
    assert_close(dx, expected(layer, x, dy), tolerance)
