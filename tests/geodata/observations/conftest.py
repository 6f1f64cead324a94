"""A classroom's sensors and the present."""

from __future__ import annotations

import pandas as pd
import pytest

from geodata.observations.model import Datastream


@pytest.fixture
def now() -> pd.Timestamp:
    return pd.Timestamp("2026-11-22T12:00Z")


@pytest.fixture
def known() -> dict[str, Datastream]:
    streams = [
        Datastream("204/co2", "co2", building_id="school", room_id="204"),
        Datastream("204/t", "temperature", building_id="school", room_id="204"),
        Datastream("204/rh", "relative_humidity", building_id="school", room_id="204"),
    ]
    return {stream.id: stream for stream in streams}
