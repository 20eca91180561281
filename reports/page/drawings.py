"""The figures of the page, each with a sentence for those who do not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from reports import summary
from reports.figures import catalogue, companions, trust_figure
from reports.figures.conjured_figure import conjured
from reports.figures.crops import example
from reports.figures.panels import panel
from reports.figures.uncertainty import trusted
from reports.page import trust_page
from reports.page.svg import inline
from reports.spread import by_method

if TYPE_CHECKING:
    from reports.cell import Record
    from reports.comparison import Comparison
    from reports.trust import Trust

TITLES = {"spectrum": "The spectrum", "uncertainty": "Uncertainty maps"}


class Drawing(NamedTuple):
    """A figure as it stands in the page; ``stem`` is the name of its files, ``problem`` and ``method`` empty where it is about no one's."""

    name: str
    stem: str
    svg: Markup
    problem: str = ""
    method: str = ""


def of_problems(comparison: Comparison) -> list[Drawing]:
    """The spectrum and the uncertainty of each problem."""
    shown = [(name, problem, stem) for name, problem, stem in catalogue.drawable(comparison) if name != "grid"]
    return [Drawing(name, stem, svg(comparison, name, problem, stem), problem) for name, problem, stem in shown]


def svg(comparison: Comparison, name: str, problem: str, stem: str) -> Markup:
    told = f"{TITLES[name]} of {problem}. {described(comparison, name, problem)}"
    return inline(catalogue.FIGURES[name](comparison, problem), stem, told)


def of_trust(trust: Trust) -> list[Drawing]:
    """How well the spread holds, a figure for each method that samples, then what was measured at all."""
    found = []
    for i, (method, part) in enumerate(by_method(trust).items()):
        svg = inline(trust_figure.calibration(part), f"trust-{i}", trust_page.told(part), margin=0)  # words stand in its margin
        found.append(Drawing("trust", "trust", svg, method=method))
    return [*found, Drawing("measured", "measured", inline(conjured(trust), "measured", trust_page.told_conjured(trust)))]


def of_runs(comparison: Comparison) -> list[Drawing]:
    """The companions that have something to draw."""
    found = []
    for name, draw in companions.COMPANIONS.items():
        figure = draw(comparison)
        if figure is not None:
            found.append(Drawing(name, name, inline(figure, f"run-{name}", companions.told(name, comparison))))
    return found


def described(comparison: Comparison, name: str, problem: str) -> str:
    """All scores of a figure in words."""
    image = example(comparison, problem)
    methods = [method for method in summary.methods(comparison) if name == "spectrum" or summary.is_sampled(comparison, method)]
    told = []
    for method in methods:
        rows = [(prior, comparison.row(prior, problem, image, method)) for prior in comparison.priors]
        found = [f"{prior} {(trust if name == 'uncertainty' else score)(row)}" for prior, row in rows]
        told.append(f"{summary.image_title(image)}, {summary.use(comparison, method)}: {', '.join(found)}.")
    return " ".join(told)


def score(row: Record | None) -> str:
    found = panel(row)
    return found.words or found.perceived


def trust(row: Record | None) -> str:
    word, facts = trusted(row)
    return " ".join([word, *facts.split()]) or panel(row).words
