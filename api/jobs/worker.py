"""A worker: the process in which a task, and with it a pilot's code, runs under limits."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from api.problems import document
from geodata.errors import TwinboxError

Report = Callable[[float], None]
Task = Callable[[Mapping[str, Any], Report], Any]


def work(task: Mapping[str, Any], writing: int) -> None:
    """Run a task and say on a pipe what came of it: ``progress``, then ``done`` or ``error``.

    Args:
        task: ``name``, ``payload``, ``limits``, ``folder``.
        writing: Descriptor of the pipe.
    """
    from api.jobs.tasks import TASKS

    _settle_in(task)

    def say(message: Mapping[str, Any]) -> None:
        data = json.dumps(message, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(writing, data) :]

    told_at = 0.0

    def report(share: float) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= 0.1:
            told_at = now
            say({"progress": min(max(float(share), 0.0), 1.0)})

    try:
        done = TASKS[task["name"]](task["payload"], report)
        used = resource.getrusage(resource.RUSAGE_SELF)
        say({"done": done, "cpu_s": used.ru_utime + used.ru_stime})
    except TwinboxError as error:
        say({"error": document(error)})
    except MemoryError:
        say({"error": _generic("the task ran out of memory")})
    except Exception as error:  # noqa: BLE001 - the last resort of a process; the log has the rest
        traceback.print_exc()
        say({"error": _generic(f"the task failed: {type(error).__name__}")})


def _generic(detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": detail}


def _settle_in(task: Mapping[str, Any]) -> None:
    """Take the limits, and a folder of one's own for files and what is printed."""
    limits, folder = task["limits"], task["folder"]
    os.chdir(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    log = os.open(os.path.join(folder, "output.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # noqa: PTH118
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    for kind, value in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 1024),
    ):
        _, hard = resource.getrlimit(kind)
        soft = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        # At the soft limit of processor time comes a signal that says so, at the hard one a kill that does
        # not.
        last = soft + 5 if kind == resource.RLIMIT_CPU else soft
        resource.setrlimit(kind, (soft, last if hard == resource.RLIM_INFINITY else min(last, hard)))
