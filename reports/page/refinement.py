"""The page about regression and refinement: what training for one problem gives, what it costs elsewhere, every answer to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reports.experiments import refinement as experiment
from reports.experiments.refinement import MEAN, SCORES, WORDS, Refinement, Row
from reports.figures import refinement as drawing
from reports.page import templates
from reports.page.pictures import data_uri
from reports.page.svg import inline
from reports.runs import titles
from reports.runs.provenance import Circumstances
from reports.tables.section import Section

SECTIONS = {"glance": "At a glance", "pictures": "Answers", "numbers": "Numbers", "arms": "Who answers", "how": "How"}


class Shown(NamedTuple):
    """A picture of the page, what it is, and a line of numbers below it."""

    name: str
    source: str
    numbers: str


class Scene(NamedTuple):
    """All pictures of one problem and image."""

    title: str
    pictures: Sequence[Shown]


def build(found: Refinement, how: Circumstances, folder: Path) -> Path:
    """Write ``folder``/report.html, one file that needs no other, and return its path.

    Raises:
        OSError: the folder cannot be written.
    """
    return templates.write(
        folder / "report.html",
        "refinement.html.j2",
        told=f"{titles.counted(found.problems, 'problem')}, {found.n} samples of what draws; {how['date'][:10]}",
        sections=SECTIONS,
        found=found,
        trained=titles.problem_title(found.trained),
        lines=list(experiment.words(found)),
        figure=inline(drawing.figure(found, titled=False), "refinement", "Perception and distortion, PSNR by problem, and answers"),
        explained=drawing.explained(found),
        arms=[(name, WORDS[name]) for name in found.entrants],
        scores=SCORES,
        tables=[table(found, problem) for problem in found.problems],
        scenes=list(scenes(found)),
        how=how,
    )


def table(found: Refinement, problem: str) -> Section:
    """The scores of every entrant on a problem."""
    lines = tuple((name, *(experiment.number(score, each[score]) for score in SCORES)) for name, each in found.means(problem).items())
    return Section(titles.problem_title(problem) + ", trained for" * (problem == found.trained), ("", *SCORES), lines)


def scenes(found: Refinement) -> Iterator[Scene]:
    for (problem, image), (truth, y) in found.scenes.items():
        shown = [Shown("truth", data_uri(truth), ""), Shown("shown to the network", data_uri(y), "")]
        mine = [row for row in found.rows if (row.problem, row.image) == (problem, image)]
        yield Scene(f"{titles.problem_title(problem)}: {titles.image_title(image)}", shown + [answer(row) for row in mine])


def answer(row: Row) -> Shown:
    """The answer itself; of an entrant that draws, one of its samples."""
    drawn = row.scores["coverage"] is not None
    psnr, misfit = row.scores["psnr_sample"], row.scores["misfit"]
    name = row.entrant + ", one" * drawn
    return Shown(name, data_uri(row.mean if row.entrant == MEAN else row.one), f"{psnr:.2f} dB, misfit {misfit:.2g}")
