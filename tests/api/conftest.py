"""A server in this process on the small world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_world import Served, make_home, serving, write_plugin

from geodata.manifest import Residency


@pytest.fixture(scope="session")
def small_world_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose packs no test changes."""
    home = tmp_path_factory.mktemp("home")
    make_home(home, jarve=Residency.AGREED)
    write_plugin(home / "plugins", {"parks": "Parks", "kiosks": "Kiosks"})
    return home


@pytest.fixture(scope="module")
def server(small_world_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with open data and open runs."""
    yield from serving(
        small_world_home,
        tmp_path_factory.mktemp("open"),
        open_data=True,
        open_runs=True,
    )


@pytest.fixture(scope="module")
def closed(small_world_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that opens nothing."""
    yield from serving(small_world_home, tmp_path_factory.mktemp("closed"))


@pytest.fixture
def is_problem() -> Callable[..., dict[str, Any]]:
    """Hold an answer to the one shape of errors."""

    def check(answer: Any, status: int | None = None) -> dict[str, Any]:
        assert answer.headers["content-type"] == "application/problem+json", answer.text[:300]
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["title"]
        assert problem["type"]
        if status is not None:
            assert answer.status_code == status, problem
        return problem

    return check
