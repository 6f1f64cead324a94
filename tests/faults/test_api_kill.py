"""Kill the server and its workers, again and again: what was acknowledged stays, every job ends, use is exact.

``TWINBOX_KILLS`` sets how often; the quick run kills a few times, the full one 200.
"""  # noqa: E501

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from api_world import NAMES, make_home, write_plugin

from api.access.policy import agreement
from api.access.registry import Registry
from api.access.usage import Journal, broken_link
from api.store import USAGE, Store
from twin.result import verify

KILLS = int(os.environ.get("TWINBOX_KILLS", "6"))
TERMINAL = {"successful", "failed", "dismissed"}


class Server:
    """A server as a process of its own that can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, if it does not run."""
        if self.process is not None:
            if self.process.poll() is None:
                return
            self.process.wait()
        environment = {
            **os.environ,
            "TWINBOX_HOME": str(self.home),
            "PYTHONPATH": str(self.home / "plugins"),
            "TWINBOX_API_DEMO": "false",
            "TWINBOX_API_LIMITS__JOBS_PER_TENANT": "1000",
        }
        code = f"from api.server import serve; from api.settings import load_settings; serve(load_settings(port={self.port}))"  # noqa: E501
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], env=environment, stderr=log, stdout=log
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.ask("GET", "/ready")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.home / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        text = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, text, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def served(tmp_path: Path):
    make_home(tmp_path)
    write_plugin(tmp_path / "plugins", {"parks": NAMES["parks"]})
    store = Store(f"sqlite:///{tmp_path}/api/api.sqlite")
    registry = Registry(store)
    registry.add_tenant("acme", "Acme")
    _, key = registry.issue_key("acme", ["*:*"])
    registry.add_contract(agreement("acme-1", "acme", "*"))
    server = Server(tmp_path)
    server.start()
    yield server, {"Authorization": f"Bearer {key}"}, store
    server.kill()


def workers(home: Path) -> list[int]:
    """Workers and supervisors: processes that work in the server's folder of temporary files."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(home / "api" / "work") in str((path / "cwd").readlink()):
                found.append(int(path.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_kills_during_runs_lose_nothing(served):
    server, key, _ = served
    luck = random.Random(5)
    accepted: list[str] = []
    finished: dict[str, bytes] = {}
    slowest = 0.0
    for kill in range(KILLS):
        for seed in range(2):
            inputs = {"cities": ["metsa", "salo"], "seed": kill * 10 + seed, "scenario": {"pause_s": 0.1}}
            try:
                status, body = server.ask(
                    "POST", "/processes/parks/execution", {"inputs": inputs}, Prefer="respond-async", **key
                )
            except OSError:
                continue
            if status == 201:
                accepted.append(json.loads(body)["jobID"])
        time.sleep(luck.uniform(0, 0.8))
        prey = workers(server.home)
        if prey and luck.random() < 0.4:
            try:
                os.kill(luck.choice(prey), signal.SIGKILL)
            except ProcessLookupError:
                pass
        else:
            server.kill()
            server.start()
        begun = time.monotonic()
        left = set(accepted) - set(finished)
        while left and time.monotonic() - begun < 30:
            for job in sorted(left):
                status, body = server.ask("GET", f"/jobs/{job}", **key)
                assert status == 200, (job, body)
                if json.loads(body)["status"] in TERMINAL:
                    finished[job] = body
                    left.discard(job)
            time.sleep(0.05)
        assert not left, "a job did not end"
        slowest = max(slowest, time.monotonic() - begun)
    states = [json.loads(body)["status"] for body in finished.values()]
    print(
        f"{KILLS} kills, {len(accepted)} jobs accepted: "
        f"{ {state: states.count(state) for state in sorted(set(states))} }, slowest end {slowest:.1f} s after"  # noqa: E501
    )
    for job, told in finished.items():
        status, body = server.ask("GET", f"/jobs/{job}/results", **key)
        assert status == (200 if json.loads(told)["status"] == "successful" else 500)
        if status == 200:
            run = json.loads(body)["manifest"]["run_id"]
            verify(server.home / "runs" / run)
    assert slowest <= 10
    assert states.count("successful") >= len(states) * 0.5


@pytest.mark.slow
def test_the_ledger_equals_the_answers_through_kills(served):
    server, key, store = served
    luck = random.Random(7)
    answered = 0
    for kill in range(KILLS):
        for number in range(luck.randint(1, 40)):
            mark = f"{kill}-{number}"
            while True:  # a client that asks again until it has its answer, under the same mark
                try:
                    path = f"/collections/metsa.buildings/items?limit={number + 1}"
                    status, _ = server.ask("GET", path, **key, **{"Idempotency-Key": mark})
                    assert status == 200
                    answered += 1
                    break
                except (OSError, http.client.HTTPException):
                    server.start()
            if luck.random() < 0.03:
                assert server.process is not None
                server.process.send_signal(signal.SIGKILL)
        server.kill()
        server.start()
    server.kill()
    Journal(server.home / "api" / "journal", store).close()
    with store.read() as connection:
        rows = connection.execute(
            sa.select(sa.func.count(), sa.func.sum(USAGE.c.requests)).where(
                USAGE.c.resource == "metsa.buildings"
            )
        ).one()
    print(f"{KILLS} kills and more, {answered} answers, {rows[0]} rows")
    assert tuple(rows) == (answered, answered)
    assert broken_link(store) is None
    server.start()
