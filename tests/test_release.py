"""What a release needs: one version and one date everywhere."""

import pathlib
import re

import pytest

from keras_alexnet.version import __version__

pytestmark = pytest.mark.backend_free

ROOT = pathlib.Path(__file__).parent.parent


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_changelog_and_citation_agree():
    """The newest dated version of the changelog is the package's and the citation's."""
    version, date = re.findall(r"^## \[(.*)\] - (\d{4}-\d\d-\d\d)$", text_of("CHANGELOG.md"), re.M)[
        0
    ]
    assert version == __version__
    citation = text_of("CITATION.cff")
    assert re.findall(r"^version: (.*)$", citation, re.M) == [__version__]
    assert re.findall(r"^date-released: (.*)$", citation, re.M) == [date]


def test_the_changelog_begins_with_what_is_unreleased():
    """And every heading has its address at the end, the first with what came since the release."""
    headings = re.findall(r"^## \[(.*?)\]", text_of("CHANGELOG.md"), re.M)
    assert headings[0] == "Unreleased"
    addresses = re.findall(r"^\[(.*?)\]: https://.*/(\S+)$", text_of("CHANGELOG.md"), re.M)
    tags = [f"v{version}" for version in headings[1:]]
    assert addresses == list(zip(headings, [f"v{__version__}...HEAD", *tags], strict=True))


def test_the_tag_is_compared_with_the_file_that_has_the_version():
    """`publish.yml` looks for the tag's version where it stands."""
    (line,) = re.findall(
        r"run: grep -Fx \"(.*)\" (\S+)$", text_of(".github/workflows/publish.yml"), re.M
    )
    wanted, path = line
    wanted = wanted.replace('\\"', '"').replace("${GITHUB_REF_NAME#v}", __version__)
    assert wanted in text_of(path).splitlines()
