"""In a notebook results show themselves: pictures inside the text, facts that no name can break, no truth that is not there."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import problems
import reports
import solvers
from reports.experiments.comparison import compare, plan
from reports.runs.stored import Run
from tests.made_up import PRIORS, comparison

EVIL = "<script>alert('1')</script>"


class Still:
    name, family, mmse = EVIL, "learned", True

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        return x * 0.9


@pytest.fixture(scope="module")
def problem() -> problems.Problem:
    return problems.inpaint(problems.load_image("astronaut", 16, 3), noise_sigma=0.1, rng=0)


def shown(html: str) -> dict[str, np.ndarray]:
    """Pictures by the name that stands below them."""
    found = re.findall(r'<img src="data:image/png;base64,([^"]+)"[^>]*><figcaption>([^<]*)', html)
    return {name: np.asarray(Image.open(io.BytesIO(base64.b64decode(code)))) for code, name in found}


class Balanced(HTMLParser):
    """Whether every tag is closed in order."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.seen.add(tag)
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_problem_shows_truth_and_measurement(problem: problems.Problem) -> None:
    html = problem._repr_html_()
    truth, measured = shown(html).values()
    np.testing.assert_allclose(truth / 255, problem.truth[0].movedim(0, -1), atol=1 / 255)
    assert (measured == (0xF2, 0xC1, 0x9A)).all(-1).any()  # pixels that were not measured are tinted
    assert "noise sigma 0.1 (25.5/255)" in html


def test_without_a_truth_none_is_shown(problem: problems.Problem) -> None:
    assert list(shown(replace(problem, truth=None)._repr_html_())) == ["measured"]


def test_an_estimate_shows_its_answer(problem: problems.Problem) -> None:
    result = solvers.solve(problem, Still(), steps=2)
    pictures = shown(result._repr_html_())
    assert list(pictures) == ["truth", "measured", "answer"]
    np.testing.assert_allclose(pictures["answer"] / 255, result.x[0].movedim(0, -1).clamp(0, 1), atol=1 / 255)


def test_samples_show_their_spread_and_its_range(problem: problems.Problem) -> None:
    result = solvers.sample(problem, Still(), n=3, rng=0, steps=3)
    pictures, spread = shown(result._repr_html_()), result.std[0].square().mean(0).sqrt()
    assert list(pictures) == ["truth", "measured", "mean of 3", "one sample", f"std, 0 to {spread.max():.2g}"]
    np.testing.assert_allclose(list(pictures.values())[-1][..., 0] / 255, spread / spread.max(), atol=1 / 255)


def test_one_sample_has_no_spread(problem: problems.Problem) -> None:
    assert not any(name.startswith("std") for name in shown(solvers.sample(problem, Still(), n=1, rng=0, steps=3)._repr_html_()))


def test_no_name_is_taken_for_markup(problem: problems.Problem, tmp_path: Path) -> None:
    made = comparison(tmp_path / EVIL[:8], {EVIL: PRIORS["cnn"]}, (EVIL[1:-1],), ("camera",))
    for html in (
        solvers.solve(replace(problem, name=EVIL), Still(), steps=2)._repr_html_(),
        replace(problem, name=EVIL)._repr_html_(),
        made._repr_html_(),
    ):
        assert "script" not in Balanced(html).seen
        assert "alert" in html


def test_a_comparison_shows_its_verdict_and_where_its_report_is(tmp_path: Path) -> None:
    html = comparison(tmp_path, problems=("deblur",))._repr_html_()
    assert "diffusion wins" in html
    assert str(tmp_path / "report.html") in html


def test_a_stored_run_is_loaded_and_drawn_by_name(tmp_path: Path) -> None:
    compare(plan(["gaussian"], ["deblur"], ["camera"], ["annealed"], 2, 2, 16), tmp_path)
    report = reports.load(tmp_path)
    assert isinstance(report, Run)
    figure = report.figure("spectrum", width="ieee1")
    assert figure.get_figwidth() == pytest.approx(3.5)
    with pytest.raises(FileNotFoundError, match="no run in"):
        reports.load(tmp_path / "elsewhere")
    with pytest.raises(TypeError, match="a run is a folder, such as 'out/compare', not None"):
        reports.load(None)  # type: ignore[arg-type]


def test_a_frame_holds_every_cell_with_its_metrics(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur", "inpaint"))
    frame = made.frame()
    assert len(frame) == len(made.rows)
    assert list(frame["prior"]) == [row.cell.prior for row in made.rows]
    assert list(frame["method"]) == [row.cell.method for row in made.rows]
    for row, (_, entry) in zip(made.rows, frame.iterrows(), strict=True):
        assert entry["psnr"] == row.metrics["psnr"]
        assert entry["seconds"] == pytest.approx(row.seconds, abs=1e-3)
        assert np.isnan(entry["coverage"]) if row.metrics.get("coverage") is None else entry["coverage"] == row.metrics["coverage"]
    assert frame.groupby("prior")["psnr"].mean().notna().all()


def test_a_frame_says_that_it_needs_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="a data frame needs pandas; install it with: pip install pandas"):
        comparison(tmp_path).frame()


def test_a_display_costs_no_drawing_library() -> None:
    code = (
        "import sys, torch, problems, solvers; p = problems.denoise(torch.rand(1, 1, 8, 8), noise_sigma=0.1, rng=0); p._repr_html_(); "
        "print('matplotlib' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
