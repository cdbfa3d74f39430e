"""Each kind of hash in the table of published checkpoints."""

import dataclasses

import pytest

from downloads import DATA, NAME, digest, record
from keras_alexnet.published.hashes import size_and_hash, verify_hash
from keras_alexnet.published.lookup import get_checkpoint, list_checkpoints


@pytest.mark.backend_free
class TestHashes:
    """Each kind of hash that the table has."""

    @pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha384", "md5"])
    def test_algorithms(self, tmp_path, algorithm):
        """The right file has no flaw; one bit off, it has, and the hash that it has is said."""
        (tmp_path / NAME).write_bytes(DATA)
        right = record(hashes=(digest(algorithm).upper().replace(algorithm.upper(), algorithm),))
        assert verify_hash(str(tmp_path / NAME), right) == ""
        other = bytes([DATA[0] ^ 1]) + DATA[1:]
        (tmp_path / NAME).write_bytes(other)
        found = digest(algorithm, other).partition(":")[2]
        assert verify_hash(str(tmp_path / NAME), right) == f"its {algorithm} is {found}"

    def test_a_prefix(self, tmp_path):
        """Eight digits are compared with the beginning, and only where the table says so."""
        (tmp_path / NAME).write_bytes(DATA)
        digits = digest("sha256").partition(":")[2][:8]
        path = str(tmp_path / NAME)
        prefix = record(hashes=(f"sha256-prefix:{digits}",))
        assert verify_hash(path, prefix) == ""
        assert size_and_hash(prefix) == f"700,000 bytes, sha256 beginning with {digits}"
        assert verify_hash(path, record(hashes=(f"sha256:{digits}",))).startswith("its sha256 is ")
        assert verify_hash(path, record(hashes=("sha256-prefix:00000000",)))

    def test_the_size_comes_first(self, tmp_path):
        """Another size is told without reading the file."""
        (tmp_path / NAME).write_bytes(DATA[1:])
        assert verify_hash(str(tmp_path / NAME), record()) == "it has 699,999 bytes, not 700,000"

    def test_every_row_of_the_table_can_be_verified(self, tmp_path):
        """Every published file has a hash of a known kind."""
        (tmp_path / NAME).write_bytes(DATA)
        for name in list_checkpoints():
            row = dataclasses.replace(get_checkpoint(name), size=None)
            assert verify_hash(str(tmp_path / NAME), row).startswith("its ")
