"""Carbon dioxide and moisture of rooms, air change found from them, and what infection risk follows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidData, InvalidInput
from pilots.buildings.air.air_change import from_decay, from_steady, from_transient
from pilots.buildings.air.balance import AirControl, run_rooms, steady_co2_ppm
from pilots.buildings.air.forecast import forecast_co2, forecast_skill
from pilots.buildings.air.infection import infection_probability, relative_risk
from pilots.buildings.air.tracking import RoomModel, read_frame, track_co2

STEPS = 24 * 12
ONE = np.ones(1)


def room(
    people: float, *, unit_m3_s: float = 0.0, leaks_m3_s: float = 0.01, volume_m3: float = 180.0, **more
) -> np.ndarray:
    control = AirControl(
        least_m3_s=ONE * more.get("least_m3_s", unit_m3_s),
        most_m3_s=ONE * unit_m3_s,
        low_ppm=ONE * 600.0,
        high_ppm=ONE * 1000.0,
        airing_m3_s=ONE * 0.2,
        leaks_m3_s=ONE * leaks_m3_s,
    )
    present = np.full((STEPS, 1), people)
    open_ = np.full((STEPS, 1), more.get("windows", 0.0))
    air = run_rooms(
        ONE * volume_m3, present, ONE * 16.0, control, present >= 0, open_, np.full(STEPS, 0.004), 300.0
    )
    return air.co2_ppm[:, 0]


def test_a_full_room_settles_where_the_balance_says():
    assert room(24, unit_m3_s=0.168)[-1] == pytest.approx(steady_co2_ppm(24, 16.0, 178.0), abs=0.5)


@settings(deadline=None)
@given(st.floats(0, 40), st.floats(0.001, 0.5), st.floats(50, 400))
def test_no_step_leaves_the_span_between_start_and_steady_state(people, leaks, volume):
    co2 = room(people, leaks_m3_s=leaks, volume_m3=volume)
    steady = steady_co2_ppm(people, 16.0, leaks * 1000)
    assert (np.diff(co2) >= -1e-6).all()
    assert co2[0] >= 420 - 1e-6
    assert co2[-1] <= steady + 1e-6


def test_a_unit_on_demand_saves_air_and_keeps_the_limit():
    constant = room(12, unit_m3_s=0.2)
    demand = room(12, unit_m3_s=0.2, least_m3_s=0.04)
    assert constant[-1] < demand[-1] < 1000


def test_a_unit_on_demand_can_be_driven_to_cool():
    control = AirControl(*(ONE * value for value in (0.04, 0.2, 600.0, 1000.0, 0.0, 0.01)))
    flows = []
    for least in (0.0, 0.5, 1.0):
        nobody = np.zeros((STEPS, 1))
        air = run_rooms(
            ONE * 180.0, nobody, ONE * 16.0, control, nobody >= 0, nobody, np.full(STEPS, 0.004), 300.0,
            least_demand=least,
        )  # fmt: skip
        flows.append(float(air.mechanical_m3_s[-1, 0]))
    assert flows == pytest.approx([0.04, 0.12, 0.2])
    off = run_rooms(
        ONE * 180.0, nobody, ONE * 16.0, control, nobody > 0, nobody, np.full(STEPS, 0.004), 300.0,
        least_demand=1.0,
    )  # fmt: skip
    assert float(off.mechanical_m3_s.max()) == 0.0


def test_open_windows_fade_carbon_dioxide_within_a_break():
    assert room(0, windows=1.0)[-1] == pytest.approx(420.0, abs=1e-3)
    assert room(24, windows=1.0)[-1] < room(24)[-1]


def test_a_room_without_volume_is_named():
    with pytest.raises(InvalidInput) as caught:
        room(1, volume_m3=0.0)
    assert (caught.value.field, caught.value.row) == ("volume_m3", 1)
    with pytest.raises(InvalidInput):
        room(1, volume_m3=float("nan"))


def fall(rate: float, hours: np.ndarray, start: float = 1800.0) -> np.ndarray:
    return 420 + (start - 420) * np.exp(-rate * hours)


def test_three_ways_to_an_air_change_agree():
    hours = np.arange(0, 1.0, 1 / 12)
    noise = np.random.default_rng(3).normal(0, 8, hours.size)
    decay = from_decay(hours, fall(2.0, hours) + noise)
    assert decay.low_per_h < 2.0 < decay.high_per_h
    climb = 420 + 24 * 16_000 / 180 / 2.0 * (1 - np.exp(-2.0 * hours))
    transient = from_transient(hours, climb + noise, 24, 16.0, 180.0)
    assert transient.low_per_h < 2.0 < transient.high_per_h
    assert from_steady(420 + 24 * 16_000 / 180 / 2.0, 24, 16.0, 180.0) == pytest.approx(2.0)
    assert decay.flow_l_s(180.0)[0] == pytest.approx(decay.per_h * 50)


@pytest.mark.parametrize(
    "call",
    [
        lambda: from_steady(400.0, 24, 16.0, 180.0),
        lambda: from_decay(np.arange(2.0), np.array([900.0, 800.0])),
        lambda: from_decay(np.arange(5.0), np.full(5, 400.0)),
        lambda: from_transient(np.arange(3.0), np.full(3, 900.0), 3, 16.0, 180.0),
    ],
)
def test_an_air_change_that_cannot_be_told_is_refused(call):
    with pytest.raises(InvalidData):
        call()


def test_infection_risk_is_one_at_the_reference_and_grows_with_rebreathed_air():
    people = np.full(3, 24.0)
    risk = relative_risk(np.array([600.0, 1000.0, 2000.0]), people, 1000.0)
    assert risk[1] == pytest.approx(1.0)
    assert risk[0] < 1.0 < risk[2]
    # Wells-Riley: 1 - exp(-I q p t / Q).
    assert infection_probability(1, 10.0, 0.5, 1.0, 100.0) == pytest.approx(1 - np.exp(-0.05))


@pytest.fixture(scope="module")
def classroom() -> pd.DataFrame:
    """Five days of a room whose window is left ajar from the fourth on."""
    rng = np.random.default_rng(11)
    minutes = np.arange(0, 5 * 1440, 5)
    hour, day = minutes % 1440 / 60, minutes // 1440
    people = np.where((hour > 8) & (hour < 14), 22.0, 0.0)
    rate = np.where(day < 3, 1.0, 4.0)
    co2 = np.empty(minutes.size)
    now = 430.0
    for k in range(minutes.size):
        steady = 430 + people[k - 1] * 90.0 / rate[k] if k else 430.0
        now = steady + (now - steady) * np.exp(-rate[k] / 12)
        co2[k] = now
    return pd.DataFrame(
        {
            "date": pd.Timestamp("2026-09-07") + pd.to_timedelta(minutes, unit="min"),
            "CO2": co2 + rng.normal(0, 12, co2.size),
            "Occupancy": people,
        }
    )


def test_a_window_left_ajar_is_noticed_within_a_day(classroom):
    track = track_co2(classroom, RoomModel(emission_ppm_h=90.0))
    change = track["air_change"].to_numpy()
    day = np.arange(len(classroom)) // 288
    taught = classroom["Occupancy"].to_numpy() > 0
    assert np.median(change[taught & (day == 2)]) == pytest.approx(1.0, rel=0.25)
    assert np.median(change[taught & (day == 4)]) == pytest.approx(4.0, rel=0.25)
    inside = (track["air_change_low"] <= 4.0) & (track["air_change_high"] >= 4.0)
    assert inside.to_numpy()[taught & (day == 4)].mean() > 0.8


def test_a_wild_reading_is_not_believed(classroom):
    wild = classroom.copy()
    wild.loc[200, "CO2"] = 5000.0
    track = track_co2(wild, RoomModel(emission_ppm_h=90.0))
    assert not bool(track["believed"][200])
    assert float(track["co2_filtered"][200]) < 2000


def test_readings_that_are_missing_widen_the_doubt(classroom):
    holed = classroom.copy()
    holed.loc[600:800, "CO2"] = np.nan
    track = track_co2(holed, RoomModel(emission_ppm_h=90.0))
    assert float(track["co2_filtered_std"][790]) > 2 * float(track["co2_filtered_std"][590])


def test_a_forecast_of_a_day_knows_the_timetable_and_its_doubt(classroom):
    track = track_co2(classroom.iloc[: 4 * 288], RoomModel(emission_ppm_h=90.0))
    ahead = forecast_co2(
        track, 24, np.random.default_rng(1), people=classroom["Occupancy"].to_numpy()[4 * 288 :]
    )
    measured = classroom["CO2"].to_numpy()[4 * 288 :]
    inside = (ahead["low"].to_numpy() - 25 <= measured) & (measured <= ahead["high"].to_numpy() + 25)
    assert inside.mean() > 0.8
    again = forecast_co2(
        track, 24, np.random.default_rng(1), people=classroom["Occupancy"].to_numpy()[4 * 288 :]
    )
    assert ahead.identical(again)
    with pytest.raises(InvalidInput, match="a day at most"):
        forecast_co2(track, 25, np.random.default_rng(1))
    with pytest.raises(InvalidInput, match="another length"):
        forecast_co2(track, 1, np.random.default_rng(1), people=np.zeros(5))


def test_a_planned_day_is_forecast_better_than_persistence(classroom):
    track = track_co2(classroom, RoomModel(emission_ppm_h=90.0))
    skill, *_ = forecast_skill(track, 60.0, classroom["Occupancy"].to_numpy())
    assert skill > 0.5


@pytest.mark.parametrize("column", ["date", "Occupancy"])
def test_rows_without_time_or_presence_are_named(classroom, column):
    broken = classroom.astype({column: object})
    broken.loc[3, column] = "?"
    with pytest.raises(InvalidData) as caught:
        read_frame(broken)
    assert caught.value.row == 4
