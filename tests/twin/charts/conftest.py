"""Packs to draw."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from small_world import CITIES

from geodata.kinds import kind
from geodata.manifest import Grade, Provenance
from geodata.publish import Draft, write_pack

ABOUT = Provenance(source="test", licence="CC0-1.0", attribution="© Maa-amet", grade=Grade.SYNTHETIC)


@pytest.fixture
def mapped_packs(tmp_path):
    """Packs of two cities with districts, green, water and stops; the first is a demo pack."""
    packs = {}
    for name in ("jarve", "metsa"):
        city = CITIES[name]
        south, north = shapely.box(0, 0, 1000, 500), shapely.box(0, 500, 1000, 1000)
        tables = {
            "districts": gpd.GeoDataFrame(
                {"district_id": ["d0", "d1"], "name": ["Lõuna", "Põhja"]},
                geometry=[south, north],
                crs=city.crs,
            ),
            "green_areas": gpd.GeoDataFrame(
                {"area_id": ["a", "b"], "green_class": ["park", "water"]},
                geometry=[south.buffer(-200), shapely.MultiPolygon([north.buffer(-100)])],
                crs=city.crs,
            ),
            "stops": gpd.GeoDataFrame(
                {"stop_id": list("abc"), "name": "stop"},
                geometry=gpd.points_from_xy([1, 2, 3], [4, 5, 6]),
                crs=city.crs,
            ),
        }
        drafts = {key: Draft(key, kind(key), table, ABOUT) for key, table in tables.items()}
        packs[name] = write_pack(tmp_path / name, city, drafts, recipe_sha256="0" * 64, demo=name == "jarve")
    return packs


@pytest.fixture
def series_pack(tmp_path):
    """A pack that holds a series and nothing else."""
    time = pd.date_range("2026-01-01", periods=3, freq="h", tz="UTC")
    table = pd.DataFrame({"time": time, "price_eur_mwh": [1.0, 2.0, 3.0]})
    draft = Draft("prices", kind("prices"), table, ABOUT, resolution_s=3600)
    return write_pack(tmp_path / "salo", CITIES["salo"], {"prices": draft}, recipe_sha256="0" * 64)
