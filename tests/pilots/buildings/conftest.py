"""One home for all tests of the pilot: demo packs are made once."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(shared_home, monkeypatch):
    monkeypatch.setenv("TWINBOX_HOME", str(shared_home))
