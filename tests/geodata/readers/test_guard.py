"""Archives that are traps, and files that are not what they seem."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from geodata.errors import UnreadableSource
from geodata.readers.guard import opened


def zipped(path: Path, **members: bytes) -> Path:
    """A zip archive; double underscores in names stand for a slash, single ones for a point."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return path


def test_bomb_is_refused_by_its_sizes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", a_csv=b"0" * 80_000_000)
    with pytest.raises(UnreadableSource, match="unpacks to more"), opened(path, None, 2000):
        pass


def test_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", a_csv=b"0" * 80_000_000)
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(signature) + place
        content[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableSource), opened(path, None, 2000):
        pass


def test_gzip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 80_000_000))
    with pytest.raises(UnreadableSource, match="unpacks to more"), opened(path, None, 2000):
        pass


def test_member_that_leaves_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.csv", b"a,b\n")
    with pytest.raises(UnreadableSource, match="leaves its folder"), opened(path, None, 2000):
        pass
    assert not (tmp_path.parent / "evil.csv").exists()


def test_truncated_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", a_csv=b"a,b\n1,2\n")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UnreadableSource, match="damaged"), opened(path, None, 2000):
        pass


def test_damaged_member(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", a_csv=bytes(range(256)) * 50)
    content = bytearray(path.read_bytes())
    content[60:70] = b"\x00" * 10
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableSource, match="damaged"), opened(path, None, 2000):
        pass


def test_which_member(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", maps__roads_shp=b"1", maps__roads_dbf=b"2", maps__schools_shp=b"3")
    with pytest.raises(UnreadableSource, match="several files") as caught, opened(path, None, 2000):
        pass
    assert caught.value.expected == "one of maps/roads.shp, maps/schools.shp"
    with opened(path, "roads.shp", 2000) as found:
        assert {item.name for item in found.parent.iterdir()} == {"roads.shp", "roads.dbf"}
    assert not found.exists()
    with pytest.raises(UnreadableSource, match="no such file"), opened(path, "parks.shp", 2000):
        pass


def test_shapefile_in_an_archive_needs_no_member(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", roads_shp=b"1", roads_dbf=b"2", roads_prj=b"3", readme_txt=b"4")
    with opened(path, None, 2000) as found:
        assert found.name == "roads.shp"


def test_folder_where_a_file_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="not a folder"), opened(tmp_path, None, 2000):
        pass
