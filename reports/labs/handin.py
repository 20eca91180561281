"""The hand-in: one HTML file with code, pictures, the answer in words and verdicts, whose code is read back for grading."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from reports.labs import cells
from reports.labs.cells import Cell, Script
from reports.labs.checking import Checked
from reports.page import templates
from reports.runs.provenance import circumstances

RECORD = re.compile(r'<script type="application/json" id="handin">(.*?)</script>', re.DOTALL)
LARGEST = 100_000_000  # bytes of a hand-in


def build(checked: Checked, path: Path, command: str) -> Path:
    """Write the hand-in of a checked script and return its path.

    Raises:
        OSError: it cannot be written.
    """
    results = [asdict(each) for each in checked.verdicts]
    total = checksum(checked.script, results)
    record = {"text": checked.script.text, "results": results, "checksum": total}
    ran = {cell["line"]: cell for cell in checked.cells}
    return templates.write(
        path,
        "handin.html.j2",
        checked=checked,
        script=checked.script,
        cells=[(cell, prose(cell.text) if cell.prose else "", ran.get(cell.line)) for cell in checked.script.cells],
        words=prose(checked.script.words),
        trimmed=trimmed,
        total=total,
        record=Markup(json.dumps(record).replace("<", "\\u003c")),
        how=circumstances(command),
    )


def checksum(script: Script, results: Sequence[Mapping[str, Any]]) -> str:
    """sha256 over code, id and results. It shows that a page was changed by hand; it is no signature, since anybody can compute it."""
    told = json.dumps([script.text, script.lab, script.student, results], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def read(path: Path) -> tuple[Script, bool]:
    """The script in a hand-in, and whether its checksum fits.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no hand-in.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is larger than a hand-in can be")
    found = RECORD.search(path.read_text("utf-8", "replace"))
    try:
        record = json.loads(found[1] if found else "")
        script = cells.parse(str(record["text"]))
        return script, checksum(script, record["results"]) == record["checksum"]
    except (KeyError, TypeError, json.JSONDecodeError):
        raise ValueError(f"{path} is no hand-in of priorbench lab report, or it was damaged; ask for it again") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def trimmed(cell: Cell) -> str:
    """The code of a cell without the empty lines around it."""
    return cell.text.strip("\n")


def prose(text: str) -> Markup:
    """Comments in the little Markdown of the templates as HTML: headings, paragraphs, lists, formulas that are indented."""
    lines = [re.sub(r"^# ?", "", line) for line in text.splitlines()]
    return Markup("\n".join(block(part) for part in re.split(r"\n{2,}", "\n".join(lines).strip("\n"))))


def block(part: str) -> str:
    lines = part.split("\n")
    if found := re.match(r"(#+) (.*)", part):
        return f"<h{min(len(found[1]) + 2, 6)}>{inline(found[2])}</h{min(len(found[1]) + 2, 6)}>"
    if all(line.startswith("    ") for line in lines):
        return f"<pre>{html.escape(chr(10).join(line[4:] for line in lines))}</pre>"
    if part.startswith("- "):
        return f"<ul>{''.join(f'<li>{inline(item)}</li>' for item in items(lines))}</ul>"
    return f"<p>{inline(' '.join(lines))}</p>"


def items(lines: Sequence[str]) -> Iterator[str]:
    """Items of a list, each with the lines that go on with it."""
    return (" ".join(item.split()) for item in "\n".join(lines).removeprefix("- ").split("\n- "))


def inline(text: str) -> str:
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", re.sub(r"(?<![*\w])\*(?![* ])([^*]+)\*(?![*\w])", r"<em>\1</em>", safe))
