"""Runs are jobs: refused with reasons, followed as they go, stopped whole, ended after a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from api_world import serving, write_plugin

from api.jobs.jobs import Jobs
from api.store import Store, now, stamp

RUN = "/processes/{}/execution"
TWO = {"cities": ["metsa", "salo"]}


def submit(served, process, headers=None, **inputs):
    given = {"Prefer": "respond-async", **(headers or {})}
    answer = served.client.post(RUN.format(process), json={"inputs": inputs}, headers=given)
    assert answer.status_code == 201, answer.text
    assert answer.headers["preference-applied"] == "respond-async"
    return answer.headers["location"]


def wait(served, job, headers=None, *, status=("successful", "failed", "dismissed"), seconds=60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told = served.get(job, headers=headers).json()
        if told["status"] in status:
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def test_sync_and_async_give_the_same_bytes(server):
    body = {"inputs": {**TWO, "seed": 3}}
    at_once = server.client.post(RUN.format("parks"), json=body)
    assert at_once.status_code == 200, at_once.text
    job = submit(server, "parks", **TWO, seed=3)
    assert wait(server, job)["progress"] == 100
    assert server.get(f"{job}/results").content == at_once.content


def test_the_rule_is_checked_before_a_job_is_accepted(server, is_problem):
    for cities in (["metsa"], ["salo"], ["metsa", "metsa"], ["metsa", "Atlantis"]):
        answer = server.client.post(
            RUN.format("parks"), json={"inputs": {"cities": cities}}, headers={"Prefer": "respond-async"}
        )
        problem = is_problem(answer, 422)
        assert problem["verdict"]["eligible"] is False
        assert problem["verdict"]["reasons"][0]["message"]
    assert all(
        job["processID"] != "parks" or job["status"] == "successful"
        for job in server.get("/jobs").json()["jobs"]
    )


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"cities": "metsa"},
        {**TWO, "days": 0},
        {**TWO, "days": 10**9},
        {**TWO, "seed": -1},
        {**TWO, "scenario": {"benches": 1000}},
        {**TWO, "scenario": {"chairs": 1}},
        {**TWO, "start": "soon"},
        {**TWO, "colour": "red"},
        {**TWO, "replications": 0},
    ],
)
def test_inputs_that_are_not_valid(server, is_problem, inputs):
    is_problem(server.client.post(RUN.format("parks"), json={"inputs": inputs}), 400)


def test_a_process_that_is_not_there(server, is_problem):
    for method, path in (("GET", "/processes/nothing"), ("POST", RUN.format("nothing"))):
        problem = is_problem(server.client.request(method, path, json={}), 404)
        assert problem["type"].endswith("/no-such-process")
    assert is_problem(server.get("/jobs/nothing"), 404)["type"].endswith("/no-such-job")


def test_results_of_a_job_that_has_none(server, is_problem):
    job = submit(server, "echo", echo=1, pause=3)
    assert is_problem(server.get(f"{job}/results"), 404)["type"].endswith("/result-not-ready")
    assert server.client.delete(job).json()["status"] == "dismissed"
    assert is_problem(server.get(f"{job}/results"), 404)["type"].endswith("/result-not-ready")


def test_a_jobs_story_is_told_and_told_again(server):
    job = submit(server, "echo", echo=1, pause=1)

    def story(after):
        headers = {"Last-Event-ID": str(after)}
        lines = server.get(f"{job}/events", headers=headers).text.split("\n\n")
        return [
            (int(part.split("\n")[0][4:]), json.loads(part.split("data: ")[1]))
            for part in lines
            if part.startswith("id: ")
        ]

    told = story(0)
    assert told[0][1]["status"] == "accepted"
    assert told[-1][1]["status"] == "successful"
    assert [number for number, _ in told] == sorted({number for number, _ in told})
    middle = told[1][0]
    assert story(middle) == told[2:]


def test_outputs_can_be_chosen(server):
    body = {"inputs": {**TWO, "seed": 3}, "outputs": {"collections": {}}}
    assert server.client.post(RUN.format("parks"), json=body).json()[0].startswith("run-")
    document = server.client.post(RUN.format("parks"), json={**body, "response": "document"}).json()
    assert list(document) == ["collections"]


def test_jobs_of_another_tenant_are_not_there(server, is_problem):
    mine, other = server.key("busy"), server.key("nosy")
    job = submit(server, "echo", mine, echo=1, pause=2)
    is_problem(server.get(job, headers=other), 404)
    is_problem(server.client.delete(job, headers=other), 404)
    is_problem(server.get(f"{job}/events", headers=other), 404)
    assert server.get("/jobs", headers=other).json()["jobs"] == []
    assert server.get(job, headers=mine).json()["status"] in ("accepted", "running")
    server.client.delete(job, headers=mine)


def test_a_queue_has_an_end(small_world_home, tmp_path, is_problem):
    for served in serving(
        small_world_home, tmp_path, open_runs=True, limits={"jobs_per_tenant": 2, "jobs_at_once": 1}
    ):
        jobs = [submit(served, "echo", echo=1, pause=30) for _ in range(2)]
        answer = served.client.post(RUN.format("echo"), json={"inputs": {"echo": 1}})
        is_problem(answer, 429)
        assert int(answer.headers["retry-after"]) > 0
        for job in jobs:
            served.client.delete(job)


@pytest.fixture(scope="module")
def rough(small_world_home, tmp_path_factory):
    """A server with misbehaving pilots and tight limits."""
    home = tmp_path_factory.mktemp("rough")
    write_plugin(home / "plugins")
    os.environ["TWINBOX_HEARTBEAT"] = str(home / "heartbeat")
    limits = {
        "job_memory_bytes": 1 << 30,
        "job_cpu_s": 5,
        "job_wall_s": 120,
        "job_file_bytes": 4 << 20,
        "job_processes": 20,
    }
    yield from serving(small_world_home, home, plugins=False, open_runs=True, limits=limits)
    del os.environ["TWINBOX_HEARTBEAT"]


def alive(marker: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if marker in str(path.readlink()):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pilot", "words"),
    [
        ("leak", ("memory", "MemoryError")),
        ("spin", ("processor time",)),
        ("bomb", ("processes", "memory")),
        ("segfault", ("SIGSEGV",)),
        ("hoard", ("MiB of files",)),
        ("full", ("File too large", "too large a file", "OSError", "RunFailed", "failed")),
    ],
)
def test_a_pilot_that_misbehaves_fails_alone(rough, pilot, words):
    job = submit(rough, pilot, **TWO)
    steady = submit(rough, "parks", **TWO, seed=8)
    told = wait(rough, job, seconds=130)
    assert told["status"] == "failed"
    assert any(word in told["message"] for word in words), told["message"]
    assert wait(rough, steady)["status"] == "successful"
    deadline = time.monotonic() + 3
    while alive(str(rough.home / "api" / "work")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(str(rough.home / "api" / "work")) == []
    assert rough.get(f"{job}/results").status_code == 500


def test_dismiss_stops_even_what_slipped_away(rough):
    job = submit(rough, "orphan", **TWO)
    beat = rough.home / "heartbeat"
    deadline = time.monotonic() + 30
    while not beat.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    begun = time.monotonic()
    assert rough.client.delete(job).json()["status"] == "dismissed"
    assert time.monotonic() - begun < 1.0
    last = beat.read_text()
    time.sleep(0.2)
    assert beat.read_text() == last


def test_a_broken_plugin_is_listed_with_its_reason(small_world_home, tmp_path):
    write_plugin(tmp_path / "plugins", {"parks": "Parks", "broken": "NoSuchClass"})
    for served in serving(small_world_home, tmp_path, plugins=False):
        document = served.get("/processes").json()
        assert {"echo", "parks"} <= {item["id"] for item in document["processes"]}
        assert document["refused"][0]["id"] == "broken"
        assert "NoSuchClass" in document["refused"][0]["reason"]


def test_the_check_report_of_a_pilot_is_served(server):
    done = server.client.post(RUN.format("parks"), json={"inputs": {**TWO, "seed": 3}}).json()
    report = server.get(f"/collections/{done['collections'][1]}/check").json()["reports"][0]
    assert report["pilot"] == "parks"


def test_several_pilots_run_together(server, is_problem):
    inputs = {**TWO, "seed": 5, "pilots": ["kiosks", "parks"], "scenario": {"kiosks": {"benches": 7}}}
    done = server.client.post(RUN.format("coupled-run"), json={"inputs": inputs})
    assert done.status_code == 200, done.text
    document = done.json()
    assert {row["pilot"] for row in document["kpis"]} == {"kiosks", "parks"}
    served = {name.partition(".")[2] for name in document["collections"]}
    assert {"kiosks.metsa", "kiosks.salo", "parks.metsa", "parks.salo"} <= served
    for name in document["collections"]:
        assert server.get(f"/collections/{name}").status_code == 200
    for wrong in (["parks"], ["parks", "parks"], ["parks", "nothing"]):
        is_problem(
            server.client.post(RUN.format("coupled-run"), json={"inputs": {**inputs, "pilots": wrong}}), 400
        )
    stranger = {**inputs, "scenario": {"leak": {}}}
    is_problem(server.client.post(RUN.format("coupled-run"), json={"inputs": stranger}), 400)


def test_a_coupled_run_needs_a_right_for_each_pilot(closed, is_problem):
    headers = closed.key("half", "run:parks", "read:*")
    body = {"inputs": {**TWO, "pilots": ["kiosks", "parks"]}}
    problem = is_problem(closed.client.post(RUN.format("coupled-run"), json=body, headers=headers), 403)
    assert "run:kiosks" in problem["reasons"][0]


def test_jobs_of_a_server_that_never_comes_back_are_failed_by_another():
    store = Store("sqlite://")
    gone, here = Jobs(store, "gone"), Jobs(store, "here")
    lost, alive, waiting = (gone.add("tenant", "key", "parks", {}) for _ in range(3))
    gone.begin(lost, stamp(now() - timedelta(hours=1)))
    gone.begin(alive, stamp(now() + timedelta(seconds=15)))
    assert here.recover(3) == (0, 0), "another server's jobs are not taken over"
    assert here.abandon(stamp(now() - timedelta(minutes=10))) == 1
    told = here.get(lost, "tenant")
    assert told["status"] == "failed"
    assert "has not been heard of since" in told["message"]
    assert [here.get(job, "tenant")["status"] for job in (alive, waiting)] == ["running", "accepted"]
    store.close()


def test_who_steps_back_takes_its_session_along():
    """Where Linux shares processors by session, a nice process in a session that is not gains nothing."""
    code = (
        "import os; from api.jobs.supervisor import step_back; os.setsid(); step_back(5); "
        "from pathlib import Path; group = Path('/proc/self/autogroup'); "
        "print(os.nice(0), group.read_text() if group.exists() else '')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    process, *session = done.stdout.split()
    assert int(process) == min(os.nice(0) + 5, 19)
    if session:  # "/autogroup-17 nice 5"; nothing where a control group shares processors instead
        assert session[-2:] == ["nice", process]
