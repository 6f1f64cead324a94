"""Real wheels, installed for real: what is broken, slow or crashing is named and harms nobody else."""

from __future__ import annotations

import json
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs/examples/street_lamps/street_lamps.py"

SOURCES = {
    "raises": "raise RuntimeError('no licence key')\n",
    "slow": "import time; time.sleep(600)\n",
    "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n",
    "leaves": "import sys; sys.exit(0)\n",
    "no_pilot": "class Plugin: pass\n",
    "old": EXAMPLE.read_text().replace('id = "street_lamps"', 'id = "old"\n    contract = 0'),
    "misnamed": EXAMPLE.read_text(),
    "street_lamps": EXAMPLE.read_text(),
}
CLASS = {"old": "StreetLamps", "misnamed": "StreetLamps", "street_lamps": "StreetLamps"}


def build_wheel(folder: Path, name: str, source: str, points: str) -> Path:
    """A wheel with one module, as the packaging specification has it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[twin.pilots]\n{points}\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(file, text)
    return path


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python environment that sees Twinbox and in which all the plug-ins are installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "twinbox-of-the-test.pth").write_text(
        f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n{Path(__file__).parents[2]}\n"
    )
    for name, source in SOURCES.items():
        wheel = build_wheel(folder, name, source, f"{name} = {name}:{CLASS.get(name, 'Plugin')}")
        zipfile.ZipFile(wheel).extractall(site)
    for twin in ("rival_one", "rival_two"):
        zipfile.ZipFile(build_wheel(folder, twin, "", f"rival = {twin}:Plugin")).extractall(site)
    return folder / "bin/python"


def ask(python: Path, code: str) -> str:
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.mark.slow
def test_every_plug_in_is_told_with_its_reason(python: Path) -> None:
    code = (
        "import json, dataclasses; from twin.plugins import survey\n"
        "print(json.dumps([dataclasses.asdict(p) for p in survey(time_limit_s=25)]))"
    )
    told = {(p["id"], p["distribution"]): p for p in json.loads(ask(python, code))}
    reasons = {name: p["reason"] for (name, _), p in told.items()}
    assert told["street_lamps", "street-lamps"]["state"] == "loaded"
    assert "RuntimeError: no licence key" in reasons["raises"]
    assert "took longer than 25 s" in reasons["slow"]
    assert "crashed the process (SIGSEGV)" in reasons["crashes"]
    assert "ended with exit code 0 and no result" in reasons["leaves"]
    assert "not a subclass" in reasons["no_pilot"]
    assert "written for contract 0" in reasons["old"]
    assert "its id is 'street_lamps', its entry point is named 'misnamed'" in reasons["misnamed"]
    rivals = [p for (name, _), p in told.items() if name == "rival"]
    assert len(rivals) == 2
    assert all("offers a pilot of the same id" in p["reason"] for p in rivals)


@pytest.mark.slow
def test_broken_neighbours_do_not_touch_a_sound_pilot(python: Path) -> None:
    code = (
        "import time; t = time.process_time()\n"
        "from twin import plugins; print(plugins.load('street_lamps').title)\n"
        "import sys; print(sorted(set(sys.modules) & {'raises', 'slow', 'crashes', 'leaves', 'no_pilot'}))"
    )
    assert ask(python, code).splitlines() == ["Street lighting", "[]"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "cannot be imported: RuntimeError: no licence key"),
        ("no_pilot", "is not a subclass of twin.pilot.Pilot"),
        ("rival", "offers a pilot of the same id"),
        ("nobody", "no pilot is called this"),
    ],
)
def test_asking_for_a_broken_one_is_refused_with_its_reason(name: str, message: str, python: Path) -> None:
    code = (
        "from twin import plugins\nfrom geodata.errors import TwinboxError\n"
        f"try:\n    plugins.load({name!r})\nexcept TwinboxError as error:\n    print(error)"
    )
    assert message in ask(python, code)


def test_a_plug_in_on_the_python_path_is_looked_at_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twin.plugins import survey

    about = tmp_path / "gas_lamps-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: gas-lamps\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[twin.pilots]\ngas_lamps = gas_lamps:GasLamps\n")
    (tmp_path / "gas_lamps.py").write_text("raise RuntimeError('the gas is off')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = {plugin.id: plugin.reason for plugin in survey()}
    assert "the gas is off" in told["gas_lamps"]
