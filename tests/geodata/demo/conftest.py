"""Demo packs made once for all tests of a run."""

from __future__ import annotations

import pytest

from geodata.demo import demo_cities, demo_pack

CITIES = ("helsinki", "paldiski", "rae", "tallinn", "tartu")


@pytest.fixture(scope="session")
def packs(tmp_path_factory):
    """All demo packs, by city."""
    folder = tmp_path_factory.mktemp("demo-packs")
    return {city: demo_pack(city, folder / city) for city in demo_cities()}


@pytest.fixture(params=CITIES)
def pack(request, packs):
    """Each demo pack in turn."""
    return packs[request.param]
