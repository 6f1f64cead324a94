"""A scenario is sent once, held to its pilot, and run by its address; it is its tenant's own."""

from __future__ import annotations

import pytest

KEEP = "/processes/parks/scenarios"
TOML = {"Content-Type": "application/toml"}


@pytest.fixture(scope="module")
def planner(server):
    return server.key("planner", "run:*", "read:*")


def test_a_kept_scenario_runs_by_its_address(server, planner):
    kept = server.client.post(KEEP, content=b"benches = 9\n", headers={**planner, **TOML})
    assert kept.status_code == 201, kept.text
    address = kept.headers["location"]
    assert server.get(address, headers=planner).json()["scenario"] == {"benches": 9}
    inputs = {"cities": ["metsa", "salo"], "seed": 21}
    named, spelled = (
        server.client.post(
            "/processes/parks/execution",
            json={"inputs": {**inputs, "scenario": scenario}},
            headers=planner,
        )
        for scenario in ({"href": address}, {"benches": 9})
    )
    assert named.status_code == 200, named.text
    assert named.content == spelled.content


def test_scenarios_are_their_tenants_own(server, planner, is_problem):
    kept = server.client.post(KEEP, json={"benches": 4}, headers=planner)
    other = server.key("rival", "run:*")
    is_problem(server.get(kept.headers["location"], headers=other), 404)
    inputs = {"cities": ["metsa", "salo"], "scenario": {"href": kept.headers["location"]}}
    is_problem(server.client.post("/processes/parks/execution", json={"inputs": inputs}, headers=other), 404)
    is_problem(server.client.post(KEEP, json={"benches": 4}), 401)
    is_problem(server.client.post(KEEP, json={"benches": 4}, headers=server.key("reader", "read:*")), 403)


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b'{"benches": 101}', "application/json", 400),
        (b'{"nothing": 1}', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"benches = ", "application/toml", 400),
        (b"benches = nan", "application/toml", 400),
        (b"\xff", "application/toml", 400),
        (b"a,b", "text/csv", 415),
        (b'{"x": "' + b"a" * (1 << 20) + b'"}', "application/json", 413),
    ],
)
def test_what_does_not_hold_is_refused(server, planner, is_problem, body, media, status):
    headers = {**planner, "Content-Type": media}
    is_problem(server.client.post(KEEP, content=body, headers=headers), status)
    address = {"scenario": {"href": "/processes/kiosks/scenarios/x"}, "cities": ["metsa", "salo"]}
    is_problem(
        server.client.post("/processes/parks/execution", json={"inputs": address}, headers=planner), 400
    )


def test_a_scenario_of_a_coupled_run(server, planner):
    fields = {"parks": {"benches": 2}, "kiosks": {"benches": 8}}
    kept = server.client.post("/processes/coupled-run/scenarios", json=fields, headers=planner)
    assert kept.status_code == 201, kept.text
    wrong = server.client.post("/processes/coupled-run/scenarios", json={"parks": 1}, headers=planner)
    assert wrong.status_code == 400
