"""Mapnificent networks: a message written by hand is read back; damage is found."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import UnreadableSource
from geodata.readers import read


def varint(value: int) -> bytes:
    """A number as protocol buffers write it."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def number(field: int, value: int) -> bytes:
    """A number's field; zero is not written."""
    return varint(field << 3) + varint(value) if value else b""


def nested(field: int, content: bytes) -> bytes:
    """A text's or a message's field."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def stop(lat: float, lon: float, *options: bytes) -> bytes:
    """A stop of the network."""
    places = varint(1 << 3 | 1) + struct.pack("<d", lat) + varint(2 << 3 | 1) + struct.pack("<d", lon)
    return nested(2, places + b"".join(nested(3, option) for option in options))


RIDE = number(1, 1) + number(2, 75) + number(3, 20) + nested(4, b"1|bus_5")
BACK = number(2, 80) + nested(4, b"1|bus_5")
WALK = number(1, 1) + number(5, 240)
LINE = nested(
    3, nested(1, b"1|bus_5") + nested(2, number(1, 600) + number(2, 6) + number(3, 9) + number(4, 31))
)
NETWORK = nested(1, b"kyla") + stop(58.3, 26.7, RIDE, WALK) + stop(58.31, 26.71, BACK) + LINE


def test_layers(tmp_path: Path) -> None:
    path = tmp_path / "kyla.bin"
    path.write_bytes(NETWORK)
    stops = read("mapnificent", path, {"layer": "stops"}).frame
    assert stops[["stop", "lat", "lon"]].to_numpy().tolist() == [["m0", 58.3, 26.7], ["m1", 58.31, 26.71]]
    rides = read("mapnificent", path, {"layer": "rides"}).frame
    assert rides.to_numpy().tolist() == [["m0", "m1", "1|bus_5", 75, 20], ["m1", "m0", "1|bus_5", 80, 0]]
    assert read("mapnificent", path, {"layer": "walks"}).frame.to_numpy().tolist() == [["m0", "m1", 240]]
    headways = read("mapnificent", path, {"layer": "headways"}).frame
    assert headways.to_numpy().tolist() == [["1|bus_5", 31, "weekday", 6, 9, 600]]
    lines = read("mapnificent", path, {"layer": "lines"}).frame
    assert lines.geometry.iloc[0].length == pytest.approx((2 * 0.01**2) ** 0.5)


@settings(max_examples=80, deadline=None)
@given(cut=st.integers(0, len(NETWORK) - 1))
def test_truncated_anywhere_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("bin") / "kyla.bin"
    path.write_bytes(NETWORK[:cut])
    try:
        read("mapnificent", path, {"layer": "rides"})
    except UnreadableSource:
        return
    assert cut == len(NETWORK) - len(LINE)


@settings(max_examples=80, deadline=None)
@given(content=st.binary(max_size=200))
def test_noise_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bin") / "kyla.bin"
    path.write_bytes(content)
    for layer in ("stops", "rides", "headways"):
        try:
            read("mapnificent", path, {"layer": layer})
        except UnreadableSource:
            continue
