"""A city's network, from the best that its pack holds."""

from __future__ import annotations

from geodata.errors import NotReady
from geodata.pack import CityPack
from geodata.streets.derived import from_rides
from geodata.streets.graph import StreetGraph, from_features

OFF_ROAD = ("train", "metro", "ferry")
"""Modes whose way is no road."""


def street_graph(pack: CityPack) -> StreetGraph:
    """The network of a city: its streets, or where it shares none, what its bus rides tell.

    Raises:
        NotReady: The pack holds neither streets nor stops and rides.
    """
    if pack.has("streets"):
        source = pack.dataset("streets").provenance
        note = f"streets of {pack.city.name} are {source.grade}: {source.notes}" if pack.demo else ""
        return from_features(pack.features("streets"), grade=source.grade, note=note)
    if pack.has("stops") and pack.has("rides"):
        rides = pack.table("rides")
        if pack.has("lines"):
            lines = pack.table("lines", ["line_id", "mode"])
            rides = rides[~rides["line_id"].isin(lines.loc[lines["mode"].isin(OFF_ROAD), "line_id"])]
        return from_rides(pack.features("stops"), rides, place=pack.city.name)
    raise NotReady(
        f"the pack of {pack.city.name} holds neither streets nor rides between stops",
        field="streets",
        hint=f"twinbox pack build {pack.city.id} with a recipe that has one of them",
    )
