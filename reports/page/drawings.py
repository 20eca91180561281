"""The figures of the page, each with a sentence for those who do not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from reports.figures import catalogue, whole_run
from reports.figures import trust as trust_figure
from reports.figures.crops import example
from reports.figures.panels import panel
from reports.figures.resolution import conjured
from reports.figures.uncertainty import trusted
from reports.judging.spread import by_method
from reports.page import trust as trust_page
from reports.page.svg import inline
from reports.runs import titles

if TYPE_CHECKING:
    from reports.judging.trust import Trust
    from reports.runs.cell import Record
    from reports.runs.stored import Run

TITLES = {"spectrum": "The spectrum", "uncertainty": "Uncertainty maps"}


class Drawing(NamedTuple):
    """A figure as it stands in the page; ``stem`` is the name of its files, ``problem`` and ``method`` empty where it is about no one's."""

    name: str
    stem: str
    svg: Markup
    problem: str = ""
    method: str = ""


def of_problems(run: Run) -> list[Drawing]:
    """The spectrum and the uncertainty of each problem."""
    shown = [(name, problem, stem) for name, problem, stem in catalogue.drawable(run) if name != "grid"]
    return [Drawing(name, stem, svg(run, name, problem, stem), problem) for name, problem, stem in shown]


def svg(run: Run, name: str, problem: str, stem: str) -> Markup:
    told = f"{TITLES[name]} of {problem}. {described(run, name, problem)}"
    return inline(catalogue.FIGURES[name](run, problem), stem, told)


def of_trust(trust: Trust) -> list[Drawing]:
    """How well the spread holds, a figure for each method that samples, then what was measured at all."""
    found = []
    for i, (method, part) in enumerate(by_method(trust).items()):
        svg = inline(trust_figure.calibration(part), f"trust-{i}", trust_page.told(part), margin=0)  # words stand in its margin
        found.append(Drawing("trust", "trust", svg, method=method))
    return [*found, Drawing("measured", "measured", inline(conjured(trust), "measured", trust_page.told_conjured(trust)))]


def of_runs(run: Run) -> list[Drawing]:
    """The companions that have something to draw."""
    found = []
    for name, draw in whole_run.COMPANIONS.items():
        figure = draw(run)
        if figure is not None:
            found.append(Drawing(name, name, inline(figure, f"run-{name}", whole_run.told(name, run))))
    return found


def described(run: Run, name: str, problem: str) -> str:
    """All scores of a figure in words."""
    image = example(run, problem)
    methods = [method for method in run.ordered_methods if name == "spectrum" or run.is_sampled(method)]
    told = []
    for method in methods:
        rows = [(prior, run.row(prior, problem, image, method)) for prior in run.priors]
        found = [f"{prior} {(trust if name == 'uncertainty' else score)(row)}" for prior, row in rows]
        told.append(f"{titles.image_title(image)}, {titles.use(run, method)}: {', '.join(found)}.")
    return " ".join(told)


def score(row: Record | None) -> str:
    found = panel(row)
    return found.words or found.perceived


def trust(row: Record | None) -> str:
    word, facts = trusted(row)
    return " ".join([word, *facts.split()]) or panel(row).words
