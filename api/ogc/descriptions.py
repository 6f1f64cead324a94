"""Descriptions of processes: what the echo, each pilot and several pilots together take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.entry import Entry
from api.jobs.pilots import PilotCard
from api.jobs.tasks import COUPLED, ECHO


def _echo_card() -> dict[str, Any]:
    return {
        "id": ECHO,
        "title": "Echo",
        "description": "Gives back what it is given, after a pause.",
        "version": "1.0.0",
        "inputs": {
            "echo": {
                "title": "What to give back",
                "description": "Any value.",
                "minOccurs": 1,
                "maxOccurs": 1,
                "schema": {
                    "oneOf": [
                        {"type": "string", "maxLength": 10_000},
                        {"type": "number"},
                        {"type": "boolean"},
                        {"type": "array", "items": {}},
                        {"type": "object"},
                    ]
                },
            },
            "pause": {
                "title": "Pause",
                "description": "Seconds to wait first.",
                "minOccurs": 0,
                "maxOccurs": 1,
                "schema": {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
            },
        },
        "outputs": {"echo": {"title": "What was given", "schema": {}}},
    }


def _pilot_card(card: PilotCard, language: str, most_days: int) -> dict[str, Any]:
    about = card.about
    scenario = dict(about["scenario"])
    scenario.pop("title", None)
    return {
        "id": card.id,
        "title": about["titles"].get(language, about["title"]),
        "description": about["description"],
        "version": about["version"],
        "keywords": [about["domain"]],
        "inputs": _run_inputs(_inline(scenario), about, most_days),
        "outputs": _run_outputs(about["kpis"]),
        "needs": about["needs"],
    }


def _run_inputs(scenario: dict[str, Any], about: Mapping[str, Any], most_days: int) -> dict[str, Any]:
    """What every run takes; ``about`` gives the defaults."""
    return {
        "cities": _input(
            "Cities",
            "Cities that take part; the programme's rule must allow them.",
            {"type": "array", "items": {"type": "string", "maxLength": 100}, "minItems": 1, "maxItems": 50},
            required=True,
        ),
        "scenario": _input("Scenario", "What to set otherwise than the default.", scenario),
        "start": _input(
            "Start",
            "First day, or an aware instant.",
            {"type": "string", "maxLength": 40, **_default(about, "start")},
        ),
        "days": _input(
            "Days",
            "Length of the run.",
            {"type": "integer", "minimum": 1, "maximum": most_days, **_default(about, "days")},
        ),
        "seed": _input(
            "Seed",
            "Root of all random numbers.",
            {"type": "integer", "minimum": 0, "maximum": 2**53 - 1, "default": 1},
        ),
        "replications": _input(
            "Replications",
            "How often the run is repeated with other random numbers, for intervals.",
            {"type": "integer", "minimum": 1, "maximum": 1000, **_default(about, "replications")},
        ),
    }


def _default(about: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"default": about[name]} if name in about else {}


def _run_outputs(kpis: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What every run gives."""
    return {
        "kpis": {
            "title": "Key performance indicators",
            "description": "; ".join(f"{k['id']} ({k['unit']}): {k['definition']}" for k in kpis),
            "schema": {"type": "array", "items": {"type": "object"}},
        },
        "manifest": {"title": "Rule's verdict, plan and data of the run", "schema": {"type": "object"}},
        "collections": {
            "title": "Ids of the collections that hold the result",
            "schema": {"type": "array", "items": {"type": "string"}},
        },
    }


def _coupled_card(pilots: Sequence[PilotCard], most_days: int) -> dict[str, Any]:
    """Several pilots in one run: what one writes at the end of a window, another reads in the next."""
    scenarios = {card.id: _inline(dict(card.about["scenario"])) for card in pilots}
    scenario = {"type": "object", "properties": scenarios, "additionalProperties": False}
    names = [card.id for card in pilots]
    chosen = {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 2, "uniqueItems": True}
    return {
        "id": COUPLED,
        "title": "Coupled run",
        "description": "Several pilots on one clock: the signals that one writes are read by the others.",
        "version": "1.0.0",
        "keywords": names,
        "inputs": {
            "pilots": _input("Pilots", "Pilots that run together.", chosen, required=True),
            **_run_inputs(scenario, {}, most_days),
        },
        "outputs": _run_outputs([kpi for card in pilots for kpi in card.about["kpis"]]),
    }


def _input(title: str, description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "minOccurs": int(required),
        "maxOccurs": 1,
        "schema": schema,
    }


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema with its own definitions put where they are referred to."""
    definitions = schema.pop("$defs", {})

    def put(node: Any, depth: int) -> Any:
        if isinstance(node, Mapping):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name in definitions and depth < 10:
                return put(definitions[name], depth + 1)
            return {key: put(value, depth) for key, value in node.items()}
        return [put(item, depth) for item in node] if isinstance(node, list) else node

    inlined: dict[str, Any] = put(schema, 0)
    return inlined


async def cards(entry: Entry) -> list[dict[str, Any]]:
    """Descriptions of every process: the echo, several pilots together, each pilot."""
    most = entry.context.settings.limits.job_days
    found = await entry.context.pilots.all()
    coupled = [_coupled_card(found, most)] if len(found) > 1 else []
    return [_echo_card(), *coupled, *(_pilot_card(card, entry.language, most) for card in found)]


async def card_of(entry: Entry, process: str) -> dict[str, Any]:
    """The description of a process.

    Raises:
        NotFound: There is no such process.
    """
    if process == ECHO:
        return _echo_card()
    if process == COUPLED and len(pilots := await entry.context.pilots.all()) > 1:
        return _coupled_card(pilots, entry.context.settings.limits.job_days)
    card = await entry.context.pilots.get(process)
    return _pilot_card(card, entry.language, entry.context.settings.limits.job_days)
