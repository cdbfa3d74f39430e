"""The shares of the machines in examples/tfrecords.py are all images, each once."""

import itertools
import pathlib

import pytest

pytestmark = [pytest.mark.backend_free, pytest.mark.peer("tensorflow")]

SCRIPT = pathlib.Path(__file__).parents[2] / "examples/tfrecords.py"
EPOCHS = 2


def images_by_epoch(data):
    """Return the images of each epoch as bytes, in their order."""
    passes = ([x for x, *_ in data.as_numpy_iterator()] for _ in range(EPOCHS))
    return [[image.tobytes() for batch in batches for image in batch] for batches in passes]


def test_the_shares_of_three_machines(tmp_path, monkeypatch):
    """In every epoch, whose orders differ; as many batches as are announced."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import tfrecords

    tfrecords.draw_folders(tmp_path / "folders", training=50, held_out=7)
    tfrecords.write(tmp_path / "folders", tmp_path, images_per_file=9)
    make = tfrecords.records
    whole = [images_by_epoch(part) for part in make(str(tmp_path), 32, 8)]
    shares = [make(str(tmp_path), 32, 8, machines=3, machine=number) for number in range(3)]
    for part, everything, batches in ((0, whole[0], [3, 3, 2]), (1, whole[1], [1, 1, 1])):
        assert [share[part].cardinality().numpy() for share in shares] == batches
        taken = [images_by_epoch(share[part]) for share in shares]
        for epoch in range(EPOCHS):
            parts = [mine[epoch] for mine in taken]
            count = len({*everything[epoch]})
            assert {len(mine) for mine in parts} == {count // 3, count // 3 + 1}
            assert sorted(itertools.chain(*parts)) == sorted(everything[epoch])
        assert count == (50, 7)[part]
        assert (taken[0][0] == taken[0][1]) == (part == 1)  # the validation images stay in order
