"""Where tests find what is not part of the project: published cases and the cities' open data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _folder(variable: str, beside: str) -> Path:
    """The folder a variable names, or one beside the project; the test is skipped where there is none."""
    folder = Path(os.environ.get(variable) or ROOT.parent / "shared" / beside)
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set {variable}")
    return folder


@pytest.fixture(scope="session")
def reference_cases() -> Path:
    """Published cases, one folder each."""
    return _folder("TWINBOX_REFERENCE", "reference/cases")


@pytest.fixture(scope="session")
def sources() -> Path:
    """The cities' open data."""
    return _folder("TWINBOX_SOURCES", "data")
