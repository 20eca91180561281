"""The hand-in in a real Chromium: it asks nothing of any host, fits a phone, shows every picture, and no text of a student becomes code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.labs import catalogue, cells, handin, judge
from reports.labs.checking import Checked

pytest.importorskip("selenium", reason="needs selenium, which the extra dev installs")
from selenium.webdriver import Chrome

from tests.browser import all_of, chromium, needed, one, resized
from tests.reports.labs.filled import filled

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
ATTACK = "</script><script>document.title = 'broken'</script><img src=x onerror=\"document.title = 'broken'\">"
pytestmark = [pytest.mark.slow, needed]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    yield from chromium(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a script with one wrong task, printed lines and pictures, whose author tries to break the page."""
    lab = catalogue.load(3)
    script = cells.parse(filled(3, "ana", words=ATTACK.replace('"', "'")) + f"\n# %% [markdown]\n# {ATTACK}\n")
    ran = [
        {"line": cell.line, "seconds": 1.0, "printed": ATTACK, "pictures": [PIXEL], "failure": None}
        for cell in script.cells
        if not cell.prose
    ]
    verdicts = [judge.Verdict(task.function, task.asks, i > 0, ATTACK, "the sign is wrong", 0.1) for i, task in enumerate(lab.tasks)]
    return handin.build(
        Checked(script, lab.title, lab.question, verdicts, ran, 12.0, "stopped"), tmp_path_factory.mktemp("page") / "a.html", "priorbench"
    )


@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_stands_alone(browser: Chrome, page: Path, width: int) -> None:
    resized(browser, width)
    browser.get(page.as_uri())
    assert browser.title == "Lab 3 of ana: 4 of 5"
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert '"http' not in "".join(entry["message"] for entry in browser.get_log("performance") if "requestWillBeSent" in entry["message"])
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    pictures = all_of(browser, "#script img")
    assert len(pictures) == sum(not cell.prose for cell in cells.parse(filled(3, "ana")).cells)
    assert all(browser.execute_script("return arguments[0].naturalWidth", each) > 0 for each in pictures)
    assert one(browser, ".words").text == ATTACK.replace('"', "'")


def test_the_page_is_read_back(page: Path) -> None:
    script, intact = handin.read(page)
    assert intact
    assert ATTACK in script.text
