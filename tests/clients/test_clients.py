"""Unmodified clients read the same numbers: GDAL old and new, QGIS, OWSLib, ogc-client, frost-sta-client.

A client that is not installed is skipped with the reason said: OWSLib and frost-sta-client come with the
dependency group ``clients``, GDAL and QGIS with Debian's ``gdal-bin`` and ``python3-qgis``; the JavaScript
client is found in the folder that TWINBOX_NODE_MODULES names.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import shapely
from api_world import buildings

BOX = (24.72, 59.43, 24.85, 59.49)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def run(*command: str, **given: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=180, check=False, env={**os.environ, **given}
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(
    "path",
    ["/", "/collections/metsa.buildings/items", "/collections/metsa.stops/files/metsa.stops.csv", "/none"],
)
def test_head_is_answered_as_get_and_the_connection_goes_on(url, path):
    """Range readers and link checkers ask with HEAD first, then with GET on the same connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    answers, lines = set(), set()
    for method in ("GET", "HEAD", "GET"):
        connection.request(method, path)
        lines.add(connection.sock)
        answer = connection.getresponse()
        answers.add((answer.status, *(answer.headers[name] for name in ("Content-Type", "Content-Length"))))
        assert len(answer.read()) == (0 if method == "HEAD" else int(answer.headers["Content-Length"]))
    assert len(answers) == len(lines) == 1
    connection.close()


def test_gdal_of_the_wheel(url, expected):
    import pyogrio

    assert "metsa.buildings" in [name for name, _ in pyogrio.list_layers(f"OAPIF:{url}")]
    some = pyogrio.read_dataframe(
        f"OAPIF:{url}", layer="metsa.buildings", bbox=BOX, PAGE_SIZE=13, CRS="OGC:CRS84"
    )
    every = pyogrio.read_dataframe(f"OAPIF:{url}", layer="metsa.buildings", PAGE_SIZE=50)
    assert (len(some), len(every)) == expected
    # Without being asked it reads in the CRS of the pack: the very coordinates, east before north.
    assert every.crs.to_epsg() == 3301
    truth = buildings("EPSG:3301", 200)
    assert every.total_bounds == pytest.approx(truth.total_bounds, abs=0.001)
    wanted = (541_000, 6_590_000, 545_000, 6_593_000)
    near = pyogrio.read_dataframe(f"OAPIF:{url}", layer="metsa.buildings", bbox=wanted, PAGE_SIZE=13)
    assert len(near) == truth.intersects(shapely.box(*wanted)).sum() > 0
    chosen = pyogrio.read_dataframe(f"OAPIF:{url}", layer="metsa.buildings", where="use = 'use 1'")
    assert len(chosen) == (every.use == "use 1").sum() > 0


def test_gdal_of_debian(url, expected):
    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo of the Debian package gdal-bin is not installed")
    box = [str(number) for number in BOX]
    told = run("ogrinfo", "-ro", "-so", "-spat", *box, f"OAPIF:{url}", "metsa.buildings")
    assert f"Feature Count: {expected[0]}" in told
    told = run("ogrinfo", "-ro", "-so", f"OAPIF:{url}", "metsa.buildings")
    assert f"Feature Count: {expected[1]}" in told


QGIS = """
import os
from qgis.core import QgsApplication, QgsFeatureRequest, QgsRectangle, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
source = "typename='metsa.buildings' url='{url}' pageSize='17' restrictToRequestBBOX='1'"
layer = QgsVectorLayer(source, "b", "OAPIF")
assert layer.isValid(), layer.error().message()
request = QgsFeatureRequest().setFilterRect(QgsRectangle(*{box}))
print("some", sum(1 for _ in layer.getFeatures(request)), flush=True)
every = QgsVectorLayer("typename='metsa.buildings' url='{url}' pageSize='50'", "b", "OAPIF")
print("every", sum(1 for _ in every.getFeatures()), flush=True)
os._exit(0)
"""


def test_qgis(url, expected, tmp_path):
    there = ["/usr/bin/python3", "-c", "import qgis.core"]
    if not Path(there[0]).exists() or subprocess.run(there, capture_output=True, check=False).returncode:
        pytest.skip("QGIS of the Debian package python3-qgis is not installed")
    script = tmp_path / "read.py"
    script.write_text(QGIS.replace("{url}", url).replace("{box}", repr(BOX)))
    told = run(
        "/usr/bin/python3", str(script), QT_QPA_PLATFORM="offscreen", HOME=str(tmp_path), PYTHONPATH=""
    )
    assert re.findall(r"(some|every) (\d+)", told) == [
        ("some", str(expected[0])),
        ("every", str(expected[1])),
    ]


def test_owslib(url, expected):
    pytest.importorskip("owslib")
    from owslib.ogcapi.edr import EnvironmentalDataRetrieval
    from owslib.ogcapi.features import Features
    from owslib.ogcapi.processes import Processes
    from owslib.ogcapi.records import Records

    features = Features(url)
    assert "metsa.buildings" in features.feature_collections()
    assert (
        features.collection_items("metsa.buildings", bbox=list(BOX), limit=1000)["numberReturned"]
        == expected[0]
    )
    cube = EnvironmentalDataRetrieval(url)
    found = cube.query_data(
        "metsa.terrain", "position", coords="POINT(24.71 59.43)", parameter_names=["elevation_m"]
    )
    assert len(found["ranges"]["elevation_m"]["values"]) == 1
    processes = Processes(url)
    assert {"echo", "parks"} <= {item["id"] for item in processes.processes()}
    assert processes.execute("echo", inputs={"echo": "hello"}) == {"echo": "hello"}
    assert Records(url).collection_items("catalogue", q="metsa buildings")["numberMatched"] == 1


def test_frost_sta_client(url):
    frost = pytest.importorskip("frost_sta_client")
    service = frost.SensorThingsService(f"{url}/sta/v1.1")
    (thing, *_) = service.things().query().filter("name eq 'b000001 r1'").list()
    assert thing.name == "b000001 r1"
    streams = list(thing.get_datastreams().query().list())
    assert [item.name for item in streams] == ["co2 of b000001 r1"]
    newest = service.observations().query().orderby("phenomenonTime", "desc").top(2).list()
    assert next(iter(newest)).phenomenon_time == "2026-03-02T23:00:00Z"
    assert len([item.id for item in service.observations().query().list()]) == 288


OGC_CLIENT = """
import { OgcApiEndpoint } from '@camptocamp/ogc-client';
const endpoint = new OgcApiEndpoint('URL/');
const items = await endpoint.getCollectionItems('metsa.buildings', 1000, 0, null, null, BOX);
const found = (await endpoint.featureCollections).includes('metsa.buildings');
console.log(JSON.stringify([await endpoint.hasFeatures, found, items.length]));
"""


def test_ogc_client(url, expected, tmp_path):
    modules = os.environ.get("TWINBOX_NODE_MODULES", "")
    if not modules or shutil.which("node") is None:
        pytest.skip("node, or TWINBOX_NODE_MODULES with @camptocamp/ogc-client, is not there")
    (tmp_path / "node_modules").symlink_to(modules)
    script = tmp_path / "read.mjs"
    script.write_text(OGC_CLIENT.replace("URL", url).replace("BOX", repr(list(BOX))))
    assert run("node", str(script)).strip() == f"[true,true,{expected[0]}]"
