"""The page about guidance in a real Chromium: guidance is chosen by keys, every screen fits, and without script all is there."""

from __future__ import annotations

import pytest

from tests.reports.page.test_guidance_page import built

pytest.importorskip("selenium", reason="needs selenium, which the extra dev installs")
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.reports.page import test_browser
from tests.reports.page.test_browser import WIDTHS, resized, run, visible

browser, pytestmark = test_browser.browser, test_browser.pytestmark


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return built(tmp_path_factory.mktemp("guidance"), ("label", "classifier")).as_uri()


def chosen(browser: Chrome) -> list[str]:
    shown = "[...document.querySelectorAll('.asked')].filter(each => each.checkVisibility())"
    return run(browser, f"{shown}.map(each => `${{each.dataset.way}} ${{each.dataset.w}}`)")


def test_guidance_is_chosen_by_keys(browser: Chrome, address: str) -> None:
    resized(browser, 1280)
    browser.get(address)
    slider = browser.find_element(By.CSS_SELECTOR, ".ask input")
    assert chosen(browser) == ["label 1"]
    slider.send_keys(Keys.ARROW_RIGHT)
    assert chosen(browser) == ["label 2"]
    assert slider.get_attribute("aria-valuetext") == "w = 2"
    slider.send_keys(Keys.END)
    assert chosen(browser) == ["label 5"]
    Select(browser.find_element(By.CSS_SELECTOR, ".ask select")).select_by_visible_text("a classifier")
    assert chosen(browser) == ["classifier 5"]
    slider.send_keys(Keys.HOME)
    assert chosen(browser) == ["classifier 0"]
    assert all(each.accessible_name for each in browser.find_elements(By.CSS_SELECTOR, ".ask input, .ask select"))
    assert [entry["message"] for entry in browser.get_log("browser")] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_every_screen(browser: Chrome, address: str, width: int) -> None:
    resized(browser, width)
    browser.get(address)
    assert run(browser, "document.documentElement.scrollWidth") == width


def test_without_script_every_guidance_is_there(browser: Chrome, address: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(address + "?without")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert visible(browser, ".asked") == 8
    assert visible(browser, ".ask") == 0
