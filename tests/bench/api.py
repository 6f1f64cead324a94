"""The API beside its peers: pygeoapi's Parquet provider for features, xpublish-edr for values at a point.

Every server answers the same questions on the same data, one after the other in one run; what counts is the
processor time of the server per request, and whether its answers are those of an oracle.

    python tests/bench/api.py --peers FOLDER_OF_A_VENV

The peers live in a virtual environment of their own (``pip install pygeoapi s3fs xpublish xpublish-edr
h5netcdf h5py pyarrow``).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import xarray as xr

# In place of this folder, in which `api` would be this very file.
sys.path[0] = str(Path(__file__).resolve().parents[1])
from api_world import ORIGIN, about, buildings, write_recipes  # noqa: E402
from small_world import CITIES  # noqa: E402

from geodata.kinds import kind  # noqa: E402
from geodata.publish import Draft, write_pack  # noqa: E402

BBOX = (24.70, 59.42, 24.80, 59.45)
POSITION = "/collections/metsa.terrain/position?" + urlencode({"coords": "POINT(24.75 59.45)"})
PATHS = {
    "conformance": "/conformance",
    "items": f"/collections/metsa.buildings/items?bbox={','.join(map(str, BBOX))}&limit=1000",
    "items, limit 10": f"/collections/metsa.buildings/items?bbox={','.join(map(str, BBOX))}&limit=10",
    "position": POSITION,
    "position, one day": POSITION + "&datetime=2026-01-02T00:00:00Z/2026-01-02T23:00:00Z",
}


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, help="virtual environment with pygeoapi and xpublish-edr")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--queries", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        frame, cube = make_data(home)
        with ours(home) as port:
            measure_ours(port, given.requests)
            oracle_features(port, frame, given.queries)
            oracle_edr(port, cube, given.queries)
            large(port)
            if given.peers:
                box = ",".join(map(str, BBOX))
                with pygeoapi(given.peers, home, frame) as peer:
                    theirs = f"/collections/buildings/items?bbox={box}&limit=1000&f=json"
                    beside("pygeoapi Parquet, bbox", port, PATHS["items"], *peer, theirs)
                with xpublish(given.peers, home, cube) as peer:
                    query = urlencode({"coords": "POINT(24.75 59.43)", "parameter-name": "temperature"})
                    beside(
                        "xpublish-edr, position",
                        port,
                        PATHS["position"],
                        *peer,
                        f"/datasets/cube/edr/position?{query}",
                    )


def make_data(home: Path) -> tuple[gpd.GeoDataFrame, xr.Dataset]:
    """10,000 buildings, 200,000 more in another city, and 60 days of hourly values on 40 x 40 cells."""
    write_recipes(home)
    city = CITIES["metsa"]
    frame = buildings(city.crs, 10_000, side_m=18_000)
    x0, y0 = ORIGIN[city.crs]
    hours = pd.date_range("2026-01-01", periods=60 * 24, freq="h")
    values = np.random.default_rng(5).normal(5, 8, (1440, 40, 40)).astype("float32")
    cube = xr.Dataset(
        {"elevation_m": (("time", "y", "x"), values, {"units": "m"})},
        coords={"time": hours, "y": y0 + np.arange(40) * 250.0, "x": x0 + np.arange(40) * 250.0},
        attrs={"crs": city.crs},
    )
    drafts = {
        "buildings": Draft("buildings", kind("buildings"), frame, about()),
        "terrain": Draft("terrain", kind("terrain"), cube, about()),
    }
    write_pack(home / "packs" / "metsa", city, drafts, recipe_sha256="0" * 64)
    other = CITIES["salo"]
    many = Draft("buildings", kind("buildings"), buildings(other.crs, 200_000, side_m=25_000), about())
    write_pack(home / "packs" / "salo", other, {"buildings": many}, recipe_sha256="0" * 64)
    return frame, cube


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(
    command: list[str], port: int, path: str, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process of its own, ready when it answers a path."""
    running = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if running.poll() is not None:
                raise SystemExit(f"{command[0]} ended before it answered {path}")
            with contextlib.suppress(OSError):
                if get(http.client.HTTPConnection("127.0.0.1", port), path)[0] < 500:
                    break
            time.sleep(0.1)
        yield running
    finally:
        running.terminate()
        running.wait(20)


@contextlib.contextmanager
def ours(home: Path) -> Iterator[int]:
    """Twinbox."""
    port = free_port()
    code = (
        "from api.server import serve; from api.settings import load_settings; "
        f"serve(load_settings(port={port}, open_data=True, demo=False, requests_per_minute=10**9))"
    )
    with process([sys.executable, "-c", code], port, "/ready", TWINBOX_HOME=str(home)) as running:
        ours.pid = running.pid  # type: ignore[attr-defined]
        yield port


def get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    """Status and body of a request."""
    connection.request("GET", path, headers={"Accept": "*/*"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, all its threads together."""
    return (
        sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    )


def cpu_ms(port: int, pid: int, path: str, count: int) -> tuple[float, float, bytes]:
    """Processor time and median time on the clock per request, in milliseconds, and the last body."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(5):
        status, body = get(connection, path)
        assert status == 200, (status, body[:300])
    before, took = cpu_s(pid), []
    for _ in range(count):
        begun = time.perf_counter()
        _, body = get(connection, path)
        took.append(time.perf_counter() - begun)
    return (cpu_s(pid) - before) / count * 1000, statistics.median(took) * 1000, body


def measure_ours(port: int, count: int) -> None:
    """Twinbox's processor time for the questions, the median of five rounds."""
    pid = ours.pid  # type: ignore[attr-defined]
    for name, path in PATHS.items():
        rounds = [cpu_ms(port, pid, path, count // 5) for _ in range(5)]
        cpu, median = (statistics.median(row[i] for row in rounds) for i in (0, 1))
        body = rounds[0][2]
        found = json.loads(body).get("numberMatched", "")
        print(f"twinbox {name:20s} {cpu:6.2f} ms CPU {median:6.2f} ms median {len(body):8d} bytes {found}")


def oracle_features(port: int, frame: gpd.GeoDataFrame, count: int) -> None:
    """Random boxes, limit 10,000: the same ids as shapely's intersects."""
    shapes = frame.to_crs("OGC:CRS84").geometry.to_numpy()
    ids = frame["building_id"].to_numpy()
    west, south, east, north = shapely.total_bounds(shapes)
    rng, right = np.random.default_rng(11), 0
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(count):
        centre = rng.uniform((west, south), (east, north))
        half = rng.uniform(0.0002, 0.02, 2)
        box = (*(centre - half), *(centre + half))
        query = urlencode({"bbox": ",".join(repr(float(v)) for v in box), "limit": 10_000}, safe=",")
        _, body = get(connection, f"/collections/metsa.buildings/items?{query}")
        got = [feature["id"] for feature in json.loads(body)["features"]]
        right += got == ids[shapely.intersects(shapes, shapely.box(*box))].tolist()
    print(f"bbox answers equal to shapely: {right} of {count}")
    assert right == count


def oracle_edr(port: int, cube: xr.Dataset, count: int) -> None:
    """Random points: the same values as xarray's nearest."""
    from pyproj import Transformer

    to = Transformer.from_crs("OGC:CRS84", "EPSG:3301", always_xy=True)
    back = Transformer.from_crs("EPSG:3301", "OGC:CRS84", always_xy=True)
    rng, right = np.random.default_rng(12), 0
    connection = http.client.HTTPConnection("127.0.0.1", port)
    low = (float(cube.x[0]), float(cube.y[0]))
    high = (float(cube.x[-1]), float(cube.y[-1]))
    for _ in range(count):
        lon, lat = back.transform(*rng.uniform(low, high))
        x, y = to.transform(lon, lat)
        expected = cube.elevation_m.sel(x=x, y=y, method="nearest").to_numpy()
        query = urlencode({"coords": f"POINT({lon!r} {lat!r})"})
        _, body = get(connection, f"/collections/metsa.terrain/position?{query}")
        values = json.loads(body)["ranges"]["elevation_m"]["values"]
        right += bool(np.array_equal(np.array(values, dtype="float32"), expected))
    print(f"position answers equal to xarray: {right} of {count}")
    assert right == count


def large(port: int) -> None:
    """200,000 features: memory of the server, processor time of a query."""
    pid = ours.pid  # type: ignore[attr-defined]
    path = "/collections/salo.buildings/items?bbox=24.95,60.15,24.99,60.17&limit=1000"
    cpu, _, body = cpu_ms(port, pid, path, 100)
    status = Path(f"/proc/{pid}/status").read_text()
    resident = {
        name: int(line.split()[1]) / 1024
        for line in status.splitlines()
        for name in ("VmRSS", "VmHWM", "RssAnon")
        if line.startswith(name + ":")
    }
    found = json.loads(body)["numberMatched"]
    words = ", ".join(f"{name} {size:.0f} MB" for name, size in sorted(resident.items()))
    print(f"twinbox of 200,000 features, bbox ({found} hits): {cpu:.2f} ms CPU; {words}")


def beside(name: str, port: int, path: str, peer_port: int, peer_pid: int, peer_path: str) -> None:
    """A peer's figure beside ours, in rounds that take turns: a busy moment of the machine hits both."""
    rounds = []
    for _ in range(7):
        mine, _, body = cpu_ms(port, ours.pid, path, 100)  # type: ignore[attr-defined]
        theirs, _, other = cpu_ms(peer_port, peer_pid, peer_path, 10)
        rounds.append((theirs / mine, mine, theirs))
    ratio, mine, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    counts = [len(json.loads(text).get("features", [])) or "" for text in (body, other)]
    print(
        f"{name:26s} {theirs:7.2f} ms CPU, ours {mine:.2f}: {ratio:.0f} times; "
        f"features {counts[1]}, ours {counts[0]}"
    )


@contextlib.contextmanager
def pygeoapi(venv: Path, home: Path, frame: gpd.GeoDataFrame) -> Iterator[tuple[int, int]]:
    """pygeoapi with its Parquet provider, behind uvicorn as we are."""

    port = free_port()
    folder = home / "pygeoapi"
    folder.mkdir()
    lonlat = frame.to_crs("OGC:CRS84")
    lonlat = lonlat.join(lonlat.bounds)  # the provider filters by columns of bounds
    lonlat.to_parquet(folder / "buildings.parquet", index=False)
    table = pq.read_table(folder / "buildings.parquet")  # the provider knows no large strings
    schema = pa.schema(
        [f.with_type(pa.string()) if pa.types.is_large_string(f.type) else f for f in table.schema]
    )
    pq.write_table(table.cast(schema.with_metadata(table.schema.metadata)), folder / "buildings.parquet")
    provider = {
        "type": "feature",
        "name": "Parquet",
        "id_field": "building_id",
        "data": {"source": str(folder / "buildings.parquet")},
        "x_field": ["minx", "maxx"],
        "y_field": ["miny", "maxy"],
    }
    west, south, east, north = frame.to_crs("OGC:CRS84").total_bounds.tolist()
    config = {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 10, "max_items": 10000},
            "map": {"url": "", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": {"en": "x"},
                "description": {"en": "x"},
                "keywords": {"en": ["x"]},
                "keywords_type": "theme",
                "terms_of_service": "x",
                "url": "http://x",
            },
            "license": {"name": "x", "url": "http://x"},
            "provider": {"name": "x", "url": "http://x"},
            "contact": {"name": "x"},
        },
        "resources": {
            "buildings": {
                "type": "collection",
                "title": {"en": "b"},
                "description": {"en": "b"},
                "keywords": {"en": ["b"]},
                "links": [],
                "providers": [provider],
                "extents": {
                    "spatial": {
                        "bbox": [west, south, east, north],
                        "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                    }
                },
            }
        },
    }
    (folder / "config.yml").write_text(json.dumps(config))
    python = str(venv / "bin" / "python")
    environment = {
        "PYGEOAPI_CONFIG": str(folder / "config.yml"),
        "PYGEOAPI_OPENAPI": str(folder / "openapi.yml"),
    }
    subprocess.run(
        [
            str(venv / "bin" / "pygeoapi"),
            "openapi",
            "generate",
            environment["PYGEOAPI_CONFIG"],
            "--output-file",
            environment["PYGEOAPI_OPENAPI"],
        ],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    command = [
        python,
        "-m",
        "uvicorn",
        "pygeoapi.starlette_app:APP",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    with process(command, port, "/conformance", **environment) as running:
        yield port, running.pid


@contextlib.contextmanager
def xpublish(venv: Path, home: Path, cube: xr.Dataset) -> Iterator[tuple[int, int]]:
    """xpublish with its EDR plug-in, behind uvicorn as we are."""
    port = free_port()
    folder = home / "xpublish"
    folder.mkdir()
    path = folder / "cube.nc"
    lonlat = xr.Dataset(
        {
            "temperature": (
                ("time", "lat", "lon"),
                cube.elevation_m.to_numpy(),
                {"units": "m", "standard_name": "air_temperature"},
            )
        },
        coords={
            "time": cube.time.to_numpy(),
            "lat": (
                "lat",
                59.4 + np.arange(40) * 0.002,
                {"axis": "Y", "units": "degrees_north", "standard_name": "latitude"},
            ),
            "lon": (
                "lon",
                24.7 + np.arange(40) * 0.004,
                {"axis": "X", "units": "degrees_east", "standard_name": "longitude"},
            ),
        },
    )
    lonlat.to_netcdf(path, engine="h5netcdf")
    script = folder / "serve.py"
    script.write_text(
        "import xarray as xr, xpublish\n"
        "from xpublish_edr import CfEdrPlugin\n"
        f"data = xr.open_dataset({str(path)!r}, engine='h5netcdf').load()\n"
        "data.time.attrs['axis'] = 'T'\n"
        "rest = xpublish.Rest({'cube': data}, plugins={'edr': CfEdrPlugin()})\n"
        f"rest.serve(host='127.0.0.1', port={port}, log_level='error')\n"
    )
    with process([str(venv / "bin" / "python"), str(script)], port, "/datasets") as running:
        yield port, running.pid


if __name__ == "__main__":
    main()
