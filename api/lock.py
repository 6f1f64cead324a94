"""One server for a folder: whoever comes second is told so, and a dead server's lock is gone with it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from geodata.errors import NotReady


class Lock:
    """Holds a file as long as this process lives.

    Args:
        path: The file.

    Raises:
        NotReady: Another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise NotReady(
                "another server works in this folder", file=path, hint="stop it, or set another TWINBOX_HOME"
            ) from None

    def release(self) -> None:
        """Let go."""
        os.close(self._file)
