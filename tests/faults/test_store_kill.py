"""A process that is killed while it publishes runs leaves whole runs, or nothing that can be opened."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from twin.result import Result, verify
from twin.store import RunStore

LEAST_KILLS = 30
LEAST_PUBLISHED = 10
MOST_KILLS = 300


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.slow
def test_runs_survive_kills_whole_or_not_at_all(a_result: Result, tmp_path: Path) -> None:
    luck = random.Random(11)
    folder = tmp_path / "runs"
    acknowledged_file = tmp_path / "acknowledged"
    acknowledged_file.touch()
    began = time.perf_counter()
    a_result.save(tmp_path / "once")
    duration_s = time.perf_counter() - began
    acknowledged: set[str] = set()
    for attempt in range(MOST_KILLS):
        if attempt >= LEAST_KILLS and len(acknowledged) >= LEAST_PUBLISHED and _half_written(folder):
            break
        child = os.fork()
        if child == 0:
            _publish_for_ever(a_result, folder, acknowledged_file, attempt)
        time.sleep(luck.uniform(0.0, 4.0) * duration_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged = set(acknowledged_file.read_text().split())
    assert len(acknowledged) >= LEAST_PUBLISHED, "hardly a run was published: the test would prove nothing"
    assert _half_written(folder), "no kill ever hit a half-written run: the test would prove nothing"
    store = RunStore(folder)
    runs = {run.run_id for run in store.runs()}
    assert acknowledged <= runs
    for run in runs:
        verify(folder / run)
        assert store.open(run).kpis.equals(a_result.kpis)
    names = {item.name for item in folder.iterdir() if not item.name.startswith("registry")}
    assert names == runs, "a restart sweeps what was left half-written"


def _half_written(folder: Path) -> list[Path]:
    """What kills left of runs."""
    return [item for item in folder.iterdir() if item.name.endswith(".part")]


def _publish_for_ever(result: Result, folder: Path, acknowledged: Path, attempt: int) -> None:
    """Publish the same numbers under ever new names; note each name once the store has taken it."""
    try:
        store = RunStore(folder)
        descriptor = os.open(acknowledged, os.O_WRONLY | os.O_APPEND)
        for number in range(10_000):
            name = f"run-{attempt:03d}-{number:05d}"
            store.publish(replace(result, manifest={**result.manifest, "run_id": name}))
            os.write(descriptor, f"{name}\n".encode())
    finally:
        os._exit(1)
