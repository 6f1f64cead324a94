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
        (ITEM, "application/geo+json", {"id", "type", "geometry", "properties"}),  # f-op, f-response
        ("/processes", "application/json", {"processes", "links"}),  # process-list, process-list-success
        ("/processes/{processId}", "application/json", {"id", "version"}),  # process-description
        ("/jobs", "application/json", {"jobs", "links"}),  # job-list-op
        ("/jobs/{jobId}", "application/json", {"jobID", "status", "type"}),
        (ITEMS, RECORD, {"type", "features"}),  # Records /req/json/record-response, record-content
        (ITEM, RECORD, {"id", "type", "geometry", "properties", "time"}),
        # Records /req/json/collection-response, catalog-content
        ("/collections/{collectionId}", CATALOGUE, {"id", "type", "title", "itemType", "links"}),
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


@pytest.mark.parametrize(("path", "name"), [(ITEMS, "bbox-crs"), (ITEMS, "crs"), (ITEM, "crs")])
def test_req_crs_fc_bbox_crs_definition_and_fc_crs_definition(description, path, name):
    schema = parameter(description, path, name)["schema"]
    assert (schema["type"], schema["format"]) == ("string", "uri")
    assert schema["default"] == "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@pytest.mark.parametrize("path", [ITEMS, ITEM])
def test_req_crs_ogc_crs_header(description, path):
    headers = description["paths"][path]["get"]["responses"]["200"]["headers"]
    assert headers["Content-Crs"]["schema"] == {"type": "string"}


def test_req_core_process_execute_request(description):
    """Callbacks are not offered (no class `callback`), so that `subscriber` is not among what may be sent."""
    body = description["paths"]["/processes/{processId}/execution"]["post"]["requestBody"]
    assert body["required"] is True
    properties = body["content"]["application/json"]["schema"]["properties"]
    assert {"inputs", "outputs", "response"} <= set(properties)
    assert "subscriber" not in properties


@pytest.mark.parametrize("name", ["q", "type", "ids", "externalIds"])
def test_req_record_core_query_parameters_definitions(description, name):
    found = parameter(description, ITEMS, name)
    assert found["schema"] == {"type": "array", "items": {"type": "string"}}
    assert found["explode"] is False


@pytest.mark.parametrize("name", ["type", "processID", "status"])
def test_req_job_list_definitions(description, name):
    found = parameter(description, "/jobs", name)
    assert found["schema"]["type"] == "array"
    assert found["schema"]["items"]["type"] == "string"
    assert found["explode"] is True


def test_req_job_list_datetime_and_durations(description):
    assert parameter(description, "/jobs", "datetime")["schema"]["type"] == "string"
    for name in ("minDuration", "maxDuration"):
        schema = parameter(description, "/jobs", name)["schema"]
        assert schema["type"] == "array"  # 18-062r2, requirement 61: an array of integers
        assert schema["items"]["type"] == "integer"


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
    validator(ANSWERS["get", "/collections/{collectionId}", "200"][CATALOGUE]).validate(catalogue.json())


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
    assert found("type=process&processID=parks&processID=echo&status=failed&status=successful") >= {"echo"}
    assert found("processID=nothing") == set()
    assert found("datetime=../2020-01-01T00:00:00Z") == set()
    assert found("datetime=2020-01-01T00:00:00Z/..&minDuration=0&maxDuration=3600") >= {"echo"}
    assert found("minDuration=3600") == set()
    page = server.get("/jobs?status=failed&status=successful&limit=1").json()
    onwards = [item["href"] for item in page["links"] if item["rel"] in ("self", "next")]
    assert all("status=failed,successful" in href for href in onwards)
    assert all(server.get(href).status_code == 200 for href in onwards)
    for wrong in ("type=service", "status=done", "status=failed&status=done", "limit=1&limit=2"):
        is_problem(server.get(f"/jobs?{wrong}"), 400)
    for wrong in ("datetime=now", "minDuration=-1", "minDuration=1&minDuration=2"):
        is_problem(server.get(f"/jobs?{wrong}"), 400)
