"""The village as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest
from village import Village, village_at


@pytest.fixture
def village(tmp_path: Path) -> Village:
    """A made-up village with sources, a recipe and a pack."""
    return village_at(tmp_path)
