"""On-demand transport: speed as ratios in one run, quality against published figures.

Dispatch is compared with the simplest thing that does the same job in Python: trying every vehicle and every
pair of places with plain loops. Where the published cases are at hand (TWINBOX_REFERENCE), the day in
Manhattan and the dial-a-ride instances are run too.
"""

from __future__ import annotations

import json
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pilots.transport import Fleet, Network, Policy, audit, darp, indicators, simulate_service

SIDE = 30


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


def city_day_table(folder: Path) -> Table:
    """The day in Manhattan against the figures asked for; FleetPy 70 to 126 CPU s, RidePy 37 s."""
    table = Table(title="City day: 10 000 requests in Manhattan")
    for head in (
        "vehicles",
        "drive weight",
        "CPU s",
        "requests/s",
        "served",
        "wait, s",
        "vehicle-km",
        "faults",
    ):
        table.add_column(head, justify="right")
    case = np.load(folder / "city_day" / "ny10k.npz")
    network = Network.from_edges(case["s"], case["t"], case["d"], case["d"] / (20 / 3.6))
    requests = {"origin": case["o"], "destination": case["dst"], "request_time_s": case["tr"]}
    few = {name: column[:50] for name, column in requests.items()}
    simulate_service(network, few, Fleet.of(case["veh"]))
    for vehicles, weight, every in ((200, 1.0, 900), (200, 2.0, 0), (100, 1.0, 0), (100, 1.0, 900)):
        rules = Policy(drive_weight=weight, rebalance_every_s=every)
        fleet = Fleet.of(case["veh"][:vehicles], seats=8)
        began = time.process_time()
        result = simulate_service(network, requests, fleet, rules)
        numbers = indicators(result)
        took = time.process_time() - began
        table.add_row(
            str(vehicles), str(weight), str(every), f"{took:.2f}", f"{10_000 / took:,.0f}",
            f"{numbers['service_rate']:.2%}",
            f"{numbers['wait_mean_s']:.0f}", f"{numbers['vehicle_km']:,.0f}",
            str(len(audit(result, network, fleet, rules))),
        )  # fmt: skip
    return table


def darp_table(folder: Path) -> Table:
    """Gaps of the search in ten seconds and seconds to proof, for the larger instances."""
    table = Table(title="Dial-a-ride: search in 10 s, proof within 60 s")
    for head in ("instance", "best known", "search", "gap", "proof", "CPU s"):
        table.add_column(head, justify="right")
    known = json.loads((folder / "darp" / "best_known.json").read_text())["best_known"]
    for name in ("a4-48", "a5-60", "a7-84", "b4-48", "b6-72", "b8-96"):
        instance = darp.read_cordeau(folder / "darp" / f"{name}.txt")
        search = darp.solve(instance, 10, seed=1)
        began = time.process_time()
        proof = darp.solve_exact(instance, 60)
        took = time.process_time() - began
        table.add_row(
            name, f"{known[name]:.2f}", f"{search.cost:.2f}", f"{search.cost / known[name] - 1:.2%}",
            f"{proof.cost:.2f} {proof.status}", f"{took:.1f}",
        )  # fmt: skip
    return table


def main() -> None:
    """Print the tables."""
    console = Console()
    console.print(dispatch_table())
    beside = Path(__file__).parents[3] / "shared" / "reference" / "cases"
    folder = Path(os.environ.get("TWINBOX_REFERENCE", beside))
    if not folder.is_dir():
        console.print(f"published cases are not here: {folder}")
        return
    console.print(city_day_table(folder))
    console.print(darp_table(folder))


if __name__ == "__main__":
    main()
