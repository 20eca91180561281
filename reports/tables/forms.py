"""The table of a run as text: LaTeX (booktabs), Markdown, HTML for reading, CSV for counting."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby

from reports.runs import titles
from reports.scores.catalogue import METRICS
from reports.tables.comparison import Column, Entry, Table

WIDEST = 8  # numbers in a row of print: more, and each problem gets a block of its own
SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "×": r"$\times$", "\u00a0": "~",
           **{sign: f"\\{sign}" for sign in "&%$#_{}"}}  # fmt: skip
ARROWS = {1: "↑", -1: "↓", 0: ""}


def told(column: Column, entry: Entry) -> str:
    """A mean and its interval with the digits of its metric."""
    if entry.mean is None:
        return entry.words
    digits = METRICS[column.metric].digits
    return f"{entry.mean:.{digits}f}" + ("" if entry.half is None else f" ± {entry.half:.{digits}f}")


def marks(entry: Entry) -> str:
    return "h" * entry.heuristic + "?" * entry.doubtful + "*" * (entry.mean is not None and not entry.complete)


def head(column: Column) -> str:
    metric = METRICS[column.metric]
    return metric.name + (f" {ARROWS[metric.better]}" if metric.better else "")


def blocks(table: Table) -> list[list[Column]]:
    """Columns side by side: all of them, or where that is too wide those of each problem, or of each method on it."""
    if len(table.columns) <= WIDEST:
        return [list(table.columns)]
    found = [table.of(problem) for problem in table.problems]
    if max(map(len, found)) <= WIDEST:
        return found
    return [list(group) for columns in found for _, group in groupby(columns, key=lambda column: column.method)]


def groups(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """(problem and use, how many columns) side by side."""
    runs = groupby(columns, key=lambda column: (column.problem, column.use))
    return [(f"{titles.problem_title(problem)}, {use}", len(list(group))) for (problem, use), group in runs]


def latex(table: Table) -> str:
    """A ``table*`` for booktabs: \\usepackage{booktabs} is all that it needs."""
    parts = [r"\begin{table*}", r"\centering", rf"\caption{{{plain(table.caption)}}}"]
    for columns in blocks(table):
        parts += [rf"\begin{{tabular}}{{l{'r' * len(columns)}}}", r"\toprule", *latex_heads(columns), r"\midrule"]
        for prior in table.families:
            cells = [latex_entry(column, table.entries[prior, column]) for column in columns]
            parts.append(" & ".join([plain(prior), *cells]) + r" \\")
        parts += [r"\bottomrule", r"\end{tabular}", r"\par\medskip"]
    return "\n".join([*parts[:-1], r"\end{table*}"]) + "\n"


def latex_heads(columns: Sequence[Column]) -> list[str]:
    """Problem and method over their metrics, with a rule below each."""
    above, rules, start = [], [], 2
    for words, n in groups(columns):
        above.append(rf"\multicolumn{{{n}}}{{c}}{{{plain(words)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + n - 1}}}")
        start += n
    arrows = {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
    names = [" ".join(arrows.get(word, plain(word)) for word in head(column).split()) for column in columns]
    return [" & ".join(["", *above]) + r" \\", "".join(rules), " & ".join(["Prior", *names]) + r" \\"]


def latex_entry(column: Column, entry: Entry) -> str:
    number, sign = told(column, entry).partition(" ± ")[::2]
    number = {1: rf"\textbf{{{plain(number)}}}", 2: rf"\underline{{{plain(number)}}}"}.get(entry.rank, plain(number))
    above = rf"\textsuperscript{{{marks(entry)}}}" if marks(entry) else ""
    return number + (rf" $\pm$ {sign}" if sign else "") + above


def plain(words: str) -> str:
    """Any text in LaTeX, nothing in it a command."""
    return "".join(SPECIAL.get(letter, letter) for letter in words)


def markdown(table: Table) -> str:
    parts = []
    for columns in blocks(table):
        repeated = [words for words, n in groups(columns) for _ in range(n)]
        heads = ["prior", *(f"{words}: {head(column)}" for words, column in zip(repeated, columns, strict=True))]
        lines = [heads, ["---", *["---:"] * len(columns)]]
        lines += [[prior, *(markdown_entry(column, table.entries[prior, column]) for column in columns)] for prior in table.families]
        parts.append("\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines))
    return "\n\n".join([*parts, table.caption]) + "\n"


def markdown_entry(column: Column, entry: Entry) -> str:
    number, sign = told(column, entry).partition(" ± ")[::2]
    number = {1: f"**{number}**", 2: f"<ins>{number}</ins>"}.get(entry.rank, number)
    return number + (f" ± {sign}" if sign else "") + (f" <sup>{marks(entry)}</sup>" if marks(entry) else "")


def html(table: Table) -> str:
    """One ``table`` for each block, with no style of its own."""
    parts: list[str] = []
    for columns in blocks(table):
        above = "".join(f'<th colspan="{n}" scope="colgroup">{escape(words)}</th>' for words, n in groups(columns))
        names = "".join(f'<th scope="col">{escape(head(column))}</th>' for column in columns)
        rows = "".join(
            f'<tr><th scope="row">{escape(prior)}</th>{"".join(html_entry(c, table.entries[prior, c]) for c in columns)}</tr>\n'
            for prior in table.families
        )
        caption = "" if parts else f"<caption>{escape(table.caption)}</caption>\n"
        heads = f"<thead>\n<tr><td></td>{above}</tr>\n<tr><th>prior</th>{names}</tr>\n</thead>"
        parts.append(f"<table>\n{caption}{heads}\n<tbody>\n{rows}</tbody>\n</table>\n")
    return "".join(parts)


def html_entry(column: Column, entry: Entry) -> str:
    number, sign = told(column, entry).partition(" ± ")[::2]
    number = {1: "<b>{}</b>", 2: "<u>{}</u>"}.get(entry.rank, "{}").format(escape(number))
    return f"<td>{number}{f' ± {sign}' if sign else ''}{f'<sup>{marks(entry)}</sup>' if marks(entry) else ''}</td>"


def comma_separated(table: Table) -> str:
    """One line for each number, in full."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("prior", "family", "problem", "method", "samples", "metric", "mean", "half_interval", "images", "complete",
                     "heuristic", "doubtful", "rank", "missing"))  # fmt: skip
    for column in table.columns:
        for prior, family in table.families.items():
            each = table.entries[prior, column]
            facts = (prior, family, column.problem, column.method, column.draws, column.metric)
            marks = (each.complete, each.heuristic, each.doubtful)
            writer.writerow((*facts, each.mean, each.half, each.images, *marks, each.rank or "", each.words))
    return text.getvalue()


FORMS: dict[str, Callable[[Table], str]] = {"latex": latex, "markdown": markdown, "csv": comma_separated, "html": html}
