"""A supervisor: one process that watches one worker, and ends it with everything the worker has started.

It is the foreman between the server and a pilot's code. Whatever the worker forks stays its descendant: it
asks the system for orphans (``PR_SET_CHILD_SUBREAPER``), so that nothing slips away by leaving its group.
When the server goes, its socket closes, and the supervisor clears the floor and leaves.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SUBREAPER, _DEATH_SIGNAL = 36, 1
_LOOK_S = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


def supervise(task: Mapping[str, Any], server: socket.socket) -> None:
    """Fork the worker of a task, relay what it says, end it when it is told to or passes a limit.

    Args:
        task: ``name``, ``payload``, ``limits``, ``niceness`` (on top of the nursery's), ``folder`` (its own,
            removed in the end).
        server: Where to talk to the server: lines of JSON.
    """
    os.setsid()
    step_back(task["niceness"])
    _prctl(_SUBREAPER, 1)
    folder = Path(task["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    parent = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.close(reading)
        server.close()
        _become_worker(task, writing, parent)
    os.close(writing)
    try:
        reason = _watch(worker, reading, server, task["limits"], folder)
    finally:
        clear(worker)
        shutil.rmtree(folder, ignore_errors=True)
    if reason is not None:
        _say(server, {"ended": reason, "cpu_s": _children_cpu_s()})
    server.close()


def step_back(further: int) -> None:
    """Let others go first: this process, and the session that it leads.

    Where the system shares processors by session (autogroups of Linux), the niceness of a process only counts
    within its own session, so that the session has to be nice as well.

    Args:
        further: What is added to the niceness of the process.
    """
    niceness = os.nice(further)
    for _ in range(10):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness))
        except BlockingIOError:
            time.sleep(0.02)  # the system hears an ordinary user ten times a second
        except OSError:
            return
        else:
            return


def _become_worker(task: Mapping[str, Any], writing: int, parent: int) -> None:
    from api.jobs.worker import work

    code = 1
    try:
        os.setpgid(0, 0)
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:  # the supervisor died before the signal was asked for
            os._exit(1)
        work(task, writing)
        code = 0
    finally:
        os._exit(code)


def _watch(
    worker: int, reading: int, server: socket.socket, limits: Mapping[str, float], folder: Path
) -> str | None:
    """Relay until the worker ends; why it ended if it did not say so itself, None if nobody listens."""
    started = looked = time.monotonic()
    spoken, last = b"", b""
    while True:
        watched: list[int | socket.socket] = [reading, server]
        ready, _, _ = select.select(watched, [], [], _LOOK_S)
        if reading in ready:
            data = os.read(reading, 65_536)
            if not data:
                return _how_it_ended(worker, last)
            spoken += data
            *lines, spoken = spoken.split(b"\n")
            if lines:
                last = lines[-1]
                server.sendall(b"\n".join(lines) + b"\n")
        if server in ready:
            return "it was stopped" if server.recv(64) else None
        now = time.monotonic()
        if now - looked >= _LOOK_S:
            looked = now
            if _has_ended(worker) and not select.select([reading], [], [], 0)[0]:
                return _how_it_ended(worker, last)  # what it forked still holds the pipe
            reason = _over_limit(now - started, limits, folder)
            if reason:
                return reason


def _has_ended(worker: int) -> bool:
    return os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _how_it_ended(worker: int, last: bytes) -> str:
    _, status, used = os.wait4(worker, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        words = {"SIGXCPU": "it used up its processor time", "SIGXFSZ": "it wrote too large a file"}
        return words.get(name, f"it was ended by {name}")
    said_it = last.startswith((b'{"done"', b'{"error"'))
    return "" if said_it else f"it left with exit code {os.WEXITSTATUS(status)} after {used.ru_utime:.1f} s"


def _over_limit(age_s: float, limits: Mapping[str, float], folder: Path) -> str:
    if age_s > limits["wall_s"]:
        return f"it took longer than {limits['wall_s']:g} s"
    tree = descendants(os.getpid())
    if len(tree) > limits["processes"]:
        return f"it ran more than {limits['processes']:g} processes"
    if sum(map(_resident, tree)) > limits["memory_bytes"]:
        return f"it used more than {limits['memory_bytes'] / 2**20:g} MiB of memory"
    if _size_of(folder) > 2 * limits["file_bytes"]:
        return f"it wrote more than {2 * limits['file_bytes'] / 2**20:g} MiB of files"
    return ""


def descendants(pid: int, most: int = 100_000) -> list[int]:
    """All processes below one, children first."""
    found: list[int] = []
    queue = [pid]
    while queue and len(found) < most:
        parent = queue.pop()
        try:
            text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            continue
        children = [int(part) for part in text.split()]
        found += children
        queue += children
    return found


def clear(worker: int) -> None:
    """Kill a worker and whatever descends from it, until nothing is left."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        _kill_group(worker)
        tree = descendants(os.getpid())
        for pid in tree:
            _signal(pid, signal.SIGSTOP)
        for pid in tree:
            _signal(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _kill_group(worker: int) -> None:
    try:
        os.killpg(worker, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _resident(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE if fields else 0


def _size_of(folder: str | Path) -> int:
    """What a folder takes on the disk, with all that is below it; what vanishes meanwhile takes nothing."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as items:
        for item in items:
            with contextlib.suppress(OSError):
                size += item.stat(follow_symlinks=False).st_blocks * 512
                if item.is_dir(follow_symlinks=False):
                    size += _size_of(item.path)
    return size


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _say(server: socket.socket, message: Mapping[str, Any]) -> None:
    try:
        server.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        return


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
