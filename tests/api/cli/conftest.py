"""A small Twinbox for the command line: two tiny packs, two plug-ins, a home of its own for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from geodata.city import find_city
from geodata.kinds import kind
from geodata.manifest import Grade, Provenance
from geodata.publish import Draft, write_pack

ROOT = Path(__file__).parents[3]
PLUG_INS = {
    "street_lamps": (ROOT / "docs/examples/street_lamps/street_lamps.py", "StreetLamps"),
    "lanterns": (ROOT / "tests/lanterns.py", "LanternPilot"),
}
MIDDLE = {"tallinn": (542_000, 6_589_000), "rae": (551_000, 6_580_000)}
"""Where the tiny cities lie, EPSG:3301."""


NARVA = """
[city]
id = "narva"
names = { en = "Narva" }
country = "EE"
crs = "EPSG:3301"
timezone = "Europe/Tallinn"
"""
"""A city of the user's own that has no pack yet."""


@dataclass(frozen=True)
class Said:
    """What a call of the command line gave."""

    code: int
    out: str
    err: str


def provenance(**changes: object) -> Provenance:
    return Provenance(
        **{
            "source": "drawn for a test",
            "licence": "CC0-1.0",
            "attribution": "Test Office of Maps",
            "grade": Grade.SYNTHETIC,
            **changes,
        }
    )


def tiny_city(name: str, seed: int, *, districts: int = 6) -> dict[str, Draft]:
    """Drafts of a city four kilometres wide: districts, streets, stops, a lake."""
    rng = np.random.default_rng(seed)
    x, y = MIDDLE[name]
    outline = shapely.Point(x, y).buffer(2000, quad_segs=6)
    seeds = shapely.MultiPoint(np.array([x, y]) + rng.uniform(-1600, 1600, (districts, 2)))
    cells = [cell.intersection(outline) for cell in shapely.voronoi_polygons(seeds, extend_to=outline).geoms]
    cells = [cell for cell in cells if not cell.is_empty]
    names = [f"Küla {n}" for n in range(len(cells))]
    grid = np.arange(-1800, 1801, 300)
    rows = [shapely.LineString([(x - 1900, y + g), (x + 1900, y + g)]).intersection(outline) for g in grid]
    columns = [shapely.LineString([(x + g, y - 1900), (x + g, y + 1900)]).intersection(outline) for g in grid]
    streets = [line for line in rows + columns if not line.is_empty]
    crs = "EPSG:3301"
    tables = {
        "boundary": gpd.GeoDataFrame({"name": [name]}, geometry=[outline], crs=crs),
        "districts": gpd.GeoDataFrame(
            {"district_id": [f"d{n}" for n in range(len(cells))], "name": names}, geometry=cells, crs=crs
        ),
        "streets": gpd.GeoDataFrame(
            {
                "street_id": [f"s{n:03}" for n in range(len(streets))],
                "road_class": "residential",
                "length_m": [line.length for line in streets],
                "speed_kmh": 40.0,
                "oneway": False,
                "car": True,
                "walk": True,
                "component": 0,
            },
            geometry=streets,
            crs=crs,
        ),
        "stops": gpd.GeoDataFrame(
            {"stop_id": ["a", "b", "c"], "name": ["Algus", "Keskus", "Lõpp"]},
            geometry=[shapely.Point(x + d, y + d) for d in (-900, 0, 900)],
            crs=crs,
        ),
        "green_areas": gpd.GeoDataFrame(
            {"area_id": ["g1", "w1"], "green_class": ["park", "water"]},
            geometry=[
                shapely.Point(x + 700, y - 500).buffer(320),
                shapely.Point(x - 800, y + 600).buffer(380),
            ],
            crs=crs,
        ),
    }
    return {k: Draft(k, kind(k), table, provenance()) for k, table in tables.items()}


@pytest.fixture(scope="session")
def packs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packs of Tallinn (graded official) and Rae (a demo pack); no other city has one."""
    folder = tmp_path_factory.mktemp("packs")
    write_pack(folder / "tallinn", find_city("tallinn"), tiny_city("tallinn", 1), recipe_sha256="0" * 64)
    write_pack(
        folder / "rae", find_city("rae"), tiny_city("rae", 2, districts=4), recipe_sha256="0" * 64, demo=True
    )
    return folder


@pytest.fixture(scope="session")
def plug_in_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the test plug-ins as if they were installed there."""
    folder = tmp_path_factory.mktemp("plug-ins")
    for name, (source, cls) in PLUG_INS.items():
        shutil.copy(source, folder / f"{name}.py")
        info = folder / f"{name}-1.0.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0.0\n"
        )
        (info / "entry_points.txt").write_text(f"[twin.pilots]\n{name} = {name}:{cls}\n")
    return folder


@pytest.fixture
def home(
    packs_folder: Path, plug_in_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A home of Twinbox with the tiny packs, and the test plug-ins importable."""
    folder = tmp_path / "home"
    shutil.copytree(packs_folder, folder / "packs")
    (folder / "recipes").mkdir()
    (folder / "recipes" / "narva.toml").write_text(NARVA)
    monkeypatch.setenv("TWINBOX_HOME", str(folder))
    monkeypatch.syspath_prepend(plug_in_folder)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def twinbox(home: Path) -> Callable[..., Said]:
    """Call the command line in this process: ``twinbox("run", "lanterns", "--city", "rae")``."""
    from api.cli import app

    def call(*words: object) -> Said:
        answer = CliRunner().invoke(app, [str(word) for word in words], prog_name="twinbox")
        return Said(answer.exit_code, answer.stdout, answer.stderr)

    return call


@pytest.fixture(scope="session")
def interpreter(plug_in_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python in whose environment the test plug-ins are installed; it sees this one's libraries."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    answer = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [
        f"import site; site.addsitedir({str(place)!r})"
        for place in (sysconfig.get_path("purelib"), plug_in_folder)
    ]
    (Path(answer.stdout.strip()) / "twinbox-test.pth").write_text("\n".join(lines) + "\n")
    return python


@pytest.fixture
def shell(home: Path, interpreter: Path) -> Callable[..., Said]:
    """Call the command line in a process of its own."""

    def call(*words: object, **environment: str) -> Said:
        done = subprocess.run(
            [interpreter, "-c", "from api.cli import main; main()", *map(str, words)],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return call
