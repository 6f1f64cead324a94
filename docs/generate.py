"""Write the reference pages that follow from the code: run it after a kind or a pilot has changed.

Usage: ``python docs/generate.py`` writes; ``python docs/generate.py --check`` fails if a page is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from geodata.kinds import KINDS, Kind

HERE = Path(__file__).parent


def kinds_page() -> str:
    """All kinds of dataset with their columns."""
    intro = (
        "A city pack holds datasets of these kinds. Recipes map a city's files to them, pilots name them as "
        "needs. Required columns are in bold; a dataset has no other columns. Instants are UTC and mark "
        "the start of the interval that a row describes."
    )
    return "\n".join([f"# Kinds of dataset\n\n{intro}\n", *map(kind_section, KINDS.values())])


def kind_section(kind: Kind) -> str:
    """One kind."""
    facts = [f"geometry: {kind.geometry}" if kind.geometry else f"{kind.form} without geometry"]
    if kind.key:
        facts.append("key: " + ", ".join(f"`{name}`" for name in kind.key))
    if kind.disjoint:
        facts.append("areas may not overlap")
    rows = [
        f"| {f'**{c.name}**' if c.required else c.name} | {c.expected} | {c.unit or ''} | {c.description} |"
        for c in kind.columns
    ]
    titles = " · ".join(kind.titles[language] for language in ("et", "fi"))
    return "\n".join(
        [
            f"## {kind.name}\n\n{kind.title} ({titles}). {kind.description} {'; '.join(facts)}.\n",
            "| column | values | unit | meaning |\n|---|---|---|---|",
            *rows,
            "",
        ]
    )


PAGES = {"kinds.md": kinds_page}


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    stale = []
    for name, make in PAGES.items():
        page = HERE / name
        text = make()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(text, encoding="utf-8")
                print("wrote", name)
    if "--check" in arguments and stale:
        print("out of date, run python docs/generate.py:", ", ".join(stale))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
