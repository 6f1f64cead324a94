"""Nobody gets in where they do not belong, and everyone is told why."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from api_world import serving
from cryptography.hazmat.primitives.asymmetric import ec

from api.access.policy import Fee, agreement, understand
from api.access.registry import digest_of
from geodata.errors import InvalidInput

ITEMS = "/collections/{}/items?limit=1"


def test_nothing_is_open_unless_the_operator_says_so(closed, is_problem):
    problem = is_problem(closed.get(ITEMS.format("metsa.buildings")), 401)
    assert "key" in problem["detail"]
    assert closed.get("/collections/metsa.buildings").status_code == 200
    assert closed.get("/collections/metsa.buildings").json()["terms"]["read"]["permitted"] is False


def test_open_data_need_no_key_and_agreed_data_do(server, is_problem):
    assert server.get(ITEMS.format("metsa.buildings")).status_code == 200
    is_problem(server.get(ITEMS.format("jarve.buildings")), 401)
    headers = server.key("visitor", "read:*")
    problem = is_problem(server.get(ITEMS.format("jarve.buildings"), headers=headers), 403)
    assert any("by agreement" in reason for reason in problem["reasons"])


def test_a_contract_opens_one_dataset_and_no_other(closed, is_problem):
    headers = closed.key("acme", "read:metsa.buildings", "download:metsa.buildings")
    is_problem(closed.get(ITEMS.format("metsa.buildings"), headers=headers), 403)
    closed.registry.add_contract(agreement("acme-1", "acme", "metsa.buildings"))
    closed.context.guard.refresh()
    assert closed.get(ITEMS.format("metsa.buildings"), headers=headers).status_code == 200
    assert (
        closed.get("/collections/metsa.buildings/files/metsa.buildings.csv", headers=headers).status_code
        == 200
    )
    problem = is_problem(closed.get(ITEMS.format("metsa.stops"), headers=headers), 403)
    assert problem["reasons"] == ["the key has no scope read:metsa.stops"]


def test_a_contract_of_one_tenant_is_none_of_anothers(closed, is_problem):
    closed.key("owner")
    closed.registry.add_contract(agreement("owner-1", "owner", "salo.stops"))
    other = closed.key("stranger")
    is_problem(closed.get(ITEMS.format("salo.stops"), headers=other), 403)


def test_a_purpose_must_be_said(closed, is_problem):
    headers = closed.key("uni")
    closed.registry.add_contract(agreement("uni-1", "uni", "salo.buildings", purposes=("research",)))
    closed.context.guard.refresh()
    problem = is_problem(closed.get(ITEMS.format("salo.buildings"), headers=headers), 403)
    assert "Twinbox-Purpose" in " ".join(problem["reasons"])
    headers["Twinbox-Purpose"] = "research"
    assert closed.get(ITEMS.format("salo.buildings"), headers=headers).status_code == 200


def test_a_contract_ends(closed, is_problem):
    headers = closed.key("brief")
    until = datetime.now(UTC) - timedelta(seconds=1)
    closed.registry.add_contract(agreement("brief-1", "brief", "metsa.stops", until=until))
    closed.context.guard.refresh()
    problem = is_problem(closed.get(ITEMS.format("metsa.stops"), headers=headers), 403)
    assert "dateTime lt" in " ".join(problem["reasons"])


def test_a_prohibition_beats_a_permission(closed, is_problem):
    headers = closed.key("torn")
    document = agreement("torn-1", "torn", "metsa.*")
    document["prohibition"] = [{"target": "metsa.stops", "action": "use"}]
    closed.registry.add_contract(document)
    closed.context.guard.refresh()
    assert closed.get(ITEMS.format("metsa.buildings"), headers=headers).status_code == 200
    problem = is_problem(closed.get(ITEMS.format("metsa.stops"), headers=headers), 403)
    assert problem["reasons"] == ["contract torn-1 prohibits it"]


@pytest.mark.parametrize(
    "change",
    [
        {"permission": [{"target": "x", "action": "commercialize"}]},
        {
            "permission": [
                {
                    "target": "x",
                    "action": "use",
                    "constraint": [{"leftOperand": "spatial", "operator": "eq", "rightOperand": "EE"}],
                }
            ]
        },
        {
            "permission": [
                {
                    "target": "x",
                    "action": "use",
                    "constraint": [
                        {"leftOperand": "dateTime", "operator": "eq", "rightOperand": "2026-01-01"}
                    ],
                }
            ]
        },
        {"permission": [{"target": "x", "action": "use", "duty": [{"action": "attribute"}]}]},
        {
            "permission": [
                {
                    "target": "x",
                    "action": "use",
                    "duty": [{"action": "compensate", "twb:eur_per_request": "-1"}],
                }
            ]
        },
        {"permission": [{"target": "x", "action": "use", "refinement": []}]},
        {"obligation": [{"action": "inform"}]},
        {"permission": []},
        {"@type": "Set"},
        {"assignee": 7},
        {"inheritFrom": "http://example.org/policy"},
    ],
)
def test_a_policy_that_would_not_be_enforced_is_refused(change):
    with pytest.raises(InvalidInput):
        understand(agreement("a", "acme", "x") | change)


def test_every_scope_only_takes_away(closed, is_problem):
    closed.key("wide")
    closed.registry.add_contract(agreement("wide-1", "wide", "*"))
    narrow = closed.key("wide", "read:salo.*")
    assert closed.get(ITEMS.format("salo.districts"), headers=narrow).status_code == 200
    is_problem(closed.get(ITEMS.format("metsa.districts"), headers=narrow), 403)
    is_problem(closed.get("/collections/salo.districts/files/salo.districts.csv", headers=narrow), 403)


@pytest.mark.parametrize(
    "text", ["Bearer twb_000000000000_" + "a" * 43, "Bearer nonsense", "Basic YTpi", "Bearer", "twb_x"]
)
def test_a_bad_key_is_never_taken_for_none(server, is_problem, text):
    answer = server.get(ITEMS.format("metsa.buildings"), headers={"Authorization": text})
    is_problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_keys_end_by_time_by_hand_and_with_their_tenant(closed, is_problem):
    soon = closed.key("passing", "read:*", lifetime=timedelta(seconds=0.2))
    closed.registry.add_contract(agreement("passing-1", "passing", "*"))
    time.sleep(0.3)
    is_problem(closed.get(ITEMS.format("metsa.stops"), headers=soon), 401)
    headers = closed.key("passing")
    assert closed.get(ITEMS.format("metsa.stops"), headers=headers).status_code == 200
    closed.registry.revoke_key(headers["Authorization"].split("_")[1])
    closed.context.guard.refresh()
    is_problem(closed.get(ITEMS.format("metsa.stops"), headers=headers), 401)
    headers = closed.key("passing")
    closed.registry.disable_tenant("passing")
    closed.context.guard.refresh()
    is_problem(closed.get(ITEMS.format("metsa.stops"), headers=headers), 401)


def test_the_store_keeps_no_secret(closed):
    headers = closed.key("careful")
    secret = (
        headers["Authorization"].rpartition("_")[2]
        if "_" in headers["Authorization"][-10:]
        else headers["Authorization"][-43:]
    )
    held = json.dumps(
        [
            dict(row)
            for row in closed.context.store.rows(
                __import__("sqlalchemy").select(__import__("api.store", fromlist=["KEYS"]).KEYS)
            )
        ]
    )
    assert secret not in held
    assert digest_of(headers["Authorization"].removeprefix("Bearer ")[17:]) in held


def test_data_that_stay_are_never_served(small_world_home, tmp_path, is_problem):
    from api_world import rich_pack
    from small_world import CITIES

    from geodata.manifest import Residency, State

    for served in serving(small_world_home, tmp_path, open_data=True):
        rich_pack(tmp_path / "packs" / "metsa", CITIES["metsa"], residency=Residency.STAYS)
        rich_pack(tmp_path / "packs" / "salo", CITIES["salo"], state=State.STAGING)
        served.context.catalogue.look_again()
        headers = served.key("anyone")
        served.registry.add_contract(agreement("anyone-1", "anyone", "*"))
        served.context.guard.refresh()
        for path in ("items", "items/b000001", "files/metsa.buildings.gpkg", "files/metsa.buildings.csv"):
            problem = is_problem(served.get(f"/collections/metsa.buildings/{path}", headers=headers), 403)
            assert "stay on their node" in problem["reasons"][0]
        is_problem(
            served.get("/collections/metsa.terrain/position?coords=POINT(24.71 59.43)", headers=headers), 403
        )
        assert served.get("/sta/v1.1/Things", headers=headers).json()["value"] == [] or all(
            not item["@iot.id"].startswith("metsa")
            for item in served.get("/sta/v1.1/Things", headers=headers).json()["value"]
        )
        assert served.get("/policies/metsa.buildings").json()["permission"] == []
        problem = is_problem(served.get(ITEMS.format("salo.buildings"), headers=headers), 403)
        assert "staging" in problem["reasons"][0]


def test_results_are_seen_by_their_tenant_and_by_whom_they_are_shared_with(closed, is_problem):
    mine, other = closed.key("team"), closed.key("rival")
    body = {"inputs": {"cities": ["metsa", "salo"], "seed": 9}}
    done = closed.client.post("/processes/parks/execution", json=body, headers=mine)
    assert done.status_code == 200, done.text
    names = done.json()["collections"]
    assert closed.get(f"/collections/{names[0]}/items", headers=mine).status_code == 200
    is_problem(closed.get(f"/collections/{names[0]}", headers=other), 404)
    is_problem(closed.get(f"/collections/{names[0]}/items"), 404)
    listed = {item["id"] for item in closed.get("/collections", headers=other).json()["collections"]}
    assert not listed & set(names)
    closed.registry.share_run(done.json()["manifest"]["run_id"], "public")
    closed.context.guard.refresh()
    assert closed.get(f"/collections/{names[0]}/items").status_code == 200


def test_measured_values_of_data_that_are_not_open_are_withheld(server):
    headers = server.key("viewer")
    server.registry.add_contract(agreement("viewer-1", "viewer", "jarve.*", actions=("derive",)))
    server.context.guard.refresh()
    body = {"inputs": {"cities": ["metsa", "jarve"], "seed": 4}}
    done = server.client.post("/processes/parks/execution", json=body, headers=headers)
    assert done.status_code == 200, done.text
    for name in done.json()["collections"][1:]:
        about = server.get(f"/collections/{name}", headers=headers).json()
        features = server.get(f"/collections/{name}.district/items", headers=headers).json()["features"]
        if name.endswith("jarve"):
            assert about["provenance"]["withheld"] == ["counted"]
            assert "counted" not in features[0]["properties"]
        else:
            assert "counted" in features[0]["properties"]


def test_running_on_agreed_data_needs_a_contract(server, is_problem):
    headers = server.key("eager")
    body = {"inputs": {"cities": ["metsa", "jarve"]}}
    problem = is_problem(server.client.post("/processes/parks/execution", json=body, headers=headers), 403)
    assert any(reason.startswith("jarve.districts") for reason in problem["reasons"])


@pytest.fixture(scope="module")
def issuer_key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def issued(small_world_home, tmp_path_factory, issuer_key):
    folder = tmp_path_factory.mktemp("oidc")
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(issuer_key.public_key()))
    (folder / "jwks.json").write_text(
        json.dumps({"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]})
    )
    oidc = {"issuer": "https://id.example.ee", "audience": "twinbox", "jwks": str(folder / "jwks.json")}
    for served in serving(small_world_home, folder, oidc=oidc):
        served.registry.add_tenant("acme", "Acme")
        served.registry.add_contract(agreement("acme-1", "acme", "metsa.buildings"))
        served.context.guard.refresh()
        yield served


def token(key, **changes):
    claims = {
        "iss": "https://id.example.ee",
        "aud": "twinbox",
        "exp": time.time() + 60,
        "tenant": "acme",
        "scope": "openid read:metsa.buildings",
    } | changes
    return jwt.encode(
        {n: v for n, v in claims.items() if v is not None}, key, algorithm="ES256", headers={"kid": "k1"}
    )


def test_a_token_of_the_issuer_lets_in(issued, issuer_key, is_problem):
    headers = {"Authorization": f"Bearer {token(issuer_key)}"}
    assert issued.get(ITEMS.format("metsa.buildings"), headers=headers).status_code == 200
    is_problem(issued.get(ITEMS.format("metsa.stops"), headers=headers), 403)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"tenant": None},
        {"tenant": "nobody"},
        {"exp": None},
    ],
)
def test_a_token_that_is_not_for_us_does_not(issued, issuer_key, is_problem, changes):
    headers = {"Authorization": f"Bearer {token(issuer_key, **changes)}"}
    is_problem(issued.get(ITEMS.format("metsa.buildings"), headers=headers), 401)


def test_neither_does_one_that_is_signed_by_another_or_not_at_all(issued, is_problem):
    other = ec.generate_private_key(ec.SECP256R1())
    claims = {"iss": "https://id.example.ee", "aud": "twinbox", "exp": time.time() + 60, "tenant": "acme"}
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": "k1"})
    shared = jwt.encode(claims, "secret" * 8, algorithm="HS256", headers={"kid": "k1"})
    for text in (token(other), unsigned, shared):
        is_problem(
            issued.get(ITEMS.format("metsa.buildings"), headers={"Authorization": f"Bearer {text}"}), 401
        )


def test_quotas_are_told_and_held(small_world_home, tmp_path, is_problem):
    for served in serving(small_world_home, tmp_path, open_data=True, requests_per_minute=5):
        left = [int(served.get("/conformance").headers["ratelimit-remaining"]) for _ in range(5)]
        assert left == [4, 3, 2, 1, 0]
        answer = served.get("/conformance")
        is_problem(answer, 429)
        assert 0 < int(answer.headers["retry-after"]) <= 61
        served.registry.add_tenant("big", "Big", per_minute=100, per_month=2)
        headers = served.key("big")
        assert served.get("/", headers=headers).headers["x-quota-remaining"] == "1"
        assert served.get("/", headers=headers).status_code == 200
        is_problem(served.get("/", headers=headers), 429)


def test_fees_of_a_contract():
    policy = understand(
        agreement("a", "acme", "x", fee=Fee(eur_per_request=__import__("decimal").Decimal("0.01")))
    )
    assert str(policy.fee.eur_per_request) == "0.01"
