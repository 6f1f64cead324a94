"""The plain pages in an unmodified Chromium (Debian's `chromium`), wide and as narrow as a phone."""

from __future__ import annotations

import json
import shutil
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def results(url):
    """The address of a finished run's results."""
    body = json.dumps({"inputs": {"cities": ["metsa", "jarve"], "days": 1}}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/processes/parks/execution", body, headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"{url}/jobs?processID=parks&status=successful") as answer:
        return f"/jobs/{json.load(answer)['jobs'][0]['jobID']}/results"


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium of the Debian package chromium is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [1200, 390])
def test_pages_show_their_tables_and_nothing_goes_wrong(browser, url, results, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    wrong = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)

    def shown(path):
        page.goto(f"{url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        return page.locator("main").inner_text()

    assert "Collections of data and results" in shown("/?f=html")
    assert "Metsa: Buildings" in shown("/collections?f=html")
    page.get_by_role("link", name="metsa.buildings", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "Metsa: Buildings"
    shown("/collections/metsa.buildings/items?f=html&limit=20")
    assert page.locator("tbody tr").count() == 20
    assert page.locator("svg.map path").count() == 20
    assert page.locator("svg.map").bounding_box()["width"] <= width
    shown(f"{results}?f=html")
    names = page.locator("table").first.locator("thead th").all_inner_texts()
    assert names == ["pilot", "city", "kpi", "value", "low", "high", "unit", "better"]
    for path in ("/processes?f=html", "/processes/parks?f=html", "/conformance?f=html", "/api.html"):
        shown(path)
    assert not wrong
    page.close()
