"""Ten thousand requests nobody would send: none is answered 5xx, every refusal is a problem document.

``TWINBOX_FUZZ`` sets how many; the quick run sends some hundreds.
"""

from __future__ import annotations

import os
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COUNT = int(os.environ.get("TWINBOX_FUZZ", "600"))
FEW = settings(
    max_examples=max(50, COUNT // 6),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)

PATHS = (
    "/",
    "/conformance",
    "/collections",
    "/collections/metsa.buildings",
    "/collections/metsa.buildings/items",
    "/collections/metsa.buildings/items/b000001",
    "/collections/metsa.buildings/queryables",
    "/collections/metsa.terrain/position",
    "/collections/metsa.terrain/area",
    "/collections/metsa.terrain/cube",
    "/collections/metsa.weather/locations",
    "/collections/metsa.observations/locations/s1",
    "/collections/catalogue/items",
    "/processes",
    "/processes/parks",
    "/jobs",
    "/jobs/x/results",
    "/sta/v1.1",
    "/sta/v1.1/Things",
    "/sta/v1.1/Observations",
    "/sta/v1.1/Datastreams('metsa:s1')",
    "/usage",
    "/collections/metsa.buildings/files/metsa.buildings.csv",
    "/policies/metsa.stops",
    "/licences",
    "/uploads/x/report",
)
NAMES = (
    "f",
    "limit",
    "offset",
    "cursor",
    "bbox",
    "bbox-crs",
    "crs",
    "datetime",
    "filter",
    "filter-lang",
    "filter-crs",
    "coords",
    "z",
    "parameter-name",
    "q",
    "ids",
    "type",
    "externalIds",
    "$filter",
    "$top",
    "$skip",
    "$orderby",
    "$expand",
    "$select",
    "$count",
    "status",
    "processID",
    "month",
    "height_m",
    "use",
    "name",
)
PIECES = (
    "",
    "0",
    "1",
    "-1",
    "nan",
    "inf",
    "1e400",
    "9" * 40,
    "24.7,59.4,24.8,59.5",
    "..",
    "../..",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "POINT(24.7 59.4)",
    "POINT(nan 1)",
    "POLYGON((24 59,25 59,25 60,24 59))",
    "POLYGON((0 0,1 1,0 1,1 0,0 0))",
    "http://www.opengis.net/def/crs/EPSG/0/3301",
    "height_m > 3",
    "a = 'b",
    "S_INTERSECTS(geometry, POINT(1 2))",
    "name eq 'x'",
    "json",
    "html",
    "true",
    "null",
    "\x00",
    "\ud7ff",
    "１２",
    "%",
    "'",
    '"',
    "{}",
    "[]",
    '{"op":"=","args":[{"property":"use"},1]}',
    "*",
    "Datastreams($expand=Observations($top=1))",
    "phenomenonTime desc",
    "<script>",
    "\u202e",
    "🏙",
    "a" * 300,
)
VALUES = st.one_of(
    st.sampled_from(PIECES), st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=4).map(" ".join)
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(PIECES),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                (
                    "inputs",
                    "outputs",
                    "response",
                    "echo",
                    "pause",
                    "cities",
                    "scenario",
                    "benches",
                    "value",
                    "result",
                    "phenomenonTime",
                    "Datastream",
                    "@iot.id",
                    "requests",
                    "method",
                    "url",
                    "body",
                    "observations",
                    "timestamp",
                    "components",
                    "dataArray",
                    "sensors",
                    "sensor",
                    "x",
                )
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


def sound(answer) -> None:
    assert answer.status_code < 500, (answer.request.url, answer.text[:500])
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text[:300]
        assert answer.json()["status"] == answer.status_code


@pytest.mark.slow
@FEW
@given(
    path=st.sampled_from(PATHS),
    query=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4),
    accept=st.sampled_from(("*/*", "text/html", "application/json", "x", "")),
)
def test_parameters(server, path, query, accept):
    server.context.quotas._minutes.clear()
    text = "&".join(
        f"{quote(name, safe='$')}={quote(value, safe='', errors='replace')}" for name, value in query
    )
    sound(server.get(f"{path}?{text}", headers={"Accept": accept}))


@pytest.mark.slow
@FEW
@given(
    parts=st.lists(
        st.one_of(
            st.sampled_from(
                (
                    "collections",
                    "metsa.buildings",
                    "items",
                    "jobs",
                    "processes",
                    "sta",
                    "v1.1",
                    "Things('x')",
                    "files",
                    "..",
                    "%2e%2e",
                    "%2f",
                    "%00",
                    "",
                )
            ),
            st.text(max_size=12),
        ),
        max_size=6,
    ),
    method=st.sampled_from(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")),
)
def test_paths(server, parts, method):
    server.context.quotas._minutes.clear()
    path = "/" + "/".join(
        part if part.startswith("%") else quote(part, safe="()'", errors="replace") for part in parts
    )
    try:
        answer = server.client.request(method, "http://testserver" + path)
    except httpx2.InvalidURL:
        return  # the client itself refuses to send it
    if method != "HEAD":
        sound(answer)
    assert answer.status_code < 500


@pytest.mark.slow
@FEW
@given(
    path=st.sampled_from(
        (
            "/processes/echo/execution",
            "/processes/parks/execution",
            "/sta/v1.1/Observations",
            "/sta/v1.1/$batch",
            "/sta/v1.1/CreateObservations",
        )
    ),
    body=JSON,
)
def test_bodies(fuzzed, path, body):
    import json

    server, headers = fuzzed
    server.context.quotas._minutes.clear()
    text = json.dumps(body).encode("utf-8", "surrogatepass")
    given_headers = {"Content-Type": "application/json", "Prefer": "respond-async", **headers}
    answer = server.client.post(path, content=text, headers=given_headers)
    if answer.status_code == 201 and "location" in answer.headers and "/jobs/" in answer.headers["location"]:
        server.client.delete(answer.headers["location"], headers=headers)
    sound(answer)


@pytest.mark.slow
@FEW
@given(
    body=st.binary(max_size=200),
    path=st.sampled_from(
        ("/processes/echo/execution", "/sta/v1.1/$batch", "/uploads/metsa", "/sentilo/data/metsa/s1")
    ),
)
def test_bytes(fuzzed, path, body):
    server, headers = fuzzed
    server.context.quotas._minutes.clear()
    media = "application/zip" if "uploads" in path else "application/json"
    method = "PUT" if "sentilo" in path else "POST"
    sound(server.client.request(method, path, content=body, headers={"Content-Type": media, **headers}))


@pytest.mark.slow
@FEW
@given(
    headers=st.dictionaries(
        st.sampled_from(
            (
                "Authorization",
                "Accept",
                "Accept-Language",
                "Accept-Encoding",
                "If-None-Match",
                "Idempotency-Key",
                "Prefer",
                "Last-Event-ID",
                "Range",
                "Host",
                "Origin",
                "X-Forwarded-For",
                "Twinbox-Purpose",
            )
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
        max_size=4,
    ),
    path=st.sampled_from(PATHS),
)
def test_headers(server, headers, path):
    server.context.quotas._minutes.clear()
    answer = server.get(path, headers=headers)
    sound(answer)


@pytest.mark.slow
def test_schemathesis(server):
    schemathesis = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_dict(server.get("/openapi.json").json())
    sent = 0
    for operation in schema.get_all_operations():
        if any(part in operation.ok().path for part in ("events", "/uploads/{cityId}")):
            continue  # a stream without end; a zip file, which is fuzzed as bytes above

        @settings(
            max_examples=max(3, COUNT // 100),
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=operation.ok().as_strategy())
        def probe(case) -> None:
            nonlocal sent
            sent += 1
            server.context.quotas._minutes.clear()
            kwargs = case.as_transport_kwargs(base_url="http://testserver")
            kwargs.pop("cookies", None)
            if isinstance(kwargs.get("data"), (bytes, str)):
                kwargs["content"] = kwargs.pop("data")
            try:
                answer = server.client.request(**kwargs)
            except (UnicodeEncodeError, ValueError):
                return  # the client itself refuses to send it
            if kwargs["method"] != "HEAD":
                sound(answer)

        probe()
    print(f"{sent} requests of schemathesis")


@pytest.fixture(scope="module")
def fuzzed(server):
    from api.access.policy import agreement

    headers = server.key("fuzzer", "*:*")
    server.registry.add_contract(
        agreement("fuzzer-1", "fuzzer", "*", actions=("use", "distribute", "derive"))
    )
    server.context.guard.refresh()
    return server, headers
