"""A nursery of processes: one that has the scientific libraries loaded and forks a child for each task.

A fresh Python with geopandas takes seconds to start; a fork of one that has it takes milliseconds. The
nursery itself runs no task and no pilot: each fork becomes a supervisor (:mod:`api.jobs.supervisor`) with one
worker below it. The server asks through a socket, handing over the socket on which the supervisor shall talk
to it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from api.settings import PREFIX
from geodata.errors import NotReady

_FOR_RUNS = ("api.jobs.tasks", "twin.simulate", "twin.store", "zarr", "geodata.publish", "geodata.demo.facts")
_FOR_THE_REST = ("api.catalogue.prepare", "api.catalogue.export")
_MOST_BYTES = 1_048_576
_NICENESS = 5
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Nursery:
    """The server's end: starts the nursery's process and asks it for children.

    Args:
        environment: Variables to set besides the server's own; the server's secrets are left out.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        self._discard()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        command = [sys.executable, "-P", "-m", "api.jobs.nursery", str(theirs.fileno())]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            pass_fds=[theirs.fileno()],
            env=kept | dict.fromkeys(_ONE_THREAD, "1") | self._environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours

    def spawn(self, task: Mapping[str, Any]) -> socket.socket:
        """Have a supervisor born; returns the socket on which it talks.

        Raises:
            NotReady: The nursery cannot be reached, even after it was started anew.
        """
        message = json.dumps(task).encode()
        if len(message) > _MOST_BYTES:
            raise NotReady("the task is too large to be handed to a worker", value=len(message))
        with self._lock:
            for _ in range(2):
                self.start()
                assert self._socket is not None
                ours, theirs = socket.socketpair()
                try:
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MOST_BYTES)
                    socket.send_fds(self._socket, [message], [theirs.fileno()])
                except OSError:
                    ours.close()
                    self._discard()
                else:
                    return ours
                finally:
                    theirs.close()
        raise NotReady("no worker can be started")

    def _discard(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the nursery; supervisors end by themselves when their sockets close."""
        with self._lock:
            self._discard()


def main(descriptor: int) -> None:
    """The nursery's own life: fork a supervisor for each message, end when the server has gone.

    What a run needs is loaded before the first fork, the rest while nobody asks: after a crash the runs that
    it broke off wait for this.
    """
    from api.jobs.supervisor import step_back

    for name in _FOR_RUNS:
        importlib.import_module(name)
    step_back(_NICENESS)  # forking costs milliseconds, which the requests of others shall not feel
    later = list(_FOR_THE_REST)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the system
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as control:
        while True:
            while later and not select.select([control], [], [], 0)[0]:
                importlib.import_module(later.pop(0))
            message, received, _, _ = socket.recv_fds(control, _MOST_BYTES + 1, 1)
            if not message:
                return
            if os.fork() == 0:
                control.close()
                _become_supervisor(message, received[0])
            os.close(received[0])


def _become_supervisor(message: bytes, descriptor: int) -> None:
    from api.jobs.supervisor import supervise

    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            supervise(json.loads(message), socket.socket(fileno=descriptor))
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
