"""A stored run with what can be made of it: figures, a data frame, a view in a notebook. Nothing is solved."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from reports.figures import paper
from reports.judging.verdict import verdict
from reports.runs.flat import flat_rows
from reports.runs.stored import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True)
class Report(Run):
    """A stored run that can be drawn: ``Report.load(folder)``, or ``reports.load(folder)``."""

    def figure(self, name: str, problem: str | None = None, width: str = "ieee2") -> Figure:
        """A figure of the run, drawn from what is stored: names, widths and errors are those of ``reports.figures.paper.figure``."""
        return paper.figure(self, name, problem, width)

    def frame(self) -> DataFrame:
        """All cells, one row each: settings, status, every metric (NaN where it does not apply), calls and seconds.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("a data frame needs pandas; install it with: pip install pandas") from None
        return pandas.DataFrame(flat_rows(self))

    def _repr_html_(self) -> str:
        """For a notebook: the verdict, and where the report is."""
        lines = [(problem, line) for problem in self.problems for line in verdict(self, problem)]
        cells = [(problem, line.about, line.answer, line.numbers) for problem, line in lines]
        rows = "".join(f"<tr><td>{'</td><td>'.join(map(escape, words))}</td></tr>" for words in cells)
        return f"<table>{rows}</table><div>report: {escape(str(self.folder / 'report.html'))}</div>"
