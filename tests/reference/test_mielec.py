"""MATSim's on-demand scenario Mielec: 388 requests, ten vehicles of four seats, nobody refused.

MATSim's own mean total travel time is 684 s (RunDrtExampleIT in matsim-libs). The two configurations are not
compared line by line, so the comparison is indicative.
"""

import gzip
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

from pilots.transport import Fleet, Network, Policy, audit, indicators, simulate_service

pytestmark = pytest.mark.reference


def seconds(clock):
    hours, minutes, rest = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + int(rest)


@pytest.fixture(scope="module")
def mielec(reference_cases):
    folder = reference_cases / "matsim"
    root = ET.parse(folder / "network.xml").getroot()
    node = {one.get("id"): number for number, one in enumerate(root.iter("node"))}
    ends = {one.get("id"): (node[one.get("from")], node[one.get("to")]) for one in root.iter("link")}
    length = np.array([float(one.get("length")) for one in root.iter("link")])
    speed = np.array([float(one.get("freespeed")) for one in root.iter("link")])
    edges = np.array(list(ends.values()))
    # The queue simulation moves a vehicle on at whole seconds, one at least per link.
    network = Network.from_edges(
        edges[:, 0], edges[:, 1], length, np.floor(length / speed) + 1, nodes=len(node)
    )
    with gzip.open(folder / "plans_only_drt_1.0.xml.gz") as file:
        people = list(ET.parse(file).getroot().iter("person"))
    trips = [[(a.get("link"), a.get("end_time")) for a in person.iter("activity")] for person in people]
    rides = [
        (ends[start][1], ends[stop][1], seconds(leave))
        for day in trips
        for (start, leave), (stop, _) in pairwise(day)
    ]
    columns = ("origin", "destination", "request_time_s")
    table = dict(zip(columns, np.array(rides).T, strict=True))
    vehicles = ET.parse(folder / "vehicles-10-cap-4.xml").getroot().iter("vehicle")
    starts = [ends[one.get("start_link")][1] for one in vehicles]
    return network, table, Fleet.of(starts, seats=4, shift_start_s=6 * 3600)


def test_nobody_is_refused_and_travel_is_faster_than_matsims(mielec):
    network, table, fleet = mielec
    rules = Policy(
        max_wait_s=600,
        max_ride_factor=1.3,
        max_ride_extra_s=400,
        boarding_s=60,
        alighting_s=60,
        refuse=False,
    )
    result = simulate_service(network, table, fleet, rules, seed=1)
    numbers = indicators(result)
    assert numbers["requests"] == 388
    assert numbers["rides"] == 388
    assert numbers["total_travel_time_mean_s"] <= 640
    assert numbers["vehicle_km"] > 0
    assert audit(result, network, fleet, rules) == []
