"""The page on samples: strips at one window, what flickers, plain sentences about trust, and exhibits that stay labelled."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.experiments.comparison import compare, plan
from reports.figures import sample_strips
from reports.judging import spread
from reports.judging.trust import Trust, judge
from reports.page import report
from reports.page import trust as trust_page
from reports.runs import titles
from reports.runs.stored import Run
from reports.scores.intervals import Estimate
from reports.scores.pixelwise import psnr
from tests.made_up import PRIORS, comparison
from tests.reports.page.test_page import Reader

LABEL = "diffpir, as published, biased"
TWO_SAMPLERS = (("hqs", 0), ("annealed", 4), ("diffpir", 2))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two images, a prior with a posterior and one without, the default sampler and an exhibit."""
    cells = plan(["gaussian", "tv"], ["inpaint"], ["camera", "brick"], ["hqs", "annealed", "diffpir"], 3, 4, 24)
    return compare(cells, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def judgements() -> list[Trust]:
    """All that were made while the page was built."""
    return []


@pytest.fixture(scope="module")
def built(run: Run, judgements: list[Trust]) -> Reader:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spread, "judge", lambda made: judgements.append(judge(made)) or judgements[-1])
        return Reader(report.build(run))


@pytest.fixture
def trust(built: Reader, judgements: list[Trust]) -> Trust:
    (once,) = judgements
    return once


# Strips


def test_strips_are_of_all_priors_by_the_first_sampler_and_of_the_last_prior_by_others(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), methods=TWO_SAMPLERS)
    found = sample_strips.strips(made, "deblur")
    assert found
    assert [(strip.prior, strip.method) for strip in found.strips] == [*((prior, "annealed") for prior in PRIORS), ("diffusion", "diffpir")]
    assert [len(strip.samples) for strip in found.strips] == [4] * 5 + [2]
    assert [strip.prior for strip in found.strips if strip.heuristic] == ["tv", "bm3d"]
    record = made.row("cnn", "deblur", found.image, "annealed")
    assert found.strips[3].scores[1] == pytest.approx(psnr(record.samples[1], found.truth), abs=1e-4)


def test_what_flickers_has_a_posterior_if_any_has(tmp_path: Path) -> None:
    for names, chosen in ((("gaussian", "cnn", "bm3d"), "cnn"), (("tv", "bm3d"), "bm3d")):
        made = comparison(tmp_path, {name: PRIORS[name] for name in names}, ("deblur",), methods=(("annealed", 2),))
        assert sample_strips.strips(made, "deblur").flickered.prior == chosen


def test_a_crop_is_the_window_also_where_pixels_are_larger(tmp_path: Path) -> None:
    found = sample_strips.strips(comparison(tmp_path, problems=("super_resolution",)), "super_resolution")
    row, column, side = found.window
    assert np.array_equal(found.crop(found.truth), found.truth[row : row + side, column : column + side])
    whole = found.shown.repeat(2, 0).repeat(2, 1)
    assert np.array_equal(found.crop(found.shown), whole[row : row + side, column : column + side])


@pytest.mark.parametrize("methods", [(("hqs", 0),), (("annealed", 1),)])
def test_without_two_samples_there_is_no_section(tmp_path: Path, methods: tuple) -> None:
    made = comparison(tmp_path, problems=("deblur",), methods=methods, size=16)
    reader = Reader(report.build(made))
    assert sample_strips.strips(made, "deblur") is None
    assert "Can the spread be trusted?" not in reader.text
    assert not any("data-of" in each for each in reader.of("span"))


# Sentences


@pytest.mark.parametrize(
    ("coverage", "ratio", "images", "answer", "words"),
    [
        ((0.91, 0.85, 0.97), (0.9, 0.8, 1.1), 8, "yes", "90 times in 100 and holds it 91 times."),
        ((0.80, 0.75, 0.85), (0.9, 0.8, 1.1), 8, "no, too sure of itself", "80 times: the truth often lies outside"),
        ((0.98, 0.97, 0.99), (1.5, 1.3, 1.7), 8, "no, too cautious", "98 times: the truth is nearer"),
        ((0.91, 0.85, 0.97), (0.5, 0.4, 0.7), 8, "not where it is far off", "by 0.50 of the error"),
        ((0.80, 0.60, 1.00), (0.5, 0.4, 0.7), 8, "not settled", "which over 8 images may be chance"),
        ((0.80, 0.75, 0.85), (0.9, 0.8, 1.1), 4, "too few images to judge", "holds it 80 times on these 4 images."),
    ],
)
def test_every_verdict_is_a_plain_sentence(
    trust: Trust, coverage: tuple[float, ...], ratio: tuple[float, ...], images: int, answer: str, words: str
) -> None:
    row = trust.of("inpaint", "all")[0]
    numbers = {**row.numbers, "coverage": Estimate(*coverage), "spread_skill": Estimate(*ratio)}
    row = replace(row, scores=row.scores[:1] * images, numbers=numbers, nominal=0.9, heuristic=False)
    row = spread.anecdote(row) if spread.is_few(row) else row
    ((line,),) = trust_page.verdicts(replace(trust, rows=(row,))).values()
    assert line.answer == answer
    assert words in line.numbers
    assert "no posterior" not in line.numbers
    ((line,),) = trust_page.verdicts(replace(trust, rows=(replace(row, heuristic=True),))).values()
    assert line.answer == f"{answer} (heuristic)"
    assert line.numbers.endswith("no posterior stands behind these samples.")


def test_few_images_have_no_brackets(trust: Trust, built: Reader) -> None:
    rows = [spread.anecdote(row) for row in trust.rows]
    assert {row.verdict for row in rows} == {"too few images"}
    assert all(math.isnan(found.low) and not math.isnan(found.value) for row in rows for found in row.numbers.values())
    limits = rows[0].over_images(lambda found: found.histogram)
    assert np.isnan(limits[:, 1:]).all()
    assert not np.isnan(limits[:, 0]).any()
    assert built.text.count("too few images to judge") == 4  # priors x methods
    assert not re.search(r"\d \[-?\d", built.text)


def test_the_page_shows_figures_and_tables_of_trust(run: Run, built: Reader) -> None:
    for words in ("MSE ratio", "mean over estimate", "Class by class", "conjured part", "The mean against one sample"):
        assert words in built.text
    told = [each["aria-label"] for each in built.of("svg")]
    (plain, exhibit), (measured,) = [label for label in told if "trusted?" in label], [label for label in told if "conjured?" in label]
    assert re.search(r"inpaint, gaussian sampled by annealed: coverage \d+% of 50% promised, spread / error \d\.\d\d, MSE ratio", plain)
    assert f"sampled by {LABEL}, heuristic" in exhibit
    assert re.search(r"inpaint, shown on \w+: \d+% of the degrees of freedom", measured)
    names = {path.name for path in (run.folder / "figures").iterdir()}
    assert names == {"trust.png", "trust.pdf", "measured.png", "measured.pdf"}


def test_samples_are_judged_once(built: Reader, judgements: list[Trust]) -> None:
    assert len(judgements) == 1


def test_what_cannot_be_judged_is_told(tmp_path: Path) -> None:
    reader = Reader(report.build(comparison(tmp_path, problems=("deblur",))))  # measured by no instrument of ours
    assert "The spread was not judged: " in reader.text
    assert "The same measurement, answered again" in reader.text


# Exhibits


def test_exhibits_are_labelled_wherever_their_name_stands(built: Reader) -> None:
    told = [str(each.get(name)) for _, each in built.tags for name in ("alt", "aria-label")]
    everything = " ".join([built.text, *told])
    assert everything.count(LABEL) > 20
    assert everything.count("diffpir") == everything.count(LABEL)
    assert "annealed, as published" not in everything


def test_labels_are_given_once_and_change_nothing_else(run: Run) -> None:
    named = titles.with_bias_named(run)
    assert titles.with_bias_named(named) == named
    assert named.methods == ["hqs", "annealed", LABEL]
    assert titles.use(named, LABEL) == f"sampled ({LABEL}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}3)"
    assert [row.metrics for row in named.rows] == [row.metrics for row in run.rows]
