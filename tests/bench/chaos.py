"""Pilots that misbehave, beside a tenant who reads: does anybody but the culprit notice?

Rounds of calm and rounds with a misbehaving run take turns, so that what else the machine does hits both. A
round sends requests for features, one after the other, and keeps the time of each on the clock. A run that
has ended is started anew, some seconds after the start before it, or at once with `--every 0`: most
misbehaving runs are ended within half a second. `parks` behaves, and shows what any run costs the others;
`brief` is the same ended after a tenth of a second, and shows what starting runs costs.

    python tests/bench/chaos.py --rounds 6 --requests 1200
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# In place of this folder, in which `api` would be the bench of that name.
sys.path[0] = str(Path(__file__).resolve().parents[1])
from api_world import make_home, write_plugin  # noqa: E402
from bench.api import free_port, process  # noqa: E402

PILOTS = ("parks", "brief", "leak", "spin", "bomb", "segfault", "full", "hoard")
PATH = "/collections/metsa.buildings/items?bbox=24.72,59.43,24.85,59.49&limit=50"
LIMITS = {
    "JOB_MEMORY_BYTES": 1 << 30,
    "JOB_CPU_S": 20,
    "JOB_WALL_S": 30,
    "JOB_FILE_BYTES": 64 << 20,
    "JOB_PROCESSES": 20,
}


def main() -> None:
    """Measure each misbehaviour and print what the others felt of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=1200)
    parser.add_argument("--every", type=float, default=2.0, help="least seconds between two starts")
    parser.add_argument("--pilots", nargs="*", default=PILOTS, choices=PILOTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder))
        write_plugin(home / "plugins")
        port = free_port()
        code = (
            "from api.server import serve; from api.settings import load_settings; "
            f"serve(load_settings(port={port}, open_data=True, open_runs=True, demo=False, "
            "requests_per_minute=10**9))"
        )
        settings = {f"TWINBOX_API_LIMITS__{name}": str(value) for name, value in LIMITS.items()}
        settings |= {"TWINBOX_HOME": str(home), "PYTHONPATH": str(home / "plugins")}
        with process([sys.executable, "-c", code], port, "/ready", **settings) as server:
            ask(port, "GET", PATH)
            for pilot in given.pilots:
                compare(port, server.pid, pilot, given.rounds, given.requests, given.every)


def compare(port: int, pid: int, pilot: str, rounds: int, requests: int, every_s: float) -> None:
    """Rounds of calm and of a pilot's misbehaviour, in turns."""
    calm: list[float] = []
    rough: list[float] = []
    ends: list[str] = []
    before = resident_mb(pid)
    for number in range(rounds):
        calm += timed(port, requests)
        rough += timed(port, requests, Beside(pilot, 10_000 * number, every_s, ends))
    calm50, calm99 = np.percentile(calm, [50, 99]) * 1000
    rough50, rough99 = np.percentile(rough, [50, 99]) * 1000
    print(
        f"{pilot:9s} p50 {calm50:5.2f} -> {rough50:5.2f} ms, p99 {calm99:6.2f} -> {rough99:6.2f} ms "
        f"({100 * (rough99 / calm99 - 1):+4.0f} %), server {before:.0f} -> {resident_mb(pid):.0f} MB, "
        f"{len(rough)} requests, {len(ends)} runs, {ends[0]}"
    )


@dataclass
class Beside:
    """Which pilot runs beside, the seed of the first run, least seconds between starts, how runs ended."""

    pilot: str
    seed: int
    every_s: float
    ends: list[str]


def timed(port: int, requests: int, beside: Beside | None = None) -> list[float]:
    """Seconds of requests sent one after the other with a short rest, beside runs of a pilot if named."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took: list[float] = []
    job, started = "", -math.inf
    while len(took) < requests:
        if beside and len(took) % 50 == 0:
            if job and status_of(port, job)["status"] != "running":
                beside.ends.append(end_of(port, job))
                job = ""
            if not job and time.perf_counter() - started >= beside.every_s:
                started = time.perf_counter()
                job = start(port, beside.pilot, beside.seed + len(took))
        begun = time.perf_counter()
        connection.request("GET", PATH)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - begun)
        assert answer.status == 200
        time.sleep(0.002)
    if beside and job:
        ask(port, "DELETE", f"/jobs/{job}")
        beside.ends.append(end_of(port, job))
    return took


def start(port: int, pilot: str, seed: int) -> str:
    """Start a run and wait until it runs."""
    pause_s, pilot = (0.1, "parks") if pilot == "brief" else (3, pilot)
    body = {"inputs": {"cities": ["metsa", "salo"], "seed": seed, "scenario": {"pause_s": pause_s}}}
    status, text = ask(port, "POST", f"/processes/{pilot}/execution", body, Prefer="respond-async")
    assert status == 201, text
    job = str(json.loads(text)["jobID"])
    while status_of(port, job)["status"] == "accepted":
        time.sleep(0.02)
    return job


def end_of(port: int, job: str) -> str:
    """How a job ended."""
    while (told := status_of(port, job))["status"] in ("accepted", "running"):
        time.sleep(0.05)
    return f"{told['status']}: {told['message']}"


def status_of(port: int, job: str) -> dict[str, str]:
    """A job's status document."""
    return dict(json.loads(ask(port, "GET", f"/jobs/{job}")[1]))


def ask(port: int, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
    """Status and body of a request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def resident_mb(pid: int) -> float:
    """Memory of a process that no file backs."""
    lines: Sequence[str] = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:"))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
