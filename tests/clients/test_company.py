"""What an operator and a company do, word for word as the operator's guide says: one command, a key with a
contract for one dataset, GDAL at the other end, the month's use with its fee."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest
from api_world import make_home

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("ogr2ogr") is None, reason="ogr2ogr (Debian's gdal-bin) is not installed"
    ),
]
TWINBOX = str(Path(sys.executable).with_name("twinbox"))
BUILDINGS = 200


def run(*command: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **given}
    )


@pytest.fixture
def operator(tmp_path, monkeypatch):
    """A home with the packs of two cities, and the command line."""
    monkeypatch.setenv("TWINBOX_HOME", str(tmp_path))
    make_home(tmp_path)

    def twinbox(*words: str) -> str:
        done = run(TWINBOX, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return twinbox


@pytest.fixture
def url(operator, tmp_path):
    """`twinbox serve`, and nothing else."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([TWINBOX, "serve", "--port", str(port)], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{address}/ready"):
                    break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def status(url: str, key: str) -> int:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
        ) as a:
            return int(a.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_company_reads_its_dataset_with_gdal_and_nothing_else(operator, url, tmp_path):
    operator("tenant", "add", "acme", "--name", "Acme Mobility OÜ")
    terms = ("--until", "2099-12-31", "--per-request", "0.01", "--per-month", "50", "--owner-share", "0.7")
    contract = operator("contract", "add", "acme", "metsa.buildings", *terms)
    scopes = ("--scope", "read:metsa.buildings", "--scope", "download:metsa.buildings")
    key = operator("key", "issue", "acme", *scopes, "--days", "90")
    time.sleep(2.5)  # a running server knows of it within two seconds

    (tmp_path / "twinbox-key").write_text(f"Authorization: Bearer {key}\n")
    with_key = {"GDAL_HTTP_HEADER_FILE": str(tmp_path / "twinbox-key")}
    listed = run("ogrinfo", f"OAPIF:{url}", **with_key)
    assert re.findall(r"\d+: (\S+)", listed.stdout) == ["metsa.buildings", "catalogue"]
    assert "ERROR" not in listed.stderr
    file = tmp_path / "buildings.gpkg"
    read = run("ogr2ogr", str(file), f"OAPIF:{url}", "metsa.buildings", **with_key)
    assert read.returncode == 0, read.stderr
    assert f"Feature Count: {BUILDINGS}" in run("ogrinfo", "-so", "-al", str(file)).stdout
    newer = f"print(len(pyogrio.read_dataframe('OAPIF:{url}', layer='metsa.buildings', PAGE_SIZE=60)))"
    assert run(sys.executable, "-c", f"import pyogrio; {newer}", **with_key).stdout.split() == [
        str(BUILDINGS)
    ]
    for other in ("metsa.stops", "salo.buildings"):
        assert run("ogr2ogr", str(tmp_path / "no.gpkg"), f"OAPIF:{url}", other, **with_key).returncode != 0
        assert status(f"{url}/collections/{other}/items", key) == 403
        assert status(f"{url}/collections/{other}/files/{other}.csv", key) == 403
    nobody = run("ogr2ogr", str(tmp_path / "no.gpkg"), f"OAPIF:{url}", "metsa.buildings")
    assert nobody.returncode != 0

    time.sleep(1.5)
    month = time.strftime("%Y-%m", time.gmtime())
    printed = operator("usage", month, "--tenant", "acme", "--verify")
    assert "50.00" in printed
    assert contract in printed
    rows = json.loads(operator("usage", month, "--tenant", "acme", "--json"))
    (line,) = [row for row in rows if row["resource"] == "metsa.buildings" and row["contract"]]
    assert line["requests"] >= 1
    assert line["features"] >= BUILDINGS
    assert Decimal(line["fee_eur"]) == line["requests"] * Decimal("0.01")
    flat = [row for row in rows if row["resource"] == "(flat fee)"]
    assert [Decimal(row["fee_eur"]) for row in flat] == [Decimal("50.00")]
    assert Decimal(line["owner_eur"]) == (Decimal(line["fee_eur"]) * Decimal("0.7")).quantize(Decimal("0.01"))
