"""What tests of every room share: where real data and published cases stand, and a home of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def _outside(variable: str, beside: str, what: str) -> Path:
    """A folder outside the repository, or a skip that says where it was looked for."""
    named = os.environ.get(variable)
    folder = Path(named) if named else REPOSITORY.parent / "shared" / beside
    if not folder.is_dir():
        pytest.skip(f"{what} are not at {folder}; {variable} names another folder")
    return folder


@pytest.fixture(scope="session")
def sources() -> Path:
    """The real open data of the cities."""
    return _outside("TWINBOX_SOURCES", "data", "the cities' open data")


@pytest.fixture(scope="session")
def reference_cases() -> Path:
    """The published cases that models are held to."""
    return _outside("TWINBOX_REFERENCE", "reference/cases", "the published cases")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of Twinbox that is empty."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TWINBOX_HOME", str(folder))
    return folder
