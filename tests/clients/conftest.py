"""A server as a process of its own, for clients that are processes of their own."""

from __future__ import annotations

import pytest
from api_world import NAMES, make_home, server_process, write_plugin


@pytest.fixture(scope="session")
def url(tmp_path_factory):
    """The address of a server with open data."""
    home = tmp_path_factory.mktemp("home")
    make_home(home)
    write_plugin(home / "plugins", {"parks": NAMES["parks"]})
    with server_process(home) as address:
        yield address


@pytest.fixture(scope="session")
def expected(url):
    """How many buildings meet the box, by shapely, and how many there are."""
    import geopandas as gpd
    import shapely
    from api_world import buildings

    frame: gpd.GeoDataFrame = buildings("EPSG:3301", 200)
    return int(frame.to_crs(4326).intersects(shapely.box(*BOX)).sum()), len(frame)


BOX = (24.72, 59.43, 24.85, 59.49)
