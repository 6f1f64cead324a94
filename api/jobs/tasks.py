"""What workers do: describe and plan and run pilots, prepare and export collections, check what was uploaded.

Each task is a function of a JSON document to a JSON document. Only here does a pilot's code ever run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from api.jobs.worker import Report, Task

ECHO, COUPLED = "echo", "coupled-run"


def echo(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Give back what was given, after a pause."""
    pause = float(payload["inputs"].get("pause", 0))
    for step in range(int(pause * 10)):
        report(step / (pause * 10))
        time.sleep(0.1)
    return {"outputs": {"echo": payload["inputs"]["echo"]}}


def describe(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """What a pilot says of itself."""
    from twin.plugins import load

    pilot = load(payload["pilot"])
    return {
        "id": pilot.id,
        "title": pilot.title,
        "titles": {**pilot.titles, "en": pilot.title},
        "description": (type(pilot).__doc__ or pilot.title).strip(),
        "version": pilot.version,
        "domain": str(pilot.domain),
        "start": pilot.start,
        "days": pilot.days,
        "replications": pilot.replications,
        "scenario": pilot.Scenario.model_json_schema(),
        "files": [asdict(item) for item in pilot.files],
        "needs": [
            {"kind": need.kind, "why": need.why, "optional": need.optional, "instead": list(need.instead)}
            for need in pilot.needs
        ],
        "kpis": [
            {"id": k.id, "title": k.title, "unit": k.unit, "better": k.better, "definition": k.definition}
            for k in pilot.kpis
        ],
    }


def plan(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Hold a run against the rule, the scenario's bounds and the cities' data; nothing is simulated."""
    made, pilots = _plan(payload)
    kinds = {kind for pilot in pilots for need in pilot.needs for kind in (need.kind, *need.instead)}
    return {
        "run_id": made.run_id,
        "run_hash": made.run_hash,
        "cities": list(made.city_ids),
        "kinds": sorted(kinds),
        "simulated_h": made.days * 24 * made.replications * len(made.cities) * len(pilots),
    }


def _plan(payload: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """The plan of a run of one pilot, or of the several that its inputs name."""
    from geodata.locate import pack_of
    from twin.plan import invited, make_plan
    from twin.plugins import load
    from twin.programme import FINEST

    inputs = payload["inputs"]
    cities = invited(inputs["cities"], FINEST)
    pilots = [load(name) for name in inputs.get("pilots", [payload["pilot"]])]
    made = make_plan(
        pilots,
        [pack_of(city) for city in cities],
        scenario=inputs.get("scenario"),
        start=inputs.get("start"),
        days=inputs.get("days"),
        seed=inputs.get("seed", 1),
        replications=inputs.get("replications"),
    )
    return made, pilots


def check_scenario(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Hold fields to a pilot's scenario; those of a coupled run stand below their pilots' ids."""
    from geodata.errors import InvalidInput
    from twin.plan import validate_scenario
    from twin.plugins import load

    parts = payload["fields"] if payload["pilot"] == COUPLED else {payload["pilot"]: payload["fields"]}
    for name, fields in parts.items():
        if not isinstance(fields, Mapping):
            raise InvalidInput("the fields of a coupled run stand below their pilots' ids", field=name)
        validate_scenario(load(name), fields)
    return {}


def check_file(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Have a pilot read a file in quarantine; errors name the file without the folders that lead there."""
    from twin.plugins import load

    path = Path(payload["file"])
    os.chdir(path.parent)
    return {**load(payload["pilot"]).check_file(payload["field"], Path(path.name))}


def run(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Simulate a run and keep it; one that is kept already is not simulated again."""
    from geodata.locate import pack_of
    from twin.simulate import execute
    from twin.store import RunStore

    made, pilots = _plan(payload)
    store = RunStore()
    path = store.find(made)
    if path is None:
        packs = {item.city.id: pack_of(item.city) for item in made.cities}
        path = store.publish(execute(made, packs, report, pilots))
    return outputs_of(path)


def outputs_of(path: Path) -> dict[str, Any]:
    """A kept run as the outputs of a process: the same bytes for whoever asks, and whenever."""
    from twin.result import open_result

    result = open_result(path)
    columns = result.kpis.astype(object).where(result.kpis.notna(), None)
    manifest = {
        name: result.manifest[name] for name in ("run_id", "run_hash", "verdict", "plan", "data", "notes")
    }
    short = f"run-{result.run_hash[:10]}"
    collections = [f"{short}.kpis"] + [
        f"{short}.{pilot}.{city}" for pilot, node in result.data.children.items() for city in node.children
    ]
    return {
        "run_id": result.run_id,
        "outputs": {
            "kpis": columns.to_dict(orient="records"),
            "manifest": manifest,
            "collections": collections,
        },
    }


def demo(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Make the demo pack of a city, if it is not there."""
    from geodata.demo import ensure

    return {"hash": ensure(payload["city"]).hash}


def prepare(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Prepare a collection's product in a folder."""
    from api.catalogue.prepare import prepare as write
    from api.catalogue.wire import collection_from_json

    folder = Path(payload["folder"])
    if not folder.exists():
        write(collection_from_json(payload["collection"]), folder)
    return {}


def export(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Write a collection as a file of some format."""
    from api.catalogue.export import export as write
    from api.catalogue.wire import collection_from_json

    path = Path(payload["path"])
    if not path.exists():
        write(collection_from_json(payload["collection"]), payload["format"], path)
    return {}


def check_pilot(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Hold a pilot to the contract on demo cities."""
    from twin.testing.contract import check

    found = check(payload["pilot"])
    return {**asdict(found), "passed": found.passed, "state": "made"}


def check_pack(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:  # noqa: ARG001
    """Unpack an uploaded pack in its quarantine and hold it to its manifest."""
    from api.jobs.quarantine import check

    return check(Path(payload["archive"]), Path(payload["folder"]), payload["limits"])


TASKS: Mapping[str, Task] = {
    ECHO: echo,
    "describe": describe,
    "plan": plan,
    "check_scenario": check_scenario,
    "check_file": check_file,
    "run": run,
    "demo": demo,
    "prepare": prepare,
    "export": export,
    "check_pilot": check_pilot,
    "check_pack": check_pack,
}


def to_bytes(value: Any) -> bytes:
    """Outputs as the bytes that are kept and sent."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
