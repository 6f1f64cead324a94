"""Matrices are kept on disk under a hash of what they depend on, whole or not at all."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from geodata.streets import snap, times, travel_times
from geodata.streets.cache import MatrixCache
from tests.geodata.streets.towns import random_town


@pytest.fixture
def always_kept(monkeypatch):
    monkeypatch.setattr(times, "WORTH_KEEPING", 0)


def sets_in(folder):
    return sorted(path for path in folder.iterdir())


@pytest.mark.usefixtures("always_kept")
def test_the_second_time_is_read_and_not_computed(tmp_path, monkeypatch):
    graph = random_town(1, 50, 20)
    places = snap(graph, graph.node_xy, max_distance_m=1)
    first = travel_times(graph, places, places, keep_in=tmp_path)
    monkeypatch.setattr(times, "many_to_many", None)
    second = travel_times(graph, places, places, keep_in=tmp_path)
    assert isinstance(second.seconds, np.memmap)
    assert not second.seconds.flags.writeable
    assert (first.seconds == second.seconds).all()
    assert (first.metres == second.metres).all()


@pytest.mark.usefixtures("always_kept")
def test_whatever_changes_the_numbers_changes_the_key(tmp_path):
    graph = random_town(1, 50, 20)
    places = snap(graph, graph.node_xy, max_distance_m=1)
    travel_times(graph, places, places, keep_in=tmp_path)
    travel_times(graph, places, places[:10], keep_in=tmp_path)
    travel_times(graph, places[:10], places, keep_in=tmp_path)
    travel_times(graph, places, places, mode="bus", keep_in=tmp_path)
    travel_times(graph, places, places, speed_factor=0.9, keep_in=tmp_path)
    travel_times(graph.without(["s3"]), places, places, keep_in=tmp_path)
    travel_times(random_town(2, 50, 20), places, places, keep_in=tmp_path)
    assert len(sets_in(tmp_path)) == 7
    travel_times(graph, places, places, workers=2, keep_in=tmp_path)
    assert len(sets_in(tmp_path)) == 7


def test_a_failed_computation_leaves_nothing(tmp_path):
    def fail(_matrix):
        raise RuntimeError("out of petrol")

    with pytest.raises(RuntimeError, match="petrol"):
        MatrixCache(tmp_path).get("key", ("seconds",), (3, 3), fail)
    assert sets_in(tmp_path) == []


def test_a_matrix_cut_short_is_computed_again(tmp_path):
    cache = MatrixCache(tmp_path)

    def fill(matrix):
        matrix[:] = 7

    cache.get("key", ("seconds",), (100, 100), fill)
    file = tmp_path / "key" / "seconds.npy"
    file.write_bytes(file.read_bytes()[:1000])
    (again,) = cache.get("key", ("seconds",), (100, 100), fill)
    assert (again == 7).all()


def test_someone_else_was_faster(tmp_path):
    """Two processes compute the same matrices: the second finds the first's in place and uses them."""
    cache = MatrixCache(tmp_path)

    def fill(matrix):
        matrix[:] = 1
        if not (tmp_path / "key").exists():
            MatrixCache(tmp_path).get("key", ("seconds",), (2, 2), fill_first)

    def fill_first(matrix):
        matrix[:] = 2

    (found,) = cache.get("key", ("seconds",), (2, 2), fill)
    assert (found == 2).all()
    assert [path.name for path in sets_in(tmp_path)] == ["key"]


def test_the_oldest_go_when_the_folder_is_full(tmp_path):
    cache = MatrixCache(tmp_path, limit_bytes=3 * 4128)
    for number in range(5):
        cache.get(f"key{number}", ("seconds",), (1000, 1), lambda matrix: matrix.fill(0))
    assert [path.name for path in sets_in(tmp_path)] == ["key2", "key3", "key4"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room is not reserved on this system")
def test_a_full_disk_is_an_error_before_anything_is_computed(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left") as refused:
        MatrixCache(tmp_path).get("key", ("seconds",), (10, 10), lambda _: pytest.fail("was computed"))
    assert refused.value.filename.endswith("seconds.npy")
    assert list(tmp_path.iterdir()) == []
