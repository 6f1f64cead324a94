"""Whatever is thrown at the server: it answers 4xx in one shape, and goes on."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

ECHO = "/processes/echo/execution"
BODIES = {
    "nan": b'{"inputs":{"echo":NaN}}',
    "infinity": b'{"inputs":{"echo":1e400}}',
    "surrogate": b'{"inputs":{"echo":"\\ud800"}}',
    "deep": b'{"inputs":{"echo":' + b"[" * 900 + b"]" * 900 + b"}}",
    "very deep": b"[" * 100_000 + b"]" * 100_000,
    "null character": b'{"inputs":{"echo":"a\\u0000b"}}',
    "utf-16": '{"inputs":{}}'.encode("utf-16"),
    "not utf-8": b'{"inputs":{"echo":"\xff\xfe"}}',
    "cut short": b'{"inputs":{"echo"',
    "a list": b"[1,2,3]",
    "empty": b"",
    "no inputs": b"{}",
    "unknown member": b'{"inputs":{"echo":1},"evil":true}',
    "long pause": b'{"inputs":{"echo":1,"pause":1e9}}',
    "text pause": b'{"inputs":{"echo":1,"pause":"nan"}}',
    "callback": b'{"inputs":{"echo":1},"subscriber":{"successUri":"http://169.254.169.254/"}}',
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(server, is_problem, name):
    answer = server.client.post(ECHO, content=BODIES[name], headers={"Content-Type": "application/json"})
    assert 400 <= is_problem(answer)["status"] < 500


@pytest.mark.parametrize("number", ["9" * 31, "-" + "9" * 20, str(2**64), str(-(2**63) - 1), "9" * 300])
def test_a_whole_number_that_would_come_back_as_another_is_refused(server, is_problem, number):
    body = f'{{"inputs":{{"echo":[{number}]}}}}'
    answer = server.client.post(ECHO, content=body, headers={"Content-Type": "application/json"})
    assert "too large" in is_problem(answer, 400)["detail"]


@pytest.mark.parametrize(
    "value", [str(2**64 - 1), str(-(2**63)), '"' + "9" * 31 + '"', '"a, ' + "9" * 31 + ' b"', "0." + "1" * 30]
)
def test_long_numbers_that_fit_and_texts_of_digits_come_back(server, value):
    body = f'{{"inputs":{{"echo":[{value}]}}}}'
    answer = server.client.post(ECHO, content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["echo"] == json.loads(f"[{value}]")


def test_an_unknown_method_is_told_those_that_are_known(server, is_problem):
    answer = server.client.request("TRACE", "/collections")
    is_problem(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/collections/" + "a" * 5000,
        "/collections/..%2f..%2fetc%2fpasswd",
        "/collections/%00",
        "/collections/metsa.buildings/items/%00",
        "/collections/metsa.buildings/files//etc/passwd",
        "/collections/metsa.buildings/files/../../etc/passwd",
        "/collections/metsa.buildings/files/%2fetc%2fpasswd",
        "/collections/metsa.terrain/files/metsa.terrain.zarr/../../../api.sqlite",
        "/collections/metsa.terrain/files/metsa.terrain.zarr/%2e%2e/x",
        "/collections/metsa.buildings/items/%ed%a0%80",
        "/collections/metsa.buildings/items?x=%ff%fe",
        "/collections/metsa.buildings/items?limit=%zz",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/collections/metsa.buildings/items?limit=1&limit=2",
        "/collections/metsa.buildings/items?limit=" + "1" * 400,
        "/static/../app.py",
        "/collections//items",
        "/collections/",
        "/jobs/../tenants",
        "/sta/v1.1/Things('" + "'" * 50,
        "/sta/v1.1/" + "Things/" * 50,
    ],
)
def test_paths(server, is_problem, path):
    answer = server.get(path)
    problem = is_problem(answer)
    assert 400 <= problem["status"] < 500
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=１２",
        "limit=",
        "bbox=1,2,3",
        "bbox=nan,nan,nan,nan",
        "bbox=inf,1,2,3",
        "bbox=1e400,1,2,3",
        "bbox=1,2,3,4,5",
        "bbox=24,60,25,59",
        "bbox=-500,0,500,1",
        "bbox=1_0,2,3,4",
        "bbox=,,,",
        "datetime=x",
        "datetime=../..",
        "datetime=/",
        "datetime=2026-01-01/2025-01-01",
        "datetime=0001-01-01T00:00:00+14:00",
        "datetime=2026-13-01",
        "datetime=2026-01-01T25:00:00Z",
        "datetime=9999-12-31T23:59:59-14:00",
        "crs=EPSG:3301x",
        "crs=http://evil/",
        "bbox=1,2,3,4&bbox-crs=x",
        "f=exe",
        "f=",
        "bogus=1",
        "filter=1=1;DROP TABLE x",
        "filter-lang=sql&filter=a=1",
        "offset=-1",
        "offset=99999999999999999999",
        "cursor=%00",
        "cursor=AAAA",
        "cursor=" + "A" * 299,
    ],
)
def test_parameters(server, is_problem, query):
    problem = is_problem(server.get("/collections/metsa.buildings/items?" + query))
    assert problem["status"] == 400


@pytest.mark.parametrize(
    "query",
    [
        "",
        "coords=POINT(nan nan)",
        "coords=POINT(1e400 1)",
        "coords=POINT EMPTY",
        "coords=LINESTRING(0 0,1 1)",
        "coords=x",
        "coords=POINT(999 999)",
        "coords=POINT(24 59)&parameter-name=nothing",
        "coords=POINT(24 59)&z=x",
        "coords=POINT(24 59)&crs=x",
        "coords=POINT(24 59)&f=exe",
        "coords=MULTIPOINT(" + ",".join(["1 1"] * 200) + ")",
    ],
)
def test_positions(server, is_problem, query):
    is_problem(server.get("/collections/metsa.terrain/position?" + query), 400)


def test_a_polygon_with_too_many_vertices(server, is_problem):
    ring = ",".join(f"{24 + i * 1e-6:.6f} 59.{i % 10}" for i in range(800)) + ",24 59.0"
    is_problem(server.get("/collections/metsa.terrain/area?coords=POLYGON((" + ring + "))"), 400)


def test_methods(server, is_problem):
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        is_problem(server.client.request(method, "/collections"), 405)
    is_problem(server.client.request("TRACE", "/"), 405)
    assert server.client.options("/collections").status_code == 204


def test_a_body_over_the_limit(server, is_problem):
    is_problem(
        server.client.post(ECHO, content=b" " * (2 << 20), headers={"Content-Type": "application/json"}), 413
    )

    def pieces():
        for _ in range(40):
            yield b" " * 65536

    is_problem(server.client.post(ECHO, content=pieces(), headers={"Content-Type": "application/json"}), 413)


def test_other_content_types(server, is_problem):
    is_problem(
        server.client.post(
            ECHO, content=b"a=1", headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
        415,
    )
    is_problem(server.client.post(ECHO, content=b"<x/>", headers={"Content-Type": "text/xml"}), 415)


def test_an_unforeseen_error_says_nothing_of_itself(server, is_problem, monkeypatch):
    def broken(*_):
        raise RuntimeError("the password is 12345")

    monkeypatch.setattr(server.context.catalogue, "look_again", broken)
    monkeypatch.setattr(type(server.context.guard), "judge", broken)
    answer = server.get("/collections/metsa.buildings/items")
    problem = is_problem(answer, 500)
    assert "12345" not in answer.text
    assert answer.headers["x-request-id"] in problem["detail"]


def test_every_answer_protects_a_browser(server):
    for path in ("/", "/nope", "/collections/metsa.buildings/items?f=html&limit=1"):
        headers = server.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def pack_zip(served, mutate=None) -> bytes:
    out = io.BytesIO()
    folder = served.home / "packs" / "metsa"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                bundle.write(path, path.relative_to(folder).as_posix())
        if mutate:
            mutate(bundle)
    return out.getvalue()


def link(bundle):
    entry = zipfile.ZipInfo("link.json")
    entry.external_attr = 0o120777 << 16
    bundle.writestr(entry, "/etc/passwd")


ARCHIVES = {
    "a bomb": lambda b: b.writestr("big.csv", b"0" * (200 << 20)),
    "a slip": lambda b: b.writestr("../../evil.json", "{}"),
    "an absolute path": lambda b: b.writestr("/etc/evil.json", "{}"),
    "a link": link,
    "a program": lambda b: b.writestr("evil.py", "import os"),
    "a backslash": lambda b: b.writestr("..\\evil.json", "{}"),
    "too many files": lambda b: [b.writestr(f"f{i}.json", "{}") for i in range(20_001)],
    "the same name twice": lambda b: b.writestr("PACK.json", "{}"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(server, is_problem, name):
    headers = {**server.key("uploader", "upload:*"), "Content-Type": "application/zip"}
    is_problem(
        server.client.post("/uploads/metsa", content=pack_zip(server, ARCHIVES[name]), headers=headers), 400
    )
    assert list((server.home / "api" / "quarantine").iterdir()) == []


def test_uploads_that_are_no_pack(server, is_problem):
    headers = {**server.key("uploader", "upload:*"), "Content-Type": "application/zip"}
    for body in (b"", b"not a zip", b"PK\x03\x04" + b"\0" * 100):
        is_problem(server.client.post("/uploads/metsa", content=body, headers=headers), 400)
    whole = bytearray(pack_zip(server))
    whole[len(whole) // 2] ^= 0xFF
    assert server.client.post("/uploads/metsa", content=bytes(whole), headers=headers).status_code in (
        400,
        409,
    )
    is_problem(server.client.post("/uploads/salo", content=pack_zip(server), headers=headers), 400)
    is_problem(server.client.post("/uploads/metsa", content=pack_zip(server)), 401)
    is_problem(
        server.client.post("/uploads/metsa", content=b"x", headers={**headers, "Content-Type": "text/plain"}),
        415,
    )


def test_a_sound_pack_is_put_in_place(server):
    headers = {**server.key("uploader", "upload:*"), "Content-Type": "application/zip"}
    answer = server.client.post("/uploads/metsa", content=pack_zip(server), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["city"] == "metsa"
    report = server.get(answer.headers["location"], headers=headers)
    assert report.json()["status"] == "accepted"
    assert server.get("/collections/metsa.buildings/items?limit=1").status_code == 200


def test_a_script_in_a_name_stays_text(server):
    answer = server.get("/collections/metsa.buildings/items/<script>?f=html")
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.text)["value"] == "<script>"
