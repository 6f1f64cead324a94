"""The urban models of InVEST against their hand-calculated cases (Natural Capital Project, Apache-2.0)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilots.green.services.cooling import cooling_capacity, evapotranspiration_index
from pilots.green.services.kernels import decay
from pilots.green.services.rain import potential_retention_mm

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def cases(reference_cases: Path) -> dict[str, Any]:
    return json.loads((reference_cases / "invest" / "invest_cases.json").read_text())


def test_cooling_capacity(cases):
    case = cases["ucm_cc"]
    row = {code: i for i, code in enumerate(case["table"]["lucode"])}
    place = np.vectorize(row.get)(np.array(case["lulc"]))
    shade, albedo, kc = (np.array(case["table"][name])[place] for name in ("shade", "albedo", "kc"))
    capacity = cooling_capacity(shade, albedo, evapotranspiration_index(kc, case["et0"]))
    np.testing.assert_allclose(capacity, case["cc_expected"], atol=case["atol"], rtol=0)


def test_potential_retention(cases):
    case = cases["ufrm_smax"]
    np.testing.assert_allclose(potential_retention_mm(case["cn"]), case["smax_mm"], rtol=case["rtol"])


@pytest.mark.parametrize("kind", ["density", "gaussian"])
def test_decay_with_distance(cases, kind):
    case = cases["una_kernels"]
    np.testing.assert_allclose(decay(kind, case["distance"], case["max_distance"]), case[kind], atol=1e-7)
