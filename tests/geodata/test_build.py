"""Builds: the same sources give the same pack, one after another, whole or not at all."""

from __future__ import annotations

import builtins
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box
from village import EAST, NORTH, PROVENANCE, SOUTH, WEST, Village, dataset, lonlat, village_at

from geodata import publish
from geodata.build import build_pack, cleaning_report
from geodata.errors import DamagedPack, InvalidInput, NotReady
from geodata.pack import open_pack

STOPS = 'geometry = { x = "lon", y = "lat", crs = "EPSG:4326" }'
SHARED = Path(__file__).resolve().parents[1]


@pytest.fixture
def stocked(village: Village) -> Village:
    """The village with stops and streets."""
    places = [lonlat(WEST + 100 * n, SOUTH + 90 * n) for n in range(1, 30)]
    village.put(
        "stops.csv",
        "stop_id,name,lon,lat\n" + "".join(f"s{n},Stop,{x},{y}\n" for n, (x, y) in enumerate(places)),
    )
    streets = [
        LineString([(WEST + 100, SOUTH + 50 * n), (WEST + 4000, SOUTH + 50 * n + 7)]) for n in range(20)
    ]
    streets += [LineString([(WEST + 300 * n, SOUTH), (WEST + 300 * n, SOUTH + 2000)]) for n in range(1, 10)]
    village.frame(
        "streets.gpkg", gpd.GeoDataFrame({"name": ["S"] * len(streets)}, geometry=streets, crs=3301)
    )
    return village


BUILDING = """
import sys
from pathlib import Path
from geodata.build import build_pack
from geodata.recipe import load_recipe
recipe, sources, pack = (Path(argument) for argument in sys.argv[1:])
"""
STREETS = """
columns.street_id = { number_rows = "s" }
columns.road_class = { value = "street" }
columns.length_m = { measure = "length" }
columns.speed_kmh = { value = 50 }
columns.oneway = { value = false }
columns.car = { value = true }
columns.walk = { value = true }
columns.component = { value = 0 }
node = { meet = "crossings", tolerance_m = 1.0 }
"""
BOTH = dataset("stops", "csv", "stops.csv", STOPS) + dataset("streets", "vector", "streets.gpkg", STREETS)


def test_same_sources_same_pack(stocked: Village, tmp_path: Path) -> None:
    one = stocked.build(BOTH)
    shutil.copytree(stocked.sources, tmp_path / "elsewhere")
    other = build_pack(stocked.recipe(BOTH), tmp_path / "elsewhere", tmp_path / "other" / "kyla")
    assert one.pack.hash == other.pack.hash
    assert [entry.sha256 for entry in one.pack.datasets] == [entry.sha256 for entry in other.pack.datasets]
    assert one.cleaning == other.cleaning


@pytest.mark.slow
def test_same_pack_in_another_process_with_other_hash_seed(stocked: Village, tmp_path: Path) -> None:
    one = stocked.build(BOTH)
    code = BUILDING + "print(build_pack(load_recipe(recipe), sources, pack).pack.hash)"
    for seed in ("1", "2"):
        arguments = [str(stocked.root / "kyla.toml"), str(stocked.sources), str(tmp_path / seed / "kyla")]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == one.pack.hash


def test_report_lies_in_the_pack_and_reads_well(stocked: Village) -> None:
    built = stocked.build(BOTH)
    assert cleaning_report(open_pack(stocked.pack)) == built.cleaning
    text = built.cleaning.text()
    assert "noded 29 rows into" in text
    assert len({len(line) for line in text.splitlines()[1:6]}) == 1
    assert "100.00% of the length in the largest of" in text or "% of the length" in text


def test_changed_source_is_told(stocked: Village) -> None:
    text = BOTH.replace('path = "stops.csv"', f'path = "stops.csv"\nsha256 = "{"0" * 64}"')
    built = stocked.build(text)
    changed = {source.path: source.as_expected for source in built.cleaning.sources}
    assert changed == {"outline.gpkg": None, "stops.csv": False, "streets.gpkg": None}
    assert "changed since the recipe was written: stops.csv" in built.cleaning.text()


def test_interrupted_writing_leaves_the_former_pack(
    stocked: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stocked.build(BOTH).pack
    names = sorted(path.name for path in stocked.pack.iterdir())
    stocked.put(
        "stops.csv", "stop_id,name,lon,lat\n" + "".join(f"t{n},New,{26.6},{58.34}\n" for n in range(9))
    )
    real, calls = publish._write_table, []

    def failing(data: Any, path: Path, *, mapped: bool) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(data, path, mapped=mapped)

    monkeypatch.setattr(publish, "_write_table", failing)
    with pytest.raises(OSError, match="No space left"):
        stocked.build(BOTH)
    assert sorted(path.name for path in stocked.pack.iterdir()) == names
    after = open_pack(stocked.pack)
    after.verify()
    assert after.hash == before.hash


def test_damaged_file_is_found_and_healed_by_building_again(stocked: Village) -> None:
    pack = stocked.build(BOTH).pack
    file = pack.file("stops")
    file.write_bytes(file.read_bytes()[:-7] + b"garbage")
    with pytest.raises(DamagedPack):
        pack.verify()
    stocked.build(BOTH)
    open_pack(stocked.pack).verify()


@pytest.mark.slow
def test_builds_of_one_city_wait_for_each_other(stocked: Village) -> None:
    stocked.recipe(BOTH)
    code = BUILDING + "build_pack(load_recipe(recipe), sources, pack)"
    arguments = [
        sys.executable,
        "-c",
        code,
        str(stocked.root / "kyla.toml"),
        str(stocked.sources),
        str(stocked.pack),
    ]
    running = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(3)]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    pack = open_pack(stocked.pack)
    pack.verify()
    assert len(list(stocked.pack.iterdir())) == len(pack.datasets) + 2


def test_lock_is_held_while_a_pack_is_written(tmp_path: Path) -> None:
    from filelock import FileLock, Timeout

    with publish.locked(tmp_path / "packs" / "kyla"), pytest.raises(Timeout):
        FileLock(tmp_path / "packs" / ".kyla.lock", is_singleton=False).acquire(timeout=0.05)


def test_missing_library_says_what_to_install(stocked: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "osmium":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    stocked.put("a.osm.pbf", b"x")
    text = dataset(
        "trees", "osm_pbf", "a.osm.pbf", options='{ match = ["natural=tree"], geometry = "point" }'
    )
    with pytest.raises(NotReady, match="osmium") as caught:
        stocked.build(text)
    assert caught.value.hint == "pip install 'twinbox[sources]'"


def test_clipping_needs_a_boundary_first(village: Village, tmp_path: Path) -> None:
    village.put("stops.csv", "stop_id,name,lon,lat\na,A,26.6,58.34\n")
    from village import CITY

    path = tmp_path / "kyla.toml"
    path.write_text(CITY + dataset("stops", "csv", "stops.csv", STOPS))
    from geodata.recipe import load_recipe

    with pytest.raises(InvalidInput, match="no dataset of the kind boundary"):
        build_pack(load_recipe(path), village.sources, village.pack)


def test_provenance_travels_with_each_dataset(stocked: Village) -> None:
    text = BOTH.replace(
        PROVENANCE,
        '{ source = "S", licence = "ODbL-1.0", attribution = "A", grade = "measured", residency = "agreed" }',
    )
    manifest = json.loads((stocked.build(text).pack.path / "pack.json").read_text())
    for entry in manifest["datasets"]:
        assert {"source", "licence", "attribution", "grade", "residency"} <= set(entry["provenance"])
    assert manifest["datasets"][-1]["provenance"]["residency"] == "agreed"


def test_references_between_datasets(stocked: Village) -> None:
    rides = "from_stop_id,to_stop_id,line_id,travel_time_s\n" + "".join(
        f"s{n},s{n + 1},1,60\n" for n in range(40)
    )
    stocked.put("rides.csv", rides)
    ends = ("from_stop_id", "to_stop_id")
    tests = ", ".join(f'{{ column = "{end}", in_dataset = "stops.stop_id" }}' for end in ends)
    where = f"where = [{tests}]"
    built = stocked.build(BOTH + dataset("rides", "csv", "rides.csv", where))
    known = set(built.pack.table("stops")["stop_id"])
    table = built.pack.table("rides")
    assert set(table["from_stop_id"]) | set(table["to_stop_id"]) <= known
    assert (
        len(table),
        built.cleaning.datasets[-1].rows_left_out,
        built.cleaning.datasets[-1].rows_faulty,
    ) == (28, 12, 0)


def test_zipped_timetable(stocked: Village) -> None:
    """A whole feed in an archive, wrapped in a folder, gives stops, lines, rides, headways and calls."""
    import io
    import zipfile

    lon, lat = lonlat(WEST + 500, SOUTH + 500)
    files = {
        "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\n1,Bus,http://a.ee,Europe/Tallinn\n",
        "stops.txt": (
            f"stop_id,stop_name,stop_lat,stop_lon\nA,Ääre,{lat},{lon}\nB,Keskus,{lat},{lon + 0.01}\n"
        ),
        "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nr1,1,1,A - B,3\n",
        "calendar.txt": (
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
            "wd,1,1,1,1,1,0,0,20260101,20261231\n"
        ),
        "trips.txt": "route_id,service_id,trip_id\nr1,wd,t1\n",
        "stop_times.txt": (
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nt1,24:10:00,24:10:00,A,1\n"
            "t1,24:15:00,24:15:00,B,2\n"
        ),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"feed/{name}", content)
    stocked.put("feed.zip", packed.getvalue())
    at = 'geometry = { x = "stop_lon", y = "stop_lat", crs = "EPSG:4326" }'
    line = 'columns.line_id = "route_id"'
    named = 'columns.name = "route_short_name"\ncolumns.agency = "agency_name"\ngeometry = { clip = "touch" }'
    more = {
        "stops": f'{at}\ncolumns.name = "stop_name"',
        "lines": f"{line}\n{named}",
        "rides": f'{line}\ncolumns.travel_time_s = "travel_s"',
        "headways": line,
        "timetable": line,
    }
    text = "".join(
        dataset(kind, "gtfs", "feed.zip", rest, options=f'{{ layer = "{kind}", bands_h = [[20, 26]] }}')
        for kind, rest in more.items()
    )
    pack = stocked.build(text).pack
    assert pack.table("timetable")["arrival_s"].tolist() == [87_000.0, 87_300.0]
    assert pack.table("rides")["travel_time_s"].tolist() == [300.0]
    assert pack.table("headways")["headway_s"].tolist() == [21_600.0]
    assert pack.table("lines")["agency"].tolist() == ["Bus"]
    assert pack.table("stops")["name"].tolist() == ["Ääre", "Keskus"]


def test_joins_by_name_and_by_place(stocked: Village) -> None:
    areas = [box(WEST, SOUTH, WEST + 1500, NORTH), box(WEST + 1500, SOUTH, EAST, NORTH)]
    frame = gpd.GeoDataFrame(
        {"district_id": ["1", "2"], "name": ["Põhja-Külä", "Lõuna"]}, geometry=areas, crs=3301
    )
    stocked.frame("d.gpkg", frame)
    stocked.put("p.csv", "nimi,elanikke\nPOHJA KULA,120\nIda,7\n")
    joined = """
columns.population = "elanikke"
[[dataset.join]]
table = { source = "people", reader = "csv" }
on = { name = "nimi" }
fold = true
take = { elanikke = "elanikke" }
[sources.people]
path = "p.csv"
"""
    by_place = 'join = [{ dataset = "districts", place = "within", take = { area = "name" } }]'
    stops = dataset("stops", "csv", "stops.csv", f'{STOPS}\ncolumns.area = "area"\n{by_place}')
    built = stocked.build(dataset("districts", "vector", "d.gpkg", joined) + stops)
    assert built.pack.table("districts")["population"].fillna(-1).tolist() == [120.0, -1.0]
    note = built.cleaning.datasets[1].joins[0]
    assert (note.matched, note.unused, note.examples_unmatched) == (1, 1, ("louna",))
    features = built.pack.features("stops")
    assert set(features.loc[features.geometry.x < WEST + 1500, "area"]) == {"Põhja-Külä"}
    assert set(features.loc[features.geometry.x > WEST + 1500, "area"]) == {"Lõuna"}


CELLS = st.one_of(
    st.floats(-80, 80, allow_nan=False).map(lambda value: f"{value:.3f}"),
    st.sampled_from(["", "inf", "-inf", "nan", "x", "1e400", "--", " 7 ", "1,5"]),
)


@settings(max_examples=25, deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=30), order=st.randoms(use_true_random=False))
def test_rows_read_are_kept_or_dropped(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], order: Any
) -> None:
    """Whatever stands in the cells, every row is accounted for and only sound rows reach the pack."""
    village = village_at(tmp_path_factory.mktemp("village"))
    times = [f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z" for n in range(len(cells))]
    rows = [f'{time},"{cell}"' for time, cell in zip(times, cells, strict=True)] + [
        f'{times[0]},"3"',
        "not a time,4",
        ",",
    ]
    order.shuffle(rows)
    village.put("w.csv", "\n".join(["time,temperature_c", *rows]))
    try:
        built = village.build(dataset("weather", "csv", "w.csv", "most_faulty = 1.0"))
    except InvalidInput:
        return
    report = built.cleaning.datasets[1]
    assert report.rows_read == len(rows) == report.rows_kept + report.rows_dropped
    assert report.rows_dropped == sum(reason.rows for reason in report.dropped)
    kept = built.pack.table("weather")
    assert len(kept) == report.rows_kept
    assert np.isfinite(kept["temperature_c"]).all()
    assert kept["temperature_c"].between(-60, 60).all()
    assert kept["time"].is_unique


def test_opening_reads_nothing_but_what_is_asked(stocked: Village) -> None:
    stocked.build(BOTH)
    (
        stocked.pack / next(path.name for path in stocked.pack.iterdir() if path.name.startswith("streets"))
    ).unlink()
    pack = open_pack(stocked.pack)
    began = time.process_time()
    assert len(pack.table("stops")) == 29
    assert time.process_time() - began < 1.0
    assert pack.features("stops").geometry.iloc[0].distance(Point(WEST + 100, SOUTH + 90)) < 0.01
