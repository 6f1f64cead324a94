"""Start a pilot: a folder with a plug-in that runs, its test, and a page to fill in."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

from geodata.atomic import new_folder
from geodata.errors import InvalidInput

FILES = {
    "pyproject.toml": "pyproject.toml.tmpl",
    "{name}.py": "module.py.tmpl",
    "tests/test_contract.py": "test_contract.py.tmpl",
    "README.md": "README.md.tmpl",
}
TAKEN = {"twin", "pilots", "geodata", "api", "twinbox", "tests"}


def new_pilot(name: str, folder: Path | None = None) -> Path:
    """Write a pilot that runs into a new folder.

    Args:
        name: Its id and module name, e.g. ``waste_bins``.
        folder: Where the new folder goes; the current one if left out.

    Returns:
        The new folder.

    Raises:
        InvalidInput: The name is no Python module name, is taken, or the folder is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,39}", name) or keyword.iskeyword(name) or name in TAKEN:
        raise InvalidInput(
            "a pilot's name is a new Python module name",
            field="name",
            value=name,
            expected="lower-case letters, digits and underscores, such as waste_bins",
        )
    target = (folder or Path()) / name
    if target.exists():
        raise InvalidInput("there is already something at this place", file=target)
    words = name.split("_")
    values = {
        "name": name,
        "distribution": name.replace("_", "-"),
        "class_name": "".join(word.capitalize() for word in words),
        "title": " ".join(words).capitalize(),
    }
    templates = resources.files("twin.testing") / "template"
    with new_folder(target) as partial:
        for place, template in FILES.items():
            file = partial / place.format(name=name)
            file.parent.mkdir(exist_ok=True)
            text = (templates / template).read_text(encoding="utf-8")
            file.write_text(Template(text).substitute(values), encoding="utf-8")
    return target
