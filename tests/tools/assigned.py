"""Loads arrays as if from a file, and compares a model with them."""

import numpy as np
import pytest

from keras_alexnet.checkpoints import loading, sources
from made_checkpoints import contents
from made_networks import weights_of


@pytest.fixture
def load(monkeypatch):
    """Return a function that loads arrays, as if from a file, without looking at the result."""

    def load(model, arrays, metadata=None, **options):
        monkeypatch.setattr(
            sources, "open_checkpoint", lambda path: contents(arrays, path, metadata)
        )
        monkeypatch.setattr(sources, "named_checkpoint", lambda *path: None)
        return loading.load_checkpoint(
            model, "made", **{"verify": "off", "verbose": False, **options}
        )

    return load


def assert_equal(model, weights, rtol=0):
    found = weights_of(model)
    assert list(found) == list(weights)
    for name, arrays in weights.items():
        for mine, expected in zip(found[name], arrays, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=rtol, atol=rtol * 1e-3)
