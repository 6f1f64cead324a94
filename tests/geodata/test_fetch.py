"""Fetching from a server that breaks off, lies, forgets, and from a mirror; everything on the loopback."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from village import CITY

from geodata.fetch import FetchReport, fetch_sources
from geodata.recipe import load_recipe

CONTENT = bytes(range(256)) * 4000
SUM = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """A server of one file, and how it misbehaves at each request, in turn."""

    url: str = ""
    behaviours: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    content: bytes = CONTENT
    tag: str = '"v1"'


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on the loopback."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            behaviour = state.behaviours.pop(0) if state.behaviours else "good"
            asked = self.headers.get("Range", "")
            state.ranges.append(asked)
            if behaviour.isdigit():
                self.send_error(int(behaviour))
                return
            if behaviour == "redirect":
                self.send_response(302)
                self.send_header("Location", "file:///etc/hostname")
                self.end_headers()
                return
            start = 0
            fresh = self.headers.get("If-Range") == state.tag
            if asked and fresh and behaviour != "no ranges":
                start = int(asked.removeprefix("bytes=").split("-")[0])
                self.send_response(206)
                claimed = start + 5 if behaviour == "other range" else start
                self.send_header(
                    "Content-Range", f"bytes {claimed}-{len(state.content) - 1}/{len(state.content)}"
                )
            else:
                self.send_response(200)
            body = state.content[start:]
            length = len(body) + (1000 if behaviour == "too long" else 0)
            self.send_header("Content-Length", str(10**12 if behaviour == "enormous" else length))
            self.send_header("ETag", state.tag)
            self.end_headers()
            if behaviour == "breaks":
                body = body[: len(body) // 2]
            self.wfile.write(body)

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients that hang up are what is tested."""

    httpd = Quiet(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def fetch(tmp_path: Path, server: Server, *, more: str = "", **arguments: object) -> FetchReport:
    """Fetch a recipe of one file."""
    path = tmp_path / "kyla.toml"
    source = f'[sources.data]\npath = "a/data.bin"\nurl = "{server.url}/data.bin"\nsha256 = "{SUM}"\n{more}\n'
    path.write_text("dataset = []\n" + CITY + source, encoding="utf-8")
    return fetch_sources(load_recipe(path), tmp_path / "sources", pause_s=0.001, **arguments)


def test_download(tmp_path: Path, server: Server) -> None:
    told: list[tuple[str, int, int | None]] = []
    report = fetch(tmp_path, server, progress=lambda *step: told.append(step))
    assert report.complete
    assert (tmp_path / "sources" / "a" / "data.bin").read_bytes() == CONTENT
    assert told[-1] == ("a/data.bin", len(CONTENT), len(CONTENT))
    assert [item.name for item in (tmp_path / "sources" / "a").iterdir()] == ["data.bin"]
    again = fetch(tmp_path, server)
    assert again.files[0].state == "present"
    assert len(server.ranges) == 1


def test_broken_connection_goes_on_where_it_stopped(tmp_path: Path, server: Server) -> None:
    server.behaviours = ["breaks", "breaks", "503"]
    report = fetch(tmp_path, server)
    assert report.files[0].state == "downloaded"
    half = len(CONTENT) // 2
    assert server.ranges == ["", f"bytes={half}-", f"bytes={half + half // 2}-", f"bytes={half + half // 2}-"]


def test_length_that_lies(tmp_path: Path, server: Server) -> None:
    """A server that promises more than it sends: the file is whole by its checksum or not taken at all."""
    server.behaviours = ["too long"] * 5
    report = fetch(tmp_path, server)
    assert report.files[0].state == "failed"
    assert not (tmp_path / "sources" / "a" / "data.bin").exists()
    assert fetch(tmp_path, server).complete


def test_server_without_ranges_begins_anew(tmp_path: Path, server: Server) -> None:
    server.behaviours = ["breaks", "no ranges"]
    assert fetch(tmp_path, server).complete


def test_file_that_changed_meanwhile_begins_anew(tmp_path: Path, server: Server) -> None:
    server.behaviours = ["breaks"] + ["503"] * 4
    server.content, server.tag = b"old" * 100_000, '"old"'
    assert not fetch(tmp_path, server).complete
    server.content, server.tag = CONTENT, '"v1"'
    assert fetch(tmp_path, server).complete


def test_partial_answer_that_begins_elsewhere_is_not_appended(tmp_path: Path, server: Server) -> None:
    server.behaviours = ["breaks", "other range"]
    report = fetch(tmp_path, server)
    assert report.complete
    assert (tmp_path / "sources" / "a" / "data.bin").read_bytes() == CONTENT


def test_wrong_checksum_is_not_taken(tmp_path: Path, server: Server) -> None:
    server.content = CONTENT[:-1] + b"x"
    report = fetch(tmp_path, server)
    assert report.files[0].state == "failed"
    assert f"expected {SUM[:16]}" in report.files[0].note
    assert list((tmp_path / "sources" / "a").iterdir()) == []


def test_missing_on_the_server(tmp_path: Path, server: Server) -> None:
    server.behaviours = ["404"]
    report = fetch(tmp_path, server)
    assert "404" in report.missing[0].note
    assert len(server.ranges) == 1


def test_redirect_to_a_local_file_is_not_followed(tmp_path: Path, server: Server) -> None:
    server.behaviours = ["redirect"] * 5
    report = fetch(tmp_path, server)
    assert report.files[0].state == "failed"
    assert not (tmp_path / "sources" / "a" / "data.bin").exists()


@pytest.mark.parametrize("behaviour", ["enormous", "good"])
def test_larger_than_allowed(tmp_path: Path, server: Server, behaviour: str) -> None:
    server.behaviours = [behaviour] * 5
    more = "max_mb = 0.5" if behaviour == "good" else ""
    assert "recipe allows" in fetch(tmp_path, server, more=more).missing[0].note


def test_mirror_comes_first(tmp_path: Path, server: Server) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "a").mkdir(parents=True)
    (mirror / "a" / "data.bin").write_bytes(CONTENT)
    assert fetch(tmp_path, server, mirror=mirror).files[0].state == "copied"
    assert server.ranges == []
    (tmp_path / "sources" / "a" / "data.bin").unlink()
    (mirror / "a" / "data.bin").write_bytes(b"damaged")
    report = fetch(tmp_path, server, mirror=mirror)
    assert "mirror" in report.missing[0].note
    assert not (tmp_path / "sources" / "a" / "data.bin").exists()


def test_base_address_stands_in_for_all(tmp_path: Path, server: Server) -> None:
    more = '[sources.other]\npath = "b/my file.csv"\nget = "Ask the town."'
    by_hand = fetch(tmp_path, server, more=more).missing
    assert [(item.path, item.state, item.note) for item in by_hand] == [
        ("b/my file.csv", "by hand", "Ask the town.")
    ]
    assert fetch(tmp_path, server, more=more, base_url=server.url + "/mirror/").complete


def test_nobody_there(tmp_path: Path, server: Server) -> None:
    nobody = Server(url="http://127.0.0.1:9")
    assert "connection broke" in fetch(tmp_path, nobody).missing[0].note


def test_only_the_web(tmp_path: Path) -> None:
    local = Server(url=f"file://{tmp_path}")
    (tmp_path / "data.bin").write_bytes(CONTENT)
    assert "only http" in fetch(tmp_path, local).missing[0].note
