"""Pilots are described once: again only when something has changed that a description could depend on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api.jobs.pilots import Pilots
from twin.plugins import Found


class Scribe:
    """In place of workers: counts who is described."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def call(self, name, payload, wall_s):  # noqa: ARG002 - as a workshop is asked
        self.asked.append(payload["pilot"])
        return {"title": payload["pilot"], "version": "1"}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    kiosk = Found("kiosk", "kiosks", "1.0", "kiosk_plugin:Kiosk")
    monkeypatch.setattr("api.jobs.pilots.found", lambda: (kiosk,))
    file = tmp_path / "kiosk_plugin.py"
    file.write_text("raise SystemExit('a server never imports this')")
    return file


def described(folder: Path) -> list[str]:
    """Who is asked to describe itself when a server starts."""
    scribe = Scribe()
    pilots = Pilots(scribe, folder)
    asyncio.run(pilots.look())
    assert asyncio.run(pilots.get("kiosk")).about["title"] == "kiosk"
    return scribe.asked


def test_a_description_outlives_the_server(plugin: Path, tmp_path: Path) -> None:
    assert [described(tmp_path / "kept") for _ in range(3)] == [["kiosk"], [], []]


def test_changed_sources_are_described_anew_and_the_old_words_go(plugin: Path, tmp_path: Path) -> None:
    described(tmp_path / "kept")
    plugin.write_text("raise SystemExit('another version')")
    assert described(tmp_path / "kept") == ["kiosk"]
    assert len(list((tmp_path / "kept").iterdir())) == 1
