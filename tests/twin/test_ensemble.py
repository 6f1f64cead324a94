"""Sweeps answer the same wherever they are computed, pair their differences, and go on after a stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from small_world import Queues, die, write_twice

from geodata.errors import InvalidInput
from geodata.pack import hash_of
from twin import ensemble, plugins
from twin.engine import Processes, Serial
from twin.errors import RunFailed, ScenarioInvalid
from twin.pilot import Pilot

GRID = {"servers": [1, 3]}


@pytest.fixture
def installed(small_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The queues as if they were installed."""
    monkeypatch.setattr(plugins, "load", lambda _: Queues())
    return small_home


def sweep(**options) -> ensemble.Sweep:
    return ensemble.sweep(
        "queues",
        cities=["metsa", "salo"],
        **{"grid": GRID, "seeds": [1, 2, 3], "engine": Serial(), **options},
    )


def test_every_point_meets_the_same_seeds_and_differences_are_paired(installed: Path) -> None:
    result = sweep()
    assert len(result.samples) == 2 * 3 * 2 * 2
    waits = result.table[(result.table.kpi == "wait_mean") & (result.table.city == "metsa")].set_index(
        "servers"
    )
    samples = result.samples[(result.samples.kpi == "wait_mean") & (result.samples.city == "metsa")]
    paired = [
        samples[(samples.seed == s) & (samples.servers == 3)].value.item()
        - samples[(samples.seed == s) & (samples.servers == 1)].value.item()
        for s in (1, 2, 3)
    ]
    assert waits.difference[3] == pytest.approx(np.mean(paired))
    assert waits.difference[3] < 0
    assert waits.difference[1] == 0
    assert waits.n[3] == 3
    half = 4.302652729911275 * np.std(paired, ddof=1) / np.sqrt(3)  # Student's t, 2 degrees of freedom
    assert waits.difference_high[3] - waits.difference[3] == pytest.approx(half)


def test_it_goes_on_where_it_stopped(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = ensemble.work

    def work(task: Mapping) -> None:
        if len(calls) == 4:
            raise KeyboardInterrupt
        calls.append(task)
        real(task)

    monkeypatch.setattr(ensemble, "work", work)
    with pytest.raises(KeyboardInterrupt):
        sweep()
    monkeypatch.setattr(ensemble, "work", lambda task: (calls.append(task), real(task))[1])
    result = sweep()
    assert len(calls) == 6
    assert result.table.equals(sweep().table)
    assert len(calls) == 6, "a finished sweep computes nothing again"


def test_progress_counts_what_was_done_before(installed: Path) -> None:
    shares: list[float] = []
    sweep(report=shares.append)
    assert shares == pytest.approx(np.arange(1, 7) / 6)


@pytest.mark.parametrize("options", [{"grid": {"servers": []}}, {"grid": {"servers": [1, 1]}}, {"seeds": []}])
def test_an_empty_or_repeated_grid_is_refused(options: dict, installed: Path) -> None:
    with pytest.raises(InvalidInput):
        sweep(**options)


def test_a_field_that_nobody_knows_is_refused_before_anything_runs(installed: Path) -> None:
    with pytest.raises(ScenarioInvalid):
        sweep(grid={"servers": [1], "sevrers": [2]})
    assert not (installed / "sweeps").exists()


def test_processes_do_the_same_as_one(tmp_path: Path) -> None:
    for name, engine in (("one", Serial()), ("many", Processes(2))):
        (tmp_path / name).mkdir()
        tasks = [{"file": str(tmp_path / name / str(i)), "text": str(i)} for i in range(5)]
        assert len(list(engine.compute(write_twice, tasks))) == 5
    assert hash_of(tmp_path / "one") == hash_of(tmp_path / "many")


def test_a_worker_thatdies_is_a_failed_run_not_a_hang() -> None:
    with pytest.raises(RunFailed, match="a worker process died"):
        list(Processes(1).compute(die, [{}]))


def test_mixed_pilots_take_their_own_fields() -> None:
    merged = ensemble._with({"a": {"x": 1}}, {"a.y": 2, "b.z": 3}, several=True)
    assert merged == {"a": {"x": 1, "y": 2}, "b": {"z": 3}}
    assert isinstance(Queues(), Pilot)
