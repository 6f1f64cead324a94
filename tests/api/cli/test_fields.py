"""Scenario files, --set, --grid, --rule: what they accept, and what they say of what they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lanterns import LanternPilot

from api.cli.fields import grid_of, read_document, rule_of, scenario_of, told_where, typed
from geodata.errors import InvalidInput, UnknownName, UnreadableSource
from twin.errors import ScenarioInvalid
from twin.plan import validate_scenario
from twin.programme import FINEST

LANTERNS = LanternPilot()


class Other(LanternPilot):
    id = "others"


OTHERS = Other()


def test_set_takes_the_type_of_its_field():
    fields = scenario_of([LANTERNS], None, ["number=12", "oil_l=0.25", "label=12", "failure=bug"])
    assert fields == {"lanterns": {"number": 12, "oil_l": 0.25, "label": "12", "failure": "bug"}}


def test_set_wins_over_the_file_field_by_field(tmp_path):
    file = tmp_path / "night.toml"
    file.write_text("number = 3\noil_l = 2.0\n")
    assert scenario_of([LANTERNS], file, ["lanterns.number=4"]) == {"lanterns": {"number": 4, "oil_l": 2.0}}


@pytest.mark.parametrize("name", ["both.toml", "both.json"])
def test_a_file_has_a_table_for_each_of_several_pilots(tmp_path, name):
    file = tmp_path / name
    text = (
        '{"others": {"number": 5}, "lanterns": {"oil_l": 1}}'
        if name.endswith("json")
        else "[others]\nnumber = 5\n[lanterns]\noil_l = 1\n"
    )
    file.write_text(text)
    assert scenario_of([LANTERNS, OTHERS], file, []) == {"lanterns": {"oil_l": 1}, "others": {"number": 5}}
    assert scenario_of([LANTERNS, OTHERS], None, ["others.number=7"])["others"] == {"number": 7}


@pytest.mark.parametrize("setting", ["number", "=3", "number=", "", "lanterns.=3", "  =  "])
def test_a_malformed_setting_says_what_was_expected(setting):
    with pytest.raises(InvalidInput, match="expected key=value"):
        scenario_of([LANTERNS], None, [setting])


def test_a_setting_of_several_pilots_must_name_one_of_them():
    with pytest.raises(InvalidInput, match=r"lanterns\.number=3 or others\.number=3"):
        scenario_of([LANTERNS, OTHERS], None, ["number=3"])
    with pytest.raises(UnknownName, match="a field of lanterns or others"):
        scenario_of([LANTERNS, OTHERS], None, ["street_lamps.crews=3"])


def test_a_field_set_twice_is_refused():
    with pytest.raises(InvalidInput, match="twice"):
        scenario_of([LANTERNS], None, ["number=3", "lanterns.number=4"])


def test_a_file_that_names_another_pilot_is_refused(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text("[lanterns]\nnumber = 3\n[transport]\nfleet_size = 4\n")
    with pytest.raises(InvalidInput, match="transport"):
        scenario_of([LANTERNS], file, [])


@given(st.text(max_size=40))
def test_any_text_can_be_set_on_a_text_field(text):
    assert typed(LANTERNS, "label", text) == text


BAD_FILES = {
    "line.toml": (b"number = 3\noil_l = = 2\n", 2, "not valid TOML"),
    "line.json": (b'{\n "number": 3,\n "oil_l": \n}', 4, "not valid JSON"),
    "twice.json": (b'{"number": 3, "number": 4}', None, "'number' stands twice"),
    "nan.json": (b'{"oil_l": NaN}', None, "NaN is no number"),
    "list.json": (b"[1, 2]", None, "no table of fields"),
    "latin.toml": (b'number = 3\nlabel = "S\xfcda"\n', 2, "not UTF-8"),
    "empty.json": (b"", 1, "not valid JSON"),
    "form.yaml": (b"number: 3\n", None, "unknown format"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_with_the_line(tmp_path, name):
    content, line, text = BAD_FILES[name]
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UnreadableSource, match=text) as caught:
        read_document(file)
    assert caught.value.row == line
    assert caught.value.file == str(file)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    for name in ("absent.toml", "folder.toml"):
        with pytest.raises(UnreadableSource, match=name):
            read_document(tmp_path / name)


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    file = tmp_path / "windows.json"
    file.write_text('{"number": 3}', encoding="utf-8-sig")
    assert read_document(file) == {"number": 3}


def test_a_grid_spans_typed_values_in_the_order_given():
    assert grid_of([LANTERNS], ["number=10,5", "label=a, b"]) == {"number": [10, 5], "label": ["a", "b"]}
    assert grid_of([LANTERNS, OTHERS], ["others.number=1,2"]) == {"others.number": [1, 2]}


@pytest.mark.parametrize("option", ["number", "number=", "number=1,,2", "number=1,1", "number=1,2,"])
def test_a_malformed_grid_is_refused(option):
    with pytest.raises(InvalidInput, match="--grid"):
        grid_of([LANTERNS], [option])


def test_a_rule_has_a_name_or_a_file(tmp_path):
    assert rule_of("finest-2020") is FINEST
    file = tmp_path / "nordic.toml"
    file.write_text('id = "nordic"\nmin_cities = 3\nmin_per_country = { FI = 1, EE = 1 }\n')
    assert rule_of(str(file)).min_per_country == {"FI": 1, "EE": 1}
    with pytest.raises(UnknownName, match="ldt4ssc"):
        rule_of("finest")
    file.write_text("min_cities = 0\n")
    with pytest.raises(InvalidInput, match="min_cities"):
        rule_of(str(file))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("# a night\nnumber = 3\n\noil_l = -2.0\n", 4),
        ('[lanterns]\nnumber = 3\n"oil_l" = -2.0\n', 3),
        ("[others]\noil_l = 1.0\n[lanterns]\noil_l = -2.0\n", 4),
        ('label = """\noil_l = 1.0\n"""\noil_l = -2.0\n', 4),
        ("lanterns = { number = 3, oil_l = -2.0 }\n", 1),
    ],
)
def test_a_refused_field_is_told_with_file_and_line(tmp_path, text, row):
    file = tmp_path / "night.toml"
    file.write_text(text)
    pilots = [LANTERNS, OTHERS] if "others" in text else [LANTERNS]
    with pytest.raises(ScenarioInvalid) as refused, told_where(file):
        validate_scenario(LANTERNS, scenario_of(pilots, file, [])["lanterns"])
    assert (refused.value.file, refused.value.row, refused.value.field) == (str(file), row, "oil_l")


def test_a_refused_field_of_json_is_told_with_the_file(tmp_path):
    file = tmp_path / "night.json"
    file.write_text('{"oil_l": -2.0}')
    with pytest.raises(ScenarioInvalid) as refused, told_where(file):
        validate_scenario(LANTERNS, {"oil_l": -2.0})
    assert (refused.value.file, refused.value.row) == (str(file), None)


@pytest.mark.parametrize("setting", ["oil_l=-2.0", "lanterns.oil_l=-2.0"])
def test_the_file_is_not_blamed_for_what_was_set_beside_it(tmp_path, setting):
    file = tmp_path / "night.toml"
    file.write_text("oil_l = 2.0\n")
    with pytest.raises(ScenarioInvalid) as refused, told_where(file, [setting]):
        validate_scenario(LANTERNS, scenario_of([LANTERNS], file, [setting])["lanterns"])
    assert refused.value.file is None


def test_a_place_in_a_list_is_told_with_the_line_on_which_the_list_begins(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text("x = 1\nouter = [\n  { inner = 1 },\n  { inner = 'a' },\n]\n")
    with pytest.raises(ScenarioInvalid) as refused, told_where(file):
        raise ScenarioInvalid("wrong", pilot="lanterns", field="outer.1.inner")
    assert refused.value.row == 2


def test_what_a_pilot_refuses_while_it_is_built_is_told_with_file_and_line(tmp_path):
    file = tmp_path / "s.toml"
    file.write_text("[lanterns]\nlabel = 'x'\n")
    with pytest.raises(UnknownName) as refused, told_where(file):
        raise UnknownName("no city has it", field="label", value="x")
    assert (refused.value.file, refused.value.row) == (str(file), 2)
    with pytest.raises(UnknownName) as refused, told_where(file):
        raise UnknownName("no city is called this", field="city", value="x")
    assert refused.value.file is None
