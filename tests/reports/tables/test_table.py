"""The table for a paper: means with honest intervals, best and second by the right direction, and text that compiles."""

from __future__ import annotations

import csv
import io
import math
import re
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.experiments.comparison import compare, plan
from reports.runs.cell import Cell, Record
from reports.runs.stored import Run
from reports.scores.catalogue import METRICS
from reports.tables import forms
from reports.tables.comparison import Column, Entry, Table, table
from tests.helpers import run

T = {2: 12.706, 3: 4.303, 4: 3.182}  # Student's t, 97.5 %, for so many images
Scores = Mapping[str, Sequence[float | None]]


def scored(scores: Mapping[str, Scores], problem: str = "deblur", method: str = "hqs", samples: int = 0, mmse: bool = True) -> list[Record]:
    """metric -> prior -> a value for each image; None stands for a cell that diverged."""
    rows = []
    for prior in dict.fromkeys(prior for found in scores.values() for prior in found):
        for i in range(len(next(iter(scores.values()))[prior])):
            metrics = {metric: found[prior][i] for metric, found in scores.items()}
            done = None not in metrics.values()
            cell = Cell(problem, f"image {i}", prior, method, samples=samples, size=64)
            facts = {"family": "learned", "mmse": mmse}
            rows.append(Record(cell, "done" if done else "diverged", "", metrics if done else {}, 8, 0.5, (), facts))
    return rows


def made(*rows: list[Record]) -> Run:
    return Run(Path("run"), tuple(row for group in rows for row in group), {})


def column_of(found: Table, metric: str, method: str = "hqs") -> dict[str, Entry]:
    column = next(column for column in found.columns if (column.metric, column.method) == (metric, method))
    return {prior: found.entries[prior, column] for prior in found.families}


@pytest.mark.parametrize("n", [2, 3, 4])
def test_mean_and_interval_over_images(n: int) -> None:
    values = [20.0, 23.0, 22.0, 30.0][:n]
    entry = column_of(table(made(scored({"psnr": {"a": values, "b": values}})), ["psnr"]), "psnr")["a"]
    assert entry.mean == pytest.approx(statistics.mean(values))
    assert entry.half == pytest.approx(T[n] * statistics.stdev(values) / math.sqrt(n), rel=1e-3)
    assert entry.images == n


def test_a_single_image_has_no_interval() -> None:
    found = table(made(scored({"psnr": {"a": [20.0], "b": [21.0]}})), ["psnr"])
    assert column_of(found, "psnr")["a"].half is None
    assert "±" not in forms.markdown(found)
    assert "1 grey image of 64 × 64 pixels, seed 0." in found.caption


@pytest.mark.parametrize(("metric", "best"), [(name, metric.better) for name, metric in METRICS.items()])
def test_best_and_second_by_the_direction_of_the_metric(metric: str, best: int) -> None:
    if metric in ("calls", "seconds"):
        assert best == 0
        return
    values = {"a": [1.0, 1.0], "b": [5.0, 5.0], "c": [3.0, 3.0]}
    ranks = {prior: entry.rank for prior, entry in column_of(table(made(scored({metric: values})), [metric]), metric).items()}
    assert ranks == {1: {"a": 0, "b": 1, "c": 2}, -1: {"a": 1, "b": 0, "c": 2}, 0: {"a": 0, "b": 0, "c": 0}}[best]


def test_the_directions() -> None:
    higher = {"psnr", "ssim", "haarpsi"}
    lower = {"gmsd", "lpips", "swd", "spectrum_db", "mae", "crps", "rms_error"}
    for name, metric in METRICS.items():
        expected = 1 if name.removesuffix("_sample") in higher else -1 if name.removesuffix("_sample") in lower else 0
        assert metric.better == expected, name


def test_what_looks_the_same_shares_its_rank() -> None:
    found = column_of(
        table(made(scored({"psnr": {"a": [30.001], "b": [29.999], "c": [28.0], "d": [28.0], "e": [20.0]}})), ["psnr"]), "psnr"
    )
    assert {prior: entry.rank for prior, entry in found.items()} == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 0}


def test_priors_without_all_images_do_not_compete() -> None:
    found = table(made(scored({"psnr": {"a": [30.0, None], "b": [20.0, 20.0], "c": [None, None], "d": [10.0, 10.0]}})), ["psnr"])
    entries = column_of(found, "psnr")
    assert [entries[prior].rank for prior in "abcd"] == [0, 1, 0, 2]
    assert (entries["a"].mean, entries["a"].images, entries["a"].complete) == (30.0, 1, False)
    assert entries["c"].words == "diverged"
    lines = forms.markdown(found).splitlines()
    assert "| a | 30.00 <sup>*</sup> |" in lines
    assert "| c | diverged |" in lines
    assert "*: not on all images, not ranked." in found.caption


def test_a_prior_alone_is_not_the_best() -> None:
    assert column_of(table(made(scored({"psnr": {"a": [30.0]}})), ["psnr"]), "psnr")["a"].rank == 0


def test_heuristic_samplers_and_exhibits_are_marked() -> None:
    run = made(scored({"psnr": {"a": [30.0], "b": [20.0]}}, method="diffpir", samples=4, mmse=False))
    found = table(run, ["psnr"])
    assert found.columns[0].use == "sampled (diffpir, as published, biased, n = 4)"
    assert r"\textbf{30.00}\textsuperscript{h}" in forms.latex(found)
    assert "h: heuristic, no posterior stands behind these samples." in found.caption


def test_doubtful_answers_are_marked() -> None:
    run = made(scored({"psnr": {"a": [30.0], "b": [20.0]}}))
    found = table(replace(run, rows=tuple(replace(row, message="misfit 9" * (row.cell.prior == "a")) for row in run.rows)), ["psnr"])
    assert r"\textbf{30.00}\textsuperscript{?}" in forms.latex(found)
    assert "?: doubtful" in found.caption
    assert [each.doubtful for each in column_of(found, "psnr").values()] == [True, False]


def test_evaluated_and_sampled_have_columns_of_their_own() -> None:
    one = scored({"psnr": {"a": [30.0], "b": [20.0]}})
    other = scored({"psnr": {"a": [31.0], "b": [20.0]}, "psnr_sample": {"a": [28.0], "b": [19.0]}}, method="annealed", samples=5)
    found = table(made(one, other))
    assert found.columns == (
        Column("deblur", "hqs", "psnr", 0),
        Column("deblur", "annealed", "psnr", 5),
        Column("deblur", "annealed", "psnr_sample", 5),
    )
    assert [column.use for column in found.columns[:2]] == ["evaluated (hqs)", "sampled (annealed, n = 5)"]


def test_what_the_run_has_is_chosen_where_nothing_is_named() -> None:
    old, new = ({"psnr": {"a": [1.0]}, "ssim": {"a": [1.0]}}, {"psnr": {"a": [1.0]}, "ssim": {"a": [1.0]}, "haarpsi": {"a": [1.0]}})
    assert [column.metric for column in table(made(scored(old))).columns] == ["psnr", "ssim"]
    assert [column.metric for column in table(made(scored(new))).columns] == ["psnr", "haarpsi"]


@pytest.mark.parametrize(
    ("metric", "told"), [("psrn", "unknown metric 'psrn'.*psnr"), ("lpips", "no cell in run has the metric 'lpips'.*psnr")]
)
def test_a_metric_that_is_not_there_is_told(metric: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        table(made(scored({"psnr": {"a": [1.0]}})), [metric])


# Forms

EVIL = r"my_prior:Net&\input{x}$^~#[a=1,b=50%]"


def evil() -> Table:
    rows = [scored({"psnr": {EVIL: [30.0, 31.0], "<b>|": [20.0, 22.0]}}, f"inpaint[mask=box_{i}:0.5]", "red", 0) for i in range(9)]
    return table(made(*rows))


def test_latex_is_balanced_and_every_row_has_its_columns() -> None:
    text = forms.latex(evil())
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{([^}]*)\}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    bare = re.sub(r"\\[{}\\]", "", text)
    assert bare.count("{") == bare.count("}")
    for block in text.split(r"\begin{tabular}")[1:]:
        columns = len(re.match(r"\{(lr*)\}", block)[1])
        for row in re.findall(r"^.* \\\\$", block, re.M):
            spans = [int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", row)]
            assert len(re.findall(r"(?<!\\)&", row)) + 1 + sum(spans) == columns
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [9, 9, 9]


def test_latex_takes_no_name_for_a_command() -> None:
    text = forms.latex(evil())
    assert r"my\_prior:Net\&\textbackslash{}input\{x\}\$\textasciicircum{}\textasciitilde{}\#[a=1,b=50\%]" in text
    assert r"\input" not in text.replace(r"\textbackslash{}input", "")
    assert r"box\_0" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
@pytest.mark.slow
def test_latex_compiles(tmp_path: Path) -> None:
    document = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{forms.latex(evil())}\end{{document}}"
    (tmp_path / "x.tex").write_text(document, "utf-8")
    subprocess.run(["pdflatex", "-halt-on-error", "x.tex"], cwd=tmp_path, check=True, capture_output=True)


def test_latex_is_plain_letters() -> None:
    assert forms.latex(evil()).isascii()


def test_wide_runs_are_cut_into_blocks_of_a_problem() -> None:
    metrics = {name: {"a": [1.0], "b": [2.0]} for name in ("psnr", "ssim", "misfit")}
    rows = [scored(metrics, problem) for problem in ("deblur", "inpaint", "denoise")]
    assert forms.latex(table(made(*rows[:2]), list(metrics))).count(r"\begin{tabular}") == 1
    assert forms.latex(table(made(*rows), list(metrics))).count(r"\begin{tabular}") == 3


def test_markdown_has_as_many_cells_in_every_row() -> None:
    for block in forms.markdown(evil()).split("\n\n")[:-1]:
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()} == {3}


class Cells(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_balanced_and_takes_no_name_for_markup() -> None:
    text = forms.html(evil())
    seen = Cells(text).seen
    assert seen.count("table") == 9
    assert seen.count("b") == seen.count("u") == 9  # best and second of each, and not the prior of that name
    assert "&lt;b&gt;|" in text


def test_csv_holds_the_numbers_in_full() -> None:
    found = table(made(scored({"psnr": {"a": [20.0, 21.0], "b": [1 / 3, None]}})), ["psnr", "calls"])
    rows = list(csv.DictReader(io.StringIO(forms.comma_separated(found))))
    assert len(rows) == 4
    assert float(rows[1]["mean"]) == 1 / 3
    assert (rows[1]["half_interval"], rows[1]["images"], rows[1]["complete"]) == ("", "1", "False")
    assert (rows[0]["rank"], rows[2]["metric"], rows[2]["mean"]) == ("", "calls", "8.0")


# The command


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return compare(plan(["gaussian", "tv"], ["deblur"], ["camera", "brick"], ["hqs"], 2, 2, 16), tmp_path_factory.mktemp("stored"))


@pytest.mark.parametrize("kind", forms.FORMS)
def test_the_command_prints_the_table_and_nothing_else(stored: Run, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("table", str(stored.folder), "--format", kind, "--metric", "psnr,ssim") == 0
    assert capsys.readouterr().out.replace("\r\n", "\n") == forms.FORMS[kind](table(stored, ["psnr", "ssim"])).replace("\r\n", "\n")


def test_the_command_writes_a_file(stored: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("table", str(stored.folder), "-o", str(tmp_path / "x.tex")) == 0
    assert (tmp_path / "x.tex").read_text("utf-8") == forms.latex(table(stored))
    assert capsys.readouterr().out == f"table: {tmp_path / 'x.tex'}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--metric", "psrn"), "unknown metric 'psrn'"),
        (("--format", "word"), "'latex', 'markdown', 'csv', 'html'"),
        (("-o", "/proc/none/x.tex"), "cannot write /proc/none/x.tex"),
    ],
)
def test_bad_input_is_one_sentence(stored: Run, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("table", str(stored.folder), *arguments) == 2
    found = capsys.readouterr().err
    assert told in found
    assert found.count("\n") == 1
