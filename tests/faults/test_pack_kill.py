"""A build that is killed at any moment leaves the former pack or the new one, whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from village import EAST, NORTH, SOUTH, WEST, dataset, lonlat, village_at

from geodata.build import build_pack
from geodata.pack import MANIFEST, open_pack
from geodata.recipe import load_recipe

CODE = """
import sys
from pathlib import Path
from geodata.build import build_pack
from geodata.recipe import load_recipe
print("ready", flush=True)
recipe, sources, pack = (Path(argument) for argument in sys.argv[1:])
while True:
    build_pack(load_recipe(recipe), sources, pack)
"""


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    village = village_at(tmp_path)
    steps = np.linspace(0.01, 0.99, 3000)
    places = [lonlat(WEST + (EAST - WEST) * step, SOUTH + (NORTH - SOUTH) * step) for step in steps]
    rows = "".join(f"s{n},Stop,{x},{y}\n" for n, (x, y) in enumerate(places))
    village.put("stops.csv", "stop_id,name,lon,lat\n" + rows)
    at = 'geometry = { x = "lon", y = "lat", crs = "EPSG:4326" }'
    text = "".join(dataset("stops", "csv", "stops.csv", at, name=f"stops{n}") for n in range(4))
    expected = village.build(text).pack.hash
    moments = np.random.default_rng(7)
    for _ in range(4):
        # The former pack is of fewer stops, so that old and new can be told apart.
        village.put("stops.csv", "stop_id,name,lon,lat\n" + rows[: rows.index("s2000,")])
        former = build_pack(load_recipe(tmp_path / "kyla.toml"), village.sources, village.pack).pack.hash
        village.put("stops.csv", "stop_id,name,lon,lat\n" + rows)
        arguments = [str(tmp_path / "kyla.toml"), str(village.sources), str(village.pack)]
        building = subprocess.Popen([sys.executable, "-c", CODE, *arguments], stdout=subprocess.PIPE)
        assert building.stdout is not None
        building.stdout.readline()
        time.sleep(moments.uniform(0.2, 2.0))
        building.kill()
        building.wait()
        building.stdout.close()
        pack = open_pack(village.pack)
        pack.verify()
        assert pack.hash in {former, expected}
    village.build(text)
    entries = open_pack(village.pack).datasets
    assert len(list(village.pack.iterdir())) == len(entries) + 2
    assert (village.pack / MANIFEST).exists()
