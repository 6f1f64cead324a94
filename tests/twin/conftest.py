"""The small world as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from small_world import CITIES, Queues, make_pack

from geodata.pack import CityPack
from twin.packs import PackView
from twin.pilot import CityModel, Pilot
from twin.world import World


@pytest.fixture
def small_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of Twinbox with recipes and packs of the small cities."""
    monkeypatch.setenv("TWINBOX_HOME", str(tmp_path))
    (tmp_path / "recipes").mkdir()
    for city in CITIES.values():
        names = ", ".join(f'{language} = "{name}"' for language, name in city.names.items())
        text = (
            f'[city]\nid = "{city.id}"\nnames = {{ {names} }}\ncountry = "{city.country}"\n'
            f'crs = "{city.crs}"\ntimezone = "{city.timezone}"\naliases = {list(city.aliases)}\n'
        )
        (tmp_path / "recipes" / f"{city.id}.toml").write_text(text, encoding="utf-8")
        make_pack(tmp_path / "packs" / city.id, city, stops=10 + len(city.id))
    return tmp_path


@pytest.fixture
def packs(tmp_path: Path) -> Mapping[str, CityPack]:
    """Packs of the small cities."""
    return {name: make_pack(tmp_path / "packs" / name, city, 10) for name, city in CITIES.items()}


@pytest.fixture
def queues() -> Pilot:
    return Queues()


@pytest.fixture
def variant() -> Callable[..., Pilot]:
    """A function that makes a pilot like the queues, with other class variables or another model."""

    def make(name: str = "variant", model: type[CityModel] | None = None, **changes: Any) -> Pilot:
        members: dict[str, Any] = {"id": name, **changes}
        if model is not None:

            def build(
                _: Pilot, packs: Mapping[str, PackView], scenario: Any, world: World
            ) -> Mapping[str, CityModel]:
                for pack in packs.values():
                    pack.table("stops", ["stop_id"])
                return {city: model(city, 1, scenario, world) for city in packs}

            members["build"] = build
        return type("Variant", (Queues,), members)()

    return make
