"""Small made-up towns whose travel times can be worked out by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from geodata.streets import StreetGraph, from_features

CRS = "EPSG:3301"


def town(streets: list[tuple[str, list[tuple[float, float]]]], **columns: list[object]) -> gpd.GeoDataFrame:
    """Streets by name and vertices; 36 km/h (10 m/s), two-way, open to all unless said otherwise."""
    lines = [shapely.LineString(vertices) for _, vertices in streets]
    count = len(streets)
    table = {
        "street_id": [name for name, _ in streets],
        "road_class": ["residential"] * count,
        "length_m": shapely.length(lines),
        "speed_kmh": [36.0] * count,
        "oneway": [False] * count,
        "car": [True] * count,
        "walk": [True] * count,
    }
    return gpd.GeoDataFrame(table | columns, geometry=lines, crs=CRS)


def square(**columns: list[object]) -> gpd.GeoDataFrame:
    """A block of 100 m: west, north, east and south street."""
    return town(
        [
            ("west", [(0, 0), (0, 100)]),
            ("north", [(0, 100), (100, 100)]),
            ("east", [(100, 100), (100, 0)]),
            ("south", [(100, 0), (0, 0)]),
        ],
        **columns,
    )


def random_town(seed: int, nodes: int, extra: int, *, oneways: float = 0.0) -> StreetGraph:
    """A connected town at random: a tree of streets and some more between junctions."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 5000, (nodes, 2)).round(1)
    pairs = [(int(rng.integers(0, node)), node) for node in range(1, nodes)]
    pairs += [tuple(map(int, rng.choice(nodes, 2, replace=False))) for _ in range(extra)]
    streets = [(f"s{row}", [tuple(xy[a]), tuple(xy[b])]) for row, (a, b) in enumerate(pairs)]
    count = len(streets)
    oneway = np.zeros(count, bool)
    oneway[nodes - 1 :] = rng.random(extra) < oneways
    return from_features(
        town(streets, speed_kmh=rng.choice([30.0, 50.0, 70.0], count).tolist(), oneway=oneway.tolist())
    )
