"""What tenants send is kept when it holds up, names its fault when not, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.requests import ClientDisconnect, Request

from api.jobs.quarantine import mend
from api.receiving import quarantine, received, sweep
from api.settings import Settings
from api.store import UPLOADS, Store

TO = "/processes/transport/files/requests_file"
RUN = "/processes/transport/execution"
HEAD = "origin_lon,origin_lat,destination_lon,destination_lat,request_time"
GOOD = f"{HEAD}\n24.745,59.437,24.870,59.357,07:42\n24.75,59.43,24.87,59.35,28800\n"
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def planner(server):
    return server.key("bookings", "run:*")


def left_over(server) -> list[Path]:
    return [*(server.home / "api" / "quarantine").glob("*")]


def send(server, body, key, **headers):
    return server.client.post(TO, content=body, headers={**key, **CSV, **headers})


def test_a_file_of_requests_is_kept_for_its_tenant_alone(server, planner, is_problem):
    kept = send(server, GOOD, planner)
    assert kept.status_code == 201, kept.text
    assert kept.json()["report"] == {"requests": 2}
    name = kept.json()["file"]
    assert (server.home / "requests" / name).read_text() == GOOD
    inputs = {"cities": ["metsa", "salo"], "scenario": {"requests_file": name}}
    rival = server.key("bookings-rival", "run:*")
    told = is_problem(server.client.post(RUN, json={"inputs": inputs}, headers=rival), 400)
    assert told["detail"].startswith("there is no such file")
    coupled = {"cities": ["metsa", "salo"], "pilots": ["transport", "parks"]}
    coupled["scenario"] = {"transport": {"requests_file": name}}
    other_way = server.client.post(
        "/processes/coupled-run/execution", json={"inputs": coupled}, headers=rival
    )
    assert is_problem(other_way, 400)["detail"].startswith("there is no such file")
    own = server.client.post(RUN, json={"inputs": inputs}, headers=planner)
    assert "there is no such file" not in own.text
    assert left_over(server) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"{HEAD}\n24.7,59.4,24.8,59.3,07:42\n24.7,north,24.8,59.3,07:43\n", ("3", "origin_lat", "north")),
        (f"{HEAD}\n24.7,59.4,24.8,59.3,noon\n", ("2", "request_time", "noon")),
        ("a,b\n1,2\n", ("None", "origin_lon", "None")),
        ("", ("None", "body", "None")),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_nothing_is_kept(server, planner, is_problem, body, told):
    before = sorted((server.home / "requests").glob("*"))
    problem = is_problem(send(server, body, planner), 400)
    row, field, value = told
    assert str(problem.get("row")) == row
    assert field in problem["field"]
    assert str(problem.get("value")) == value
    assert "quarantine" not in problem["detail"]
    assert left_over(server) == []
    assert sorted((server.home / "requests").glob("*")) == before


def test_what_is_not_taken(server, planner, is_problem):
    is_problem(send(server, GOOD, planner, **{"Content-Type": "application/zip"}), 415)
    is_problem(send(server, GOOD, {}), 401)
    is_problem(send(server, GOOD, server.key("bookings-reader", "read:*")), 403)
    for path in ("/processes/transport/files/fleet_size", "/processes/nothing/files/requests_file"):
        is_problem(server.client.post(path, content=GOOD, headers={**planner, **CSV}), 404)


def test_too_large_a_file_is_refused_before_and_while_it_comes(server, planner, is_problem):
    most = server.context.settings.limits.file_bytes
    is_problem(send(server, b"", planner, **{"Content-Length": str(most + 1)}), 413)

    def pieces():
        for _ in range(most // (1 << 20) + 1):
            yield b"1" * (1 << 20)

    is_problem(send(server, pieces(), planner), 413)
    assert left_over(server) == []


def test_a_connection_that_breaks_leaves_nothing(tmp_path: Path):
    settings = Settings(home=tmp_path)

    async def receive():
        if any(file.stat().st_size for file in quarantine(settings).rglob("*.csv")):
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"half", "more_body": True}

    async def take():
        request = Request({"type": "http", "headers": [], "method": "POST"}, receive)
        async with received(request, settings, "asked.csv", 1000):
            raise AssertionError("half a file is no file")

    with pytest.raises(ClientDisconnect):
        asyncio.run(take())
    assert [*quarantine(settings).iterdir()] == []


def test_a_kill_while_a_pack_is_replaced_loses_no_pack(tmp_path: Path):
    (tmp_path / ".metsa.0a1b2c3d.old").mkdir()
    (tmp_path / ".salo.0a1b2c3d.old").mkdir()
    (tmp_path / "salo").mkdir()
    mend(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metsa", "salo"]


def test_a_kill_before_a_file_is_acknowledged_keeps_none(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path}/api.sqlite")
    told = {"id": "known", "tenant": "a", "bytes": 1, "status": "accepted", "report": "{}", "created": "2026"}
    with store.write() as connection:
        connection.execute(sa.insert(UPLOADS).values(**told))
    for name in ("upload-known.csv", "upload-unknown.csv", "my own.csv"):
        (tmp_path / name).touch()
    sweep(store, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["my own.csv", "upload-known.csv"]
    store.close()
