"""The page in a real Chromium: every control is operated and does what it says, and nothing is asked of any host."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.page import report
from tests.made_up import PRIORS, comparison

pytest.importorskip("selenium", reason="needs selenium, which the extra dev installs")
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.browser import all_of, chromium, needed, one, resized, run, until, visible

WIDTHS = (375, 768, 1280)
pytestmark = [pytest.mark.slow, needed]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    yield from chromium(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a page with three priors, two problems, five images, two methods, and a cell that is missing."""
    chosen = {name: PRIORS[name] for name in ("gaussian", "tv", "diffusion")}
    made = comparison(tmp_path_factory.mktemp("run"), chosen, ("deblur", "inpaint"), ("camera", "cat", "a", "b", "c"), size=16)
    lost = [row for row in made.rows if (row.cell.problem, row.cell.image, row.cell.prior) != ("inpaint", "cat", "tv")]
    return report.build(type(made)(made.folder, tuple(lost), made.provenance)).as_uri()


@pytest.fixture
def shown(browser: Chrome, address: str) -> Iterator[Chrome]:
    """The page as it is when it is opened, at a width of a desk; whatever a test does to it, it must not complain."""
    resized(browser, 1280)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.get("about:blank")
    browser.get(address)
    run(browser, "document.documentElement.style.scrollBehavior = 'auto'")  # what is clicked must stand still
    yield browser
    assert [entry["message"] for entry in browser.get_log("browser")] == []


# The page as a whole


def test_nothing_is_asked_of_any_host(shown: Chrome, address: str) -> None:
    entries = [json.loads(entry["message"])["message"] for entry in shown.get_log("performance")]
    sent = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    asked = [each["request"]["url"] for each in sent if each["documentURL"] == address]  # the browser's own pages ask for theirs
    assert address in asked
    assert [url for url in asked if url != address and not url.startswith("data:")] == []


def test_the_script_leaves_no_name_behind(shown: Chrome) -> None:
    script = Path(report.__file__).with_name("page.js").read_text("utf-8")
    names = re.findall(r"^(?:const|let|var|function) (\w+)", script, re.MULTILINE)
    assert len(names) > 5
    assert [name for name in names if run(shown, f"typeof {name}") != "undefined"] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_every_screen(shown: Chrome, width: int) -> None:
    resized(shown, width)
    run(shown, "document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert run(shown, "document.documentElement.scrollWidth") == width
    cut = "!each.closest('.wide, .stage, .hidden') && each.getBoundingClientRect().right > arguments[0] + 1"
    found = f"[...document.querySelectorAll('body *')].filter(each => {cut}).map(each => each.outerHTML.slice(0, 90))"
    assert run(shown, found, width) == []


def test_every_control_has_a_name(shown: Chrome) -> None:
    controls = [each for each in all_of(shown, "button, input, select, summary") if each.is_displayed()]
    assert len(controls) > 20
    assert all(each.accessible_name for each in controls)


def test_without_script_all_is_there(shown: Chrome, address: str) -> None:
    shown.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    shown.get(address + "?without")
    shown.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert visible(shown, ".grid img") == 2 * 4 * (2 + 2 * 3) - 2
    assert visible(shown, ".strips img") > 0
    assert visible(shown, "table.numbers") >= 3
    assert visible(shown, "button, input, select, .hint") == 0


# Compare


def test_the_divide_moves_by_key_and_by_pointer(shown: Chrome) -> None:
    figure = all_of(shown, ".compare")[0]
    stage, divide = figure.find_element(By.CLASS_NAME, "stage"), figure.find_element(By.TAG_NAME, "input")
    clip = "getComputedStyle(arguments[0].querySelectorAll('img')[1]).clipPath"
    assert "50%" in run(shown, clip, stage)
    divide.send_keys(Keys.HOME)
    assert run(shown, clip, stage) in ("inset(0px)", "inset(0px 0px 0px 0%)")
    divide.send_keys(*[Keys.ARROW_RIGHT] * 3)
    assert "3%" in run(shown, clip, stage)
    quarter = -stage.size["width"] // 4
    ActionChains(shown, 50).move_to_element(stage).click_and_hold().move_by_offset(quarter, 0).release().perform()
    assert divide.get_attribute("value") == "25"
    assert "25%" in run(shown, clip, stage)


def test_any_two_pictures_are_compared(shown: Chrome) -> None:
    figure = all_of(shown, ".compare")[0]
    image, left, right = (Select(each) for each in figure.find_elements(By.TAG_NAME, "select"))
    sources = "[...arguments[0].querySelectorAll('.stage img')].map(each => each.src)"
    in_grid = "[...document.querySelectorAll('.grid img')].find(each => each.alt.startsWith(arguments[0])).src"
    tried = ("camera", "truth", "measured"), ("cat", "tv, hqs", "diffusion, annealed"), ("c", "measured", "tv, hqs")
    for title, one_side, other in tried:
        for choice, text in ((image, title), (left, one_side), (right, other)):
            choice.select_by_visible_text(text)
        starts = [each if each in ("truth", "measured") else each.replace(", hqs", ", evaluated (hqs)") for each in (one_side, other)]
        starts = [each.replace(", annealed", ", sampled (annealed, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}4)") for each in starts]
        starts = [f"{each}: {title}, deblur" if each in ("truth", "measured") else f"{each}, deblur, {title}:" for each in starts]
        assert run(shown, sources, figure) == [run(shown, in_grid, start) for start in starts]
        told = figure.find_element(By.TAG_NAME, "output").text
        assert f"Left: {one_side}" in told
        assert f"Right: {other}" in told
        assert told.count(" dB") == sum("," in side for side in (one_side, other))


def test_a_picture_that_is_missing_is_compared_as_nothing(shown: Chrome) -> None:
    figure = all_of(shown, ".compare")[1]
    image, left, _ = (Select(each) for each in figure.find_elements(By.TAG_NAME, "select"))
    image.select_by_visible_text("cat")
    left.select_by_visible_text("tv, hqs")
    under, over = figure.find_elements(By.CSS_SELECTOR, ".stage img")
    assert not under.is_displayed()
    assert over.is_displayed()


# Zoom


def zoomed(browser: Chrome) -> list[tuple[str, str]]:
    """(scale, origin) of every picture of the first problem's grid."""
    found = all_of(browser, ".grid")[0].find_elements(By.TAG_NAME, "img")
    return [(run(browser, "getComputedStyle(arguments[0]).transform", each), each.get_attribute("alt")) for each in found]


def where(browser: Chrome) -> tuple[float, float]:
    """The middle of the region that is enlarged, in percent, the same for all pictures of the first image."""
    origin = "getComputedStyle(each).transformOrigin.split(' ').map(value => Math.round(100 * parseFloat(value) / each.clientWidth)).join()"
    found = run(browser, f"[...document.querySelector('.grid tbody').querySelectorAll('.frame img')].map(each => {origin})")
    (only,) = set(found)
    x, y = only.split(",")
    return float(x), float(y)


def test_the_same_region_of_all_pictures_is_enlarged(shown: Chrome) -> None:
    block = all_of(shown, ".grid tbody")[0]
    frame = block.find_elements(By.CLASS_NAME, "frame")[3]
    assert {scale for scale, _ in zoomed(shown)} == {"none"}
    ActionChains(shown, 50).move_to_element_with_offset(frame, frame.size["width"] // 4, 0).click().perform()
    assert all((scale == "matrix(4, 0, 0, 4, 0, 0)") == ("camera" in alt) for scale, alt in zoomed(shown))
    assert where(shown) == pytest.approx((75, 50), abs=1.5)
    ActionChains(shown, 50).move_to_element_with_offset(frame, 0, -frame.size["height"] // 4).perform()
    assert where(shown) == pytest.approx((50, 25), abs=1.5)
    ActionChains(shown, 50).send_keys(Keys.ESCAPE).perform()
    assert {scale for scale, _ in zoomed(shown)} == {"none"}


def test_zoom_by_keys_alone(shown: Chrome) -> None:
    button = all_of(shown, ".zoom")[0]
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-pressed") == "true"
    assert where(shown) == pytest.approx((50, 50), abs=1)
    button.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    assert where(shown) == pytest.approx((40, 55), abs=1)
    button.send_keys(*[Keys.ARROW_UP] * 15)
    assert where(shown)[1] == 0
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-pressed") == "false"
    assert {scale for scale, _ in zoomed(shown)} == {"none"}


def test_a_tap_sets_the_region_and_another_moves_it(shown: Chrome) -> None:
    frame = "document.querySelectorAll('.grid .frame')[2]"
    tap = frame + ".dispatchEvent(new PointerEvent('click', {{bubbles: true, pointerType: 'touch', {}}}))"
    box = run(shown, f"{frame}.getBoundingClientRect().toJSON()")
    for share in (0.2, 0.6):
        run(shown, tap.format(f"clientX: {box['x'] + share * box['width']}, clientY: {box['y'] + share * box['height']}"))
        assert all_of(shown, ".zoom")[0].get_attribute("aria-pressed") == "true"
        assert where(shown) == pytest.approx((100 * share, 100 * share), abs=1)


# Sorting


def column(browser: Chrome, table: int, key: str) -> list[list[str]]:
    """The values of a column as they stand, problem by problem."""
    rows = "[...body.querySelectorAll('tr[data-prior]')]"
    values = f"{rows}.map(row => row.querySelector(`[data-column='${{arguments[1]}}']`)?.innerText.trim() ?? '')"
    return run(browser, f"[...document.querySelectorAll('table.numbers')[arguments[0]].tBodies].map(body => {values})", table, key)


def test_tables_are_sorted_by_the_heads_of_their_columns(shown: Chrome) -> None:
    head = one(shown, "#numbers > .wide th[data-column='0-0']")
    before = column(shown, 0, "0-0")
    assert head.get_attribute("aria-sort") == "none"
    head.find_element(By.TAG_NAME, "button").click()
    falling = column(shown, 0, "0-0")
    assert head.get_attribute("aria-sort") == "descending"
    assert falling == [sorted(body, key=lambda text: -float(text.split()[-1])) for body in before]
    head.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(shown, 0, "0-0") == [body[::-1] for body in falling]
    assert before != falling
    prior = one(shown, "#numbers > .wide th[data-column='prior'][data-first]")
    prior.find_element(By.TAG_NAME, "button").click()
    assert column(shown, 0, "0-0") == before
    assert (head.get_attribute("aria-sort"), prior.get_attribute("aria-sort")) == ("none", "ascending")


def test_costs_are_sorted_cheapest_first(shown: Chrome) -> None:
    head = one(shown, "#cost th[data-column='0-3']")
    head.find_element(By.TAG_NAME, "button").click()
    (psnrs,) = column(shown, 2, "0-3")
    assert psnrs == sorted(psnrs, key=float, reverse=True)
    calls = one(shown, "#cost th[data-column='0-0']")
    calls.find_element(By.TAG_NAME, "button").click()
    assert calls.get_attribute("aria-sort") == "ascending"


# Filters


def press(browser: Chrome, name: str, value: str) -> None:
    one(browser, f".filters input[name={name}][value={value}]").send_keys(Keys.SPACE)


def test_filters_hide_what_they_name_everywhere(shown: Chrome) -> None:
    status, again = one(shown, ".filters [role=status]"), one(shown, ".filters > button")
    one(shown, ".filters summary").click()
    assert not again.is_displayed()
    everything = visible(shown, "[data-prior], [data-problem], [data-image]")
    for name, value in (("prior", "tv"), ("problem", "inpaint"), ("image", "cat")):
        assert visible(shown, f"[data-{name}={value}]") > 0
        press(shown, name, value)
        assert visible(shown, f"[data-{name}={value}]") == 0
    assert visible(shown, "[data-prior=gaussian]") > 0
    assert status.text == "Hidden: 1 prior, 1 problem, 1 image"
    again.click()
    assert visible(shown, "[data-prior], [data-problem], [data-image]") == everything
    assert status.text == "Nothing is hidden"
    assert "#" not in shown.current_url


def test_what_is_hidden_cannot_be_compared(shown: Chrome) -> None:
    one(shown, ".filters summary").click()
    image, _, right = (Select(each) for each in all_of(shown, ".compare")[0].find_elements(By.TAG_NAME, "select"))
    assert right.first_selected_option.text == "diffusion, hqs"
    press(shown, "prior", "diffusion")
    press(shown, "image", "camera")
    assert right.first_selected_option.text == "truth"
    assert image.first_selected_option.text == "cat"
    assert "Right: truth" in all_of(shown, ".compare output")[0].text


def test_the_address_remembers_the_filters(shown: Chrome) -> None:
    one(shown, ".filters summary").click()
    press(shown, "prior", "tv")
    press(shown, "image", "cat")
    address = shown.current_url
    assert address.endswith("#hide&prior=tv&image=cat")
    shown.get("about:blank")
    shown.get(address)
    assert one(shown, ".filters [role=status]").text == "Hidden: 1 prior, 1 image"
    assert visible(shown, "[data-prior=tv]") == 0


# Flicker


PAIR = "[...document.querySelector('.pair').children].filter(each => getComputedStyle(each).visibility === 'visible')"
SEEN = f"{PAIR}.map(each => each.innerText.slice(0, 8)).join()"  # of two samples in one place
PRESSED = f"(document.querySelector('.flicker button').click(), {SEEN})"  # in that moment


def test_flicker_shows_two_samples_in_turn(shown: Chrome) -> None:
    button = all_of(shown, ".flicker button")[0]
    first, second = run(shown, "[...document.querySelectorAll('.pair')[0].querySelectorAll('img')].map(each => each.src)")
    assert first != second
    assert run(shown, SEEN) == "sample 1"
    assert run(shown, PRESSED) == "sample 2"
    assert button.get_attribute("aria-pressed") == "true"
    for sample in ("sample 1", "sample 2"):
        until(lambda sample=sample: run(shown, SEEN) == sample)
    still = run(shown, PRESSED)
    assert button.get_attribute("aria-pressed") == "false"
    time.sleep(0.7)
    assert run(shown, SEEN) == still


def test_nothing_moves_by_itself_for_those_who_want_calm(shown: Chrome) -> None:
    shown.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    button = all_of(shown, ".flicker button")[0]
    assert run(shown, PRESSED) == "sample 2"
    time.sleep(0.7)
    assert (run(shown, SEEN), button.get_attribute("aria-pressed")) == ("sample 2", "false")
    assert run(shown, PRESSED) == "sample 1"


# Looks


def test_paper_is_white_and_the_dark_is_dark(shown: Chrome) -> None:
    paper = {}
    for name, media, scheme in (("light", "", "light"), ("dark", "", "dark"), ("print", "print", "dark")):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        shown.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        paper[name] = run(shown, "getComputedStyle(document.body).backgroundColor")
        assert visible(shown, ".compare, .filters, .zoom") == (0 if media else 1 + 2 + 2 * 4)
        assert visible(shown, "th[data-first] .sort") > 10
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)", "print": "rgb(255, 255, 255)"}
