"""A city (or a parish, or a town within one): its names, its country, how its maps and clocks are set.

Which cities there are is told by recipe files, those that ship with Twinbox and those the user adds: a new
city of the world is a new file, not new code.
"""

from __future__ import annotations

import difflib
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from geodata.errors import InvalidInput, UnknownName
from geodata.home import recipes_home

Language = Literal["en", "et", "fi"]
CityId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]


class City(BaseModel):
    """A place that takes part in pilots.

    Example: ``City(id="rae", names={"en": "Rae parish", "et": "Rae vald"}, country="EE",
    crs="EPSG:3301", timezone="Europe/Tallinn")``
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: CityId
    names: Mapping[Language, str]
    country: CountryCode
    crs: Annotated[str, Field(pattern=r"^EPSG:\d{4,6}$", description="metric CRS of the city's pack")]
    timezone: str
    aliases: tuple[str, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no IANA time zone is called {name!r}") from error
        return name

    @field_validator("names")
    @classmethod
    def _english_name_given(cls, names: Mapping[Language, str]) -> Mapping[Language, str]:
        if "en" not in names:
            raise ValueError("an English name ('en') is needed")
        return names

    @cached_property
    def zone(self) -> ZoneInfo:
        """The city's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def name(self) -> str:
        """The English name."""
        return self.names["en"]

    def called(self) -> set[str]:
        """Every spelling this city answers to, folded by :func:`fold`."""
        return {fold(spelling) for spelling in (self.id, *self.names.values(), *self.aliases)}


def fold(name: str) -> str:
    """A name without case, accents and separators: ``"Lääne-Harju"`` becomes ``"laaneharju"``."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in plain if character.isalnum())


def recipe_files() -> dict[str, Path]:
    """Recipe files by city id: those that ship, and those in the user's recipe folder, which win."""
    shipped = Path(str(resources.files("geodata"))) / "recipes"
    files: dict[str, Path] = {}
    for folder in (shipped, recipes_home()):
        for path in sorted(folder.glob("*.toml")):
            files[path.stem] = path
    return files


def city_of_recipe(path: Path) -> City:
    """The city that a recipe file describes.

    Raises:
        InvalidInput: The file is no TOML, has no ``[city]`` table, or the table breaks the schema.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the recipe is not valid TOML: {error}", file=path) from error
    if not isinstance(document.get("city"), dict):
        raise InvalidInput("the recipe has no [city] table", file=path)
    try:
        city = City.model_validate(document["city"])
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["city", *map(str, first["loc"])])
        raise InvalidInput(first["msg"], file=path, field=field, value=first["input"]) from error
    if city.id != path.stem:
        raise InvalidInput(
            "a recipe's file is named after its city",
            file=path,
            value=city.id,
            expected=f"id = {path.stem!r}",
        )
    return city


def known_cities() -> dict[str, City]:
    """All cities by id, in the order of their ids."""
    return {city_id: city_of_recipe(path) for city_id, path in sorted(recipe_files().items())}


def find_city(name: str, cities: Iterable[City] | None = None) -> City:
    """The city that answers to a name, in any of its languages, with or without accents and case.

    Raises:
        UnknownName: No city answers, or several do; near spellings are named.
    """
    pool = list(known_cities().values() if cities is None else cities)
    wanted = fold(name)
    found = [city for city in pool if wanted and wanted in city.called()]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise UnknownName(
            "several cities answer to this name",
            field="city",
            value=name,
            expected="one of " + ", ".join(city.id for city in found),
        )
    spellings = {spelling: city.id for city in pool for spelling in city.called()}
    near = sorted({spellings[match] for match in difflib.get_close_matches(wanted, spellings, n=3)})
    raise UnknownName(
        "no city is called this",
        field="city",
        value=name,
        expected="one of " + ", ".join(sorted(city.id for city in pool)),
        hint=f"did you mean {' or '.join(near)}?" if near else "a recipe file adds a city",
    )
