"""The hand-in in a real Chromium: it asks nothing of any host, fits a phone, shows every picture, and no text of a student becomes code."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.labs import catalogue, cells, handin, judge
from reports.labs.checking import Checked

pytest.importorskip("selenium", reason="needs selenium, which the extra dev installs")
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.reports.labs.filled import filled

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = "headless no-sandbox disable-gpu no-first-run hide-scrollbars disable-background-networking disable-component-update disable-sync"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
ATTACK = "</script><script>document.title = 'broken'</script><img src=x onerror=\"document.title = 'broken'\">"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and its chromedriver: apt-get install chromium chromium-driver"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS.split(), f"user-data-dir={tmp_path_factory.mktemp('browser')}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        driver = Chrome(options, Service(DRIVER))
    except WebDriverException as error:
        pytest.skip(f"Chromium does not start on this machine: {error.msg}")
    yield driver
    driver.quit()


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
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    browser.get(page.as_uri())
    assert browser.title == "Lab 3 of ana: 4 of 5"
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert '"http' not in "".join(entry["message"] for entry in browser.get_log("performance") if "requestWillBeSent" in entry["message"])
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    pictures = browser.find_elements(By.CSS_SELECTOR, "#script img")
    assert len(pictures) == sum(not cell.prose for cell in cells.parse(filled(3, "ana")).cells)
    assert all(browser.execute_script("return arguments[0].naturalWidth", each) > 0 for each in pictures)
    assert browser.find_element(By.CSS_SELECTOR, ".words").text == ATTACK.replace('"', "'")


def test_the_page_is_read_back(page: Path) -> None:
    script, intact = handin.read(page)
    assert intact
    assert ATTACK in script.text
