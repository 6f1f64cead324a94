"""The API's description says what each standard's requirement asks of it, and answers hold to what it says.

The requirements are those that a checker of descriptions asks for (Features, CRS, Processes, Records).
"""

from __future__ import annotations

import jsonschema
import pytest
from openapi_spec_validator import validate

from api.ogc.schemas import ANSWERS, CATALOGUE, RECORD

ITEMS, ITEM = "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId}"


@pytest.fixture(scope="module")
def description(server):
    return server.get("/openapi.json").json()


def parameter(description, path, name):
    (found,) = [p for p in description["paths"][path]["get"]["parameters"] if p["name"] == name]
    assert found["in"] == "query"
    assert not found.get("required", False)
    return found


def schema_of(description, path, media="application/json", method="get", status="200"):
    return description["paths"][path][method]["responses"][status]["content"][media]["schema"]


def test_req_oas30_oas_definition_2(description):
    assert description["openapi"].startswith("3.0.")
    validate(description)
    assert "$ref" not in str(description)


@pytest.mark.parametrize(
    ("path", "media", "required"),
    [
        ("/", "application/json", {"links"}),  # /req/core/root-op, root-success; landingpage-op, -success
        ("/conformance", "application/json", {"conformsTo"}),  # conformance-op, conformance-success
        ("/collections", "application/json", {"links", "collections"}),  # fc-md-op, fc-md-success
        ("/collections/{collectionId}", "application/json", {"id", "links"}),  # sfc-md-op, sfc-md-success
        (ITEMS, "application/geo+json", {"type", "features"}),  # fc-op, fc-response
        (ITEM, "application/geo+json", {"type", "geometry", "properties"}),  # f-op, f-response
        ("/processes", "application/json", {"processes", "links"}),  # process-list, process-list-success
        ("/processes/{processId}", "application/json", {"id", "version"}),  # process-description
        ("/jobs", "application/json", {"jobs", "links"}),  # job-list-op
        ("/jobs/{jobId}", "application/json", {"jobID", "status", "type"}),
        (ITEMS, RECORD, {"type", "features"}),  # Records /req/json/record-response, record-content
        (ITEM, RECORD, {"id", "type", "geometry", "properties", "time"}),
        ("/collections/{collectionId}", CATALOGUE, {"id", "links"}),  # Records /req/json/collection-response
    ],
)
def test_req_operations_and_what_they_answer(description, path, media, required):
    assert required <= set(schema_of(description, path, media)["required"])


def test_req_core_fc_limit_definition_and_pl_limit_definition(description):
    for path in (ITEMS, "/processes"):
        schema = parameter(description, path, "limit")["schema"]
        assert schema["type"] == "integer"
        assert (schema["minimum"], schema["maximum"], schema["default"]) == (1, 10_000, 100)


def test_req_core_fc_bbox_definition(description):
    found = parameter(description, ITEMS, "bbox")
    assert found["explode"] is False
    assert found["schema"]["items"] == {"type": "number"}
    counts = [(item["minItems"], item["maxItems"]) for item in found["schema"]["oneOf"]]
    assert counts == [(4, 4), (6, 6)]


def test_req_core_fc_time_definition(description):
    assert parameter(description, ITEMS, "datetime")["schema"]["type"] == "string"


def test_req_crs_fc_md_crs_list_and_storage_crs(description):
    one = schema_of(description, "/collections/{collectionId}")
    listed = schema_of(description, "/collections")["properties"]["collections"]["items"]
    for schema in (one, listed):
        assert "crs" in schema["required"]
        assert schema["properties"]["storageCrs"] == {"type": "string", "format": "uri"}


@pytest.mark.parametrize("name", ["type", "processID", "status"])
def test_req_job_list_definitions(description, name):
    found = parameter(description, "/jobs", name)
    assert found["schema"]["type"] == "array"
    assert found["schema"]["items"]["type"] == "string"
    assert found["explode"] is False


def test_req_job_list_datetime_and_durations(description):
    assert parameter(description, "/jobs", "datetime")["schema"]["type"] == "string"
    for name in ("minDuration", "maxDuration"):
        assert parameter(description, "/jobs", name)["schema"]["type"] == "integer"


def test_req_core_process_exception_no_such_process(description):
    problem = schema_of(description, "/processes/{processId}", "application/problem+json", status="404")
    assert "type" in problem["required"]


def test_answers_hold_to_the_description(server):
    done = server.client.post("/processes/echo/execution", json={"inputs": {"echo": 1}})
    assert done.status_code == 200
    job = server.get("/jobs").json()["jobs"][0]["jobID"]
    names = {
        "{collectionId}": ["metsa.buildings", "metsa.weather", "metsa.terrain", "catalogue"],
        "{featureId}": ["b000001"],
        "{processId}": ["echo", "parks", "coupled-run"],
        "{jobId}": [job],
    }
    for (method, path, status), by_media in ANSWERS.items():
        if method != "get" or path == "/collections/{collectionId}/items":
            continue
        addresses = [path]
        for name, values in names.items():
            addresses = [a.replace(name, v) for a in addresses for v in (values if name in a else [""])]
        media = next(iter(by_media))
        for address in addresses:
            if "catalogue/items" in address or ("b000001" in address and "buildings" not in address):
                continue
            answer = server.get(address)
            assert answer.status_code == int(status), address
            assert answer.headers["content-type"] == media
            validator(by_media[media]).validate(answer.json())
    for collection, media in (("metsa.buildings", "application/geo+json"), ("catalogue", RECORD)):
        answer = server.get(f"/collections/{collection}/items", headers={"Accept": media})
        assert answer.headers["content-type"] == media
        validator(ANSWERS["get", ITEMS, "200"][media]).validate(answer.json())
    record = server.get("/collections/catalogue/items/metsa.stops", headers={"Accept": RECORD})
    assert record.headers["content-type"] == RECORD
    validator(ANSWERS["get", ITEM, "200"][RECORD]).validate(record.json())
    catalogue = server.get("/collections/catalogue", headers={"Accept": CATALOGUE})
    assert catalogue.headers["content-type"] == CATALOGUE


def validator(schema):
    return jsonschema.Draft202012Validator(as_json_schema(schema))


def as_json_schema(node):
    """OpenAPI 3.0's `nullable` as JSON Schema says it."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: as_json_schema(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def test_jobs_are_found_by_type_process_state_time_and_duration(server, is_problem):
    done = server.client.post("/processes/echo/execution", json={"inputs": {"echo": 1, "pause": 0.2}})
    assert done.status_code == 200

    def found(query):
        return {job["processID"] for job in server.get(f"/jobs?{query}").json()["jobs"]}

    assert found("type=process&processID=echo,parks&status=successful,failed") >= {"echo"}
    assert found("processID=nothing") == set()
    assert found("datetime=../2020-01-01T00:00:00Z") == set()
    assert found("datetime=2020-01-01T00:00:00Z/..&minDuration=0&maxDuration=3600") >= {"echo"}
    assert found("minDuration=3600") == set()
    for wrong in ("type=service", "status=done", "datetime=now", "minDuration=-1"):
        is_problem(server.get(f"/jobs?{wrong}"), 400)
