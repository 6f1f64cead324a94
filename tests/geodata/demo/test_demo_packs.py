"""Demo packs are made once, whole, and the same by whoever makes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from geodata import demo
from geodata.city import City
from geodata.demo import demo_pack, ensure
from geodata.errors import DamagedPack, NotReady, UnknownName
from geodata.locate import pack_of
from geodata.pack import MANIFEST

MAKE = """
import sys
from pathlib import Path
from geodata.demo import demo_cities, demo_pack
for city in sys.argv[2:] or demo_cities():
    print(city, demo_pack(city, Path(sys.argv[1]) / city).hash)
"""


def make(folder, *cities, hash_seed):
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(folder), *cities],
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_the_same_bytes_in_another_process(packs, tmp_path):
    """The hash of a pack covers every byte of it; hash seeds and dictionaries' orders do not matter."""
    printed, _ = make(tmp_path, hash_seed=4711).communicate()
    assert dict(line.split() for line in printed.splitlines()) == {
        city: pack.hash for city, pack in packs.items()
    }


@pytest.mark.slow
def test_two_processes_at_once_make_one_pack(packs, tmp_path):
    both = [make(tmp_path, "paldiski", hash_seed=seed) for seed in (1, 2)]
    printed = {process.communicate()[0] for process in both}
    assert printed == {f"paldiski {packs['paldiski'].hash}\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["paldiski"]


def test_the_second_time_it_is_only_opened(packs, monkeypatch):
    import geodata.demo.datasets

    monkeypatch.setattr(geodata.demo.datasets, "drafts", None)
    pack = packs["rae"]
    assert demo_pack("rae", pack.path).hash == pack.hash


@pytest.fixture
def little(packs, monkeypatch):
    """Demo packs that are made at once: with the boundary of Paldiski alone."""
    import geodata.demo.datasets

    drafts = {"boundary": geodata.demo.datasets.drafts("paldiski")["boundary"]}
    monkeypatch.setattr(geodata.demo.datasets, "drafts", lambda _city: drafts)


@pytest.mark.usefixtures("little")
def test_a_pack_made_by_other_code_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "fingerprint", lambda: "old")
    old = demo_pack("paldiski", tmp_path / "paldiski")
    monkeypatch.setattr(demo, "fingerprint", lambda: "new")
    new = demo_pack("paldiski", tmp_path / "paldiski")
    assert (old.manifest.recipe_sha256, new.manifest.recipe_sha256) == ("old", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["paldiski"]


@pytest.mark.usefixtures("little")
def test_a_damaged_demo_pack_is_made_anew(tmp_path):
    pack = demo_pack("paldiski", tmp_path / "paldiski")
    (pack.path / MANIFEST).write_text("{")
    assert demo_pack("paldiski", tmp_path / "paldiski").hash == pack.hash


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    import geodata.demo.datasets

    def fail(_city):
        raise RuntimeError("out of paper")

    monkeypatch.setattr(geodata.demo.datasets, "drafts", fail)
    with pytest.raises(RuntimeError, match="paper"):
        demo_pack("paldiski", tmp_path / "paldiski")
    assert not list(tmp_path.iterdir())


def test_other_cities_have_no_demo_pack(tmp_path):
    with pytest.raises(UnknownName, match="stockholm"):
        ensure("stockholm", tmp_path)


@pytest.mark.usefixtures("little")
def test_the_built_pack_stands_for_the_city_if_there_is_one(tmp_path, packs):
    first = pack_of("Paldiski linn", tmp_path)
    assert first.demo
    assert first.path == tmp_path / "demo-packs" / "paldiski"
    built = tmp_path / "packs" / "paldiski"
    built.mkdir(parents=True)
    manifest = json.loads((packs["paldiski"].path / MANIFEST).read_text()) | {"demo": False}
    (built / MANIFEST).write_text(json.dumps(manifest))
    assert not pack_of("paldiski", tmp_path).demo
    (built / MANIFEST).write_text("{}")
    with pytest.raises(DamagedPack):
        pack_of("paldiski", tmp_path)


def test_a_city_with_neither_is_not_ready(tmp_path):
    city = City(id="narva", names={"en": "Narva"}, country="EE", crs="EPSG:3301", timezone="Europe/Tallinn")
    with pytest.raises(NotReady, match="Narva has no pack"):
        pack_of(city, tmp_path)
    with pytest.raises(UnknownName):
        pack_of("atlantis", tmp_path)
