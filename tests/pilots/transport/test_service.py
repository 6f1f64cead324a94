from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidInput
from pilots.transport import Fleet, Network, Policy, Rest, audit, indicators, simulate_service

HOUR = 3600.0


def line(nodes=11, seconds=60.0, metres=500.0, **options):
    """Nodes 0, 1, 2 … along one street, a minute apart, both ways."""
    there = np.arange(nodes - 1)
    return Network.from_edges(
        np.concatenate([there, there + 1]),
        np.concatenate([there + 1, there]),
        np.full(2 * nodes - 2, metres),
        np.full(2 * nodes - 2, seconds),
        **options,
    )


def asks(*rides, **columns):
    """Rides as (origin, destination, second)."""
    table = pd.DataFrame(rides, columns=["origin", "destination", "request_time_s"])
    return table.assign(**columns)


def square(seed, riders, size=6):
    """A square grid of streets and rides at random over two hours."""
    generator = np.random.default_rng(seed)
    node = np.arange(size * size).reshape(size, size)
    pairs = np.concatenate(
        [
            np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], axis=1),
            np.stack([node[:-1].ravel(), node[1:].ravel()], axis=1),
        ]
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    seconds = generator.uniform(30, 90, len(pairs)).round(4)
    network = Network.from_edges(pairs[:, 0], pairs[:, 1], seconds * 8, seconds)
    table = pd.DataFrame(
        {
            "origin": generator.integers(0, size * size, riders),
            "destination": generator.integers(0, size * size, riders),
            "request_time_s": generator.uniform(0, 2 * HOUR, riders).round(1),
            "seats": generator.integers(1, 4, riders),
        }
    )
    return network, table


# Stories


def test_a_vehicle_comes_boards_drives_and_the_times_add_up():
    result = simulate_service(line(), asks((3, 7, 100.0)), Fleet.of([0]), Policy(boarding_s=30))
    trip = result.trips.iloc[0]
    assert (trip.pickup_s, trip.boarded_s, trip.dropoff_s) == (280.0, 310.0, 550.0)
    assert (trip.wait_s, trip.ride_s, trip.direct_s, trip.direct_m) == (180.0, 240.0, 240.0, 2000.0)
    assert result.legs[["origin", "target", "distance_m", "riders"]].to_numpy().tolist() == [
        [0, 3, 1500.0, 0],
        [3, 7, 2000.0, 1],
    ]


def test_two_riders_the_same_way_share_the_vehicle():
    result = simulate_service(
        line(), asks((2, 9, 0.0), (4, 8, 10.0)), Fleet.of([0]), Policy(max_ride_factor=2)
    )
    numbers = indicators(result)
    assert numbers["service_rate"] == 1
    assert numbers["pooling_rate"] == 1
    assert numbers["vehicle_km"] == pytest.approx(4.5)
    assert numbers["detour_factor"] == pytest.approx((7 * 60 + 30 + 4 * 60) / (11 * 60))


def test_a_vehicle_under_way_is_sent_elsewhere_at_the_next_crossing():
    """It is between 0 and 10 when somebody calls at 4, which it has not passed."""
    result = simulate_service(
        line(), asks((10, 5, 0.0), (4, 9, 90.0)), Fleet.of([0]), Policy(max_wait_s=700, max_ride_factor=2)
    )
    assert result.trips["pickup_s"].tolist() == [10 * 60 + 30, 240.0]
    assert result.legs["target"].tolist() == [2, 4, 9, 10, 5]
    assert not audit(result, line(), Fleet.of([0]), Policy(max_wait_s=700, max_ride_factor=2))


def test_on_tables_without_ways_a_vehicle_finishes_the_drive_it_is_on():
    street = line()
    tables = Network.from_matrices(street.travel_time_s, street.distance_m)
    rules = Policy(max_wait_s=1500, max_ride_factor=2)
    result = simulate_service(tables, asks((10, 5, 0.0), (4, 9, 90.0)), Fleet.of([0]), rules)
    assert result.legs["target"].iloc[0] == 10
    assert not audit(result, tables, Fleet.of([0]), rules)


def test_a_booked_ride_is_not_picked_up_before_its_time():
    table = asks((3, 7, 0.0), earliest_s=1000.0)
    result = simulate_service(line(), table, Fleet.of([0]))
    assert result.trips["pickup_s"].tolist() == [1000.0]
    assert result.trips["wait_s"].tolist() == [0.0]


def test_a_rider_who_calls_off_is_not_carried():
    table = asks((5, 7, 0.0), (6, 8, 5.0), cancel_time_s=[60.0, np.inf])
    result = simulate_service(line(), table, Fleet.of([0]))
    assert result.trips["status"].tolist() == ["cancelled", "served"]
    assert result.refusals["cancelled"] == 1


def test_a_driver_rests_in_the_window_and_comes_home_by_the_end_of_the_shift():
    rest = Rest(vehicle=0, earliest_s=1 * HOUR, latest_s=1.2 * HOUR, duration_s=1200)
    fleet = Fleet.of([0], shift_end_s=2 * HOUR, rests=(rest,))
    times = np.arange(0, 2 * HOUR, 300)
    table = asks(*[(2, 6, float(t)) for t in times])
    result = simulate_service(line(), table, fleet, Policy(max_wait_s=300))
    legs = result.legs
    gaps = legs["depart_s"].to_numpy()[1:] - legs["arrive_s"].to_numpy()[:-1]
    long = np.flatnonzero(gaps >= 1200)
    assert len(long) >= 1
    assert (legs["arrive_s"].to_numpy()[long] <= 1.2 * HOUR).all()
    assert legs["target"].iloc[-1] == 0
    assert legs["arrive_s"].max() <= 2 * HOUR
    assert not audit(result, line(), fleet, Policy(max_wait_s=300))


def test_a_vehicle_charges_at_its_depot_before_its_range_runs_out():
    fleet = Fleet.of([0], range_m=12_000.0, consumption_kwh_per_km=0.3, charge_kw=20)
    table = asks(*[(1, 4, 700.0 * k) for k in range(12)])
    result = simulate_service(line(), table, fleet, Policy(max_wait_s=900))
    assert len(result.charges) >= 1
    home = (result.legs["purpose"] == "depot").to_numpy()
    span = np.concatenate([[0], home.cumsum()[:-1]])
    assert (result.legs["distance_m"].groupby(span).sum() <= 12_000).all()
    energy = result.charges["energy_kwh"].sum()
    driven = result.legs["distance_m"][
        : result.legs["purpose"].eq("depot").to_numpy().nonzero()[0][-1] + 1
    ].sum()
    assert energy == pytest.approx(driven / 1000 * 0.3)
    hours = (result.charges["end_s"] - result.charges["start_s"]) / HOUR
    assert hours.to_numpy() * 20 == pytest.approx(result.charges["energy_kwh"].to_numpy())


def test_breakdowns_strand_riders_and_the_seed_decides_them():
    network, table = square(1, 200)
    fleet = Fleet.of(np.arange(0, 36, 4), mean_time_between_failures_s=1800.0, mean_repair_s=900.0)
    first, again, other = (simulate_service(network, table, fleet, seed=seed) for seed in (1, 1, 2))
    assert (first.trips["status"] == "stranded").any()
    pd.testing.assert_frame_equal(first.trips, again.trips)
    pd.testing.assert_frame_equal(first.legs, again.legs)
    assert not first.trips.equals(other.trips)
    assert not audit(first, network, fleet, Policy())


def test_nobody_is_refused_when_the_service_refuses_nobody():
    network, table = square(3, 300)
    fleet = Fleet.of([0, 20])
    strict, soft = (
        simulate_service(network, table, fleet, Policy(refuse=refuse)) for refuse in (True, False)
    )
    assert indicators(strict)["service_rate"] < 1
    assert indicators(soft)["service_rate"] == 1


def test_patient_riders_ask_again():
    network, table = square(3, 300)
    fleet = Fleet.of([0, 20])
    hasty, patient = (
        simulate_service(network, table, fleet, Policy(patience_s=patience)) for patience in (0.0, 1800.0)
    )
    assert indicators(patient)["service_rate"] > indicators(hasty)["service_rate"]
    assert not audit(patient, network, fleet, Policy(patience_s=1800.0))


def test_idle_vehicles_move_to_where_riders_are_expected():
    network, _ = square(5, 1)
    generator = np.random.default_rng(2)
    times = np.sort(generator.uniform(0, 4 * HOUR, 240))
    table = asks(*[(int(generator.integers(0, 4)), int(generator.integers(20, 36)), float(t)) for t in times])
    fleet = Fleet.of([35] * 6)
    still, moved = (
        simulate_service(network, table, fleet, Policy(rebalance_every_s=every)) for every in (0.0, 300.0)
    )
    assert (moved.legs["purpose"] == "reposition").any()
    assert indicators(moved)["wait_mean_s"] < indicators(still)["wait_mean_s"]
    assert not audit(moved, network, fleet, Policy())


# Slices of the day


def test_nobody_arrives_earlier_by_leaving_later():
    network = line(slice_factor=(1.0, 3.0, 1.0), slice_start_s=(0.0, HOUR, 2 * HOUR))
    arrivals = []
    for depart in np.arange(3000, 7600, 50.0):
        rules = Policy(boarding_s=0, max_wait_s=0)
        result = simulate_service(network, asks((0, 10, depart)), Fleet.of([0]), rules)
        arrivals.append(float(result.trips["dropoff_s"].iloc[0]))
        assert not audit(result, network, Fleet.of([0]), rules)
    assert (np.diff(arrivals) > 0).all()
    assert arrivals[0] == 3600.0  # ten minutes, just before the hour


def test_a_snow_day_is_slower_and_still_keeps_its_promises():
    network, table = square(8, 150)
    rules, fleet = Policy(), Fleet.of([0, 9, 20, 30])
    snow = Network.from_matrices(
        np.stack([network.travel_time_s[0], 1.6 * network.travel_time_s[0]]),
        network.distance_m,
        slice_start_s=(0.0, HOUR),
    )
    clear_day, snow_day = (
        simulate_service(network, table, fleet, rules),
        simulate_service(snow, table, fleet, rules),
    )
    assert indicators(snow_day)["service_rate"] < indicators(clear_day)["service_rate"]
    assert not audit(snow_day, snow, fleet, rules)


# Bad input


@pytest.mark.parametrize(
    ("ride", "columns", "reason"),
    [
        ((99, 3, 0.0), {}, "outside_area"),
        ((-1, 3, 0.0), {}, "outside_area"),
        ((np.nan, 3, 0.0), {}, "outside_area"),
        ((1, 3, -5.0), {}, "invalid_time"),
        ((1, 3, 1e12), {}, "invalid_time"),
        ((1, 3, np.inf), {}, "invalid_time"),
        ((1, 3, 50_000.0), {}, "outside_hours"),
        ((1, 3, 0.0), {"seats": 9}, "capacity"),
        ((1, 3, 0.0), {"seats": 0}, "invalid_party"),
        ((1, 3, 0.0), {"wheelchair_places": 1}, "capacity"),
        ((1, 11, 0.0), {}, "unreachable"),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_reason(ride, columns, reason):
    network = line(nodes=11)
    network = Network.from_matrices(
        np.pad(network.travel_time_s[0], ((0, 1), (0, 1)), constant_values=np.inf),
        np.pad(network.distance_m, ((0, 1), (0, 1)), constant_values=np.inf),
    )
    rules = Policy(service_end_s=10 * HOUR)
    result = simulate_service(network, asks(ride, **columns), Fleet.of([0]), rules)
    assert result.refusals[reason] == 1
    assert not audit(result, network, Fleet.of([0]), rules)


def test_duplicates_and_an_empty_fleet_are_counted():
    table = asks((1, 3, 0.0), (2, 4, 5.0), (1, 5, 9.0), id=["a", "b", "a"])
    result = simulate_service(line(), table, Fleet.of([0]))
    assert result.refusals["duplicate_id"] == 1
    nobody = simulate_service(line(), asks((1, 3, 0.0), (2, 4, 5.0)), Fleet.of(np.array([], dtype=int)))
    assert nobody.refusals["no_fleet"] == 2
    assert indicators(nobody)["service_rate"] == 0


def test_no_requests_at_all_is_a_quiet_day():
    result = simulate_service(line(), asks(), Fleet.of([0]))
    assert len(result.trips) == len(result.legs) == 0
    assert np.isnan(indicators(result)["service_rate"])


def test_a_table_that_cannot_be_understood_names_the_row():
    table = pd.DataFrame({"origin": [1, 2], "destination": [3, 4], "request_time_s": [0, "noon"]})
    with pytest.raises(InvalidInput) as caught:
        simulate_service(line(), table, Fleet.of([0]))
    assert (caught.value.row, caught.value.field, caught.value.value) == (2, "request_time_s", "noon")
    with pytest.raises(InvalidInput, match="lacks a column"):
        simulate_service(line(), table.drop(columns="origin"), Fleet.of([0]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Policy(max_wait_s=-1),
        lambda: Policy(max_ride_factor=0.5),
        lambda: Fleet.of([0], seats=-2),
        lambda: Fleet.of([0, 1], seats=[1, 2, 3]),
        lambda: Network.from_matrices(np.zeros((2, 2)), np.zeros((3, 3))),
        lambda: Network.from_matrices(np.full((2, 2), -1.0), np.zeros((2, 2))),
        lambda: Network.from_edges([0], [5], [1.0], [1.0], nodes=2),
        lambda: Network.from_edges([0], [1], [np.nan], [1.0]),
    ],
)
def test_impossible_rules_fleets_and_networks_are_errors(make):
    with pytest.raises(InvalidInput):
        make()


# Laws


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    vehicles=st.integers(1, 5),
    improve=st.sampled_from([0.0, 120.0]),
    booked=st.booleans(),
)
def test_every_request_has_one_outcome_and_every_promise_is_kept(seed, vehicles, improve, booked):
    network, table = square(seed, 120)
    if booked:
        table["earliest_s"] = table["request_time_s"] + 1800.0
    fleet, rules = Fleet.of(np.arange(vehicles) * 5, seats=4), Policy(improve_every_s=improve)
    result = simulate_service(network, table, fleet, rules)
    assert len(result.trips) == len(table)
    assert set(result.trips["status"]) <= {"served", "refused"}
    assert audit(result, network, fleet, rules) == []


def test_relocation_lowers_cost_for_waiting_riders():
    network, table = square(11, 250)
    fleet = Fleet.of([0, 7, 14, 21, 28, 35])
    without, improved = (
        simulate_service(network, table, fleet, Policy(improve_every_s=every)) for every in (0.0, 30.0)
    )
    assert not improved.trips.equals(without.trips)
    assert not audit(improved, network, fleet, Policy())


def test_the_judge_finds_every_kind_of_cheating():
    network, table = square(2, 80)
    fleet, rules = Fleet.of([0, 9, 18, 27]), Policy()
    result = simulate_service(network, table, fleet, rules)
    assert audit(result, network, fleet, rules) == []
    served = result.trips["status"] == "served"
    one = result.trips.index[served][0]

    def kinds(trips=None, legs=None):
        changed = replace(
            result, trips=result.trips if trips is None else trips, legs=result.legs if legs is None else legs
        )
        return {fault.kind for fault in audit(changed, network, fleet, rules)}

    def trips(**values):
        table = result.trips.copy()
        for column, value in values.items():
            table.loc[one, column] = value
        return table

    def legs(**values):
        table = result.legs.copy()
        for column, value in values.items():
            table.loc[1, column] = value
        return table

    assert "not_there" in kinds(trips(pickup_s=result.trips.loc[one, "pickup_s"] - 200))
    assert "wait" in kinds(trips(earliest_s=-900.0, wait_s=result.trips.loc[one, "pickup_s"] + 900))
    assert "ride" in kinds(trips(dropoff_s=result.trips.loc[one, "dropoff_s"] + 5000))
    assert "seats" in kinds(trips(seats=20))
    assert "teleport" in kinds(legs=legs(origin=35 - int(result.legs.loc[1, "origin"])))
    assert "too_fast" in kinds(legs=legs(arrive_s=float(result.legs.loc[1, "depart_s"])))
    assert "distance" in kinds(legs=legs(distance_m=1.0))
    assert "twice" in kinds(pd.concat([result.trips, result.trips.iloc[:1]], ignore_index=True))


def test_a_rider_with_a_train_to_catch_is_there_in_time_or_refused():
    """Straight to the station takes ten minutes; the other rider's way would cost three more."""
    asked = asks((0, 10, 0.0), (6, 4, 0.0), latest_dropoff_s=[640.0, np.inf])
    rules = Policy(max_ride_factor=3)
    result = simulate_service(line(), asked, Fleet.of([0]), rules)
    assert result.trips["dropoff_s"].iloc[0] <= 640
    assert audit(result, line(), Fleet.of([0]), rules) == []
    missed = simulate_service(line(), asked.assign(latest_dropoff_s=[500.0, np.inf]), Fleet.of([0]), rules)
    assert missed.trips["status"].tolist() == ["refused", "served"]
    late = replace(result, trips=result.trips.assign(latest_dropoff_s=100.0))
    assert "late" in {fault.kind for fault in audit(late, line(), Fleet.of([0]), rules)}
