"""Designs that go through the year side by side: nothing is lost, and company changes no digit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.microgrid import Battery, Connection, Series, Site, Solar, Tariff, Wind
from pilots.microgrid import merit as rule
from pilots.microgrid.design import simulated

HOURS = 240


def week(seed):
    rng = np.random.default_rng(seed)
    hour = np.arange(HOURS)
    return Series(
        start="2026-03-02T00:00Z",
        step_h=1.0,
        load_kw=rng.uniform(-20, 300, HOURS),
        solar_kw=100 * np.maximum(np.sin((hour - 6) / 12 * np.pi), 0),
        wind_kw=rng.uniform(0, 50, HOURS),
        price_eur_per_kwh=rng.normal(0.1, 0.1, HOURS),
    )


def site(into=0.9, of=0.8):
    return Site(
        connection=Connection(import_limit_kw=200, export_limit_kw=100),
        tariff=Tariff(import_fee_eur_per_kwh=0.05),
        battery=Battery(
            capacity_kwh=100, charge_kw=40, discharge_kw=50, charge_efficiency=into, discharge_efficiency=of
        ),
        solar=Solar(rated_kw=100),
        wind=Wind(rated_kw=50),
    )


def designs(count, seed=0):
    most = np.array([50.0, 600.0, 400.0, 200.0, 250.0, 150.0])
    return np.random.default_rng(seed).uniform(0, 1, (count, rule.DESIGN)) * most


@pytest.mark.parametrize("count", [1, 4, 5, 63, 64, 65, 130])
def test_a_design_comes_to_the_same_digits_alone_and_in_company(count):
    series, some = week(1), designs(count)
    together = simulated(site(), series, some)
    alone = np.concatenate([simulated(site(), series, some[i : i + 1]) for i in range(count)])
    assert np.array_equal(together, alone)
    assert np.array_equal(together, simulated(site(), series, some, parallel=True))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), into=st.floats(0.5, 1), of=st.floats(0.5, 1))
def test_what_comes_in_goes_out(seed, into, of):
    series, some = week(seed), designs(9, seed)
    out = simulated(site(into, of), series, some)
    sun, air = (
        some[:, rule.SOLAR] / 100 * series.solar_kw.sum(),
        some[:, rule.WIND] / 50 * series.wind_kw.sum(),
    )
    came = (
        sun
        + air
        + out[:, rule.DISCHARGED]
        + out[:, rule.IMPORTED]
        + out[:, rule.GENERATED]
        + out[:, rule.SHED]
    )
    went = series.load_kw.sum() + out[:, rule.CHARGED] + out[:, rule.EXPORTED] + out[:, rule.SPILLED]
    assert came == pytest.approx(went, rel=1e-9)
    gained = into * out[:, rule.CHARGED] - out[:, rule.DISCHARGED] / of
    begun = 0.5 * some[:, rule.BATTERY]
    assert np.all(begun + gained >= -1e-6)
    assert np.all(begun + gained <= some[:, rule.BATTERY] + 1e-6)
    assert np.all(np.delete(out, rule.GRID_EUR, axis=1) >= 0.0)
    assert np.all(out[:, rule.PEAK_KW] <= some[:, rule.IMPORT_LIMIT])


def test_one_evening_worked_out_by_hand():
    """80 kWh in the cells give 64 at 0.8, at most 50 an hour; then come the grid, 60, and the backup, 30."""
    series = Series(
        start="2026-03-02T00:00Z", step_h=1.0, load_kw=[100.0, 114.0, 100.0],
        price_eur_per_kwh=np.full(3, 0.1), solar_kw=np.zeros(3), wind_kw=np.zeros(3),
    )  # fmt: skip
    standing = site().model_copy(
        update={"battery": site().battery.model_copy(update={"initial_state_of_charge": 0.8})}
    )
    out = simulated(standing, series, np.array([[30.0, 100.0, 0.0, 0.0, 60.0, 0.0]]))[0]
    assert out[rule.DISCHARGED] == pytest.approx(64)
    assert out[rule.IMPORTED] == pytest.approx(50 + 60 + 60)
    assert out[rule.GENERATED] == pytest.approx(30 + 30)
    assert out[rule.RUNNING_H] == 2
    assert out[rule.SHED] == pytest.approx(10 + 10)
    assert out[rule.GRID_EUR] == pytest.approx(170 * 0.15)
    assert out[rule.PEAK_KW] == 60
