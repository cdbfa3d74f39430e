"""Files of arrays, a machine without network, and a filter for untrained weights."""

import socket

import numpy as np
import pytest

UNTRAINED = "ignore:(?s).*look untrained:UserWarning"


def save(path, arrays):
    """Write arrays as an .npz file, under their names."""
    with open(path, "wb") as file:
        np.savez(file, **arrays)
    return str(path)


@pytest.fixture
def no_network(monkeypatch):
    """Let every connection fail."""

    def refuse(*arguments, **options):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
