"""Recipes: the documented example builds as it stands; mistakes are named with file and field."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import LineString, box
from village import BOUNDARY, CITY, Village, dataset

from geodata import ingredients
from geodata.build import build_pack
from geodata.city import recipe_files
from geodata.errors import InvalidInput, UnknownName
from geodata.kinds import KINDS
from geodata.readers import READERS, reader
from geodata.recipe import DatasetRecipe, load_recipe

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"


def write_example(root: Path) -> Path:
    """The documented recipe and files as it asks for."""
    found = re.search(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    recipe = root / "naidis.toml"
    recipe.write_text(found.group(1), encoding="utf-8")
    folder = root / "sources" / "naidis"
    folder.mkdir(parents=True)
    town = gpd.GeoDataFrame({"nimi": ["Näidislinn"]}, geometry=[box(26.60, 58.30, 26.62, 58.31)], crs=4326)
    town.to_file(folder / "outline.geojson")
    lines = [
        LineString([(26.601, 58.305), (26.618, 58.305)]),
        LineString([(26.610, 58.301), (26.610, 58.309)]),
    ]
    roads = gpd.GeoDataFrame(
        {"nimi": ["Pikk", "Lühike"], "klass": ["P", "X"], "kiirus": ["50", "õueala"]},
        geometry=lines,
        crs=4326,
    )
    roads.to_file(folder / "roads.geojson")
    stops = "kood;nimi;tyyp;lon;lat\n1;Mõisa;püsiv;26,605;58,305\n2;Järve;nõude;26,606;58,306\n"
    (folder / "stops.csv").write_bytes(stops.encode("cp1252"))
    (folder / "weather.csv").write_text(
        "kuupaev,kell,temp_F,tuul\n01.01.2026,00:00,32,36\n01.01.2026,01:00,50,18\n01.01.2026,03:00,50,18\n"
    )
    return recipe


def test_documented_example(tmp_path: Path) -> None:
    recipe = load_recipe(write_example(tmp_path))
    built = build_pack(recipe, tmp_path / "sources", tmp_path / "packs" / "naidis")
    pack = built.pack
    assert pack.table("stops")["name"].tolist() == ["Mõisa"]
    weather = pack.table("weather")
    assert weather["temperature_c"].round(6).tolist() == [0.0, 10.0, 10.0, 10.0]
    assert weather["wind_speed_m_s"].round(6).tolist() == [10.0, 5.0, 5.0, 5.0]
    assert weather["time"].iloc[0].isoformat() == "2025-12-31T22:00:00+00:00"
    streets = pack.features("streets")
    assert len(streets) == 4
    assert streets.groupby("name")["speed_kmh"].first().to_dict() == {"Lühike": 20.0, "Pikk": 50.0}
    assert set(streets["road_class"]) == {"main", "other"}
    assert streets["component"].eq(0).all()
    assert pack.table("schools")["school_type"].tolist() == ["basic", "kindergarten"]
    assert pack.dataset("streets").provenance.variables == {"speed_kmh": "official"}
    assert pack.dataset("streets").provenance.licence == "CC-BY-4.0"


def test_every_field_and_reader_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    models = (
        DatasetRecipe, ingredients.SourceFile, ingredients.Condition, ingredients.ColumnRecipe,
        ingredients.GeometryRecipe, ingredients.Input, ingredients.Join, ingredients.Noding,
        ingredients.Dissolve, ingredients.Series, ingredients.FactorStep,
    )  # fmt: skip
    for model in models:
        for name, field in model.model_fields.items():
            assert re.search(rf"\b{field.alias or name}\b", text), f"{model.__name__}.{name}"
    for name in READERS:
        assert f"`{name}`" in text
        for option in reader(name).options.model_fields:
            assert f"`{option}`" in text or f"`{option} " in text, f"{name}.{option}"


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (('kind = "stops"', 'kind = "shops"'), "dataset.1.kind", "no kind of dataset is called this"),
        (('reader = "csv"', 'reader = "xls"'), "dataset.1.input.0", "no reader is called 'xls'"),
        (('id = "stops"', 'id = "Stops"'), "dataset.1.id", "String should match"),
        (('grade = "synthetic"', 'grade = "perfect"'), "dataset.0.provenance.grade", "should be"),
        (("MORE", 'columns.height = "h"'), "dataset.1", "has no column 'height'"),
        (("MORE", "columns.name = {}"), "dataset.1.columns.name", "exactly one of"),
        (("MORE", 'columns.name = { from = "a", match = [["(", "b"]] }'),
         "dataset.1.columns.name.match.0.0", "regular"),
        (("MORE", 'columns.name = { from = "a", pattern = "b" }'), "dataset.1.columns.name", "one group"),
        (("MORE", 'geometry = { x = "lon" }'), "dataset.1.geometry", "x and y are expected together"),
        (("MORE", 'geometry = { shape = "square" }'), "dataset.1.geometry", "cell_m is expected"),
        (("MORE", 'where = [{ column = "a", in_dataset = "later.b" }]'), None, "does not stand before it"),
        (("MORE", 'colour = "red"'), "dataset.1.colour", "Extra inputs"),
        (("MORE", 'join = [{ dataset = "boundary", take = {} }]'), "dataset.1.join.0", "either on or place"),
        (('path = "stops.csv"', 'path = "../stops.csv"'), "sources.stops.path", "without .."),
        (('path = "stops.csv"', 'path = "/etc/passwd"'), "sources.stops.path", "below the sources folder"),
        (('source = "stops"', 'source = "nothing"'), None, "[sources] does not name"),
        (("provenance = {", 'provenance = { use = "town",'), None, "[origins] does not name"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path: Path, change: tuple[str, str], field: str | None, message: str) -> None:
    text = CITY + BOUNDARY + dataset("stops", "csv", "stops.csv", "MORE")
    assert change[0] in text
    path = tmp_path / "kyla.toml"
    path.write_text(text.replace(*change).replace("MORE", ""), encoding="utf-8")
    with pytest.raises(InvalidInput, match=re.escape(message)) as caught:
        load_recipe(path)
    assert caught.value.file == str(path)
    assert caught.value.field == field


def test_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "kyla.toml"
    path.write_text("[city\n")
    with pytest.raises(InvalidInput, match="not valid TOML"):
        load_recipe(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_recipe(tmp_path / "nowhere.toml")
    with pytest.raises(UnknownName):
        load_recipe("atlantis")


@pytest.mark.parametrize("city", ["tallinn", "rae", "tartu", "paldiski", "helsinki"])
def test_shipped_recipes(city: str, home: Path) -> None:
    recipe = load_recipe(recipe_files()[city])
    assert recipe.dataset[0].kind == "boundary"
    for source in recipe.sources.values():
        for item in (source, *source.companions):
            assert item.sha256 is not None
        assert source.url is not None or source.get is not None
    for item in recipe.dataset:
        assert item.kind in KINDS
        assert item.provenance.licence
        assert item.provenance.attribution


def test_a_users_recipe_wins(village: Village, home: Path) -> None:
    (home / "recipes").mkdir(parents=True)
    (home / "recipes" / "kyla.toml").write_text(CITY + BOUNDARY, encoding="utf-8")
    assert load_recipe("kyla").city.names["et"] == "Küla"
