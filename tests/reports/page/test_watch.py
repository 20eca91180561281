"""The page to watch in a real Chromium: every dial does what it says, chains are those of the run, and nothing is asked of any host."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reports.experiments import chains
from reports.experiments.comparison import compare, plan
from reports.page import scripts, sheets, watching
from reports.runs.stored import Run
from tests import helpers

pytest.importorskip("selenium", reason="needs selenium, which the extra dev installs")
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.browser import all_of, chromium, needed, one, resized, run, until, visible

pytestmark = [pytest.mark.slow, needed]
WIDTHS = (390, 768, 1280)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    yield from chromium(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    return compare(plan(("gaussian", "tv"), ("deblur", "inpaint"), ("camera",), ("hqs", "annealed"), samples=3, size=16), folder)


@pytest.fixture(scope="module")
def address(stored: Run) -> str:
    """Of a page with eight chains, made by the command."""
    assert helpers.run("watch", stored.folder, "-P", "deblur,inpaint", "-m", "hqs,annealed") == 0
    return (stored.folder / "watch" / "index.html").as_uri()


@pytest.fixture
def shown(browser: Chrome, address: str) -> Iterator[Chrome]:
    """The page at a desk, set to few steps, so that they are soon computed; whatever a test does to it, it must not complain."""
    resized(browser, 1280)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    opened(browser, f"{address}#live&steps=8")
    yield browser
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def opened(browser: Chrome, address: str) -> None:
    browser.get("about:blank")
    browser.get(address)
    run(browser, "document.documentElement.style.scrollBehavior = 'auto'")
    settled(browser)


def pixels(browser: Chrome, selector: str) -> list[int]:
    """Red values of a canvas."""
    return colours(browser, selector)[..., 0].ravel().tolist()


def colours(browser: Chrome, selector: str) -> np.ndarray:
    """What a canvas shows, [height, width, 4]."""
    source = run(browser, "document.querySelector(arguments[0]).toDataURL()", selector)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGBA"))


def state(browser: Chrome) -> str:
    """All that the live part shows, as one text."""
    drawn = "[...document.querySelectorAll('#live canvas')].filter(c => c.checkVisibility()).map(c => c.toDataURL()).join()"
    return run(browser, f"document.querySelector('#live').innerText + {drawn}")


def settled(browser: Chrome) -> None:
    """Once nothing more is computed."""
    until(lambda: run(browser, "document.querySelector('#live').getAttribute('aria-busy')") == "false", 60)


def dial(browser: Chrome, name: str, value: object) -> None:
    """Set a control of the live part as a hand would, and wait for what follows."""
    code = """const each = document.querySelector('#live form').elements[arguments[0]];
    each.value = arguments[1];
    const heard = each instanceof RadioNodeList ? [...each].find(one => one.checked) : each;
    for (const type of ['input', 'change']) heard.dispatchEvent(new Event(type, { bubbles: true }));"""
    browser.execute_script(code, name, str(value))
    settled(browser)


def go(browser: Chrome, share: float) -> None:
    code = "const each = document.querySelector('#live .timeline input'); each.value = Math.round(arguments[0] * each.max);"
    browser.execute_script(f"{code} each.dispatchEvent(new Event('input', {{ bubbles: true }}));", share)


def bars(browser: Chrome, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(filled, ticks) of ten bars."""
    code = (
        "[...document.querySelectorAll(`#live [data-bars=${arguments[0]}] > span`)].map(each => each.style.getPropertyValue(arguments[1]))"
    )
    filled, ticks = ([float(value) for value in run(browser, code, name, variable)] for variable in ("--share", "--exact"))
    return np.array(filled), np.array(ticks)


# The page as a whole


def test_nothing_is_asked_of_any_host(shown: Chrome, address: str) -> None:
    entries = [json.loads(entry["message"])["message"] for entry in shown.get_log("performance")]
    sent = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    asked = [each["request"]["url"] for each in sent if each["documentURL"] == address]
    assert address in asked
    assert [url for url in asked if url != address and not url.startswith("data:")] == []


def test_the_page_is_small(stored: Run, address: str, tmp_path: Path) -> None:
    assert watching.build(tmp_path / "index.html").stat().st_size < 150_000
    assert (stored.folder / "watch" / "index.html").stat().st_size < 1_000_000


def test_names_are_unique_and_stay_inside(shown: Chrome) -> None:
    for modules in (scripts.WORKER, scripts.PAGE):
        names = re.findall(r"^(?:const|let|var|function\*?|class|async function) (\w+)", scripts.bundle(modules), re.MULTILINE)
        assert len(names) == len(set(names)) > 50
    known = {"find"} | {each.get_attribute("id") for each in all_of(shown, "[id]")}  # the browser's own
    assert [name for name in names if name not in known and run(shown, f"typeof {name}") != "undefined"] == []


def test_modules_import_what_those_before_them_export() -> None:
    """Put together they would work without; each by itself must too."""
    for modules in (scripts.WORKER, scripts.PAGE):
        exported: dict[str, set[str]] = {}
        for name in modules:
            text = (Path(watching.__file__).parent / "watch" / f"{name}.js").read_text()
            imports = re.findall(r'^import \{ (.*) \} from "\./(\w+)\.js";$', text, re.MULTILINE)
            assert len(imports) == text.count("import {")
            for names, source in imports:
                assert set(names.split(", ")) <= exported[source], f"{name} imports from {source}"
                for each in names.split(", "):
                    assert len(re.findall(rf"\b{each}\b", text)) > 1, f"{name} does not use {each}"
            declared = re.findall(r"^export (?:const|function\*?|class) (\w+)(.*)", text, re.MULTILINE)
            found = {first for first, _ in declared}
            for _, rest in declared:
                found |= set(re.findall(r", (\w+) = ", rest))
            exported[name] = found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("measured", ["nothing", "blur", "mask"])
def test_the_page_fits_every_screen(shown: Chrome, width: int, measured: str) -> None:
    resized(shown, width)
    dial(shown, "measured", measured)
    assert run(shown, "document.documentElement.scrollWidth") == width
    cut = "each.checkVisibility() && !each.closest('.hidden, svg') && each.getBoundingClientRect().right > arguments[0] + 1"
    found = f"[...document.querySelectorAll('body *')].filter(each => {cut}).map(each => each.outerHTML.slice(0, 90))"
    assert run(shown, found, width) == []


def test_every_control_and_picture_has_a_name(shown: Chrome) -> None:
    dial(shown, "measured", "mask")
    controls = [each for each in all_of(shown, "button, input, select, [tabindex], [role=img]") if each.is_displayed()]
    assert len(controls) > 40
    assert [each.get_attribute("outerHTML") for each in controls if not each.accessible_name] == []


def test_without_script_it_says_what_it_needs(shown: Chrome, address: str) -> None:
    shown.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    shown.get(address + "?without")
    shown.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert visible(shown, ".warning") == 1


def test_the_dark_is_dark(shown: Chrome) -> None:
    corner = {}
    for scheme in ("light", "dark"):
        shown.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        settled(shown)
        corner[scheme] = pixels(shown, "[data-plane]")[0]
    assert corner["light"] > 240
    assert corner["dark"] < 40


# One denoiser


def test_the_denoiser_is_sure_of_little_noise_and_averages_under_much(shown: Chrome) -> None:
    slider = one(shown, "#believes [name=level]")
    slider.send_keys(Keys.HOME)
    assert "It is sure of a 3." in one(shown, "#believes [data-told]").text
    little = np.array(pixels(shown, "#believes [data-picture=believed]"), dtype=float)
    clean = np.array(pixels(shown, "#believes [data-picture=clean]"), dtype=float)
    assert np.abs(little - clean).mean() < 4
    slider.send_keys(Keys.END)
    assert "average of all" in one(shown, "#believes [data-told]").text
    much = np.array(pixels(shown, "#believes [data-picture=believed]"), dtype=float)
    assert much.std() < 0.6 * clean.std(), "blurred"
    before = pixels(shown, "#believes [data-picture=noisy]")
    one(shown, "#believes [name=again]").click()
    assert pixels(shown, "#believes [data-picture=noisy]") != before
    Select(one(shown, "#believes select")).select_by_visible_text("7")
    slider.send_keys(Keys.HOME)
    assert "It is sure of a 7." in one(shown, "#believes [data-told]").text


# From noise to an answer


def alike(picture: np.ndarray) -> float:
    """The correlation of neighbouring pixels."""
    rows = picture.reshape(32, 32)
    return float(np.corrcoef(rows[:, :-1].ravel(), rows[:, 1:].ravel())[0, 1])


def offered(browser: Chrome) -> list[str | None]:
    return [each.get_attribute("value") for each in all_of(browser, "#live [name=sampler] option")]


def marked(browser: Chrome) -> list[str | None]:
    """The line of the loop and the picture that are being made."""
    step, picture = one(browser, "#live .steps .now"), one(browser, "#live .row .now")
    return [step.get_attribute("data-phase"), picture.get_attribute("data-frame")]


def test_a_chain_goes_from_noise_to_a_digit(shown: Chrome) -> None:
    go(shown, 0)
    noise = np.array(pixels(shown, "#live [data-picture=noisy]"), dtype=float)
    filled, _ = bars(shown, "seen")
    assert filled.max() < 0.2, "all digits are as likely under pure noise"
    go(shown, 1)
    answer = np.array(pixels(shown, "#live [data-picture=noisy]"), dtype=float)
    filled, _ = bars(shown, "seen")
    assert filled.max() > 0.99
    assert abs(alike(noise)) < 0.15
    assert alike(answer) > 0.5
    assert "the answer" in one(shown, "#live [data-where]").text


@pytest.mark.parametrize(
    ("measured", "name", "value"),
    [
        ("nothing", "sampler", "ddim"), ("nothing", "sampler", "heun"), ("nothing", "steps", 12), ("nothing", "start", 0.8),
        ("nothing", "label", "7"), ("blur", "blur", 4), ("blur", "noise", -0.5), ("blur", "sampler", "diffpir"), ("blur", "truth", "5"),
        ("mask", "angle", 120), ("mask", "offset", -0.3), ("mask", "label", "8"), ("mask", "sampler", "diffpir"),
    ],
)  # fmt: skip
def test_every_dial_changes_what_is_shown(shown: Chrome, measured: str, name: str, value: object) -> None:
    dial(shown, "measured", measured)
    before = state(shown)
    dial(shown, name, value)
    assert state(shown) != before


def test_samplers_are_those_that_fit_what_is_measured(shown: Chrome) -> None:
    assert offered(shown) == ["ancestral", "ddim", "heun"]
    assert visible(shown, "#live .measuring") == 0
    dial(shown, "measured", "blur")
    assert offered(shown) == ["annealed", "diffpir"]
    assert visible(shown, "#live [name=blur]") == 1
    assert visible(shown, "#live [data-mask]") == 0
    dial(shown, "measured", "mask")
    assert visible(shown, "#live [name=blur]") == 0
    assert visible(shown, "#live [data-mask]") == 4
    assert "z + b (x − z)" in one(shown, "#live .steps").text


def test_a_label_is_obeyed_and_guidance_is_honest(shown: Chrome) -> None:
    guidance = one(shown, "#live [name=guidance]")
    assert not guidance.is_enabled()
    dial(shown, "label", "7")
    go(shown, 1)
    for name in ("answers", "arms"):
        filled, ticks = bars(shown, name)
        assert filled[7] == pytest.approx(1, abs=0.01)
        assert ticks[7] == 1
    assert guidance.is_enabled()
    dial(shown, "guidance", 3)
    assert "no density stands behind" in one(shown, "#live > [data-told]").text
    assert visible(shown, "#live .bars u") == 0, "nothing exact is drawn"


def test_dots_come_to_the_exact_posterior(shown: Chrome) -> None:
    """Shares of 400 dots are within their sampling error of the exact ones, of the arms that the line crosses."""
    dial(shown, "steps", 40)
    dial(shown, "measured", "mask")
    go(shown, 1)
    filled, ticks = bars(shown, "arms")
    assert filled.sum() == pytest.approx(1)
    assert ticks.sum() == pytest.approx(1)
    assert (ticks > 0.05).sum() >= 3, "several arms are crossed"
    assert np.abs(filled - ticks).sum() / 2 < 0.08


def test_play_moves_to_the_end_and_can_be_paused(shown: Chrome) -> None:
    dial(shown, "steps", 60)
    button, where = one(shown, "#live [data-play]"), one(shown, "#live .timeline input")
    go(shown, 0)
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-pressed") == "true"
    until(lambda: int(where.get_attribute("value") or 0) >= 3)
    button.send_keys(Keys.ENTER)
    still = where.get_attribute("value")
    assert (button.get_attribute("aria-pressed"), button.text) == ("false", "Play")
    run(shown, "new Promise(done => setTimeout(done, 300))")
    assert where.get_attribute("value") == still
    go(shown, 0.95)
    button.click()
    until(lambda: where.get_attribute("value") == where.get_attribute("max"))
    until(lambda: button.get_attribute("aria-pressed") == "false")
    button.click()
    until(lambda: 0 < int(where.get_attribute("value") or 0) < int(where.get_attribute("max") or 0))


def test_one_step_back_and_on_shows_what_the_loop_does(shown: Chrome) -> None:
    dial(shown, "measured", "blur")
    go(shown, 0.5)
    seen = [marked(shown)]
    for _ in range(3):
        one(shown, "#live [data-on]").click()
        seen.append(marked(shown))
    assert seen == [[name, name] for name in ("noisy", "believed", "measured", "noisy")]
    one(shown, "#live [data-back]").click()
    assert marked(shown) == ["measured", "measured"]
    one(shown, "#live .timeline input").send_keys(Keys.ARROW_RIGHT)
    assert marked(shown) == ["noisy", "noisy"]


# What is measured of the picture


def covered(browser: Chrome) -> set[tuple[int, int]]:
    """(row, column) of the tinted pixels of the measured picture."""
    tinted = (colours(browser, "#live [data-picture=data]")[..., :2] == (242, 193)).all(-1)
    return {(int(row), int(column)) for row, column in np.argwhere(tinted)}


def test_a_mask_is_drawn_with_the_pointer(shown: Chrome) -> None:
    dial(shown, "measured", "mask")
    one(shown, "#live [data-mask=none]").click()
    assert covered(shown) == set()
    before, paper = state(shown), one(shown, "#live .paper")
    run(shown, "arguments[0].scrollIntoView({ block: 'center' })", paper)
    side = paper.size["width"]
    down = ActionChains(shown, 20).move_to_element_with_offset(paper, -side // 4, 0).click_and_hold()
    for _ in range(8):
        down = down.move_by_offset(side // 16, 0)
    down.release().perform()
    drawn = covered(shown)
    assert {row for row, _ in drawn} in ({14, 15, 16}, {15, 16, 17}), "three rows about the middle"
    assert {7, 16, 24} <= {column for _, column in drawn}
    settled(shown)
    assert state(shown) != before
    one(shown, "#live [name=uncover]").click()
    ActionChains(shown, 20).move_to_element(paper).click_and_hold().release().perform()
    assert (16, 16) not in covered(shown)


def test_a_mask_is_drawn_by_keys_alone(shown: Chrome) -> None:
    dial(shown, "measured", "mask")
    one(shown, "#live [data-mask=none]").send_keys(Keys.ENTER)
    paper = one(shown, "#live .paper")
    paper.send_keys(Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.SPACE)
    square = {(row, column) for row in (14, 15, 16) for column in (13, 14, 15)}
    assert covered(shown) == square
    assert visible(shown, "#live .cursor") == 1
    paper.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.SPACE)
    assert covered(shown) == square | {(row, column + 3) for row, column in square}
    paper.send_keys(Keys.SPACE)
    assert covered(shown) == square
    assert "0.9 % covered" in (paper.get_attribute("aria-label") or "")


def test_one_pixel_stays_measured(shown: Chrome, address: str) -> None:
    """Whatever is drawn, and whatever an address says."""
    opened(shown, f"{address}#live&measured=mask&mask={'f' * 255}e")
    assert len(covered(shown)) == 1023
    paper = one(shown, "#live .paper")
    (left,) = {(row, column) for row in range(32) for column in range(32)} - covered(shown)
    assert left == (31, 31)
    paper.send_keys(*[Keys.ARROW_DOWN, Keys.ARROW_RIGHT] * 16, Keys.SPACE)
    assert left not in covered(shown), "the last one cannot be covered"
    paper.send_keys(Keys.ARROW_UP, Keys.ARROW_UP, Keys.SPACE)
    assert len(covered(shown)) == 1023 - 6, "what is covered can be uncovered"
    opened(shown, f"{address}#live&measured=mask&mask={'f' * 256}")
    assert len(covered(shown)) == 32 * 18, "the usual half"


@pytest.mark.parametrize(("name", "share"), [("half", 18 / 32), ("box", 1 / 4), ("random", 1 / 2), ("none", 0)])
def test_masks_are_at_hand(shown: Chrome, name: str, share: float) -> None:
    dial(shown, "measured", "mask")
    one(shown, f"#live [data-mask={name}]").click()
    assert len(covered(shown)) / 1024 == pytest.approx(share, abs=0.05 if name == "random" else 0)


def test_the_line_is_turned_with_the_pointer(shown: Chrome) -> None:
    dial(shown, "measured", "mask")
    plane = one(shown, "[data-plane]")
    run(shown, "arguments[0].scrollIntoView({ block: 'center' })", plane)
    side = plane.size["width"]
    ActionChains(shown, 20).move_to_element_with_offset(plane, 0, -side // 4).click_and_hold().move_by_offset(1, 0).release().perform()
    assert one(shown, "#live [name=angle]").get_attribute("value") in ("89", "90")
    assert float(one(shown, "#live [name=offset]").get_attribute("value") or 0) == pytest.approx(0.25, abs=0.02)
    ActionChains(shown, 20).move_to_element_with_offset(plane, -side // 4, 0).click_and_hold().move_by_offset(0, 1).release().perform()
    angle, offset = (float(one(shown, f"#live [name={name}]").get_attribute("value") or 0) for name in ("angle", "offset"))
    assert offset * np.cos(np.deg2rad(angle)) == pytest.approx(-0.25, abs=0.02), "the line goes through the pointer"


# The address


def test_the_address_remembers_all_that_is_shown(shown: Chrome) -> None:
    dial(shown, "measured", "mask")
    one(shown, "#live [data-mask=box]").click()
    for name, value in (("steps", 9), ("label", "3"), ("guidance", 2), ("truth", "8"), ("noise", -1.5), ("angle", 77)):
        dial(shown, name, value)
    one(shown, "#live [name=other]").click()
    go(shown, 0.6)
    one(shown, "#live [data-on]").click()
    settled(shown)
    before, link = state(shown), shown.current_url
    assert "#live&measured=mask" in link
    opened(shown, link)
    assert state(shown) == before
    one(shown, "#live [name=anew]").click()
    settled(shown)
    assert visible(shown, "#live .measuring") == 0


@pytest.mark.parametrize(
    "said", ["#live&", "#live&measured=moon&steps=x&at=-7&seed=NaN&mask=zz", "#live&sampler=annealed&label=99&steps=1e9&at=1e9"]
)
def test_a_broken_address_does_no_harm(shown: Chrome, address: str, said: str) -> None:
    opened(shown, address + said)
    assert "level" in one(shown, "#live [data-where]").text
    assert len(set(pixels(shown, "#live [data-picture=believed]"))) > 5


# Chains of a run


def chosen(browser: Chrome, **said: str) -> None:
    for name, text in said.items():
        Select(one(browser, f"#played [name={name}]")).select_by_visible_text(text)


def at_level(browser: Chrome, place: int) -> None:
    code = "const each = document.querySelector('#played .timeline input'); each.value = arguments[0];"
    browser.execute_script(f"{code} each.dispatchEvent(new Event('input', {{ bubbles: true }}));", place)


def matches(browser: Chrome, selector: str, picture: np.ndarray) -> Callable[[], bool]:
    """Whether a canvas shows a picture [H, W, 1], as soon as it is decoded."""
    wanted = np.round(np.clip(picture[..., 0], 0, 1) * 255).ravel()
    return lambda: bool(np.array_equal(pixels(browser, selector), wanted))


@pytest.mark.parametrize(("problem", "words"), [("deblur", "Deblur, camera"), ("inpaint", "Inpaint, camera")])
def test_what_is_played_is_the_chain_of_the_run(shown: Chrome, stored: Run, problem: str, words: str) -> None:
    chosen(shown, scene=words, a="gaussian, annealed, sample 2", b="tv, hqs")
    rows = {prior: stored.row(prior, problem, "camera", method) for prior, method in (("gaussian", "annealed"), ("tv", "hqs"))}
    above, below = (chains.play(row) for row in rows.values() if row)
    for place in (0, 9, 23):
        at_level(shown, place)
        for side, chain, sample in (("a", above, 1), ("b", below, 0)):
            k = round(place / 23 * (len(chain.sigmas) - 1) + 1e-9)
            until(matches(shown, f"#played [data-side={side}] [data-kind=believed]", chain.believed[k, sample]))
            until(matches(shown, f"#played [data-side={side}] [data-kind=measured]", chain.measured[k, sample]))
            until(matches(shown, f"#played [data-side={side}] [data-kind=noisy]", sheets.shrunk(chain.noisy[k, sample], chain.sigmas[k])))
            assert f"level {chain.levels[k] + 1} of {chain.planned}" in one(shown, "#played [data-where]").text
    assert visible(shown, "#played [data-side=a] [data-kind=spread]") == 1
    assert visible(shown, "#played [data-side=b] [data-kind=spread]") == 0, "one estimate has no spread"
    assert one(shown, "#played [data-side=a] h3").text == "Above: gaussian, annealed, sample 2"


def test_two_samples_share_their_spread_and_not_their_pictures(shown: Chrome) -> None:
    chosen(shown, a="tv, annealed, sample 1", b="tv, annealed, sample 2")
    at_level(shown, 12)
    for side in "ab":
        until(lambda side=side: len(set(pixels(shown, f"#played [data-side={side}] [data-kind=spread]"))) > 3)
    seen = {kind: [pixels(shown, f"#played [data-side={side}] [data-kind={kind}]") for side in "ab"] for kind in ("spread", "believed")}
    assert seen["spread"][0] == seen["spread"][1]
    assert seen["believed"][0] != seen["believed"][1]
    assert "heuristic" in one(shown, "#played [data-side=a] [data-told]").text
    chosen(shown, a="gaussian, annealed, sample 1")
    assert "heuristic" not in one(shown, "#played [data-side=a] [data-told]").text


def test_a_frame_of_a_chain_has_an_address(shown: Chrome) -> None:
    chosen(shown, scene="Inpaint, camera", a="tv, annealed, sample 2", b="gaussian, hqs")
    one(shown, "#played [data-on]").click()
    where, link = one(shown, "#played [data-where]").text, shown.current_url
    assert "#played&scene=1" in link
    opened(shown, link)
    assert one(shown, "#played [data-where]").text == where
    assert [Select(one(shown, f"#played [name={name}]")).first_selected_option.text for name in ("scene", "a", "b")] == [
        "Inpaint, camera", "tv, annealed, sample 2", "gaussian, hqs"
    ]  # fmt: skip
    chosen(shown, scene="Deblur, camera")
    assert Select(one(shown, "#played [name=a]")).first_selected_option.text == "tv, annealed, sample 2"


def test_chains_are_played_by_keys(shown: Chrome) -> None:
    slider, button = one(shown, "#played .timeline input"), one(shown, "#played [data-play]")
    slider.send_keys(Keys.HOME)
    assert "level 1 of" in one(shown, "#played [data-where]").text
    button.send_keys(Keys.SPACE)
    until(lambda: int(slider.get_attribute("value") or 0) > 1)
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "false"
    slider.send_keys(Keys.END)
    assert slider.get_attribute("value") == slider.get_attribute("max")


# The real network


@pytest.fixture(scope="module")
def with_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    assert helpers.run("watch", "--live", "-o", folder) == 0
    return folder / "index.html"


def wanted(browser: Chrome, name: str, value: object) -> None:
    code = "const each = document.querySelector('#network form').elements[arguments[0]]; each.value = arguments[1];"
    code += "for (const type of ['input', 'change']) each.dispatchEvent(new Event(type, { bubbles: true }));"
    browser.execute_script(code, name, str(value))


def test_the_network_restores_a_picture_in_the_browser(shown: Chrome, with_network: Path) -> None:
    assert with_network.stat().st_size < 15_000_000
    opened(shown, with_network.as_uri() + "#live&steps=2")
    assert visible(shown, "#played") == 0
    wanted(shown, "steps", 5)
    run(shown, "document.querySelector('#network [name=run]').click()")
    until(lambda: run(shown, "document.querySelector('#network').getAttribute('aria-busy')") == "false", 120)
    pictures = {name: np.array(pixels(shown, f"#network [data-picture={name}]"), float) for name in ("truth", "shown", "measured")}
    error = {name: np.sqrt(np.mean((pictures[name] - pictures["truth"]) ** 2)) for name in ("shown", "measured")}
    assert error["measured"] < 0.95 * error["shown"], "nearer to the truth than what was measured"
    assert "5 of 5 steps" in one(shown, "#network [data-told]").text
    one(shown, "#network [data-back]").click()
    assert "level 4 of 5" in one(shown, "#network [data-where]").text
    assert len(set(pixels(shown, "#network [data-picture=pixel]"))) > 20
    for width in WIDTHS:
        resized(shown, width)
        assert run(shown, "document.documentElement.scrollWidth") == width


def test_a_chain_of_the_network_ends_when_a_dial_is_turned(shown: Chrome, with_network: Path) -> None:
    opened(shown, with_network.as_uri() + "#live&steps=2")
    wanted(shown, "measured", "nothing")
    assert visible(shown, "#network [data-picture=truth]") == 0
    wanted(shown, "steps", 60)
    run(shown, "document.querySelector('#network [name=run]').click()")
    until(lambda: "level" in one(shown, "#network [data-where]").text, 60)
    wanted(shown, "measured", "box")
    run(shown, "new Promise(done => setTimeout(done, 8000))")  # for the step that was in the making
    before = one(shown, "#network [data-where]").text
    run(shown, "new Promise(done => setTimeout(done, 4000))")
    assert one(shown, "#network [data-where]").text == before
    assert "Press Run" in one(shown, "#network [data-told]").text


# What the page holds


def test_a_sheet_holds_every_level_in_its_place() -> None:
    kinds: list[Any] = [np.arange(11)[:, None, None, None] * np.ones((11, 4, 6, 1)) + 100 * kind for kind in range(3)]
    found = sheets.sheet(kinds)
    assert found.shape == (2 * 3 * 4, 8 * 6, 1)
    for level in range(11):
        for kind in range(3):
            row, column = 4 * (3 * (level // 8) + kind), 6 * (level % 8)
            assert (found[row : row + 4, column : column + 6] == level + 100 * kind).all()


def test_the_page_has_room_for_few_large_chains_only(stored: Run) -> None:
    from dataclasses import replace

    row = stored.rows[0]
    large = [replace(row, cell=replace(row.cell, size=size, samples=4)) for size in (64, 256, 512)]
    assert sheets.room(large[:1]) == (24, True)
    assert sheets.room(large[1:2] * 2) == (24, False)
    assert 6 <= sheets.room(large[2:])[0] < 24
    with pytest.raises(ValueError, match=r"20 chains of 512 x 512 pixels .* name fewer"):
        sheets.room(large[2:] * 20)
