"""Text as it was really encoded: a file said to be UTF-8 that is not is found out, with line and bytes."""

from __future__ import annotations

import codecs
from pathlib import Path

from geodata.errors import UnreadableSource

_GUESSES = ("utf-8", "cp1257", "cp1252")


def check_encoding(path: Path, encoding: str) -> None:
    """Decode a file from its first byte to its last, without keeping it.

    Raises:
        UnreadableSource: It holds bytes that the encoding does not have, or is no text at all.
    """
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise UnreadableSource(
            "no encoding is called this", file=path, field="encoding", value=encoding
        ) from error
    line, begin = 1, b""
    with path.open("rb") as stream:
        while True:
            block = stream.read(1 << 20)
            if not begin:
                _refuse_binary(path, block, encoding)
                begin = block[:1]
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise _not_encoded_so(path, encoding, line, block, error) from error
            if not block:
                return
            line += block.count(b"\n")


def _refuse_binary(path: Path, block: bytes, encoding: str) -> None:
    if b"\0" in block[:4096] and not encoding.lower().replace("-", "").startswith(("utf16", "utf32")):
        raise UnreadableSource(
            "the file holds zero bytes: it is no text, or UTF-16",
            file=path,
            field="encoding",
            value=encoding,
            expected="a text file in the declared encoding",
        )


def _not_encoded_so(
    path: Path, encoding: str, line: int, block: bytes, error: UnicodeDecodeError
) -> UnreadableSource:
    at = min(error.start, len(block))
    wrong = block[at : at + 12]
    fits = [guess for guess in _GUESSES if guess != encoding and _decodes(block, guess)]
    return UnreadableSource(
        f"the file is not encoded in {encoding}",
        file=path,
        row=f"{line + block[:at].count(bytes([10]))} (line)",
        field="encoding",
        value=wrong,
        expected=f"text in {encoding}",
        hint=f"encoding = {fits[0]!r} would fit" if fits else None,
    )


def _decodes(block: bytes, encoding: str) -> bool:
    try:
        block.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
