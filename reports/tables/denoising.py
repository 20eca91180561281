"""The denoising table in words and files: terminal sections, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from reports.experiments.denoising import Row, Table, family, out_of_range, protocol
from reports.runs.files import write, write_json
from reports.runs.titles import counted
from reports.tables.section import Section


def entries(table: Table) -> list[dict[str, Any]]:
    """One flat line for each row; ``gain`` is over the reference, _95 half the width of an interval, None where nothing was measured."""
    return [
        {
            "prior": row.level.prior,
            "family": family(row.level.prior),
            "sigma": row.level.sigma,
            "status": row.status,
            "pictures": len(row.scores),
            **mean_and_interval("psnr", row.values("psnr")),
            **mean_and_interval("gain", table.gains(row)),
            **mean_and_interval("behind_best", table.behind(row)),
            **mean_and_interval("ssim", row.values("ssim")),
            **mean_and_interval("seconds", row.values("seconds")),
            "message": row.message,
        }
        for row in table.rows
    ]


def mean_and_interval(name: str, values: Sequence[float]) -> dict[str, float | None]:
    return {name: statistics.mean(values) if values else None, f"{name}_95": interval(values)}


def sections(table: Table) -> list[Section]:
    """PSNR with the published values, distance from the best, SSIM and seconds, as terminal and Markdown show them."""
    shown: dict[str, Callable[[Row], str]] = {
        f"PSNR in dB, mean of {counted(table.scene.pictures, 'picture')} ± 95 %": lambda row: told(row.values("psnr")),
        "PSNR less that of the best, picture by picture ± 95 %": lambda row: "best" if is_best(table, row) else told(table.behind(row)),
        "SSIM": lambda row: told(row.values("ssim"), ".3f", spread=False),
        "seconds a picture": lambda row: told(row.values("seconds"), ".2g", spread=False),
    }
    heads = ("sigma in /255", *(f"{sigma:g}" for sigma in table.sigmas))
    found = {title: [(p, *(say(table.row(p, s)) for s in table.sigmas)) for p in table.priors] for title, say in shown.items()}
    for paper in table.published:
        values = [[paper.psnr[sigma]] if sigma in paper.psnr else [] for sigma in table.sigmas]
        next(iter(found.values())).append((f"{paper}, published", *(told(value) for value in values)))
    return [Section(title, heads, tuple(lines)) for title, lines in found.items()]


def is_best(table: Table, row: Row) -> bool:
    return row.status == "done" and row is table.best(row)


def told(values: Sequence[float], form: str = ".2f", spread: bool = True) -> str:
    if not values:
        return "-"
    half = interval(values) if spread else None
    return format(statistics.mean(values), form) + (f" ± {half:{form}}" if half is not None else "")


def export(table: Table) -> None:
    """Write denoise-table.csv, .json and .md beside the scores."""
    rows, path = entries(table), table.folder / "denoise-table"
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write(path.with_suffix(".csv"), lambda file: file.write(text.getvalue().encode()))
    scores = [entry | {"scores": [asdict(score) for score in row.scores]} for entry, row in zip(rows, table.rows, strict=True)]
    papers = [asdict(paper) for paper in table.published]
    write_json(path.with_suffix(".json"), {"provenance": table.provenance, "rows": scores, "published": papers})
    write(path.with_suffix(".md"), lambda file: file.write(markdown(table).encode()))


def markdown(table: Table) -> str:
    parts = ["# Denoising along the spectrum", protocol(table.scene), *out_of_range(row.level for row in table.rows)]
    for section in sections(table):
        lines = [section.heads, ("---", *["---:"] * len(table.sigmas)), *section.lines]
        parts += [f"## {section.title}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join(parts) + "\n"


def interval(values: Sequence[float]) -> float | None:
    """Half the width of the 95 % interval of a mean (Student's t); None from fewer than two values."""
    from scipy.stats import t

    n = len(values)
    return float(t.ppf(0.975, n - 1)) * statistics.stdev(values) / math.sqrt(n) if n > 1 else None
