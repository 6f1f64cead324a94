"""The universal thermal climate index against the rows of the validation tables of comfort models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pilots.green.services.comfort import universal_thermal_climate_index

pytestmark = pytest.mark.reference


def test_every_row_in_metric_units(reference_cases: Path):
    table = json.loads((reference_cases / "comfort" / "ts_utci.json").read_text())
    rows = [row for row in table["data"] if row["inputs"].get("units", "si") == "si"]
    assert len(rows) == 12
    for row in rows:
        given = row["inputs"]
        got = universal_thermal_climate_index(given["tdb"], given["tr"], given["rh"], given["v"])
        expected = np.array(row["outputs"]["utci"], dtype=float)
        np.testing.assert_allclose(got, expected, atol=table["tolerance"]["utci"])
