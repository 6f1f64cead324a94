"""`twinbox pack build` and `twinbox pack fetch`, on a small recipe of a user's own."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from functools import partial

import pytest

pytest.importorskip("geodata.fetch", reason="the build of packs is not merged yet")

DISTRICTS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": f"k{n}", "label": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[24 + n, 59], [24.5 + n, 59], [24.5 + n, 59.5], [24 + n, 59.5], [24 + n, 59]]
                ],
            },
        }
        for n, name in enumerate(["Loode", "Kagu"])
    ],
}
RECIPE = """
[city]
id = "koidu"
names = {{ en = "Koidu", et = "Koidu" }}
country = "EE"
crs = "EPSG:3301"
timezone = "Europe/Tallinn"

[sources.places]
path = "koidu/places.geojson"
sha256 = "{sha256}"
get = "Ask the town clerk."

[origins.clerk]
source = "Town clerk of Koidu"
licence = "CC0-1.0"
attribution = "Koidu linn"
grade = "official"

[[dataset]]
id = "districts"
kind = "districts"
provenance = {{ use = "clerk" }}
input = [{{ source = "places", reader = "vector" }}]
geometry = {{ clip = "none" }}
columns.district_id = "code"
columns.name = "label"
"""


@pytest.fixture
def sources(home, tmp_path):
    """Raw files of Koidu, and its recipe in the user's home."""
    folder = tmp_path / "raw"
    (folder / "koidu").mkdir(parents=True)
    file = folder / "koidu" / "places.geojson"
    file.write_text(json.dumps(DISTRICTS))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    (home / "recipes" / "koidu.toml").write_text(RECIPE.format(sha256=digest))
    return folder


def test_build_accounts_for_every_row_and_the_city_counts_as_built(twinbox, home, sources):
    said = twinbox("pack", "build", "Koidu", "--sources", sources)
    assert said.code == 0, said.err
    assert "Cleaning report of koidu" in said.out
    assert str(home / "packs" / "koidu") in said.out
    rows = {city["id"]: city["pack"] for city in json.loads(twinbox("cities", "--json").out)["cities"]}
    assert rows["koidu"] == "built"


def test_build_json_holds_the_cleaning_report(twinbox, sources):
    document = json.loads(twinbox("pack", "build", "koidu", "--sources", sources, "--json").out)
    (built,) = document["built"]
    (dataset,) = built["cleaning"]["datasets"]
    assert (dataset["rows_read"], dataset["rows_written"]) == (2, 2)
    assert document["failed"] == []


def test_one_city_that_fails_does_not_stop_the_others(twinbox, sources):
    said = twinbox("pack", "build", "tartu", "koidu", "--sources", sources, "--json")
    assert said.code == 2
    document = json.loads(said.out)
    assert [report["city"] for report in document["built"]] == ["koidu"]
    assert document["failed"] == ["tartu"]
    assert "Tartu was not built" in json.loads(said.err)["error"]["message"]


def test_a_bad_source_leaves_the_former_pack_whole(twinbox, home, sources):
    twinbox("pack", "build", "koidu", "--sources", sources)
    before = {
        f.name: f.read_bytes() for f in (home / "packs" / "koidu").iterdir() if not f.name.startswith(".")
    }
    file = sources / "koidu" / "places.geojson"
    file.write_bytes(file.read_bytes()[:100])
    said = twinbox("pack", "build", "koidu", "--sources", sources)
    assert said.code == 2
    assert "koidu/places.geojson" in said.err
    after = {
        f.name: f.read_bytes() for f in (home / "packs" / "koidu").iterdir() if not f.name.startswith(".")
    }
    assert after == before


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("build",), "--all"),
        (("build", "koidu", "--all"), "--all"),
        (("build", "atlantis"), "no city is called this"),
        (("build", "koidu", "--sources", "nowhere"), "nowhere"),
        (("build", "koidu"), "twinbox pack fetch"),
        (("fetch",), "--all"),
    ],
)
def test_what_is_asked_wrongly_is_bad_input(twinbox, sources, words, text):
    if len(words) < 4 and words[-1] != "koidu" and words[0] == "build":
        words = (*words, "--sources", sources)
    said = twinbox("pack", *words)
    assert said.code == 2
    assert text in said.err


def test_fetch_takes_files_from_a_mirror_and_build_finds_them(twinbox, home, sources):
    said = twinbox("pack", "fetch", "koidu", "--mirror", sources)
    assert said.code == 0, said.err
    assert "copied" in said.out
    assert twinbox("pack", "build", "koidu").code == 0
    again = json.loads(twinbox("pack", "fetch", "koidu", "--json").out)
    assert [item["state"] for item in again["files"]["koidu"]] == ["present"]


def test_fetch_says_what_must_be_brought_by_hand(twinbox, sources, tmp_path):
    said = twinbox("pack", "fetch", "koidu", "--sources", tmp_path / "empty")
    assert said.code == 4
    assert "by hand" in said.out
    assert "Ask the town clerk." in said.out
    assert "koidu lacks 1 of 1 files" in said.out


def test_fetch_downloads_from_a_base_address(twinbox, sources, tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=sources))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        said = twinbox("pack", "fetch", "koidu", "--base-url", url, "--sources", tmp_path / "got", "--json")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert said.code == 0, said.err
    assert json.loads(said.out)["files"]["koidu"][0]["state"] == "downloaded"
    assert (tmp_path / "got" / "koidu" / "places.geojson").read_bytes() == (
        sources / "koidu" / "places.geojson"
    ).read_bytes()
