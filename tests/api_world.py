"""A small world for the server: two cities with places, series and a grid, and the pilots of an outsider."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa
import xarray as xr
from small_world import CITIES
from starlette.testclient import TestClient

from api.access.registry import Registry
from api.app import create_app
from api.context import Context
from api.settings import Settings
from geodata.city import City
from geodata.kinds import kind
from geodata.manifest import Provenance, Residency, State
from geodata.pack import CityPack
from geodata.publish import Draft, write_pack

ORIGIN = {"EPSG:3301": (540_000.0, 6_588_000.0), "EPSG:3067": (385_000.0, 6_672_000.0)}
"""A place in Tallinn and one in Helsinki: easting, northing."""


def about(residency: Residency = Residency.OPEN, state: State = State.PRODUCTION) -> Provenance:
    return Provenance(
        source="made for a test",
        licence="CC-BY-4.0",
        attribution="© Nobody",
        grade="synthetic",
        residency=residency,
        state=state,
    )


def buildings(crs: str, count: int, seed: int = 1, side_m: float = 10_000) -> gpd.GeoDataFrame:
    """Rectangles, turned this way and that, in a square."""
    rng = np.random.default_rng(seed)
    x0, y0 = ORIGIN[crs]
    centre = rng.uniform(0, side_m, (count, 2)) + np.array([x0, y0])
    size = rng.uniform(8, 60, (count, 2))
    angle = rng.uniform(0, np.pi, count)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])[None] * size[:, None] / 2
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(-1, 2, 2)
    rings = np.einsum("nij,nkj->nki", turn, corners) + centre[:, None]
    columns = kind("buildings").columns
    data = {"building_id": [f"b{i:06d}" for i in range(count)]}
    for column in columns:
        if column.name in data:
            continue
        if column.type == "text" and column.allowed:
            data[column.name] = rng.choice(column.allowed, count)
        elif column.type == "text":
            data[column.name] = [f"{column.name} {i % 7}" for i in range(count)]
        elif column.type == "number":
            low = max(column.low or 0, 1)
            high = max(min(column.high or 100, 100), low + 1)
            data[column.name] = rng.uniform(low, high, count).round(2)
    return gpd.GeoDataFrame(data, geometry=shapely.polygons(rings), crs=crs)


def rich_pack(
    folder: Path,
    city: City,
    *,
    houses: int = 200,
    residency: Residency = Residency.OPEN,
    state: State = State.PRODUCTION,
) -> CityPack:
    """A pack with stops, buildings, districts, weather, sensors with observations, and terrain."""
    x0, y0 = ORIGIN[city.crs]
    rng = np.random.default_rng(7)
    points = gpd.points_from_xy(np.arange(10) * 100.0 + x0, np.full(10, y0 + 50))
    stops = gpd.GeoDataFrame(
        {"stop_id": [f"{i:03d}" for i in range(10)], "name": "a stop"}, geometry=points, crs=city.crs
    )
    squares = [shapely.box(x0 + i * 5000, y0, x0 + (i + 1) * 5000, y0 + 10_000) for i in range(2)]
    districts = gpd.GeoDataFrame(
        {"district_id": ["d0", "d1"], "name": ["West", "East"]}, geometry=squares, crs=city.crs
    )
    hours = pd.date_range("2026-03-01", periods=48, freq="h", tz="UTC")
    weather = pd.DataFrame({"time": hours, "temperature_c": np.round(5 * np.sin(np.arange(48) / 4), 2)})
    sensors = gpd.GeoDataFrame(
        {
            "sensor_id": ["s1", "s2"],
            "building_id": "b000001",
            "room_id": ["r1", "r2"],
            "observed_property": "co2",
            "unit": "ppm",
            "interval_s": 3600.0,
        },
        geometry=gpd.points_from_xy([x0 + 10, x0 + 4000], [y0 + 10, y0 + 4000]),
        crs=city.crs,
    )
    seen = pd.DataFrame(
        {
            "sensor_id": np.repeat(["s1", "s2"], 48),
            "time": list(hours) * 2,
            "value": rng.uniform(400, 1200, 96).round(1),
            "flag": "good",
            "state": "production",
        }
    )
    terrain = xr.Dataset(
        {"elevation_m": (("y", "x"), rng.uniform(0, 60, (40, 50)).astype("float32"), {"units": "m"})},
        coords={"y": y0 + np.arange(40) * 25.0, "x": x0 + np.arange(50) * 25.0},
        attrs={"crs": city.crs},
    )
    tables = {
        "stops": stops,
        "buildings": buildings(city.crs, houses),
        "districts": districts,
        "weather": weather,
        "sensors": sensors,
        "observations": seen,
        "terrain": terrain,
    }
    drafts = {
        name: Draft(name, kind(name), table, about(residency if name != "stops" else Residency.OPEN, state))
        for name, table in tables.items()
    }
    return write_pack(folder, city, drafts, recipe_sha256="0" * 64)


def write_recipes(home: Path) -> None:
    (home / "recipes").mkdir(parents=True, exist_ok=True)
    for city in CITIES.values():
        names = ", ".join(f'{language} = "{name}"' for language, name in city.names.items())
        text = (
            f'[city]\nid = "{city.id}"\nnames = {{ {names} }}\ncountry = "{city.country}"\n'
            f'crs = "{city.crs}"\ntimezone = "{city.timezone}"\naliases = {list(city.aliases)}\n'
        )
        (home / "recipes" / f"{city.id}.toml").write_text(text, encoding="utf-8")


def make_home(home: Path, **residency: Residency) -> Path:
    """A home of Twinbox with recipes and rich packs of the small cities."""
    write_recipes(home)
    for city in CITIES.values():
        rich_pack(home / "packs" / city.id, city, residency=residency.get(city.id, Residency.OPEN))
    return home


PILOTS = '''
"""Pilots for tests: one that works by district, and some that misbehave."""
import ctypes, os, signal, time
import numpy as np
import xarray as xr
from twin.pilot import CityModel, Domain, Kpi, Need, Pilot, Scenario, quantity


class ParkScenario(Scenario):
    benches: int = quantity(3, "1", 0, 100, "Benches in each district.")
    pause_s: float = quantity(0.0, "s", 0, 600, "How long to dawdle, on the clock.")


class Park(CityModel):
    def __init__(self, city, pack, scenario, world):
        self.world, self.scenario = world, scenario
        self.districts = pack.table("districts", ["district_id"])["district_id"].tolist()
        self.visits = world.rng("visits", city).poisson(10.0, (len(self.districts), 24)).astype(float)

    def run(self):
        begun = time.monotonic()
        while time.monotonic() - begun < self.scenario.pause_s:
            time.sleep(0.05)
        yield self.world.env.timeout(self.world.end_s)

    def data(self):
        start = np.datetime64(self.world.start.replace(tzinfo=None), "ns")
        hours = start + np.arange(24) * np.timedelta64(1, "h")
        dims = ("district", "time")
        measured = {"units": "1", "origin": "measured"}
        return xr.Dataset(
            {
                "visits": (("district",), self.visits.sum(axis=1), {"units": "1"}),
                "visits_by_hour": (dims, self.visits, {"units": "1", "long_name": "visits in the hour"}),
                "total": (("time",), self.visits.sum(axis=0), {"units": "1"}),
                "shade": (("y", "x"), np.ones((3, 4)), {"units": "1"}),
                "counted": (("district",), self.visits[:, 0], measured),
            },
            coords={
                "district": self.districts, "time": hours,
                "x": 540_000.0 + np.arange(4) * 100, "y": 6_588_000.0 + np.arange(3) * 100,
            },
        )

    def kpis(self):
        return {"visits": float(self.visits.sum())}


class Parks(Pilot):
    """Visits to parks, by district."""

    id = "parks"
    title = "Parks"
    titles = {"et": "Pargid", "fi": "Puistot"}
    domain = Domain.BUILT_ENVIRONMENT
    version = "1.0"
    needs = (Need("districts", "parks are counted by district"),)
    kpis = (Kpi("visits", "Visits", "1", "higher", "Visits in the run.", "test"),)
    Scenario = ParkScenario

    def build(self, packs, scenario, world):
        return {city: Park(city, pack, scenario, world) for city, pack in packs.items()}


class Kiosks(Parks):
    """Visits to kiosks, by district."""

    id = "kiosks"
    title = "Kiosks"
    titles = {}


class Mischief(Park):
    def run(self):
        self.misbehave()
        yield self.world.env.timeout(self.world.end_s)


def chaos(name, misbehave):
    model = type(name.title(), (Mischief,), {"misbehave": misbehave})

    def build(self, packs, scenario, world):
        return {city: model(city, pack, scenario, world) for city, pack in packs.items()}

    return type(name.title() + "Pilot", (Parks,), {"id": name, "title": name, "titles": {}, "build": build})


def _leak(self):
    kept = []
    while True:
        kept.append(bytearray(32 * 2**20))


def _spin(self):
    while True:
        pass


def _bomb(self):
    while True:
        os.fork()


def _segfault(self):
    ctypes.string_at(0)


def _full(self):
    with open("big", "wb") as stream:
        while True:
            stream.write(b"0" * 2**20)


def _hoard(self):
    number = 0
    while True:
        number += 1
        os.makedirs(f"heap/{number}", exist_ok=True)
        with open(f"heap/{number}/part", "wb") as stream:
            stream.write(b"0" * 2**20)


def _orphan(self):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                with open(os.environ["TWINBOX_HEARTBEAT"], "w") as stream:
                    stream.write(str(time.time()))
                time.sleep(0.02)
        os._exit(0)
    time.sleep(600)


Leak, Spin, Bomb = chaos("leak", _leak), chaos("spin", _spin), chaos("bomb", _bomb)
Segfault, Full, Orphan = chaos("segfault", _segfault), chaos("full", _full), chaos("orphan", _orphan)
Hoard = chaos("hoard", _hoard)
'''
NAMES = {
    "parks": "Parks",
    "kiosks": "Kiosks",
    "leak": "Leak",
    "spin": "Spin",
    "bomb": "Bomb",
    "segfault": "Segfault",
    "full": "Full",
    "hoard": "Hoard",
    "orphan": "Orphan",
}


def write_plugin(folder: Path, names: dict[str, str] = NAMES) -> Path:
    """An installed distribution with pilots, to be put on the path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "park_pilots.py").write_text(textwrap.dedent(PILOTS))
    about_ = folder / "park_pilots-1.0.dist-info"
    about_.mkdir(exist_ok=True)
    (about_ / "METADATA").write_text("Metadata-Version: 2.1\nName: park-pilots\nVersion: 1.0\n")
    points = "\n".join(f"{name} = park_pilots:{cls}" for name, cls in names.items())
    (about_ / "entry_points.txt").write_text(f"[twin.pilots]\n{points}\n")
    (about_ / "RECORD").write_text("")
    return folder


@contextmanager
def server_process(home: Path, *, absolute: bool = False) -> Iterator[str]:
    """A server of a home with open data; its address. Links are relative unless absolute ones are wanted."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    code = (
        "from api.server import serve; from api.settings import load_settings; "
        f"serve(load_settings(port={port}, open_data=True, open_runs=True, demo=False, "
        f"public_url={address if absolute else ''!r}))"
    )
    environment = {**os.environ, "TWINBOX_HOME": str(home), "PYTHONPATH": str(home / "plugins")}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=log, stderr=log)
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


@dataclass
class Served:
    """A client of a server in this process, and the server's parts."""

    client: TestClient
    home: Path

    @property
    def context(self) -> Context:
        return self.client.app.app.state.context

    @property
    def registry(self) -> Registry:
        return self.context.registry

    def get(self, path: str, **given: Any) -> Any:
        return self.client.get(path, **given)

    def key(self, tenant: str, *scopes: str, **given: Any) -> dict[str, str]:
        """A key of a tenant, made if need be, as headers."""
        if tenant not in {item.id for item in self.registry.tenants()}:
            self.registry.add_tenant(tenant, tenant.title())
        _, text = self.registry.issue_key(tenant, scopes or ("*:*",), **given)
        self.context.guard.refresh()
        return {"Authorization": f"Bearer {text}"}


# The tests of the server run on SQLite, and on PostgreSQL if TWINBOX_TEST_DATABASE names a server whose user
# may create databases; each server under test gets a database of its own, dropped afterwards. On Debian:
#
#     apt-get install postgresql postgis && service postgresql start
#     su postgres -c "psql -c \"CREATE ROLE twinbox LOGIN CREATEDB PASSWORD 'twinbox'\""
#     pip install 'twinbox[postgres]'
#     export TWINBOX_TEST_DATABASE=postgresql://twinbox:twinbox@127.0.0.1/postgres
#     pytest tests/api --ignore tests/api/cli
@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of an empty database of the server that TWINBOX_TEST_DATABASE names; empty for SQLite."""
    base = os.environ.get("TWINBOX_TEST_DATABASE", "")
    if not base:
        yield ""
        return
    name = f"twinbox_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(
        sa.make_url(base).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(base).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()


def serving(world: Path, home: Path, *, plugins: bool = True, **settings: Any) -> Iterator[Served]:
    """Serve a copy of a world in this process."""
    for name in ("packs", "recipes", *(("plugins",) if plugins else ())):
        if (world / name).exists():
            shutil.copytree(world / name, home / name, dirs_exist_ok=True)
    before = {name: os.environ.get(name) for name in ("TWINBOX_HOME", "PYTHONPATH")}
    path = str(home / "plugins")
    os.environ["TWINBOX_HOME"] = str(home)
    os.environ["PYTHONPATH"] = path
    sys.path.insert(0, path)
    try:
        with fresh_database() as database:
            app = create_app(Settings(home=home, demo=False, **{"database": database, **settings}))
            with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
                yield Served(client, home)
    finally:
        sys.path.remove(path)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
