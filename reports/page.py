"""One HTML file that tells a stranger within a minute what won, what it cost, and what was conjured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from reports import figures, page_diagnostics, page_drawings, page_pictures, page_table, store, style, summary, trust_figure, trust_page
from reports.page_memory import remembering

if TYPE_CHECKING:
    from reports.comparison import Comparison
    from reports.page_drawings import Drawing

HERE = Path(__file__).parent


def build(comparison: Comparison) -> Path:
    """Write ``folder``/report.html, one file that needs no other, and return its path.

    Samples are judged here, once, so their figures (``trust_figure.save``) are written here too.

    Raises:
        OSError: the folder cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    comparison = remembering(figures.with_bias_named(comparison))
    spread = trust_page.judged(comparison)
    if spread.trust:
        trust_figure.save(spread.trust)
    drawings = page_drawings.of_problems(comparison) + page_drawings.of_runs(comparison)
    drawings += page_drawings.of_trust(spread.trust) if spread.trust else []
    columns, more = ({method: page_table.columns(comparison, method, rest) for method in comparison.methods} for rest in (False, True))
    text = environment.get_template("template.html.j2").render(
        comparison=comparison,
        provenance=comparison.provenance,
        summary=summary,
        methods=summary.methods(comparison),
        looks={prior: (family, style.look(family)) for prior, family in families(comparison).items()},
        drawings=drawings,
        saved=saved(comparison, drawings),
        table=page_table,
        columns=columns,
        more=more,
        pictures=page_pictures,
        room=page_pictures.room(comparison),
        grids={problem: page_pictures.grid(comparison, problem) for problem in comparison.problems},
        strips={problem: found for problem in comparison.problems if (found := page_pictures.sample_strips(comparison, problem))},
        diagnostics=page_diagnostics,
        spread=spread,
        trust=trust_page,
        stems=figures.file_stems(comparison.problems),
        style=Markup((HERE / "page.css").read_text("utf-8")),
        script=Markup((HERE / "page.js").read_text("utf-8")),
    )
    path = comparison.folder / "report.html"
    store.write(path, lambda file: file.write(text.encode()))
    return path


def families(comparison: Comparison) -> dict[str, str | None]:
    family = {row.cell.prior: row.prior.get("family") for row in comparison.rows}
    return {prior: family[prior] for prior in comparison.priors}


def saved(comparison: Comparison, drawings: Sequence[Drawing]) -> set[str]:
    """Stems of the companions that are among the files of the run as well."""
    return {drawing.stem for drawing in drawings if (comparison.folder / "figures" / f"{drawing.stem}.pdf").is_file()}
