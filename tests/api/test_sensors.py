"""Sensors are read by SensorThings, written with rights, and what is sent twice is kept once."""

from __future__ import annotations

import pytest

STA = "/sta/v1.1"


def values(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


@pytest.fixture
def writer(server):
    return server.key("gateway", "read:*", "write:metsa.sensors")


def test_a_room_is_a_thing_with_a_datastream(server):
    things = values(
        server.get(f"{STA}/Things?$filter=substringof('b000001 r1',name)&$expand=Datastreams,Locations")
    )
    assert [thing["@iot.id"] for thing in things] == ["metsa:b000001/r1", "salo:b000001/r1"]
    assert things[0]["Datastreams"][0]["unitOfMeasurement"]["symbol"] == "ppm"
    assert things[0]["Locations"][0]["location"]["type"] == "Point"


def test_pages_follow_one_another(server):
    seen, path = [], f"{STA}/Observations?$top=37&$orderby=phenomenonTime"
    while path:
        document = server.get(path).json()
        seen += [item["@iot.id"] for item in document["value"]]
        path = document.get("@iot.nextLink")
    assert len(seen) == len(set(seen)) == 192


def test_filters_order_and_count(server):
    path = f"{STA}/Datastreams('metsa:s1')/Observations"
    document = server.get(
        f"{path}?$filter=result gt 800 and phenomenonTime lt 2026-03-02T00:00:00Z"
        "&$orderby=result desc&$count=true"
    ).json()
    results = [item["result"] for item in document["value"]]
    assert results == sorted(results, reverse=True)
    assert document["@iot.count"] == len(results) > 0
    assert min(results) > 800


def test_paths_to_members_and_relations(server):
    assert server.get(f"{STA}/Things('metsa:b000001/r1')/name/$value").text == "b000001 r1"
    assert server.get(f"{STA}/Things('metsa:b000001/r1')/name").json() == {"name": "b000001 r1"}
    stream = server.get(f"{STA}/Observations('metsa:s1@2026-03-01T00:00:00Z')/Datastream").json()
    assert stream["@iot.id"] == "metsa:s1"
    assert server.get(f"{STA}/Datastreams('metsa:s1')/ObservedProperty").json()["name"] == "co2"


@pytest.mark.parametrize(
    "query",
    [
        "$filter=name eq",
        "$filter=((((",
        "$top=-1",
        "$orderby=;",
        "$expand=Nothing",
        "$bogus=1",
        "$count=maybe",
        "top=1",
    ],
)
def test_options_that_are_not_understood(server, is_problem, query):
    is_problem(server.get(f"{STA}/Things?{query}"), 400)


def test_rights_hold_before_any_query(server, is_problem, writer):
    assert not [x for x in values(server.get(f"{STA}/Datastreams")) if x["@iot.id"].startswith("jarve")]
    is_problem(server.get(f"{STA}/Datastreams('jarve:s1')"), 404)
    body = {"result": 1, "phenomenonTime": "2026-03-05T00:00:00Z", "Datastream": {"@iot.id": "metsa:s1"}}
    is_problem(server.client.post(f"{STA}/Observations", json=body), 401)
    body["Datastream"]["@iot.id"] = "salo:s1"
    is_problem(server.client.post(f"{STA}/Observations", json=body, headers=writer), 403)
    is_problem(server.client.post(f"{STA}/Things", json={"name": "x"}, headers=writer), 405)


def test_what_is_sent_twice_is_kept_once(server, writer):
    path = f"{STA}/Datastreams('metsa:s1')/Observations"
    before = server.get(f"{path}?$count=true&$top=0").json()["@iot.count"]
    body = {"result": 612.5, "phenomenonTime": "2026-03-05T00:00:00Z"}
    for _ in range(3):
        answer = server.client.post(path, json=body, headers=writer)
        assert answer.status_code == 201, answer.text
    assert server.get(answer.headers["location"]).json()["result"] == 612.5
    assert server.get(f"{path}?$count=true&$top=0").json()["@iot.count"] == before + 1
    assert server.get(f"{path}?$orderby=phenomenonTime desc&$top=1").json()["value"][0]["result"] == 612.5


def test_a_batch_is_judged_one_by_one(server, writer):
    def one(stream, result):
        body = {"result": result, "phenomenonTime": "2026-03-06T00:00:00Z", "Datastream": {"@iot.id": stream}}
        return {"id": stream, "method": "post", "url": "Observations", "body": body}

    batch = {
        "requests": [
            one("metsa:s1", 1),
            one("salo:s1", 2),
            one("nobody", 3),
            one("metsa:s2", "x"),
            {"method": "get"},
        ]
    }
    answers = server.client.post(f"{STA}/$batch", json=batch, headers=writer).json()["responses"]
    assert [item["status"] for item in answers] == [201, 403, 404, 400, 400]


def test_a_data_array_is_all_or_none(server, writer, is_problem):
    group = {
        "Datastream": {"@iot.id": "metsa:s2"},
        "components": ["phenomenonTime", "result"],
        "dataArray": [["2026-03-07T00:00:00Z", 1], ["2026-03-07T01:00:00Z", 2]],
    }
    assert len(server.client.post(f"{STA}/CreateObservations", json=[group], headers=writer).json()) == 2
    bad = {**group, "dataArray": [["2026-03-08T00:00:00Z", 1], ["never", 2]]}
    is_problem(server.client.post(f"{STA}/CreateObservations", json=[bad], headers=writer), 400)
    times = [
        x["phenomenonTime"]
        for x in values(
            server.get(f"{STA}/Datastreams('metsa:s2')/Observations?$orderby=phenomenonTime desc&$top=2")
        )
    ]
    assert times == ["2026-03-07T01:00:00Z", "2026-03-07T00:00:00Z"]


def test_sentilo(server, writer, is_problem):
    key = {"IDENTITY_KEY": writer["Authorization"].removeprefix("Bearer ")}
    path = "/sentilo/data/metsa/s1"
    message = {
        "observations": [
            {"value": "12.5", "timestamp": "17/03/2026T12:34:45CET"},
            {"value": "13", "timestamp": "17/03/2026T12:34:45"},
        ]
    }
    assert server.client.put(path, json=message, headers=key).status_code == 200
    newest = values(
        server.get(f"{STA}/Datastreams('metsa:s1')/Observations?$orderby=phenomenonTime desc&$top=2")
    )
    assert [(x["phenomenonTime"], x["result"]) for x in newest] == [
        ("2026-03-17T12:34:45Z", 13.0),
        ("2026-03-17T11:34:45Z", 12.5),
    ]
    is_problem(server.client.put(path, json=message), 401)
    is_problem(server.client.put("/sentilo/data/salo/s1", json=message, headers=key), 403)
    for stamp in (
        "17/03/2026T12:34:45IST",
        "2026-03-17T12:34:45Z",
        "31/02/2026T00:00:00",
        "17/03/2026T12:34:45+99:00",
    ):
        bad = {"observations": [{"value": "1", "timestamp": stamp}]}
        is_problem(server.client.put(path, json=bad, headers=key), 400)
    several = {
        "sensors": [{"sensor": "s1", "observations": [{"value": "1", "timestamp": "18/03/2026T00:00:00Z"}]}]
    }
    assert server.client.put("/sentilo/data/metsa", json=several, headers=key).status_code == 200
