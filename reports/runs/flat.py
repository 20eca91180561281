"""A stored run as flat rows: results.csv, results.json and data frames."""

from __future__ import annotations

import csv
import io
from typing import Any

from reports.runs.files import write, write_json
from reports.runs.store import plain
from reports.runs.stored import Run


def flat_rows(run: Run) -> list[dict[str, Any]]:
    """One flat row per cell: the cell, status, family, every metric of the run (None where it does not apply), cost."""
    entries = [plain(row) for row in run.rows]
    columns = dict.fromkeys(name for entry in entries for name in entry["metrics"])
    return [
        {
            **entry["cell"],
            "family": entry["prior"].get("family"),
            "status": entry["status"],
            **{name: entry["metrics"].get(name) for name in columns},
            "calls": entry["calls"],
            "seconds": round(entry["seconds"], 3),
            "message": entry["message"],
        }
        for entry in entries
    ]


def export(run: Run) -> None:
    """Write results.csv and results.json beside the cells, from which they are derived."""
    rows = flat_rows(run)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write(run.folder / "results.csv", lambda file: file.write(text.getvalue().encode()))
    write_json(run.folder / "results.json", {"provenance": run.provenance, "rows": rows})
