"""On-demand transport: speed as ratios in one run, quality against published figures.

Dispatch is compared with the simplest thing that does the same job in Python: trying every vehicle and every
pair of places with plain loops. Where the published cases are at hand (TWINBOX_REFERENCE), the day in
Manhattan and the dial-a-ride instances are run too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pilots.transport import Fleet, Network, Policy, audit, darp, indicators, simulate_service

SIDE = 30

BEST_KNOWN_R = {
    "R1a": 190.02, "R1b": 164.46, "R2a": 301.336, "R2b": 295.66, "R5a": 625.64, "R5b": 573.56, "R10a": 845.47,
}  # fmt: skip
"""Best costs known of the set of Cordeau & Laporte 2003; only R1a and R2a are confirmed by solution files."""


def city(riders: int, seed: int = 1) -> tuple[Network, pd.DataFrame]:
    """A grid of streets 100 m apart and riders over twelve hours."""
    generator = np.random.default_rng(seed)
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    across = np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], axis=1)
    along = np.stack([node[:-1].ravel(), node[1:].ravel()], axis=1)
    pairs = np.concatenate([across, along, across[:, ::-1], along[:, ::-1]])
    network = Network.from_edges(
        pairs[:, 0], pairs[:, 1], np.full(len(pairs), 100.0), np.full(len(pairs), 18.0)
    )
    table = pd.DataFrame(
        {
            "origin": generator.integers(0, SIDE * SIDE, riders),
            "destination": generator.integers(0, SIDE * SIDE, riders),
            "request_time_s": np.sort(generator.uniform(0, 12 * 3600, riders)).round(),
        }
    )
    return network, table


def plain_loops(network: Network, table: pd.DataFrame, vehicles: int) -> None:
    """Insertion as a textbook has it, without pruning, slack or compiled code; one stop list a vehicle."""
    times = network.travel_time_s[0].tolist()
    plans: list[list[tuple[int, float]]] = [[(0, 0.0)] for _ in range(vehicles)]
    for origin, destination, now in table.itertuples(index=False):
        best = (float("inf"), 0, 0, 0)
        for vehicle, plan in enumerate(plans):
            for i in range(len(plan)):
                for j in range(i, len(plan)):
                    nodes = [node for node, _ in plan]
                    nodes[i + 1 : i + 1] = [origin]
                    nodes[j + 2 : j + 2] = [destination]
                    clock = max(now, plan[0][1])
                    for before, after in pairwise(nodes):
                        clock += times[before][after]
                    best = min(best, (clock, vehicle, i, j))
        _, vehicle, i, j = best
        plan = plans[vehicle]
        plan[i + 1 : i + 1] = [(origin, now)]
        plan[j + 2 : j + 2] = [(destination, now)]
        plans[vehicle] = plan[-6:]


def cpu_s(act) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    act()
    return time.process_time() - began


def dispatch_table() -> Table:
    """Requests a second, beside plain loops, and the curve over requests at a fixed fleet."""
    table = Table(title="Dispatch: 100 vehicles, 12 hours, SimPy and indicators included")
    for head in ("requests", "CPU s", "requests/s", "plain loops / ours", "served"):
        table.add_column(head, justify="right")
    fleet = Fleet.of(np.arange(100) * 9)
    network, some = city(200)
    simulate_service(network, some, fleet)
    loops = cpu_s(lambda: plain_loops(network, some.head(50), 100)) / 50
    for riders in (1000, 2000, 4000, 8000):
        network, requests = city(riders)
        results = []
        took = cpu_s(lambda: results.append(indicators(simulate_service(network, requests, fleet))))  # noqa: B023
        table.add_row(
            f"{riders:,}", f"{took:.2f}", f"{riders / took:,.0f}", f"{loops * riders / took:,.0f}",
            f"{results[0]['service_rate']:.1%}",
        )  # fmt: skip
    return table


def manhattan(folder: Path) -> tuple[Network, dict[str, np.ndarray], np.ndarray]:
    """The day in Manhattan: network, requests, where vehicles start."""
    case = np.load(folder / "city_day" / "ny10k.npz")
    network = Network.from_edges(case["s"], case["t"], case["d"], case["d"] / (20 / 3.6))
    requests = {"origin": case["o"], "destination": case["dst"], "request_time_s": case["tr"]}
    few = {name: column[:50] for name, column in requests.items()}
    simulate_service(network, few, Fleet.of(case["veh"]))  # compiles
    return network, requests, case["veh"]


def day(network: Network, requests: Mapping[str, np.ndarray], fleet: Fleet, rules: Policy) -> list[str]:
    """A service's CPU seconds, requests a second and what came of it, as cells of a table."""
    began = time.process_time()
    result = simulate_service(network, requests, fleet, rules)
    numbers = indicators(result)
    took = time.process_time() - began
    return [
        f"{took:.2f}",
        f"{len(result.trips) / took:,.0f}",
        f"{numbers['service_rate']:.2%}",
        f"{numbers['wait_mean_s']:.0f}",
        f"{numbers['vehicle_km']:,.0f}",
        str(len(audit(result, network, fleet, rules))),
    ]


OF_A_DAY = ("CPU s", "requests/s", "served", "wait, s", "vehicle-km", "faults")


def table_of(title: str, *heads: str) -> Table:
    """An empty table with columns to the right."""
    table = Table(title=title)
    for head in heads:
        table.add_column(head, justify="right")
    return table


def city_day_tables(folder: Path) -> Iterator[Table]:
    """The day in Manhattan against the figures asked for; FleetPy 70 to 126 CPU s, RidePy 37 s."""
    network, requests, starts = manhattan(folder)
    table = table_of("10 000 requests in Manhattan", "vehicles", "drive weight", "rebalance, s", *OF_A_DAY)
    for vehicles, weight, every in ((200, 1.0, 900), (200, 2.0, 0), (100, 1.0, 0), (100, 1.0, 900)):
        rules = Policy(drive_weight=weight, rebalance_every_s=every)
        cells = day(network, requests, Fleet.of(starts[:vehicles], seats=8), rules)
        table.add_row(str(vehicles), str(weight), str(every), *cells)
    yield table
    yield steps_table(network, requests, Fleet.of(starts[:100], seats=8))
    yield many_table(network, requests, starts)


def steps_table(network: Network, requests: Mapping[str, np.ndarray], fleet: Fleet) -> Table:
    """What each step of the method gains for a saturated fleet."""
    blind = replace(network, next_node=None)
    off = {"rebalance_every_s": 0.0}
    steps = (
        ("insertion; vehicles finish their drive", blind, Policy(retry_every_s=0, **off)),
        ("+ sent elsewhere at the next crossing", network, Policy(retry_every_s=0, **off)),
        ("+ refused riders tried again", network, Policy(**off)),
        ("+ waiting riders to better vehicles", network, Policy(improve_every_s=60, **off)),
        ("insertion, diversion, retry, rebalancing", network, Policy()),
    )
    table = table_of("Saturated: 100 vehicles", "step", *OF_A_DAY)
    for name, streets, rules in steps:
        table.add_row(name, *day(streets, requests, fleet, rules))
    return table


def many_table(network: Network, requests: Mapping[str, np.ndarray], starts: np.ndarray) -> Table:
    """Cost against the number of requests at a fixed fleet, and a hundred thousand of them."""
    table = table_of("More requests: rides of the same day drawn again", "requests", "vehicles", *OF_A_DAY)
    for riders, vehicles in ((5_000, 200), (10_000, 200), (20_000, 200), (40_000, 200), (100_000, 1200)):
        generator = np.random.default_rng(1)
        row = [generator.integers(0, len(column), riders) for column in requests.values()]
        drawn = {name: column[which] for (name, column), which in zip(requests.items(), row, strict=True)}
        drawn["request_time_s"] = drawn["request_time_s"] + generator.integers(0, 60, riders)
        fleet = Fleet.of(generator.choice(starts, vehicles), seats=8)
        table.add_row(f"{riders:,}", f"{vehicles:,}", *day(network, drawn, fleet, Policy()))
    return table


def darp_table(folder: Path, names: Sequence[str], search_s: float, proof_s: float) -> Table:
    """Gaps of the search within a time limit, and seconds to proof (0: none is tried)."""
    table = table_of(
        f"Dial-a-ride: search in {search_s:g} s, proof within {proof_s:g} s",
        *("instance", "best known", "search", "gap", "faults", "proof", "CPU s"),
    )
    known = BEST_KNOWN_R | json.loads((folder / "darp" / "best_known.json").read_text())["best_known"]
    gaps = []
    for name in names:
        instance = darp.read_cordeau(folder / "darp" / f"{name}.txt")
        search = darp.solve(instance, search_s, seed=1)
        faults = len(darp.check(instance, search))
        gaps.append(search.cost / known[name] - 1)
        began = time.process_time()
        proof = darp.solve_exact(instance, proof_s) if proof_s else None
        took = time.process_time() - began
        table.add_row(
            name, f"{known[name]:.2f}", f"{search.cost:.2f}", f"{gaps[-1]:.2%}", str(faults),
            f"{proof.cost:.2f} {proof.status}" if proof else "", f"{took:.1f}" if proof else "",
        )  # fmt: skip
    table.add_row("mean", "", "", f"{np.mean(gaps):.2%}")
    table.add_row("worst", "", "", f"{np.max(gaps):.2%}")
    return table


def main() -> None:
    """Print the tables; with ``--all`` every dial-a-ride instance at hand (an hour)."""
    console = Console(width=120)
    console.print(dispatch_table())
    beside = Path(__file__).parents[3] / "shared" / "reference" / "cases"
    folder = Path(os.environ.get("TWINBOX_REFERENCE", beside))
    if not folder.is_dir():
        console.print(f"published cases are not here: {folder}")
        return
    for table in city_day_tables(folder):
        console.print(table)
    tight, wide = ["a4-48", "a7-84", "b4-48", "b8-96"], ["R1a"]
    if "--all" in sys.argv:
        files = sorted(file.stem for file in (folder / "darp").glob("*.txt"))
        tight = [name for name in files if not name.startswith("R")]
        wide = [name for name in files if name.startswith("R")]
    console.print(darp_table(folder, tight, 10, 60))
    console.print(darp_table(folder, wide, 30, 0))


if __name__ == "__main__":
    main()
