"""Checkers and models of the standards that nobody here wrote hold our answers to the standards.

``ogctests`` asks a server the abstract tests of OGC API – Features one after the other; ``ogcapi-registry``
holds the API's description to the requirements of each standard. The rest are models of the standards'
documents, strict ones, from the makers of other servers and clients: what they cannot read is wrong.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
from api_world import about, buildings, server_process, write_recipes
from small_world import CITIES

from geodata.kinds import kind
from geodata.publish import Draft, write_pack

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def get(url: str, path: str, accept: str = "application/json") -> Any:
    request = urllib.request.Request(url + path, headers={"Accept": accept})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def post(url: str, path: str, body: object, **headers: str) -> Any:
    data = json.dumps(body).encode()
    request = urllib.request.Request(
        url + path, data, {"Content-Type": "application/json", **headers}, method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.fixture(scope="session")
def listed(url):
    """Every collection by its own document."""
    return [get(url, f"/collections/{item['id']}") for item in get(url, "/collections")["collections"]]


def of_features(listed):
    return [item["id"] for item in listed if item["itemType"] == "feature"]


def test_ogctests_of_features(tmp_path):
    """All 29 abstract tests of Features; the suite takes every collection for one of features."""
    if importlib.util.find_spec("ogctests") is None:
        pytest.skip("ogctests is not installed: pip install --no-deps ogctests")
    write_recipes(tmp_path)
    city = CITIES["metsa"]
    rows = buildings(city.crs, 200)
    stops = rows[["geometry"]].set_geometry(rows.centroid).assign(stop_id=np.arange(200).astype(str), name="")
    drafts = {
        name: Draft(name, kind(name), table, about())
        for name, table in (("buildings", rows), ("stops", stops))
    }
    write_pack(tmp_path / "packs" / city.id, city, drafts, recipe_sha256="0" * 64)
    with server_process(tmp_path, absolute=True) as address:
        code = (
            "import httpx; from ogctests.main import run_ogctests; "
            f"client = httpx.Client(base_url={address!r}, timeout=60); "
            f"run_ogctests('features/core', {address!r}, ['-c', {os.devnull!r}, '-q'], client)"
        )
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert "29 passed" in done.stdout, done.stdout[-3000:]


@pytest.mark.parametrize("standard", ["Features", "Processes", "Records", "EDR"])
def test_ogcapi_registry(url, standard):
    """No violation in the description, by the checker's rules for what the server declares."""
    registry = pytest.importorskip("ogcapi_registry", reason="ogcapi-registry is not installed")
    strategies = pytest.importorskip("ogcapi_registry.strategies")
    description = get(url, "/openapi.json")
    if standard == "Records":
        # The checker takes a path for one of many records unless its last part is called recordId.
        name = "/collections/{collectionId}/items/{featureId}"
        description["paths"][name.replace("featureId", "recordId")] = description["paths"].pop(name)
    declared = registry.parse_conformance_classes(get(url, "/conformance")["conformsTo"])
    assert getattr(registry.OGCAPIType, standard.upper()) in registry.detect_api_types(declared)
    judged = getattr(strategies, f"{standard}Strategy")().validate(description, declared)
    assert not judged.errors
    assert judged.is_valid


def test_pydantic_ogcapi_reads_features(url, listed):
    core = pytest.importorskip("pydantic_ogcapi.core", reason="pydantic-ogcapi is not installed")
    filtering = pytest.importorskip("pydantic_ogcapi.filtering")
    core.LandingPage.model_validate(get(url, "/"))
    core.ConformanceDeclaration.model_validate(get(url, "/conformance"))
    assert len(core.Collections.model_validate(get(url, "/collections")).collections) == len(listed)
    for name in of_features(listed):
        page = core.FeatureCollection.model_validate(get(url, f"/collections/{name}/items?limit=1000"))
        assert len(page.features) == page.number_returned == page.number_matched
        core.Feature.model_validate(get(url, f"/collections/{name}/items/{page.features[0].id}"))
        filtering.Queryables.model_validate(get(url, f"/collections/{name}/queryables"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(url, "/collections/metsa.buildings/items?bbox=1,2,3")
    assert refused.value.headers["Content-Type"] == "application/problem+json"


def test_geojson_pydantic_reads_features_and_records(url, listed):
    geojson = pytest.importorskip("geojson_pydantic", reason="geojson-pydantic is not installed")
    for name in [*of_features(listed), "catalogue"]:
        page = get(url, f"/collections/{name}/items?limit=1000")
        assert len(geojson.FeatureCollection.model_validate(page).features) == page["numberReturned"] > 0


def test_gavicore_reads_processes_and_jobs(url):
    models = pytest.importorskip("gavicore.models", reason="gavicore is not installed")
    models.Capabilities.model_validate(get(url, "/"))
    models.ConformanceDeclaration.model_validate(get(url, "/conformance"))
    processes = models.ProcessList.model_validate(get(url, "/processes")).processes
    assert {item.id for item in processes} >= {"echo", "parks", "transport", "coupled-run"}
    for item in processes:
        models.ProcessDescription.model_validate(get(url, f"/processes/{item.id}"))
    request = {"inputs": {"echo": "tere"}}
    models.ProcessRequest.model_validate(request)
    models.JobResults.model_validate(post(url, "/processes/echo/execution", request))
    job = models.JobInfo.model_validate(
        post(url, "/processes/echo/execution", request, Prefer="respond-async")
    )
    assert models.JobInfo.model_validate(get(url, f"/jobs/{job.jobID}")).type == "process"
    assert job.jobID in {one.jobID for one in models.JobList.model_validate(get(url, "/jobs")).jobs}


def test_edr_pydantic_reads_coverages(url, listed):
    """Its models know neither members of other standards nor texts in several languages, which EDR allows."""
    collections = pytest.importorskip("edr_pydantic.collections", reason="edr-pydantic is not installed")
    known = set(collections.Collection.model_fields)
    coverages = [item for item in listed if "data_queries" in item]
    assert {item["id"].partition(".")[2] for item in coverages} == {"weather", "observations", "terrain"}
    for item in coverages:
        plain = {name: value for name, value in item.items() if name in known}
        for parameter in plain["parameter_names"].values():
            for part in ("observedProperty", "unit"):
                parameter.get(part, {}).update(label=parameter.get(part, {}).get("label", {}).get("en", ""))
        for query in plain["data_queries"].values():
            assert query["link"]["variables"].pop("title")
        collections.Collection.model_validate_json(json.dumps(plain))
