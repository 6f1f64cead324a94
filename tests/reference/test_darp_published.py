"""Dial-a-ride against published optima (Cordeau 2006; Ropke, Cordeau & Laporte 2007; Ho et al. 2018)."""

import json

import numpy as np
import pytest

from pilots.transport import darp

pytestmark = pytest.mark.reference

# Cordeau & Laporte 2003, in Cordeau's own solution files.
ROUTES_BEST = {"R1a": 190.02, "R2a": 301.336}


def best_known(folder):
    return json.loads((folder / "darp" / "best_known.json").read_text())["best_known"]


@pytest.mark.parametrize("name", ["a2-16", "a4-48", "b2-24", "b4-40"])
def test_exact_method_proves_published_optimum(reference_cases, name):
    instance = darp.read_cordeau(reference_cases / "darp" / f"{name}.txt")
    solution = darp.solve_exact(instance, 60)
    assert solution.status == "optimal"
    assert solution.cost == pytest.approx(best_known(reference_cases)[name], abs=0.006)
    assert solution.lower_bound == pytest.approx(solution.cost, rel=1e-6)
    assert darp.check(instance, solution) == []


@pytest.mark.parametrize("name", ["a2-20", "a3-30", "b3-36", "R1a"])
def test_search_finds_published_optimum(reference_cases, name):
    instance = darp.read_cordeau(reference_cases / "darp" / f"{name}.txt")
    solution = darp.solve(instance, None, seed=1, iterations=5000)
    best = (best_known(reference_cases) | ROUTES_BEST)[name]
    assert not solution.unserved
    assert best - 0.006 <= solution.cost <= 1.005 * best
    assert darp.check(instance, solution) == []


@pytest.mark.parametrize("seed", range(1, 7))
def test_putting_routes_together_anew_leaves_nobody_behind(reference_cases, seed):
    instance = darp.read_cordeau(reference_cases / "darp" / "a3-36.txt")
    solution = darp.solve(instance, None, seed, iterations=20_000)
    assert darp.check(instance, solution) == []
    assert solution.cost >= best_known(reference_cases)["a3-36"] - 0.006


@pytest.mark.slow
def test_every_listed_instance_is_proven_within_a_minute(reference_cases):
    known = best_known(reference_cases)
    for name, best in known.items():
        instance = darp.read_cordeau(reference_cases / "darp" / f"{name}.txt")
        solution = darp.solve_exact(instance, 60)
        assert solution.status == "optimal", name
        assert solution.cost == pytest.approx(best, abs=0.006), name
        assert darp.check(instance, solution) == [], name


@pytest.mark.slow
def test_search_is_within_half_a_percent_on_average(reference_cases):
    """A fixed number of steps, so that a busy machine finds the same plans; they take 0.7 s on average."""
    gaps = []
    for name, best in best_known(reference_cases).items():
        instance = darp.read_cordeau(reference_cases / "darp" / f"{name}.txt")
        solution = darp.solve(instance, None, seed=1, iterations=8000)
        assert darp.check(instance, solution) == [], name
        gaps.append(solution.cost / best - 1)
    assert np.mean(gaps) <= 0.005
    assert max(gaps) <= 0.02
