"""Every demo pack holds every kind of dataset, each within its bounds, and fits together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.kinds import KINDS
from geodata.manifest import Grade, State
from tests.geodata.demo.conftest import CITIES

TABLES = [kind for kind in KINDS.values() if kind.form == "table"]


def test_five_cities(packs):
    assert tuple(sorted(packs)) == CITIES


def test_every_kind_is_there(pack):
    assert {entry.kind for entry in pack.datasets} == set(KINDS)
    assert all(pack.has(kind) for kind in KINDS)
    pack.verify()


def test_everything_says_that_it_is_made_up(pack):
    assert pack.demo
    for entry in pack.datasets:
        assert entry.provenance.grade is Grade.SYNTHETIC
        assert entry.provenance.state is State.PRODUCTION
        assert entry.provenance.notes
        assert "not data of the city" in entry.provenance.attribution
        assert entry.rows > 0


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_columns_are_those_of_the_kind_and_within_bounds(packs, kind):
    for pack in packs.values():
        for entry in pack.of_kind(kind.name):
            table = pack.table(entry.id)
            assert set(table) <= {column.name for column in kind.columns}
            for column in kind.columns:
                if column.name in table:
                    check_column(column, table[column.name])
                else:
                    assert not column.required, column.name
            key = list(kind.key)
            assert not table.duplicated(key).any()
            assert table[key].equals(table[key].sort_values(key, ignore_index=True))


def check_column(column, values):
    assert column.nullable or values.notna().all(), column.name
    present = values.dropna()
    if column.type == "time":
        assert str(present.dt.tz) == "UTC"
    elif column.type == "text":
        assert present.map(type).eq(str).all()
        assert column.allowed is None or set(present) <= set(column.allowed)
    elif column.type == "boolean":
        assert present.dtype == bool
    else:
        assert np.isfinite(present.to_numpy(float)).all()
        assert column.type == "number" or pd.api.types.is_integer_dtype(present)
        assert column.low is None or present.min() >= column.low, column.name
        assert column.high is None or present.max() <= column.high, column.name


@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind.geometry], ids=lambda kind: kind.name)
def test_geometry_is_valid_and_of_its_kind(packs, kind):
    types = {
        "point": {"Point"},
        "line": {"LineString", "MultiLineString"},
        "polygon": {"Polygon", "MultiPolygon"},
        "any": {"Polygon"},
    }
    for pack in packs.values():
        features = pack.features(kind.name)
        assert features.crs.to_string() == pack.city.crs
        assert features.is_valid.all()
        assert not features.is_empty.any()
        assert set(features.geom_type) <= types[kind.geometry]
        if kind.disjoint:
            overlap = features.area.sum() - shapely.union_all(features.geometry.to_numpy()).area
            assert overlap == pytest.approx(0, abs=1)


def test_the_terrain_covers_the_city(pack):
    cube = pack.cube("terrain")
    west, south, east, north = pack.features("boundary").total_bounds
    step = float(cube.x[1] - cube.x[0])
    assert cube.x.min() <= west + step
    assert cube.x.max() >= east - step
    assert cube.y.min() <= south + step
    assert cube.y.max() >= north - step
    assert cube.attrs["crs"] == pack.city.crs
    assert 0 <= float(cube.elevation_m.min()) < float(cube.elevation_m.max()) < 90


def test_identifiers_refer_to_rows_that_are_there(pack):
    """Rides, timetable, headways, trips, sensors and persons name what other datasets hold."""
    stops, lines = set(pack.table("stops")["stop_id"]), set(pack.table("lines")["line_id"])
    rides, timetable = pack.table("rides"), pack.table("timetable")
    assert set(rides["from_stop_id"]) | set(rides["to_stop_id"]) <= stops
    assert set(rides["line_id"]) - {"walk"} == lines
    assert set(timetable["stop_id"]) <= stops
    assert set(timetable["line_id"]) == lines
    assert set(pack.table("headways")["line_id"]) == lines
    districts = set(pack.table("districts")["district_id"])
    trips = pack.table("trips")
    assert set(trips["origin_id"]) | set(trips["destination_id"]) <= districts
    assert set(pack.table("persons")["district_id"]) <= districts
    schools = set(pack.table("schools")["school_id"])
    assert set(pack.table("sensors")["building_id"]) <= schools <= set(pack.table("buildings")["building_id"])
    assert set(pack.table("observations")["sensor_id"]) == set(pack.table("sensors")["sensor_id"])


def test_residents_of_cells_districts_and_ages_add_up(pack):
    cells = pack.table("population")
    ages = cells[[name for name in cells if name.startswith("population_")]]
    assert ages.sum(axis=1).equals(cells["population"])
    assert cells["population"].sum() == pack.table("districts")["population"].sum()


def test_the_timetable_keeps_the_headways(pack):
    """At the peak, vehicles leave each end of a line as often as its headway says."""
    calls, headways = pack.table("timetable"), pack.table("headways")
    starts = calls[(calls["stop_sequence"] == 0) & (calls["service_days"] == "1111100")]
    peak = headways[(headways["day_type"] == "weekday") & (headways["start_h"] == 7)].set_index("line_id")
    for line_id, times in starts.groupby("line_id")["departure_s"]:
        at_peak = times[(times >= 7 * 3600) & (times < 9 * 3600)]
        assert len(at_peak) / 2 == pytest.approx(7200 / peak["headway_s"][line_id], abs=1)


def test_sensors_have_their_faults(pack):
    seen = pack.table("observations")
    assert set(seen["state"]) == {"production", "staging"}
    missing = seen[seen["flag"] == "missing"]
    assert missing["value"].isna().all()
    assert len(missing) == 3 * 36
    co2 = seen[seen["sensor_id"].str.endswith("r1-co2")].groupby("sensor_id")["value"]
    longest_stuck = co2.apply(lambda value: (value.diff() == 0).astype(int).rolling(143).sum().max())
    assert longest_stuck.max() == 143
