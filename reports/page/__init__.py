"""One HTML file that tells a stranger within a minute what won, what it cost, and what was conjured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports import spread, summary
from reports.figures import catalogue, style, trust_figure
from reports.page import diagnostics, drawings, pictures, tables, templates, trust_page
from reports.page.memory import remembering

if TYPE_CHECKING:
    from reports.comparison import Comparison
    from reports.page.drawings import Drawing


def build(comparison: Comparison) -> Path:
    """Write ``folder``/report.html, one file that needs no other, and return its path.

    Samples are judged here, once, so their figures (``trust_figure.save``) are written here too.

    Raises:
        OSError: the folder cannot be written.
    """
    comparison = remembering(summary.with_bias_named(comparison))
    samples = spread.judged(comparison)
    if samples.trust:
        trust_figure.save(samples.trust)
    drawn = drawings.of_problems(comparison) + drawings.of_runs(comparison)
    drawn += drawings.of_trust(samples.trust) if samples.trust else []
    columns, more = ({method: tables.columns(comparison, method, rest) for method in comparison.methods} for rest in (False, True))
    return templates.write(
        comparison.folder / "report.html",
        "report.html.j2",
        comparison=comparison,
        provenance=comparison.provenance,
        summary=summary,
        methods=summary.methods(comparison),
        looks={prior: (family, style.look(family)) for prior, family in families(comparison).items()},
        drawings=drawn,
        saved=saved(comparison, drawn),
        table=tables,
        columns=columns,
        more=more,
        pictures=pictures,
        room=pictures.room(comparison),
        grids={problem: pictures.grid(comparison, problem) for problem in comparison.problems},
        strips={problem: found for problem in comparison.problems if (found := pictures.sample_strips(comparison, problem))},
        diagnostics=diagnostics,
        spread=samples,
        by_method=spread.by_method,
        trust=trust_page,
        stems=catalogue.file_stems(comparison.problems),
    )


def families(comparison: Comparison) -> dict[str, str | None]:
    family = {row.cell.prior: row.prior.get("family") for row in comparison.rows}
    return {prior: family[prior] for prior in comparison.priors}


def saved(comparison: Comparison, drawings: Sequence[Drawing]) -> set[str]:
    """Stems of the companions that are among the files of the run as well."""
    return {drawing.stem for drawing in drawings if (comparison.folder / "figures" / f"{drawing.stem}.pdf").is_file()}
