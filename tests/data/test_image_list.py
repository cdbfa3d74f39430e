"""The images of files and folders."""

import pytest

from keras_alexnet import UserError, jobs
from keras_alexnet.data.image_list import list_images

pytestmark = pytest.mark.backend_free


@pytest.fixture
def photos(tmp_path):
    """Return a folder with photos of two classes, one file of another kind and one hidden file."""
    for name in ("cats/2.png", "cats/1.jpg", "dogs/1.jpg", "dogs/notes.txt", "dogs/.hidden.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def test_folders_stand_for_their_images_in_order(photos):
    found = list_images([photos / "dogs" / "1.jpg", photos])
    names = ("dogs/1.jpg", "cats/1.jpg", "cats/2.png", "dogs/1.jpg")
    assert found.paths == tuple(str(photos / name) for name in names)
    assert found.class_names == ("", "cats", "cats", "dogs")
    assert found.passed_over == (str(photos / "dogs" / "notes.txt"),)


def test_no_path_at_all():
    """As of a pattern that no file matches."""
    with pytest.raises(UserError, match=r"Received images=\[\]\. `images` must hold the path"):
        list_images([])


@pytest.mark.parametrize("job", ["classify", "features"])
def test_a_path_that_does_not_exist_is_told_before_any_weights_are_fetched(job, tmp_path):
    others = {"features": {"layer": "fc7", "output": tmp_path / "fc7.npy"}}.get(job, {})
    with pytest.raises(UserError, match=r"Received 'no\.png', which does not exist"):
        getattr(jobs, job)("no.png", weights=tmp_path / "no_weights", **others)
