"""GTFS: a whole feed gives calls, rides, headways and lines; a snapshot gives what it can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import UnreadableSource
from geodata.readers import read
from geodata.readers.gtfs import seconds

FEED = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\n1,Linnabuss,http://a.ee,Europe/Tallinn\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon\nA,Ääre,58.30,26.70\nB,Keskus,58.31,26.71\nC,Lõpp,58.32,26.72\n"
    ),
    "routes.txt": (
        "route_id,agency_id,route_short_name,route_long_name,route_type\nr1,1,1,A - C,3\nr2,1,T,Tram,900\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "wd,1,1,1,1,1,0,0,20260101,20261231\nwe,0,0,0,0,0,1,1,20260101,20261231\n"
    ),
    "trips.txt": "route_id,service_id,trip_id\nr1,wd,t1\nr1,wd,t2\nr1,we,t3\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t1,06:00:00,06:00:00,A,1\nt1,,,B,2\nt1,06:10:00,06:10:00,C,3\n"
        "t2,06:30:00,06:30:00,A,1\nt2,06:34:00,06:35:00,B,2\nt2,06:41:00,06:41:00,C,3\n"
        "t3,23:55:00,23:55:00,A,1\nt3,24:01:00,24:01:00,B,2\nt3,24:06:00,24:06:00,C,3\n"
    ),
}


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A feed of two stops and a terminus."""
    for name, content in FEED.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_timetable(feed: Path) -> None:
    reading = read("gtfs", feed, {"layer": "timetable"})
    calls = reading.frame.set_index(["trip_id", "stop_id"])
    assert calls.loc[("t1", "B"), "arrival_s"] == 6 * 3600 + 300
    assert calls.loc[("t3", "C"), "arrival_s"] == 24 * 3600 + 360
    assert calls.loc[("t3", "A"), "service_days"] == "0000011"
    assert [remark.label for remark in reading.mended] == [2]


def test_times_between_timepoints_stay_within_their_trip(feed: Path) -> None:
    last = "t8,07:00:00,07:00:00,A,1\nt8,,,B,2\nt9,,,A,1\nt9,07:30:00,07:30:00,B,2\n"
    (feed / "stop_times.txt").write_text(FEED["stop_times.txt"] + last)
    (feed / "trips.txt").write_text(FEED["trips.txt"] + "r1,wd,t8\nr1,wd,t9\n")
    calls = read("gtfs", feed, {"layer": "timetable"}).frame.set_index(["trip_id", "stop_id"])["arrival_s"]
    assert np.isnan(calls["t8", "B"])
    assert np.isnan(calls["t9", "A"])


def test_rides_and_headways(feed: Path) -> None:
    rides = read("gtfs", feed, {"layer": "rides"}).frame.set_index(["from_stop_id", "to_stop_id"])["travel_s"]
    assert rides.to_dict() == {("A", "B"): 300.0, ("B", "C"): 300.0}
    headways = read("gtfs", feed, {"layer": "headways", "bands_h": [[6, 7], [23, 24]]}).frame
    assert headways.to_numpy().tolist() == [
        ["r1", "weekday", 6.0, 7.0, 1800.0],
        ["r1", "saturday", 23.0, 24.0, 3600.0],
        ["r1", "sunday", 23.0, 24.0, 3600.0],
    ]


def test_lines(feed: Path) -> None:
    lines = read("gtfs", feed, {"layer": "lines"}).frame.set_index("route_id")
    assert lines["mode"].to_dict() == {"r1": "bus", "r2": "tram"}
    assert list(lines.geometry["r1"].coords) == [(26.7, 58.3), (26.71, 58.31), (26.72, 58.32)]
    shapes = "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\ns,58.3,26.7,1\ns,58.4,26.8,2\n"
    (feed / "shapes.txt").write_text(shapes)
    (feed / "trips.txt").write_text("route_id,service_id,trip_id,shape_id\nr1,wd,t1,s\n")
    lines = read("gtfs", feed, {"layer": "lines"}).frame.set_index("route_id")
    assert list(lines.geometry["r1"].coords) == [(26.7, 58.3), (26.8, 58.4)]


def test_snapshot_without_stop_times(feed: Path) -> None:
    (feed / "stop_times.txt").unlink()
    assert len(read("gtfs", feed, {"layer": "stops"}).frame) == 3
    assert "no course" in read("gtfs", feed, {"layer": "lines"}).notes[0]
    with pytest.raises(UnreadableSource, match="lacks a file") as caught:
        read("gtfs", feed, {"layer": "timetable"})
    assert str(caught.value.file).endswith("stop_times.txt")


def test_calls_that_contradict_themselves(feed: Path) -> None:
    wrong = "t9,07:00:00,07:00:00,A,1\nt1,06:59:00,06:50:00,A,4\nt2,late,06:50:00,A,4\n"
    (feed / "stop_times.txt").write_text(FEED["stop_times.txt"] + wrong)
    reading = read("gtfs", feed, {"layer": "timetable"})
    assert {(remark.label, remark.field) for remark in reading.rejected} == {
        (10, "trip_id"),
        (11, "departure_time"),
        (12, "arrival_time"),
    }
    assert len(reading.frame) == 9


def test_cell_that_is_no_number(feed: Path) -> None:
    (feed / "stops.txt").write_text(FEED["stops.txt"].replace("58.31", "fifty-eight"))
    with pytest.raises(UnreadableSource, match="no number") as caught:
        read("gtfs", feed, {"layer": "stops"})
    assert (caught.value.row, caught.value.field, caught.value.value) == (2, "stop_lat", "fifty-eight")


def test_other_encoding(feed: Path) -> None:
    (feed / "stops.txt").write_bytes(FEED["stops.txt"].encode("cp1252"))
    with pytest.raises(UnreadableSource, match="not encoded in utf-8"):
        read("gtfs", feed, {"layer": "stops"})


@settings(max_examples=100, deadline=None)
@given(moments=st.lists(st.integers(0, 200_000), min_size=1, max_size=20))
def test_times_of_day_run_past_midnight(moments: list[int]) -> None:
    texts = pd.Series([f"{moment // 3600:02}:{moment // 60 % 60:02}:{moment % 60:02}" for moment in moments])
    np.testing.assert_array_equal(seconds(texts), np.array(moments, float))


@given(text=st.text(max_size=10))
def test_what_is_no_time_is_no_number(text: str) -> None:
    found = seconds(pd.Series([text, "1:00:00"]))
    assert found[1] == 3600.0
    assert np.isnan(found[0]) or text.count(":") == 2
