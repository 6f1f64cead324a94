"""One exit code for each branch of the tree of errors, in process and in a shell."""

from __future__ import annotations

import json

import pytest

from api.cli.exits import CODES, Exit, exit_code
from geodata import errors as geodata_errors
from geodata.errors import DamagedPack, TwinboxError, UnreadableSource
from twin import errors as twin_errors
from twin.errors import ScenarioInvalid


def tree(kind=TwinboxError):
    for child in kind.__subclasses__():
        yield child
        yield from tree(child)


def test_every_error_of_the_tree_has_a_foreseen_code():
    assert set(tree()) >= {geodata_errors.InvalidInput, twin_errors.RunFailed}
    for kind in tree():
        if kind.__module__ in {geodata_errors.__name__, twin_errors.__name__}:
            assert any(base in CODES for base in kind.__mro__), kind


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreadableSource("x"), 2), (ScenarioInvalid("x"), 2), (DamagedPack("x"), 4),
        (twin_errors.RunFailed("x"), 5),
        (twin_errors.DamagedRun("x"), 4), (KeyError("x"), 1), (TwinboxError("x"), 1),
    ],
)  # fmt: skip
def test_an_error_has_the_code_of_its_nearest_ancestor(error, code):
    assert exit_code(error) == code


CASES = [
    (("cities",), 0, ""),
    (("run", "lanterns", "-c", "rae", "-c", "tallinn"), 0, ""),
    (("runs", "--nonsense"), 2, "No such option"),
    (("run", "lanterns", "-c", "rae", "-c", "tallinn", "--set", "number=0"), 2, "greater than or equal to 1"),
    (("run", "lanterns", "-c", "tallinn"), 3, "finest-2020"),
    (("run", "lanterns", "-c", "tallinn", "-c", "narva"), 4, "Narva has no pack"),
    (("run", "lanterns", "-c", "rae", "-c", "tallinn", "--set", "failure=bug"), 5, "ZeroDivisionError"),
]


@pytest.mark.parametrize(("words", "code", "text"), CASES, ids=lambda case: str(case)[:40])
def test_exit_codes_of_a_real_process(shell, words, code, text):
    said = shell(*words)
    assert said.code == code, said.err
    assert text in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("words", "code", "text"), [c for c in CASES if c[1]], ids=lambda case: str(case)[:40]
)
def test_with_json_an_error_is_one_json_object_on_stderr(twinbox, words, code, text):
    said = twinbox(*words, "--json")
    assert said.code == code
    assert said.out == ""
    error = json.loads(said.err)["error"]
    assert error["exit_code"] == code
    assert {"kind", "message", "meaning"} <= set(error)


def test_an_unforeseen_error_is_short_and_says_how_to_get_the_traceback(twinbox, monkeypatch):
    def break_down(*_):
        raise LookupError("the roof is gone")

    monkeypatch.setattr("geodata.city.known_cities", break_down)
    said = twinbox("cities")
    assert said.code == Exit.UNFORESEEN
    assert said.err.startswith("unforeseen error: LookupError: the roof is gone")
    assert "twinbox --traceback cities" in said.err
    assert "Traceback" not in said.err
    assert "break_down" in twinbox("--traceback", "cities").err


def test_a_folder_that_cannot_be_used_is_bad_input(twinbox, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TWINBOX_HOME", str(tmp_path / "file" / "home"))
    said = twinbox("runs")
    assert said.code == 2
    assert "file" in said.err
    assert "refuses" in said.err


@pytest.mark.parametrize(
    "command", ["tenant add acme --name Acme", "serve", "run lanterns -c rae -c tallinn"]
)
def test_a_home_where_no_folder_can_be_made_is_bad_input(twinbox, monkeypatch, command):
    monkeypatch.setenv("TWINBOX_HOME", "/proc/nowhere/home")
    said = twinbox(*command.split())
    assert said.code == 2
    assert "/proc/nowhere" in said.err
    assert "TWINBOX_HOME" in said.err
    assert "unforeseen" not in said.err


def test_no_detail_of_an_error_is_lost_on_its_way_out_of_a_simulation(twinbox):
    said = twinbox("run", "lanterns", "-c", "rae", "-c", "tallinn", "--set", "failure=data")
    assert said.code == 2
    for part in ("a lantern has no height", "lanterns.csv", "height_m", "-1"):
        assert part in said.err


def test_a_failed_run_names_pilot_line_and_cause_and_leaves_nothing_behind(twinbox, home):
    said = twinbox("run", "lanterns", "-c", "rae", "-c", "tallinn", "--set", "failure=bug")
    assert "lanterns.py, line" in said.err
    assert "twinbox --traceback run lanterns" in said.err
    assert json.loads(twinbox("runs", "--json").out)["runs"] == []
