"""Travel times between 2,000 places, beside general peers in the same run (CPU seconds, one thread)."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import shapely
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geodata.streets import StreetGraph, from_features, snap, travel_times

PLACES = 2_000


def grid_town(side: int) -> StreetGraph:
    """A town of side x side junctions, shaken, with a quarter of its streets missing and some faster."""
    rng = np.random.default_rng(side)
    xy = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * 90.0
    xy += rng.uniform(-25, 25, xy.shape)
    node = np.arange(side * side).reshape(side, side)
    pairs = np.vstack(
        [
            np.column_stack([node[:, :-1].ravel(), node[:, 1:].ravel()]),
            np.column_stack([node[:-1].ravel(), node[1:].ravel()]),
        ]
    )
    pairs = pairs[rng.random(len(pairs)) < 0.75]
    lines = shapely.linestrings(xy[pairs])
    count = len(pairs)
    table = {
        "street_id": np.arange(count).astype(str),
        "road_class": "street",
        "length_m": shapely.length(lines),
        "speed_kmh": rng.choice([30.0, 50.0, 70.0], count, p=[0.5, 0.4, 0.1]),
        "oneway": False,
        "car": True,
        "walk": True,
    }
    return from_features(gpd.GeoDataFrame(table, geometry=lines, crs="EPSG:3301"))


def cpu_s(work: Callable[[], object]) -> float:
    """Processor seconds of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(table: Table, side: int) -> None:
    """One row: a town, our seconds for all pairs, and the peers' extrapolated from some sources."""
    graph = grid_town(side)
    rng = np.random.default_rng(1)
    points = graph.node_xy[rng.choice(graph.nodes, PLACES)] + rng.normal(0, 20, (PLACES, 2))
    places = snap(graph, points, max_distance_m=500)
    travel_times(graph, places[:1], places[:1])
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ours = cpu_s(lambda: travel_times(graph, places, places, workers=1, keep_in=home))
        again = cpu_s(lambda: travel_times(graph, places, places, workers=1, keep_in=home))
    arcs = graph.arcs("car")
    matrix = csr_matrix((arcs.travel_time_s, arcs.head, arcs.first), shape=(graph.nodes, graph.nodes))
    sources = graph.from_node[places.segment[:100]]
    scipy_s = cpu_s(lambda: dijkstra(matrix, indices=sources, return_predecessors=True)) / 100 * PLACES
    peer = nx.from_scipy_sparse_array(matrix, create_using=nx.DiGraph)
    nx_s = (
        cpu_s(lambda: [nx.single_source_dijkstra_path_length(peer, int(node)) for node in sources[:5]])
        / 5
        * PLACES
    )
    table.add_row(
        f"{graph.nodes:,}", f"{graph.segments:,}", f"{ours:.1f}", f"{again:.3f}",
        f"{scipy_s / ours:.1f}", f"{nx_s / ours:.0f}",
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    table = Table(title=f"Seconds and metres between {PLACES:,} places, all pairs")
    for head in ("junctions", "segments", "CPU s", "from disk, s", "scipy / ours", "networkx / ours"):
        table.add_column(head, justify="right")
    for side in (40, 90, 145):
        measure(table, side)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console = Console()
    console.print(table)
    console.print(f"peak memory of the whole run {peak:.0f} MB; scipy finds seconds and ways, not metres")


if __name__ == "__main__":
    main()
