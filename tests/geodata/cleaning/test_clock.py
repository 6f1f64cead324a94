"""Clocks: local times come back as the instants they were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geodata.cleaning.clock import read_times

ZONES = ["Europe/Tallinn", "Europe/Helsinki", "UTC", "America/New_York", "Asia/Kolkata"]


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(
        pd.Timestamp("2000-01-01").to_pydatetime(), pd.Timestamp("2035-12-31").to_pydatetime()
    ),
    count=st.integers(1, 400),
    minutes=st.sampled_from([15, 30, 60]),
    zone=st.sampled_from(ZONES),
)
def test_a_whole_series_survives_its_local_clock(start: object, count: int, minutes: int, zone: str) -> None:
    instants = pd.date_range(pd.Timestamp(start).floor("h"), periods=count, freq=f"{minutes}min", tz="UTC")
    local = instants.tz_convert(zone).tz_localize(None)
    # A series that begins in the second of the two hours cannot know it.
    assume(not _second_hour(instants[0], zone))
    found = read_times(pd.Series(local), None, zone, np.zeros(count, np.int64))
    assert not found.unreadable.any()
    assert not found.skipped.any()
    assert (pd.DatetimeIndex(found.times) == instants).all()


def _second_hour(instant: pd.Timestamp, zone: str) -> bool:
    local = instant.tz_convert(zone)
    return any(
        (instant - pd.Timedelta(minutes=back)).tz_convert(zone).tz_localize(None) == local.tz_localize(None)
        for back in (30, 60, 120)
    )


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2026-03-01T10:00:00Z", None, "2026-03-01T10:00Z"),
        ("2026-03-01T10:00:00+02:00", "iso8601", "2026-03-01T08:00Z"),
        ("2026-03-01 10:00", None, "2026-03-01T08:00Z"),
        ("1772352000", "epoch_s", "2026-03-01T08:00Z"),
        ("1772352000000", "epoch_ms", "2026-03-01T08:00Z"),
        ("01.03.2026 10:00", "%d.%m.%Y %H:%M", "2026-03-01T08:00Z"),
        ("01.03.2026 10:00 +0100", "%d.%m.%Y %H:%M %z", "2026-03-01T09:00Z"),
    ],
)
def test_ways_to_write_a_time(text: str, form: str | None, expected: str) -> None:
    found = read_times(pd.Series([text, None]), form, "Europe/Tallinn", None)
    assert found.times[0] == pd.Timestamp(expected)
    assert pd.isna(found.times[1])
    assert not found.unreadable.any()


def test_events_in_the_double_hour_are_taken_for_the_first_and_told() -> None:
    found = read_times(pd.Series(["2026-10-25 03:30", "2026-10-25 03:30"]), None, "Europe/Tallinn", None)
    assert found.twice.all()
    assert (found.times == pd.Timestamp("2026-10-25T00:30Z")).all()


def test_two_series_in_one_table_have_a_double_hour_each() -> None:
    texts = pd.Series(["2026-10-25 03:00"] * 4)
    found = read_times(texts, None, "Europe/Tallinn", np.array([0, 0, 1, 1]))
    assert [time.hour for time in found.times] == [0, 1, 0, 1]


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=20))
def test_any_text_is_a_time_or_told(text: str) -> None:
    found = read_times(pd.Series([text]), "%Y-%m-%d", "Europe/Tallinn", None)
    assert found.times.notna()[0] or found.unreadable[0] or found.skipped[0]
