"""Pictures without contrast: every command ends as usual, and no NaN is shown. A score that does not exist is a dash."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import priors
import problems
import solvers
from reports.cli import main
from reports.experiments.comparison import compare, plan
from reports.figures import paper
from reports.judging.trust import judge
from reports.page import report
from reports.runs.stored import Run
from reports.runs.strengths import Strengths, Tuned
from tests.helpers import run

GREYS = {"black": 0, "middle": 128, "white": 255}
NO_NUMBER = re.compile(r"(?<![a-zA-Z])(NaN|nan|inf|Infinity|null|None)(?![a-z])")
NAMES = [name for name in paper.names() if name != "beliefs"]  # nothing is drawn unconditionally here


def flat(folder: Path, size: int = 24) -> list[str]:
    """Files of one grey each."""
    folder.mkdir(exist_ok=True)
    for name, level in GREYS.items():
        Image.new("L", (size, size), level).save(folder / f"{name}.png")
    return [str(folder / f"{name}.png") for name in GREYS]


class Visible(HTMLParser):
    """The text of a page, and what is told instead of its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.found = 0, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style")
        self.found += [value for name, value in attrs if value and name in ("alt", "aria-label", "title", "d", "points", "transform")]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(data)


def visible(page: Path) -> str:
    reader = Visible()
    reader.feed(page.read_text("utf-8"))
    return "\n".join(reader.found)


def without_nan(text: str) -> None:
    shown = NO_NUMBER.search(text)
    assert shown is None, text[max(0, shown.start() - 80) : shown.end() + 40]


def fitting(channels: int) -> list[str]:
    """The problems that pictures of so many channels can have."""
    return [name for name in problems.CATALOGUE if channels == 3 or name not in ("colorize", "demosaic")]


@pytest.fixture(scope="module", params=[1, 3], ids=["grey", "colour"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on flat pictures, every problem, with an estimate and with samples."""
    home = tmp_path_factory.mktemp("flat")
    images = flat(home / "pictures")
    span = (("deblur",), (0.01, 0.04), (0.0, 1.0))
    given = Tuned("tv", "deblur", "hqs", 0.5, [(0.5, 25.0), (5.0, 20.0)], ("coins",), 24, 1, 0, "2026-01-01", {"card": None}, *span)
    tuned = Strengths("mine.json", {("tv", "deblur", "hqs"): given})
    methods, shape = ("hqs", "mean", "annealed"), {"size": 24, "channels": request.param}
    cells = plan(("gaussian", "tv"), fitting(request.param), images, methods, samples=3, steps=3, strengths=tuned, **shape)
    compare(cells, home / "run", "test", strengths=tuned)
    return home / "run"


@pytest.mark.slow
def test_the_report_shows_no_nan(folder: Path) -> None:
    assert {row.status for row in Run.load(folder).rows} == {"done"}
    without_nan(visible(report.build(Run.load(folder))))


def test_trust_shows_no_nan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trust", folder) == 0
    shown = capsys.readouterr().out
    without_nan(shown)
    assert re.search(r"deblur +\d+% +– +–", shown), "no energy of the truth to share"
    without_nan((folder / "trust.md").read_text("utf-8"))
    json.loads((folder / "trust.json").read_text("utf-8"), parse_constant=pytest.fail)


@pytest.mark.parametrize("form", ["latex", "markdown", "csv", "html"])
def test_the_table_shows_no_nan(form: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("table", folder, "--format", form) == 0
    without_nan(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_figures_are_drawn(name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("figure", folder, name, "--out", tmp_path / "figure.svg") == 0
    without_nan(capsys.readouterr().out)


def test_the_denoising_table_shows_no_nan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flat(tmp_path / "pictures")
    out = tmp_path / "out"
    assert run("denoise-table", "-i", tmp_path / "pictures", "-p", "gaussian,tv", "--sigmas", "5,50", "-o", out) == 0
    without_nan(capsys.readouterr().out + (out / "denoise-table.md").read_text("utf-8"))


def test_samples_beside_flat_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They have no spectrum to set samples against."""
    flat(tmp_path / "pictures", 32)
    out = tmp_path / "out"
    assert run("sample", "-i", tmp_path / "pictures", "-p", "gaussian", "--size", "32", "--steps", "8", "-n", "2", "-o", out) == 0
    without_nan(capsys.readouterr().out)
    row, *_ = json.loads((out / "sample.json").read_text("utf-8"), parse_constant=pytest.fail)["rows"]
    assert row["contrast_of_photographs"] == 0
    assert row["finest_dB"] is None


class Sure:
    """A prior that knows the picture is mid-grey: samples do not differ, and have no activity."""

    name, family, mmse = "sure", "classical", True

    def denoise(self, x, sigma):
        return 0 * x + 0.5


@pytest.mark.slow
def test_samples_that_do_not_differ_are_judged(tmp_path: Path) -> None:
    Image.new("L", (24, 24), 128).save(tmp_path / "grey.png")
    cells = plan((f"{__name__}:Sure",), ("denoise",), (str(tmp_path / "grey.png"),), ("ddnm", "annealed"), samples=3, steps=3, size=24)
    found = compare(cells, tmp_path / "run", "test")
    rows = tuple(row for row in found.rows if row.status == "done")
    assert rows
    main(["trust", str(tmp_path / "run")])
    assert judge(Run(found.folder, rows, found.provenance)).rows
    without_nan(visible(report.build(found)))


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_every_method_and_prior_on_flat_pictures(channels: int, tmp_path: Path) -> None:
    images = flat(tmp_path / "pictures", 16)
    chosen = images[:1] if channels == 1 else images[1:2]
    named = [name for name in priors.CATALOGUE if channels == 1 or name != "bm3d"]  # in colour it does the same three times, slowly
    cells = plan(named, fitting(channels), chosen, solvers.METHODS, samples=2, steps=2, size=16, channels=channels)
    found = compare(cells, tmp_path / "run", "test")
    # by methods that do not fit the problem or the prior, and by a prior that was trained on colour
    refused = ("cannot undo", "no gradient passes", "out of reach", "was trained on 3 channels")
    failed = [f"{row.cell}: {row.message}" for row in found.rows if row.status == "failed"]
    assert [told for told in failed if not any(words in told for words in refused)] == []
    values = [value for row in found.rows for value in row.metrics.values()]
    assert np.isfinite(np.array(values, float)).all()
