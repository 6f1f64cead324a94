"""Kill the server and its workers, again and again: what was acknowledged stays, jobs end, use is exact.

``TWINBOX_KILLS`` sets how often; the quick run kills a few times, the full one 200. Only the full one, on a
machine that does nothing else, holds the ends of jobs to ten seconds after a restart.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from api_world import NAMES, make_home, write_plugin

from api.access.policy import agreement
from api.access.registry import Registry
from api.access.usage import Journal, broken_link
from api.jobs.supervisor import descendants
from api.store import UPLOADS, USAGE, Store
from twin.result import verify

KILLS = int(os.environ.get("TWINBOX_KILLS", "6"))
_NAMED = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
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
            "PYTHONPATH": os.pathsep.join([str(self.home / "plugins"), *_NAMED]),
            "TWINBOX_API_DEMO": "false",
            "TWINBOX_API_LIMITS__JOBS_PER_TENANT": "1000",
        }
        code = (
            "from api.server import serve; from api.settings import load_settings; "
            f"serve(load_settings(port={self.port}))"
        )
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
        text = None if body is None else json.dumps(body).encode()
        return self.send(path, text, {"Content-Type": "application/json", **headers}, method)

    def send(
        self, path: str, body: bytes | None, headers: dict[str, str], method: str = "POST"
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers)
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


def order(server: Server, key: dict[str, str], seed: int) -> str | None:
    """Ask for a run; its job if that was acknowledged."""
    inputs = {"cities": ["metsa", "salo"], "seed": seed, "scenario": {"pause_s": 0.1}}
    try:
        status, body = server.ask(
            "POST", "/processes/parks/execution", {"inputs": inputs}, Prefer="respond-async", **key
        )
    except (OSError, http.client.HTTPException):
        return None
    return str(json.loads(body)["jobID"]) if status == 201 else None


def strike(server: Server, luck: random.Random) -> str:
    """Kill the server, or something below it: the nursery, a supervisor, a worker."""
    assert server.process is not None
    below = descendants(server.process.pid)
    if below and luck.random() < 0.5:
        with contextlib.suppress(ProcessLookupError):
            os.kill(luck.choice(below), signal.SIGKILL)
        return "below"
    server.kill()
    server.start()
    return "server"


def results(server: Server, key: dict[str, str], job: str) -> tuple[int, bytes]:
    """What a job's results are answered with."""
    return server.ask("GET", f"/jobs/{job}/results", **key)


def wait(server: Server, key: dict[str, str], jobs: set[str]) -> dict[str, tuple[str, bytes]]:
    """Wait until jobs have ended; how each did, and its results."""
    begun, ended = time.monotonic(), dict[str, tuple[str, bytes]]()
    while jobs - set(ended):
        assert time.monotonic() - begun < 60, "a job did not end"
        time.sleep(0.05)
        for job in sorted(jobs - set(ended)):
            status, body = server.ask("GET", f"/jobs/{job}", **key)
            assert status == 200, (job, body)
            told = json.loads(body)["status"]
            if told in TERMINAL:
                ended[job] = (told, results(server, key, job)[1])
    return ended


@pytest.mark.slow
def test_kills_during_runs_lose_nothing(served):
    server, key, _ = served
    luck = random.Random(5)
    finished: dict[str, tuple[str, bytes]] = {}
    took: list[float] = []
    struck: list[str] = []
    for kill in range(KILLS):
        accepted = {order(server, key, kill * 10 + seed) for seed in range(2)} - {None}
        time.sleep(luck.uniform(0, 0.8))
        begun = time.monotonic()  # before the restart: its own seconds count too
        struck.append(strike(server, luck))
        finished |= wait(server, key, accepted)
        took.append(time.monotonic() - begun)
    states = [state for state, _ in finished.values()]
    print(
        f"{KILLS} kills ({Counter(struck)}), {len(finished)} jobs accepted: {Counter(states)}, "
        f"last end {statistics.median(took):.1f} s after in the median, {max(took):.1f} s at most; "
        f"slowest {sorted(zip(took, struck, range(KILLS), strict=True))[-3:]}"
    )
    for job, (told, first) in finished.items():
        status, body = results(server, key, job)
        assert (status, body) == (200 if told == "successful" else 500, first)
        if status == 200:
            run = json.loads(body)["manifest"]["run_id"]
            verify(server.home / "runs" / run)
    assert "TWINBOX_KILLS" not in os.environ or max(took) <= 10
    assert states.count("successful") >= len(states) * 0.5


def worker_of_run(server: Server, key: dict[str, str], job: str) -> int:
    """The process in which the only job runs: the server's child's child's child."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = json.loads(server.ask("GET", f"/jobs/{job}", **key)[1])["status"]
        assert status not in TERMINAL, status
        level = [server.process.pid] if server.process and status == "running" else []
        for _ in range(3):
            level = [child for pid in level for child in children(pid)]
        if level:
            return level[0]
        time.sleep(0.02)
    raise AssertionError("no worker")


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(part) for part in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def story(server: Server, key: dict[str, str], job: str) -> list[str]:
    """The states that a job has told of, one after another."""
    lines = server.ask("GET", f"/jobs/{job}/events", **key)[1].decode().splitlines()
    told = [json.loads(line[5:])["status"] for line in lines if line.startswith("data:")]
    return [state for place, state in enumerate(told) if place == 0 or state != told[place - 1]]


def struck(
    server: Server, key: dict[str, str], seed: int, *, times: int, number: int
) -> tuple[str, str, bytes]:
    """A run whose worker is sent a signal, the first few times: its job, how it ended, its results."""
    job, hit = order(server, key, seed), set[int]()
    assert job is not None
    while len(hit) < times:
        worker = worker_of_run(server, key, job)
        if worker not in hit:
            os.kill(worker, number)
            hit.add(worker)
    return job, *wait(server, key, {job})[job]


@pytest.mark.slow
def test_a_run_whose_worker_is_killed_is_tried_again(served):
    """As by a system that has run out of memory; a crash of a worker's own would only come again."""
    server, key, _ = served
    once, told, outputs = struck(server, key, 1, times=1, number=signal.SIGKILL)
    assert (told, story(server, key, once)) == (
        "successful",
        ["accepted", "running", "accepted", "running", "successful"],
    )
    again = order(server, key, 1)
    assert again is not None
    assert wait(server, key, {again})[again] == ("successful", outputs)
    each, _, problem = struck(server, key, 2, times=3, number=signal.SIGKILL)
    assert story(server, key, each) == [*["accepted", "running"] * 3, "failed"]
    assert {"reason": "worker-lost", "detail": "its worker was lost 3 times"}.items() <= json.loads(
        problem
    ).items()
    crashed, *_ = struck(server, key, 3, times=1, number=signal.SIGSEGV)
    assert story(server, key, crashed) == ["accepted", "running", "failed"]


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


def killed_amid(server: Server, path: str, body: bytes, sent: int, headers: dict[str, str]) -> None:
    """Send a part of a body, or all of it; kill the server once so much is in quarantine, and restart it."""
    lines = [f"POST {path} HTTP/1.1", "Host: twin", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    quarantine = server.home / "api" / "quarantine"
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode() + body[:sent])
        deadline = time.monotonic() + 60
        while sum(file.stat().st_size for file in quarantine.glob("*/*.*")) < sent:
            assert time.monotonic() < deadline, "nothing arrives"
            time.sleep(0.01)
        server.kill()
    assert any(quarantine.iterdir())
    server.start()
    assert not [*quarantine.glob("*")]


def kept(home: Path) -> dict[str, bytes]:
    """All that runs and readers can see of a home: packs and files of requests."""
    places = [path for name in ("packs", "requests") for path in (home / name).rglob("*")]
    return {str(path.relative_to(home)): path.read_bytes() for path in places if path.is_file()}


@pytest.mark.slow
def test_a_server_killed_amid_an_upload_keeps_nothing_of_it(served):
    server, key, store = served
    archive = shutil.make_archive(str(server.home / "metsa"), "zip", server.home / "packs" / "metsa")
    pack = Path(archive).read_bytes()
    rows = "".join(
        f"24.745,59.437,24.87,59.357,{hour:02}:{minute:02}\n" for hour in range(24) for minute in range(60)
    )
    asked = f"origin_lon,origin_lat,destination_lon,destination_lat,request_time\n{rows}".encode()
    before = kept(server.home)
    uploads = [
        ("/uploads/metsa", pack, {"Content-Type": "application/zip", **key}),
        ("/processes/transport/files/requests_file", asked, {"Content-Type": "text/csv", **key}),
    ]
    for path, body, headers in uploads:
        # The last byte of the file of requests is there: the server is killed while the pilot reads it.
        for sent in (len(body) // 2, len(body) - (body is pack)):
            killed_amid(server, path, body, sent, headers)
            assert kept(server.home) == before
    with store.read() as connection:
        counts = [connection.execute(sa.select(sa.func.count()).select_from(UPLOADS)).scalar_one()]
        charged = sa.select(sa.func.count()).where(USAGE.c.operation.in_(["upload", "keep file"]))
        counts.append(connection.execute(charged).scalar_one())
    assert counts == [0, 0]
    for path, body, headers in uploads:
        status, told = server.send(path, body, headers)
        assert status == 201, told
    after = kept(server.home)
    (own,) = set(after) - set(before)
    assert after.pop(own) == asked
    assert after == before
    with store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(UPLOADS)).scalar_one() == 2
