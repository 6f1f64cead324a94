"""Journeys by public transport."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidInput
from geodata.streets import NearestStops, transit_times
from geodata.streets.transit import frequencies


def network(stops, rides, headways_min):
    table = pd.DataFrame(rides, columns=["line_id", "from_stop_id", "to_stop_id", "travel_time_s"])
    table["travel_time_s"] *= 60.0
    headways = pd.DataFrame(
        {
            "line_id": list(headways_min),
            "day_type": "weekday",
            "start_h": 6.0,
            "end_h": 24.0,
            "headway_s": [60.0 * minutes for minutes in headways_min.values()],
        }
    )
    return pd.DataFrame({"stop_id": list(stops)}), table, headways


def minutes(times, stops, start, end):
    return float(times.seconds[stops.index(start), stops.index(end)]) / 60


SPIESS_FLORIAN = network(
    "AXYB",
    [
        ("1", "A", "B", 25), ("2", "A", "X", 7), ("2", "X", "Y", 6),
        ("3", "X", "Y", 4), ("3", "Y", "B", 4), ("4", "Y", "B", 10),
    ],
    {"1": 12, "2": 12, "3": 30, "4": 6},
)  # fmt: skip


def test_the_example_of_spiess_and_florian():
    """Spiess & Florian 1989, figure 2: 27.75 minutes from A to B under the optimal strategy, 11.5 from Y."""
    times = transit_times(*SPIESS_FLORIAN, hour=8)
    assert minutes(times, "AXYB", "A", "B") == pytest.approx(27.75)
    assert minutes(times, "AXYB", "Y", "B") == pytest.approx(11.5)


def test_the_parts_of_a_journey_add_up():
    times = transit_times(*SPIESS_FLORIAN, hour=8)
    reached = np.isfinite(times.seconds)
    parts = times.in_vehicle_s + times.wait_s + times.walk_s
    assert parts[reached] == pytest.approx(times.seconds[reached], rel=1e-5)
    assert times.boardings[0, 3] > 1
    assert (np.diag(times.seconds) == 0).all()
    assert np.isinf(times.seconds[3, 0])


def test_half_the_headway_of_one_line():
    times = transit_times(*network("AB", [("1", "A", "B", 10)], {"1": 20}), hour=7.5)
    assert minutes(times, "AB", "A", "B") == pytest.approx(20)
    assert times.wait_s[0, 1] == pytest.approx(600)
    assert times.boardings[0, 1] == 1
    assert "wait = 0.5" in times.note


def test_half_the_combined_headway_of_two_alike():
    """Two lines every 20 minutes are one every 10."""
    rides = [("1", "A", "B", 10), ("2", "A", "B", 10)]
    times = transit_times(*network("AB", rides, {"1": 20, "2": 20}), hour=8)
    assert minutes(times, "AB", "A", "B") == pytest.approx(15)


def test_a_slow_line_is_let_pass():
    """Waiting 2.5 minutes for the 10-minute line beats boarding the one that takes an hour."""
    rides = [("fast", "A", "B", 10), ("slow", "A", "B", 60)]
    times = transit_times(*network("AB", rides, {"fast": 5, "slow": 5}), hour=8)
    assert minutes(times, "AB", "A", "B") == pytest.approx(12.5)


def test_no_wait_while_staying_on_board():
    rides = [("1", "A", "B", 5), ("1", "B", "C", 5)]
    times = transit_times(*network("ABC", rides, {"1": 10}), hour=8)
    assert minutes(times, "ABC", "A", "C") == pytest.approx(15)


def test_a_change_costs_its_wait_and_its_walk():
    rides = [("1", "A", "B", 5), ("walk", "B", "C", 3), ("2", "C", "D", 5)]
    times = transit_times(*network("ABCD", rides, {"1": 10, "2": 20}), hour=8)
    assert minutes(times, "ABCD", "A", "D") == pytest.approx(5 + 5 + 3 + 10 + 5)
    assert times.walk_s[0, 3] == pytest.approx(180)
    assert times.boardings[0, 3] == 2


def test_walking_on_beats_waiting_for_a_rare_bus():
    rides = [("rare", "A", "B", 1), ("walk", "A", "B", 20)]
    times = transit_times(*network("AB", rides, {"rare": 120}), hour=8)
    assert minutes(times, "AB", "A", "B") == pytest.approx(20)
    assert times.boardings[0, 1] == 0


def test_from_door_to_door():
    """The farther stop with the frequent line beats the near one with the rare line."""
    stops, rides, headways = network(
        "ABC", [("rare", "A", "C", 10), ("often", "B", "C", 10)], {"rare": 60, "often": 4}
    )
    home = NearestStops(
        np.array([[0, 1]], np.int32), np.array([[60, 300]], np.float32), np.array([[80, 400]], np.float32)
    )
    work = NearestStops(
        np.array([[2], [-1]], np.int32), np.array([[120], [np.inf]], np.float32), np.zeros((2, 1))
    )
    times = transit_times(stops, rides, headways, hour=8, access=home, egress=work)
    assert times.seconds.shape == (1, 2)
    assert times.seconds[0, 0] == pytest.approx(300 + 120 + 600 + 120)
    assert times.walk_s[0, 0] == pytest.approx(420)
    assert np.isinf(times.seconds[0, 1])


def test_lines_run_in_their_bands():
    """A band from 22 to 26 h is found at one in the night; other days and hours have no service."""
    headways = pd.DataFrame(
        {
            "line_id": ["day", "night", "always"],
            "day_type": ["weekday", "weekend", "daily"],
            "start_h": [6.0, 22.0, 0.0],
            "end_h": [22.0, 26.0, 24.0],
            "headway_s": [600.0, 1200.0, 60.0],
        }
    )
    assert list(frequencies(headways, 8, "weekday").index) == ["always", "day"]
    assert list(frequencies(headways, 22, "weekday").index) == ["always"]
    assert list(frequencies(headways, 1, "sunday").index) == ["always", "night"]
    assert list(frequencies(headways, 23, "saturday").index) == ["always", "night"]
    stops, rides, _ = network("AB", [("day", "A", "B", 5)], {})
    assert np.isinf(transit_times(stops, rides, headways, hour=23).seconds[0, 1])


def test_a_ride_to_nowhere_is_an_error():
    stops, rides, headways = network("AB", [("1", "A", "B", 5), ("1", "B", "Z", 5)], {"1": 10})
    with pytest.raises(InvalidInput, match="row 2, field to_stop_id"):
        transit_times(stops, rides, headways, hour=8)
    with pytest.raises(InvalidInput, match="day_type"):
        transit_times(stops, rides, headways, hour=8, day_type="midsummer")
