"""A server as a process of its own, for clients that are processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from api_world import NAMES, make_home, write_plugin


@pytest.fixture(scope="session")
def url(tmp_path_factory):
    """The address of a server with open data."""
    home = tmp_path_factory.mktemp("home")
    make_home(home)
    write_plugin(home / "plugins", {"parks": NAMES["parks"]})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = (
        "from api.server import serve; from api.settings import load_settings; "
        f"serve(load_settings(port={port}, open_data=True, open_runs=True, demo=False))"
    )
    environment = {**os.environ, "TWINBOX_HOME": str(home), "PYTHONPATH": str(home / "plugins")}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{address}/ready"):
                    break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def expected(url):
    """How many buildings meet the box, by shapely, and how many there are."""
    import geopandas as gpd
    import shapely
    from api_world import buildings

    frame: gpd.GeoDataFrame = buildings("EPSG:3301", 200)
    return int(frame.to_crs(4326).intersects(shapely.box(*BOX)).sum()), len(frame)


BOX = (24.72, 59.43, 24.85, 59.49)
