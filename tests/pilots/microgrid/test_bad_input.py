"""What a user may get wrong: each fault is told with its time stamp, its value and what was expected."""

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidData, InvalidInput, TwinboxError, UnknownName
from pilots.microgrid import (
    Battery,
    Connection,
    Limits,
    Series,
    Site,
    Solar,
    operate,
    optimum,
    size,
)

N = 48


def site(**changes):
    fields = {
        "connection": Connection(import_limit_kw=500, export_limit_kw=500),
        "battery": Battery(capacity_kwh=100, charge_kw=50, discharge_kw=50),
        "solar": Solar(rated_kw=100),
    }
    return Site(**{**fields, **changes})


def series(**changes):
    fields = {
        "start": "2026-03-02T00:00Z",
        "step_h": 1.0,
        "load_kw": np.full(N, 80.0),
        "solar_kw": np.full(N, 20.0),
        "price_eur_per_kwh": np.full(N, 0.08),
    }
    return Series(**{**fields, **changes})


def changed(values, at, to):
    values = np.array(values, float)
    values[at] = to
    return values


def frame(index):
    return pd.DataFrame({"load_kw": 80.0, "price_eur_per_kwh": 0.08}, index=index)


def test_a_gap_in_the_values_is_named_with_its_hour():
    with pytest.raises(InvalidData, match=r"gap at 2026-03-02 07:00 UTC.*load_kw"):
        series(load_kw=changed(np.full(N, 80.0), 7, np.nan))


def test_a_missing_hour_is_named():
    index = pd.date_range("2026-03-02", periods=N, freq="h", tz="UTC").delete(5)
    with pytest.raises(InvalidData, match=r"gap after 2026-03-02 04:00 UTC") as error:
        Series.from_frame(frame(index))
    assert "2026-03-02 05:00 UTC" in str(error.value)


def test_a_repeated_hour_is_named():
    index = pd.date_range("2026-03-02", periods=N, freq="h", tz="UTC")
    index = index.insert(4, index[3])
    with pytest.raises(InvalidData, match=r"repeated or backward step after 2026-03-02 03:00 UTC"):
        Series.from_frame(frame(index))


def test_local_time_without_its_change_of_clocks_is_refused():
    """The night of 29 March 2026 has no 03:30 in Tallinn."""
    index = pd.date_range("2026-03-28", periods=N, freq="h")
    with pytest.raises(InvalidData, match=r"clock change in Europe/Tallinn.*2026-03-29 03:00"):
        Series.from_frame(frame(index), timezone="Europe/Tallinn")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_local_time_with_its_change_of_clocks_is_read(day, hours):
    index = pd.date_range(day, periods=hours, freq="h", tz="Europe/Tallinn").tz_localize(None)
    assert len(Series.from_frame(frame(index), timezone="Europe/Tallinn")) == hours


def test_a_series_without_time_zone_is_refused():
    with pytest.raises(InvalidInput, match="no time zone"):
        series(start="2026-03-02T00:00")


def test_energy_given_as_power_is_found_by_the_metered_year():
    """80 kWh a quarter-hour are 320 kW: the load is a quarter of the metered year."""
    quarters = series(
        step_h=0.25,
        load_kw=np.full(N, 80.0),
    )
    with pytest.raises(
        InvalidData, match=r"metered year from 2026-03-02 00:00 UTC.*kWh per step given as kW"
    ):
        optimum(site(annual_load_kwh=320.0 * 8760), quarters)


def test_energy_per_step_is_read_as_such_when_said():
    index = pd.date_range("2026-03-02", periods=N, freq="15min", tz="UTC")
    assert Series.from_frame(frame(index), units={"load_kw": "kWh"}).load_kw[0] == 320.0


def test_a_plant_that_gives_more_than_its_rating_is_named():
    with pytest.raises(InvalidData, match=r"rating of 100 kW.*2026-03-02 12:00 UTC.*got 400"):
        optimum(site(), series(solar_kw=changed(np.full(N, 20.0), 12, 400.0)))


def test_negative_load_without_export_is_refused():
    dark = site(connection=Connection(import_limit_kw=500, export_limit_kw=0))
    with pytest.raises(InvalidData, match=r"negative.*2026-03-02 03:00 UTC.*got -5"):
        optimum(dark, series(load_kw=changed(np.full(N, 80.0), 3, -5.0)))


def test_negative_load_with_export_is_exported():
    schedule = optimum(site(battery=None), series(load_kw=np.full(N, -30.0)))
    assert schedule.export_kw == pytest.approx(np.full(N, 50.0))


@pytest.mark.parametrize("price", [8.0, 80.0], ids=["cents", "per MWh"])
def test_a_price_in_another_unit_is_found(price):
    with pytest.raises(InvalidData, match=r"price looks as if.*2026-03-02 00:00 UTC.*expected EUR/kWh"):
        optimum(site(), series(price_eur_per_kwh=np.full(N, price)))


@pytest.mark.parametrize("field", ["charge_efficiency", "discharge_efficiency"])
def test_an_efficiency_over_one_is_refused(field):
    with pytest.raises(InvalidInput, match=rf"{field}.*1\.02.*less than or equal to 1"):
        Battery(capacity_kwh=100, charge_kw=50, discharge_kw=50, **{field: 1.02})


def test_a_battery_with_power_and_no_energy_is_refused():
    with pytest.raises(InvalidInput, match="power and no energy"):
        Battery(capacity_kwh=0, charge_kw=50, discharge_kw=50)


def test_states_of_charge_out_of_order_are_refused():
    with pytest.raises(InvalidInput, match="state_of_charge_min below state_of_charge_max"):
        Battery(capacity_kwh=9, charge_kw=5, discharge_kw=5, state_of_charge_min=0.8, state_of_charge_max=0.2)


@pytest.mark.parametrize("capacity_charge", [0.0, 5.0], ids=["dynamic programme", "linear programme"])
def test_a_connection_that_is_too_small_is_named_with_its_hour(capacity_charge):
    from pilots.microgrid import Tariff

    small = site(
        connection=Connection(import_limit_kw=60, export_limit_kw=0),
        tariff=Tariff(capacity_eur_per_kw_month=capacity_charge),
        battery=None,
    )
    load = changed(np.full(N, 70.0), 9, 90.0)
    with pytest.raises(
        TwinboxError, match=r"cannot be served at 2026-03-02 09:00 UTC.*import_limit_kw.*10 kW"
    ):
        optimum(small, series(load_kw=load))


def test_a_final_level_out_of_reach_is_named():
    battery = Battery(
        capacity_kwh=1000, charge_kw=1, discharge_kw=1, initial_state_of_charge=0.0, final_state_of_charge=0.9
    )
    with pytest.raises(TwinboxError, match=r"final state of charge by 2026-03-04 00:00 UTC"):
        optimum(site(battery=battery), series())


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidData, match=r"differ in length.*47 steps"):
        series(price_eur_per_kwh=np.full(N - 1, 0.08))


def test_an_unknown_controller_is_told_with_those_that_exist():
    with pytest.raises(UnknownName, match="self_consumption"):
        operate(site(), series(), "clever")


def test_limits_of_a_size_upside_down_are_refused():
    with pytest.raises(InvalidInput, match=r"limits\.battery_kwh"):
        size(site(), series(), "lcoe", Limits(battery_kwh=(10, 5)))


def test_sizing_what_the_site_does_not_have_is_refused():
    with pytest.raises(InvalidInput, match=r"wind_kw"):
        size(site(), series(), "cost", Limits(wind_kw=(0, 100)))


@pytest.mark.parametrize("objective", ["lcoe", "cost"])
def test_sizes_that_cannot_serve_the_load_are_told(objective):
    island = site(
        connection=Connection(import_limit_kw=0, export_limit_kw=0), value_of_lost_load_eur_per_kwh=10
    )
    with pytest.raises(TwinboxError, match=r"no size within the limits serves the load"):
        size(island, series(), objective, Limits(battery_kwh=(0, 10), solar_kw=(0, 10)))


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ({"load_kw": "EUR/MWh"}, r"cannot be given in this unit.*units\.load_kw.*EUR/MWh.*kW, W, MW, kWh"),
        ({"price_eur_per_kwh": "kWh"}, r"cannot be given.*kWh, expected EUR/kWh, EUR/MWh, c/kWh"),
        ({"solar_kw": "kW"}, r"column that the series does not have.*solar_kw"),
    ],
)
def test_a_unit_that_does_not_fit_its_column_is_refused(units, message):
    index = pd.date_range("2026-03-02", periods=N, freq="h", tz="UTC")
    with pytest.raises(InvalidInput, match=message):
        Series.from_frame(frame(index), units=units)


def test_text_in_a_column_is_named_with_its_row():
    index = pd.date_range("2026-03-02", periods=N, freq="h", tz="UTC")
    mixed = frame(index).astype({"load_kw": object})
    mixed.iloc[5, 0] = "80,5"
    with pytest.raises(InvalidData, match=r"text where a number.*2026-03-02 05:00.*row 6.*load_kw.*80,5"):
        Series.from_frame(mixed)


def test_a_time_zone_that_does_not_exist_is_refused():
    index = pd.date_range("2026-03-02", periods=N, freq="h")
    with pytest.raises(InvalidInput, match=r"time zone is not known.*Europe/Talinn"):
        Series.from_frame(frame(index), timezone="Europe/Talinn")


def test_a_field_that_an_asset_does_not_have_is_told_with_those_it_has():
    with pytest.raises(InvalidInput, match=r"batery_kwh.*one of generator_kw, battery_kwh"):
        Limits(batery_kwh=(0, 1))
    with pytest.raises(InvalidInput, match=r"got 1\.05, expected less than or equal to 1"):
        Battery(capacity_kwh=1, charge_kw=1, discharge_kw=1, charge_efficiency=1.05)


def test_output_without_a_plant_is_not_left_out_of_a_sizing():
    with pytest.raises(InvalidInput, match=r"solar output, but the site has no solar plant"):
        size(site(solar=None), series(), "cost")
