"""One HTML file that tells a stranger within a minute what won, what it cost, and what was conjured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.figures import catalogue, style
from reports.figures import trust as trust_figure
from reports.judging import spread, verdict
from reports.page import diagnostics, drawings, pictures, tables, templates
from reports.page import trust as trust_page
from reports.page.cached import remembering
from reports.page.instruments import instruments
from reports.runs import titles
from reports.runs.strengths import UNTUNED

if TYPE_CHECKING:
    from reports.page.drawings import Drawing
    from reports.runs.stored import Run


def build(run: Run) -> Path:
    """Write ``folder``/report.html, one file that needs no other, and return its path.

    Samples are judged here, once, so their figures (``trust_figure.save``) are written here too.

    Raises:
        OSError: the folder cannot be written.
    """
    run = remembering(titles.with_bias_named(run))
    samples = spread.judged(run)
    if samples.trust:
        trust_figure.save(samples.trust)
    drawn = drawings.of_problems(run) + drawings.of_runs(run)
    drawn += drawings.of_trust(samples.trust) if samples.trust else []
    columns, more = ({method: tables.columns(run, method, rest) for method in run.methods} for rest in (False, True))
    return templates.write(
        run.folder / "report.html",
        "report.html.j2",
        run=run,
        provenance=run.provenance,
        titles=titles,
        ranking=verdict,
        methods=run.ordered_methods,
        looks={prior: (family, style.look(family)) for prior, family in families(run).items()},
        drawings=drawn,
        saved=saved(run, drawn),
        table=tables,
        columns=columns,
        more=more,
        pictures=pictures,
        room=pictures.room(run),
        grids={problem: pictures.grid(run, problem) for problem in run.problems},
        strips={problem: found for problem in run.problems if (found := pictures.sample_table(run, problem))},
        diagnostics=diagnostics,
        instruments=instruments(run),
        untuned=UNTUNED,
        spread=samples,
        by_method=spread.by_method,
        trust=trust_page,
        stems=catalogue.file_stems(run.problems),
    )


def families(run: Run) -> dict[str, str | None]:
    family = {row.cell.prior: row.prior.get("family") for row in run.rows}
    return {prior: family[prior] for prior in run.priors}


def saved(run: Run, drawings: Sequence[Drawing]) -> set[str]:
    """Stems of the companions that are among the files of the run as well."""
    return {drawing.stem for drawing in drawings if (run.folder / "figures" / f"{drawing.stem}.pdf").is_file()}
