"""The presets of `fit`: the settings that they give, and what overrides them."""

import dataclasses

import pytest

from keras_alexnet import AlexNet, jobs
from keras_alexnet.training.job import Job
from keras_alexnet.training.presets import PRESETS
from keras_alexnet.variants import get_variant, list_variants

SETTINGS = ("epochs", "learning_rate", "freeze", "unfreeze_after", "schedule")


@pytest.fixture
def fitted(monkeypatch):
    """Return what `jobs.fit` settles for some arguments, without a run."""
    monkeypatch.setattr("keras_alexnet.jobs.training.run", lambda job, *args, **options: job)

    def settled(**given):
        job = jobs.fit(output="run", verbose=0, **given)
        return {name: getattr(job, name) for name in SETTINGS}

    return settled


@pytest.mark.backend_free
def test_every_row_is_a_job_of_every_variant():
    """Its settings are fields of `Job`, and its layers are in each network."""
    fields = {field.name for field in dataclasses.fields(Job)}
    for name, row in PRESETS.items():
        assert row.name == name and set(row.settings) <= fields and row.source
        for variant in list_variants():
            job = Job(variant=variant, **row.settings)
            frozen = job.phases()[0].frozen
            last = [layer for layer, _ in get_variant(variant).rows()][-1]
            assert last not in frozen
            assert bool(frozen) == ("freeze" in row.settings)


@pytest.mark.backend_free
def test_without_weights(fitted):
    """The defaults of a job, and those of a recipe."""
    job = Job()
    expected = {name: getattr(job, name) for name in SETTINGS}
    assert fitted() == fitted(preset="scratch") == expected
    assert fitted(recipe="bvlc")["epochs"] == 90


@pytest.mark.medium
@pytest.mark.filterwarnings("ignore:(?s).*The weights look untrained:UserWarning")
def test_with_weights(fitted, tmp_path):
    """In small steps by default; what is given overrides a preset."""
    path = str(tmp_path / "start.keras")
    AlexNet("cifar10_18pct").save(path)
    schedule = "cosine"
    expected = (10, 4e-5, None, None, schedule)
    assert tuple(fitted(weights=path).values()) == expected
    expected = (15, 1e-4, "body", 5, schedule)
    assert tuple(fitted(weights=path, preset="head_first").values()) == expected
    given = {"freeze": "conv1", "epochs": 4, "unfreeze_after": 2, "learning_rate": 0.1}
    found = fitted(weights=path, preset="linear_probe", schedule="constant", **given)
    assert found == {**given, "schedule": "constant"}
