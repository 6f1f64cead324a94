"""Whatever is sent to be kept comes this way: streamed into a quarantine, counted as it comes, then checked.

Nothing leaves the quarantine unchecked, and nothing stays in it: the sender's mistake, a killed server
and a connection that breaks all leave it empty.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import sqlalchemy as sa
from starlette.requests import Request

from api.access.guard import Caller
from api.problems import QuotaExceeded, TooLarge, UnsupportedMedia
from api.settings import Settings
from api.store import UPLOADS, Store, stamp
from geodata.errors import InvalidInput

_MOST_OF_TENANT = 1000
UPLOADED = re.compile(r"upload-([\w-]{1,64})\.\w{1,10}", re.ASCII)
"""Names of uploaded files that runs read."""


def quarantine(settings: Settings) -> Path:
    """Where files wait until they are checked; emptied when the server starts."""
    return settings.folder / "quarantine"


def media_of(request: Request, *allowed: str) -> str:
    """The media type of a body.

    Raises:
        UnsupportedMedia: It is none of those that are taken here.
    """
    media = request.headers.get("content-type", allowed[0]).partition(";")[0].strip().lower()
    if media not in allowed:
        raise UnsupportedMedia(
            "this is not taken here", field="Content-Type", value=media, expected=" or ".join(allowed)
        )
    return media


@asynccontextmanager
async def received(
    request: Request, settings: Settings, name: str, most: int, magic: bytes = b""
) -> AsyncIterator[Path]:
    """A request's body as a file in quarantine, gone with its folder when the block ends.

    Args:
        request: The request.
        settings: Where the quarantine is.
        name: Name of the file.
        most: Bytes it may have.
        magic: What it begins with.

    Raises:
        TooLarge: It has more bytes, or says so.
        InvalidInput: It is empty, or begins otherwise.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge("the upload is too large", value=int(declared), expected=f"{most} bytes at most")
    folder = quarantine(settings) / secrets.token_urlsafe(12)
    folder.mkdir(parents=True)
    try:
        await _write(request, folder / name, most, magic)
        yield folder / name
    finally:
        await anyio.to_thread.run_sync(shutil.rmtree, folder, True)  # noqa: FBT003 - ignore errors


async def _write(request: Request, path: Path, most: int, magic: bytes) -> None:
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        async for piece in request.stream():
            if size == 0 and piece and not piece.startswith(magic[: len(piece)]):
                raise InvalidInput("the upload does not begin as its type does", field="body")
            size += len(piece)
            if size > most:
                raise TooLarge("the upload is too large", value=size, expected=f"{most} bytes at most")
            await anyio.to_thread.run_sync(_write_all, descriptor, piece)
    finally:
        os.close(descriptor)
    if size == 0:
        raise InvalidInput("the upload is empty", field="body")


def _write_all(descriptor: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


async def check_room(store: Store, tenant: str) -> None:
    """Refuse a tenant who keeps as much as a tenant may.

    Raises:
        QuotaExceeded: So it is.
    """
    query = sa.select(sa.func.count().label("kept")).where(
        UPLOADS.c.tenant == tenant, UPLOADS.c.status == "accepted"
    )
    row = await asyncio.to_thread(store.one, query)
    if row is not None and row["kept"] >= _MOST_OF_TENANT:
        raise QuotaExceeded("the tenant keeps too much", 3600, expected=f"{_MOST_OF_TENANT} uploads")


def note(
    store: Store, caller: Caller, name: str, size: int, report: Mapping[str, Any], status: str = "accepted"
) -> None:
    """Note in the store what became of an upload."""
    with store.write() as connection:
        connection.execute(
            sa.insert(UPLOADS).values(
                id=name,
                tenant=caller.tenant,
                bytes=size,
                status=status,
                report=json.dumps(report),
                created=stamp(),
            )
        )


def sweep(store: Store, folder: Path) -> None:
    """Remove files that a killed server had put in place and told nobody of."""
    for path in folder.glob("upload-*"):
        found = UPLOADED.fullmatch(path.name)
        if found and store.one(sa.select(UPLOADS.c.id).where(UPLOADS.c.id == found.group(1))) is None:
            path.unlink()
