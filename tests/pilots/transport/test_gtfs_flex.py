from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from shapely.geometry import box

from geodata.errors import InvalidInput, UnreadableSource
from pilots.transport.gtfs_flex import (
    PRIOR_DAYS,
    SAME_DAY,
    Booking,
    FlexService,
    read_flex,
    write_flex,
)


@pytest.fixture
def rae():
    """A service of the villages of Rae, booked the day before, as the Saaremaa rule has it."""
    return FlexService(
        id="rae-nouveliin",
        name="Rae nõudeliin",
        agency="Rae vald",
        agency_url="https://www.rae.ee",
        timezone="Europe/Tallinn",
        start_s=6 * 3600.0,
        end_s=22 * 3600.0,
        days=(True,) * 5 + (False, False),
        first_day=date(2026, 3, 2),
        last_day=date(2026, 12, 31),
        booking=Booking(
            kind=PRIOR_DAYS,
            last_day=1,
            last_time_s=17 * 3600.0,
            phone="+372 605 6750",
            url="https://www.rae.ee",
        ),
        zones={"juri": box(24.88, 59.34, 24.93, 59.37), "peetri": box(24.79, 59.38, 24.84, 59.41)},
        stops=pd.DataFrame(
            {
                "stop_id": ["v1", "v2"],
                "stop_name": ["Jüri keskus", "Peetri kool"],
                "stop_lat": [59.355, 59.395],
                "stop_lon": [24.9, 24.81],
            }
        ),
    )


def test_what_is_written_is_read_back(rae, tmp_path):
    town = replace(rae, id="town", name="Linn", booking=Booking(kind=SAME_DAY, notice_min=30), stops=None)
    town = replace(town, zones={"kesklinn": box(24.7, 59.42, 24.8, 59.45)})
    (first, second) = read_flex(write_flex([rae, town], tmp_path / "flex.zip"))
    pd.testing.assert_frame_equal(first.stops, rae.stops)
    assert {name: zone.equals(rae.zones[name]) for name, zone in first.zones.items()} == {
        "juri": True,
        "peetri": True,
    }
    assert replace(first, stops=None, zones=rae.zones) == replace(rae, stops=None)
    assert replace(second, zones=town.zones) == town


def test_the_same_service_gives_the_same_bytes(rae, tmp_path):
    one, two = write_flex([rae], tmp_path / "1.zip"), write_flex([rae], tmp_path / "2.zip")
    assert one.read_bytes() == two.read_bytes()


def test_a_validator_written_elsewhere_finds_no_error(rae, tmp_path):
    gtfs_guru = pytest.importorskip("gtfs_guru", reason="the validator is not installed")
    zones = replace(rae, id="zones", stops=None, zones={"lagedi": box(24.9, 59.38, 24.95, 59.41)})
    feed = write_flex([rae, zones], tmp_path / "flex.zip")
    result = gtfs_guru.validate(str(feed))
    assert [notice.code for notice in result.notices if notice.severity.lower() == "error"] == []


def test_feeds_without_flex_have_no_service_and_broken_ones_are_named(rae, tmp_path):
    with pytest.raises(UnreadableSource, match="cannot be read"):
        read_flex(tmp_path / "none.zip")
    (tmp_path / "no.zip").write_text("no zip")
    with pytest.raises(UnreadableSource, match="cannot be read"):
        read_flex(tmp_path / "no.zip")


@pytest.mark.parametrize(
    "wrong", [{"zones": {}, "stops": None}, {"end_s": 0.0}, {"days": (False,) * 7}, {"days": (True,)}]
)
def test_an_impossible_service_is_an_error(rae, wrong):
    with pytest.raises(InvalidInput):
        replace(rae, **wrong)
