import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_cases():
    """The folder of published cases, which is not part of the project."""
    beside = Path(__file__).parents[3] / "shared" / "reference" / "cases"
    folder = Path(os.environ.get("TWINBOX_REFERENCE", beside))
    if not folder.is_dir():
        pytest.skip(f"published cases are not here: {folder} (set TWINBOX_REFERENCE)")
    return folder
