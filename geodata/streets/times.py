"""Travel times and distances between many places, computed once and kept on disk.

What a planner of shared transport asks first: how long from each stop to each other stop, at eight in the
morning? 2,000 stops make four million answers; they are kept under a hash of all they depend on, and read
back through the page cache of the system.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geodata.home import cache_home
from geodata.manifest import Grade, canonical_json
from geodata.streets.cache import MatrixCache
from geodata.streets.graph import Mode, SpeedFactor, StreetGraph
from geodata.streets.parallel import in_parallel
from geodata.streets.shortest import Matrix, many_to_many
from geodata.streets.snapping import Places, origin_ends, target_ends

ALGORITHM = "binary-heap-dijkstra/1"
"""Part of the key under which matrices are kept: a change of the numbers needs a new name."""

WORTH_KEEPING = 1_000_000
"""Origins times junctions from which on a matrix is kept on disk; below, computing is as fast as reading."""

ORIGINS_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class TravelTimes:
    """Times and distances from *o* origins to *d* destinations; infinite where there is no way.

    Rows and columns of places that were refused when they were snapped are infinite.

    Args:
        seconds: Least travel time (o, d).
        metres: Length of that way (o, d).
        mode: Mode of travel.
        grade: How good the numbers are.
        note: How they were made, where the grade needs words.
    """

    seconds: Matrix
    metres: Matrix
    mode: Mode
    grade: Grade
    note: str = ""

    @property
    def reachable(self) -> float:
        """Share of the pairs that have a way."""
        return float(np.isfinite(self.seconds).mean()) if self.seconds.size else 1.0


def travel_times(
    graph: StreetGraph,
    origins: Places,
    destinations: Places,
    *,
    mode: Mode = "car",
    speed_factor: SpeedFactor = 1.0,
    limit_s: float = np.inf,
    workers: int | None = None,
    keep_in: Path | None = None,
) -> TravelTimes:
    """The least travel time from every origin to every destination, and the metres of that way.

    Times are those of free flow at ``speed_factor``; turning, signals and queues enter through the factor
    alone. Call it once for each slice of the day with the factors of that slice. A minibus on demand drives
    like a ``car``; ``bus`` is a line bus with its stops.

    Args:
        graph: The network.
        origins: Places set onto it for this mode.
        destinations: Likewise.
        mode: ``car``, ``bus`` or ``walk``.
        speed_factor: Factor on the speeds of cars and buses, one for all or one per road class.
        limit_s: Ways that take longer are left out (infinite); such a search is short and its matrices are
            never kept.
        workers: Threads; all processors if left out. The numbers do not depend on it.
        keep_in: Folder for matrices worth keeping; ``cache/travel-times`` in Twinbox's home if left out.

    Returns:
        Matrices in single precision, read-only and memory-mapped where they were kept on disk.

    Raises:
        InvalidInput: The mode is unknown or a speed factor out of range.
    """
    compute = _Computation(graph, origins, destinations, mode, speed_factor, limit_s, workers)
    shape = (len(origins), len(destinations))
    if np.isfinite(limit_s) or len(origins) * graph.nodes < WORTH_KEEPING:
        seconds, metres = np.empty(shape, np.float32), np.empty(shape, np.float32)
        compute(seconds, metres)
    else:
        cache = MatrixCache(cache_home() / "travel-times" if keep_in is None else keep_in)
        seconds, metres = cache.get(compute.key, ("seconds", "metres"), shape, compute)
    return TravelTimes(seconds, metres, mode, graph.grade, graph.note)


@dataclass(frozen=True, eq=False)
class _Computation:
    """What it takes to fill the matrices, and the hash of it."""

    graph: StreetGraph
    origins: Places
    destinations: Places
    mode: Mode
    speed_factor: SpeedFactor
    limit_s: float
    workers: int | None

    @property
    def key(self) -> str:
        factor = self.speed_factor
        settings = {
            "algorithm": ALGORITHM,
            "graph": self.graph.content_hash,
            "mode": self.mode,
            "speed_factor": dict(factor) if isinstance(factor, Mapping) else factor,
        }
        digest = hashlib.sha256(canonical_json(settings).encode())
        for places in (self.origins, self.destinations):
            digest.update(len(places).to_bytes(8, "big"))
            digest.update(places.segment.tobytes() + places.fraction.tobytes())
        return digest.hexdigest()

    def __call__(self, seconds: Matrix, metres: Matrix) -> None:
        graph, mode = self.graph, self.mode
        arcs, tracks = graph.arcs(mode, self.speed_factor), graph.tracks(mode, self.speed_factor)
        origins = origin_ends(graph, self.origins, mode, self.speed_factor)
        targets = target_ends(graph, self.destinations, mode, self.speed_factor)

        def fill(rows: slice) -> None:
            many_to_many(
                arcs, tracks, origins.rows(rows), targets, float(self.limit_s), seconds[rows], metres[rows]
            )

        in_parallel(fill, len(seconds), ORIGINS_AT_ONCE, self.workers)
