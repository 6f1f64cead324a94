"""`twinbox doctor` finds what is broken, and whose packages are imported."""

from __future__ import annotations

import json
from importlib.metadata import PathDistribution

import pytest

from api.cli import checkup
from api.cli.checkup import PACKAGES


def findings(said):
    return json.loads(said.out)["findings"]


def of(said, subject):
    return [item for item in findings(said) if item["subject"] == subject]


def test_a_sound_machine_is_in_order(shell):
    said = shell("doctor", "--json")
    assert said.code == 0, said.out
    assert not [item for item in findings(said) if item["state"] == "wrong"]
    subjects = {item["subject"] for item in findings(said)}
    assert {f"package {name}" for name in PACKAGES} <= subjects
    assert {"versions", "extra sources", "home", "pack rae", "store", "pilot lanterns"} <= subjects
    assert "in order" in shell("doctor").out


def test_a_damaged_pack_is_found(twinbox, home):
    file = next((home / "packs" / "rae").glob("stops.*"))
    file.write_bytes(file.read_bytes() + b"x")
    said = twinbox("doctor", "--json")
    assert said.code == 4
    (finding,) = of(said, "pack rae")
    assert finding["state"] == "wrong"
    assert finding["advice"] == "twinbox pack build rae"


def test_a_damaged_run_is_found(twinbox, home):
    twinbox("run", "lanterns", "-c", "rae", "-c", "tallinn")
    victim = next(
        file for file in next((home / "runs").glob("lanterns*")).rglob("*") if file.name == ".zmetadata"
    )
    victim.write_bytes(b"{}")
    said = twinbox("doctor", "--json")
    assert said.code == 4
    assert [item["state"] for item in of(said, "store")] == ["wrong", "fine"]
    assert "0 of 1 runs intact" in of(said, "store")[1]["text"]


def test_what_a_killed_process_left_is_cleared_and_told(twinbox, home):
    twinbox("runs")
    dead = home / "runs" / ".run.999999999.aa.part"
    dead.mkdir()
    said = twinbox("doctor", "--json")
    assert said.code == 0
    assert "half-written" in of(said, "store")[0]["text"]
    assert not dead.exists()


def test_a_home_that_cannot_be_written_is_found(twinbox, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TWINBOX_HOME", str(tmp_path / "file" / "home"))
    said = twinbox("doctor", "--json")
    assert said.code == 4
    assert of(said, "home")[0]["state"] == "wrong"
    assert of(said, "store")[0]["state"] == "wrong"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installed copy: four packages with a RECORD, and the distribution that owns them."""
    lines = []
    for name in PACKAGES:
        init = tmp_path / name / "__init__.py"
        init.parent.mkdir()
        init.write_text(f'"""{name}"""\n')
        lines.append(f"{name}/__init__.py,sha256={checkup._record_hash(init)},{init.stat().st_size}")
    info = tmp_path / "twinbox-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: twinbox\nVersion: 0.1.0\n")
    (info / "RECORD").write_text("\n".join(lines) + "\n")
    own = PathDistribution(info)
    monkeypatch.setattr(checkup, "distribution", lambda _: own)
    monkeypatch.setattr(checkup, "packages_distributions", lambda: {name: ["twinbox"] for name in PACKAGES})
    specs = {name: type("Spec", (), {"origin": str(tmp_path / name / "__init__.py")}) for name in PACKAGES}
    monkeypatch.setattr(checkup.importlib.util, "find_spec", specs.get)
    return tmp_path, specs


def wrong(steps):
    return {finding.subject: finding.text for finding in steps if finding.state == "wrong"}


def test_an_untouched_installation_is_ours(installed):
    assert wrong(checkup.packages()) == {}


def test_a_package_that_another_distribution_overwrote_is_found(installed):
    folder, _ = installed
    (folder / "geodata" / "__init__.py").write_text("# geodata 1.7.1 of somebody else\n")
    assert "overwritten" in wrong(checkup.packages())["package geodata"]


def test_a_package_that_another_distribution_took_along_is_found(installed):
    _, specs = installed
    specs["geodata"] = type("Spec", (), {"origin": None})
    specs["api"] = None
    assert set(wrong(checkup.packages())) == {"package geodata", "package api"}


def test_a_package_from_elsewhere_on_the_path_is_found(installed, tmp_path_factory):
    _, specs = installed
    other = tmp_path_factory.mktemp("other") / "api" / "__init__.py"
    other.parent.mkdir()
    other.write_text("")
    specs["api"] = type("Spec", (), {"origin": str(other)})
    assert "not the installed one" in wrong(checkup.packages())["package api"]


def test_another_distribution_that_claims_the_name_is_found(installed, monkeypatch):
    claims = {name: ["twinbox"] for name in PACKAGES} | {"geodata": ["twinbox", "geodata"]}
    monkeypatch.setattr(checkup, "packages_distributions", lambda: claims)
    assert "geodata" in wrong(checkup.packages())["package geodata"]


def test_an_extra_that_is_missing_is_worth_a_look(monkeypatch):
    monkeypatch.setattr(checkup, "_installed", lambda name: name != "rasterio")
    (finding,) = [item for item in checkup.extras() if item.subject == "extra sources"]
    assert finding.state == "look"
    assert "rasterio" in finding.text
    assert "twinbox[sources]" in finding.advice


def test_the_packages_of_this_test_run_are_ours():
    assert wrong(checkup.packages()) == {}
