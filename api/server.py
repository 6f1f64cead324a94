"""The server's life: one process on one port, from its first log line to the last request answered."""

from __future__ import annotations

import logging
import sys

import uvicorn

from api.jobs.nursery import Nursery
from api.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until told to stop; requests under way get the time of ``grace_s`` to end.

    Args:
        settings: The operator's settings.

    Raises:
        OSError: The home cannot be made.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)  # while there is still somebody to tell
    nursery = Nursery({"TWINBOX_HOME": str(settings.home)})
    nursery.start()  # it loads what runs need while this process loads what requests need
    from api.app import create_app

    set_up_logging()
    config = uvicorn.Config(
        create_app(settings, nursery),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.grace_s),
        h11_max_incomplete_event_size=64 * 1024,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise SystemExit(4)


def set_up_logging() -> None:
    """Log to the standard error, one JSON object a line."""
    from api.gate import JsonLines

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
