"""The abstract tests of OGC API – Processes, part 1 (18-062r2, annex A), by their names."""

from __future__ import annotations

import time

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
ECHO = "/processes/echo/execution"


def rels(document):
    return {item["rel"] for item in document["links"]}


def execute(server, body, **headers):
    return server.client.post(ECHO, json=body, headers=headers)


def test_landing_page_links(server):
    assert {f"{REL}processes", f"{REL}job-list", "service-desc", "conformance"} <= rels(
        server.get("/").json()
    )


def test_process_list(server):
    document = server.get("/processes").json()
    for item in document["processes"]:
        assert {"id", "version", "jobControlOptions", "outputTransmission", "links"} <= set(item)
        assert "self" in rels(item)
    assert "self" in rels(document)
    assert len(server.get("/processes?limit=1").json()["processes"]) == 1


def test_process_description(server):
    for item in server.get("/processes").json()["processes"]:
        about = server.get(f"/processes/{item['id']}").json()
        assert about["id"] == item["id"]
        assert f"{REL}execute" in rels(about)
        for part in ("inputs", "outputs"):
            assert all("schema" in value for value in about[part].values())


def test_process_description_is_written_in_openapi_30(server):
    """There null is no type of its own, and a bound is left out by a flag, not by a number."""
    seen = []

    def walk(node):
        if isinstance(node, dict):
            seen.append(node)
        for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(part)

    for item in server.get("/processes").json()["processes"]:
        walk(server.get(f"/processes/{item['id']}").json()["inputs"])
    assert not [node for node in seen if node.get("type") == "null" or "$ref" in node or "const" in node]
    assert {type(node.get("exclusiveMinimum", True)) for node in seen} == {bool}
    assert any(node.get("nullable") for node in seen)


def test_process_exception_no_such_process(server):
    assert server.get("/processes/none").json()["type"].endswith("no-such-process")


def test_job_creation_sync_by_default(server):
    answer = execute(server, {"inputs": {"echo": {"a": [1, 2]}}})
    assert answer.status_code == 200
    assert answer.json() == {"echo": {"a": [1, 2]}}


def test_job_creation_auto_execution_mode_and_preference(server):
    answer = execute(server, {"inputs": {"echo": 1}}, Prefer="respond-async")
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "respond-async"
    status = answer.json()
    assert {"jobID", "status", "type"} <= set(status)
    assert status["type"] == "process"
    assert answer.headers["location"].endswith(status["jobID"])


def test_job_creation_input_validation(server):
    for inputs in ({}, {"echo": 1, "pause": "long"}, {"echo": 1, "other": 2}):
        assert execute(server, {"inputs": inputs}).status_code == 400


def test_job_creation_value_objects(server):
    assert execute(server, {"inputs": {"echo": {"value": 5}}}).json() == {"echo": 5}


def test_job_creation_default_outputs_and_response_document(server):
    assert execute(server, {"inputs": {"echo": 1}, "response": "document"}).json() == {"echo": 1}
    assert execute(
        server, {"inputs": {"echo": 1}, "outputs": {"echo": {}}, "response": "document"}
    ).json() == {"echo": 1}


def test_job_status_and_results(server):
    job = execute(server, {"inputs": {"echo": "x"}}, Prefer="respond-async").headers["location"]
    deadline = time.monotonic() + 20
    while server.get(job).json()["status"] != "successful" and time.monotonic() < deadline:
        time.sleep(0.05)
    status = server.get(job).json()
    assert status["progress"] == 100
    assert f"{REL}results" in rels(status)
    assert server.get(f"{job}/results").json() == {"echo": "x"}


def test_job_exception_no_such_job_and_result_not_ready(server):
    assert server.get("/jobs/none").json()["type"].endswith("no-such-job")
    assert server.get("/jobs/none/results").json()["type"].endswith("no-such-job")
    job = execute(server, {"inputs": {"echo": 1, "pause": 5}}, Prefer="respond-async").headers["location"]
    assert server.get(f"{job}/results").json()["type"].endswith("result-not-ready")
    assert server.client.delete(job).status_code == 200


def test_job_list(server):
    document = server.get("/jobs").json()
    assert document["jobs"]
    assert "self" in rels(document)
    assert {item["processID"] for item in server.get("/jobs?processID=echo").json()["jobs"]} == {"echo"}
    assert {item["status"] for item in server.get("/jobs?status=successful").json()["jobs"]} == {"successful"}
    assert len(server.get("/jobs?limit=1").json()["jobs"]) == 1


def test_dismiss(server):
    job = execute(server, {"inputs": {"echo": 1, "pause": 30}}, Prefer="respond-async").headers["location"]
    answer = server.client.delete(job)
    assert answer.json()["status"] == "dismissed"
    assert server.get(job).json()["status"] == "dismissed"
