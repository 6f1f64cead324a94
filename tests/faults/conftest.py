"""A result to publish."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_world import CITIES, Queues, make_pack

from twin.plan import make_plan
from twin.result import Result
from twin.simulate import execute


@pytest.fixture(scope="session")
def a_result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder: Path = tmp_path_factory.mktemp("packs")
    packs = {name: make_pack(folder / name, city, 10) for name, city in CITIES.items()}
    pilot = Queues()
    return execute(make_plan([pilot], packs.values()), packs, pilots=[pilot])
