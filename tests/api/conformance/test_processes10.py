"""The abstract tests of OGC API – Processes, part 1 (18-062r2, annex A), by their names."""

from __future__ import annotations

import time

import pytest

REL = "http://www.opengis.net/def/rel/ogc/1.0/"


def rels(document):
    return {item["rel"] for item in document["links"]}


def execute(server, body, process="echo", **headers):
    return server.client.post(f"/processes/{process}/execution", json=body, headers=headers)


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


def test_job_creation_input_validation_is_by_the_model_not_by_its_description(server):
    """A share above 0, as OpenAPI 3.0 writes it, is no share above true; what may be null may be left so."""
    types = [{"name": "van", "share": 0.5, "range_km": None}, {"name": "car", "share": 0.5}]
    inputs = {"cities": ["metsa", "salo"], "scenario": {"vehicle_types": types}}
    assert "is not valid" not in execute(server, {"inputs": inputs}, "transport").text
    types[0]["share"] = 0
    assert "is not valid" in execute(server, {"inputs": inputs}, "transport").text


@pytest.mark.parametrize(
    "value",
    [
        [1, 2.5, "x"],
        {"bbox": [24.7, 59.4, 24.8, 59.5], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
        {"measurement": 5, "uom": "m", "reference": "https://ucum.org/ucum"},
    ],
    ids=["input-array", "input-inline-bbox", "input-inline-object"],
)
def test_job_creation_input(server, value):
    assert execute(server, {"inputs": {"echo": value}}).json() == {"echo": value}


def test_job_creation_input_inline_binary(server):
    given = {"value": "dGVyZQ==", "encoding": "base64", "mediaType": "application/octet-stream"}
    assert execute(server, {"inputs": {"echo": given}}).json() == {"echo": "dGVyZQ=="}


def test_pl_limit_response(server):
    every = server.get("/processes").json()["processes"]
    assert server.get("/processes?limit=1").json()["processes"] == every[:1]
    assert len(server.get("/processes?limit=10000").json()["processes"]) == len(every)
    assert server.get("/processes?limit=0").status_code == 400


def test_job_list_limit_response_and_links(server):
    for number in range(3):
        assert execute(server, {"inputs": {"echo": number}}).status_code == 200
    page, seen = server.get("/jobs?limit=2").json(), set()
    while True:
        assert len(page["jobs"]) <= 2
        seen |= {item["jobID"] for item in page["jobs"]}
        following = [item["href"] for item in page["links"] if item["rel"] == "next"]
        if not following:
            break
        page = server.get(following[0]).json()
    assert seen == {item["jobID"] for item in server.get("/jobs?limit=1000").json()["jobs"]}


def test_job_dismiss_of_no_job_and_of_one_that_has_ended(server):
    assert server.client.delete("/jobs/none").json()["type"].endswith("no-such-job")
    execute(server, {"inputs": {"echo": 1}})
    ended = server.get("/jobs?status=successful&limit=1").json()["jobs"][0]["jobID"]
    assert server.client.delete(f"/jobs/{ended}").status_code < 500
    assert server.get(f"/jobs/{ended}").json()["status"] == "successful"


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
