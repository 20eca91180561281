"""The companions of a run: every figure says what the records say, and old records never stop a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.experiments import unconditional
from reports.experiments.comparison import compare, plan
from reports.figures import bands, convergence, effort, perception_distortion, sensitivity, small_multiples
from reports.figures import unconditional as belief_figure
from reports.figures.whole_run import COMPANIONS, told
from reports.page import report
from reports.runs import titles
from reports.runs.cell import Cell, Record
from reports.runs.stored import Run
from reports.runs.strengths import Strengths, Tuned
from solvers.bands import OCTAVES, octaves
from tests.made_up import PRIORS, comparison, picture

STEPS = (2, 4, 8)


def with_traces(made: Run) -> Run:
    """Of every record four levels, on which the octaves fill up to the truth's, and misfits of 8, 4, 2, 1."""
    rows = []
    for row in made.rows:
        held = octaves(torch.from_numpy(row.arrays["truth"]).movedim(-1, 0))
        levels = [
            {"sigma": 2.0**-k, "misfit": 2.0 ** (3 - k), "change": 0.1, "bands": [0.25 * (k + 1) * rms for rms in held]} for k in range(4)
        ]
        rows.append(replace(row, trace=levels))
    return replace(made, rows=tuple(rows))


def tried(made: Run) -> Run:
    entries = [{**entry, "tried": [(0.05, 20.0), (0.5, 30.0), (5.0, 25.0), (50.0, None)]} for entry in made.provenance["strengths"]]
    return replace(made, provenance={**made.provenance, "strengths": entries})


def believed(folder: Path) -> None:
    drawn = [
        unconditional.Belief(name, "heun", family, heuristic, 19, 0.5, torch.rand(5, 1, 32, 32, generator=torch.Generator().manual_seed(i)))
        for i, (name, family, heuristic) in enumerate((("tv", "variational", True), ("diffusion", "generative", False)))
    ]
    unconditional.save(drawn, unconditional.photographs(None, 32, 1), "law", folder / belief_figure.FOLDER)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with all that a companion may ask for."""
    made = tried(with_traces(comparison(tmp_path_factory.mktemp("run"), problems=("deblur", "inpaint"))))
    believed(made.folder)
    return made


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two priors under one sampler at several numbers of steps, solved."""
    methods = ["hqs", *(f"annealed[steps={steps}]" for steps in STEPS)]
    cells = plan(["gaussian", "tv"], ["deblur"], ["camera"], methods, samples=3, size=64)
    return compare(cells, tmp_path_factory.mktemp("stepped"))


# All of them


@pytest.mark.parametrize("name", COMPANIONS)
def test_what_an_old_run_lacks_is_not_drawn(name: str, tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",))
    drawn = COMPANIONS[name](made)
    assert (drawn is None) == (name not in ("plane", "effort"))
    assert bool(told(name, made)) == (drawn is not None)


@pytest.mark.parametrize("name", COMPANIONS)
def test_nothing_arrived_and_nothing_breaks(name: str, tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",))
    lost = replace(made, rows=tuple(replace(row, status="diverged", metrics={}, arrays={}) for row in made.rows))
    assert COMPANIONS[name](lost) is None
    assert told(name, lost) == ""


@pytest.mark.parametrize("width", [3.25, 7.2])
@pytest.mark.parametrize("name", COMPANIONS)
def test_a_figure_is_as_wide_as_asked_and_holds_its_words(name: str, width: float, full: Run) -> None:
    drawn = COMPANIONS[name](full, width=width)
    assert drawn is not None
    assert drawn.get_size_inches()[0] == pytest.approx(width)
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    for text in words(drawn):
        box = text.get_window_extent(canvas.get_renderer())
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= drawn.bbox.width, text.get_text()


def words(drawn: Figure) -> list[Text]:
    """All but the numbers of the scales."""
    labels = [axis.label for axes in drawn.axes for axis in (axes.xaxis, axes.yaxis)]
    return [*drawn.texts, *labels, *(text for legend in drawn.legends for text in legend.get_texts())]


@pytest.mark.parametrize("name", ["plane", "effort", "convergence", "tuning"])
def test_every_prior_has_its_own_line(name: str, full: Run) -> None:
    drawn = COMPANIONS[name](full)
    assert drawn is not None
    assert set(PRIORS) <= {text.get_text() for text in drawn.legends[0].get_texts()}
    assert all(prior in told(name, full) for prior in PRIORS)


def test_priors_of_one_family_differ_in_shade(tmp_path: Path) -> None:
    same: dict[str, tuple[str | None, bool | None, float]] = dict.fromkeys(("cnn", "cnn[weights=mine]", "unet"), ("learned", True, 1.0))
    looks = small_multiples.strokes(comparison(tmp_path, same, ("deblur",), ("camera",)))
    assert len({look["color"] for look in looks.values()}) == 3
    assert len({str(look["linestyle"]) for look in looks.values()}) == 1


# Perception and distortion


def exact_draws(folder: Path, n: int) -> Run:
    """Truth and samples drawn alike around the same mean: what an exact sampler gives."""
    rng = np.random.default_rng(0)
    shape = (96, 96, 1)
    truth, drawn = rng.normal(0.5, 0.1, shape), rng.normal(0.5, 0.1, (n, *shape))
    arrays = {"truth": truth, "x": drawn.mean(0), "samples": drawn}
    cell = Cell("deblur", "camera", "gaussian", "annealed", samples=n)
    found = {"psnr": 20.0, "psnr_sample": 18.0, "ssim": 0.5, "ssim_sample": 0.5}
    return Run(folder, (Record(cell, "done", "", found, 8 * n, 0.1, (), {"family": "smoother", "mmse": True}, arrays),), {})


@pytest.mark.parametrize("n", [2, 5, 20])
def test_one_draw_of_an_exact_sampler_stands_on_its_tick(n: int, tmp_path: Path) -> None:
    mean, one = perception_distortion.points(exact_draws(tmp_path, n), "deblur")
    assert (mean.use, one.use) == ("mean of samples", "one sample")
    assert one.exact == pytest.approx(one.error, rel=0.02)
    assert (one.error / mean.error) ** 2 == pytest.approx(perception_distortion.growth(n), rel=0.04)
    assert perception_distortion.growth(10**6) == pytest.approx(2)


def test_realism_is_judged_by_what_every_record_has(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",))
    assert perception_distortion.realism(made) == "ssim"
    rows = [replace(row, metrics={**row.metrics, "swd": 0.02, "swd_sample": 0.01}) for row in made.rows]
    assert perception_distortion.realism(replace(made, rows=tuple(rows))) == "swd"
    assert perception_distortion.realism(replace(made, rows=(*rows[:-1], made.rows[-1]))) == "ssim"
    assert {point.unlike for point in perception_distortion.points(replace(made, rows=tuple(rows)), "deblur")} == {255 * 0.02, 255 * 0.01}


def test_a_prior_that_missed_an_image_has_no_point(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",))
    rows = [replace(row, status="diverged") if (row.cell.prior, row.cell.image) == ("tv", "cat") else row for row in made.rows]
    assert {point.prior for point in perception_distortion.points(replace(made, rows=tuple(rows)), "deblur")} == set(PRIORS) - {"tv"}


# Effort


def test_methods_at_several_steps_do_not_collide(stepped: Run) -> None:
    labels = [f"annealed[steps={steps}]" for steps in STEPS]
    assert stepped.methods == ["hqs", *labels]
    for prior in ("gaussian", "tv"):
        rows = [stepped.row(prior, "deblur", "camera", label) for label in labels]
        assert [(row.cell.prior, row.cell.steps, row.calls) for row in rows if row] == [(prior, s, 3 * s) for s in STEPS]


def test_effort_joins_the_steps_of_a_method(stepped: Run) -> None:
    whole, one = (effort.Column("psnr", whole).series(stepped, "deblur") for whole in (True, False))
    assert [(each.prior, each.method, len(each.points)) for each in one] == [
        ("gaussian", "hqs", 1), ("gaussian", "annealed", 3), ("tv", "hqs", 1), ("tv", "annealed", 3)
    ]  # fmt: skip
    assert [calls for calls, _ in whole[1].points] == [3 * steps for steps in STEPS]
    assert [calls for calls, _ in one[1].points] == list(STEPS)
    row = stepped.row("gaussian", "deblur", "camera", "annealed[steps=2]")
    assert row is not None
    assert (whole[1].points[0][1], one[1].points[0][1]) == (row.metrics["psnr"], row.metrics["psnr_sample"])
    assert [each.heuristic for each in one] == [False, False, False, True]


def test_the_longest_run_of_a_method_stands_for_it(stepped: Run) -> None:
    assert small_multiples.at_most_steps(stepped) == ["hqs", "annealed[steps=8]"]
    assert small_multiples.without_options("diffpir[steps=5], as published, biased") == "diffpir, as published, biased"


def test_the_page_shows_every_number_of_steps(tmp_path: Path) -> None:
    priors = {name: PRIORS[name] for name in ("gaussian", "tv")}
    made = comparison(tmp_path, priors, ("deblur",), ("camera",), tuple((f"diffpir[steps={steps}]", 2) for steps in STEPS), size=16)
    shown = report.build(made).read_text("utf-8")
    assert all(f"diffpir[steps={steps}], {titles.BIASED}" in shown for steps in STEPS)


# Bands


@pytest.mark.parametrize("band", range(OCTAVES))
def test_a_wave_is_found_in_its_octave(band: int) -> None:
    frequency = 0.75 * 2.0**band / 64  # the middle of the octave; of the lowest anything below 1/64
    x = torch.arange(256.0).expand(256, -1)
    found = octaves((0.5 + 0.2 * torch.cos(2 * math.pi * min(frequency, 0.4) * x))[None])
    assert found[band] ** 2 > 0.8 * 0.2**2 / 2
    assert np.sum(np.square(found)) == pytest.approx(0.2**2 / 2, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 33, 48), (1, 16, 16)])
def test_the_octaves_hold_all_of_the_contrast(shape: tuple[int, ...]) -> None:
    white = torch.randn(200, *shape, generator=torch.Generator().manual_seed(0))
    assert np.mean([np.sum(np.square(octaves(x))) for x in white]) == pytest.approx(1, rel=0.02)
    assert octaves(torch.full(shape, 0.7)) == pytest.approx([0] * OCTAVES, abs=1e-6)


def test_shares_are_of_the_truth(full: Run) -> None:
    sigmas, shares = bands.paths(full, "deblur", "annealed", "tv") or (np.array([]), np.array([]))
    assert list(sigmas) == [1.0, 0.5, 0.25, 0.125]
    held = ~np.isnan(shares[0])
    assert held.any()
    assert not held[0]  # 24 pixels are no room for waves of 64
    assert shares[:, held] == pytest.approx(np.tile([[0.25], [0.5], [0.75], [1.0]], held.sum()))
    assert "tv: 16 to 32 at 0.5" in told("bands", full)


def test_coarse_octaves_come_first(stepped: Run) -> None:
    """On the way of a sampler with the Gaussian prior, as its own theory has it."""
    sigmas, shares = bands.paths(stepped, "deblur", "annealed[steps=8]", "gaussian") or (np.array([]), np.array([]))
    half = [int(np.argmax(share >= 0.5)) for share in shares.T[1:] if (share >= 0.5).any()]
    assert half == sorted(half)
    assert half[0] < half[-1]
    assert list(sigmas) == sorted(sigmas, reverse=True)


# Convergence


def test_convergence_shows_means_over_images_turn_by_turn(full: Run) -> None:
    assert convergence.path(full, "deblur", "hqs", "tv", "misfit") == pytest.approx([8, 4, 2, 1])
    rows = [replace(row, trace=[{**row.trace[0], "misfit": 2.0}]) if row.cell.image == "cat" else row for row in full.rows]
    assert convergence.path(replace(full, rows=tuple(rows)), "deblur", "hqs", "tv", "misfit") == pytest.approx([4])  # of 8 and 2
    assert "tv 1.00 and" in told("convergence", full)


# Tuning


def lines(figure: Figure | None) -> Sequence:
    assert figure is not None
    return [line for axes in figure.axes for line in axes.lines]


def test_trials_are_drawn_as_the_run_remembers_them(full: Run) -> None:
    drawn = lines(sensitivity.tuning(full))
    curves = [line for line in drawn if line.get_marker() == "."]
    assert len(curves) == 2 * len(PRIORS)
    assert list(curves[0].get_xdata()) == [0.05, 0.5, 5.0]
    assert [list(line.get_xdata()) for line in drawn if line.get_marker() == "o"] == [[0.5]] * len(curves)
    assert [list(line.get_xdata()) for line in drawn if line.get_marker() == "x"] == [[0.05, 50.0]] * len(curves)  # 10 dB off; diverged


def test_the_run_keeps_the_trials_of_its_strengths(tmp_path: Path) -> None:
    span = (("deblur",), (0.01, 0.04), (0.0, 1.0))
    entry = Tuned("gaussian", "deblur", "hqs", 0.5, [(0.5, 25.0), (5.0, 20.0)], ("coins",), 24, 1, 0, "2026-01-01", {"card": None}, *span)
    strengths = Strengths("mine.json", {("gaussian", "deblur", "hqs"): entry})
    tried_on = ["deblur", "deblur[noise_sigma=0.05]"]  # the second has more noise than it was tuned for
    cells = plan(["gaussian", "tv"], tried_on, ["camera"], ["hqs[steps=2]"], size=24, strengths=strengths)
    stored = Run.load(compare(cells, tmp_path, strengths=strengths).folder)
    (panel,) = sensitivity.trials(stored).values()
    assert [entry["prior"] for entry in panel] == ["gaussian"]
    assert panel[0]["tried"] == [[0.5, 25.0], [5.0, 20.0]]
    assert "tuned at the default options of hqs" in panel[0]["from"]
    assert sensitivity.tuning(stored) is not None


# Beliefs


def test_samples_come_back_as_they_were_drawn(full: Run) -> None:
    found = belief_figure.stored(full)
    assert found is not None
    beliefs, real, source = found
    assert [(each.prior, each.family, each.heuristic, each.calls) for each in beliefs] == [
        ("tv", "variational", True, 19), ("diffusion", "generative", False, 19)
    ]  # fmt: skip
    expected = torch.rand(5, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(beliefs[1].samples, expected, atol=1e-3)
    assert (real.contrast, source) == (unconditional.photographs(None, 32, 1).contrast, "law")


def test_damaged_samples_leave_the_report_without_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = comparison(tmp_path, problems=("deblur",))
    believed(tmp_path)
    (tmp_path / belief_figure.FOLDER / "sample.npz").write_bytes(b"PK\x03\x04 cut off")
    assert COMPANIONS["beliefs"](made) is None
    assert "are damaged" in caplog.text


def test_as_many_samples_are_shown_as_have_room() -> None:
    drawn = [unconditional.Belief("tv", "heun", None, True, 9, 0.1, torch.from_numpy(np.stack([picture(16, 1)] * 20)).movedim(-1, 1))]
    figure = belief_figure.figure(drawn, unconditional.photographs(None, 16, 1), "law", width=5.0)
    assert len(figure.axes) - 1 == 5
    assert figure.get_label().startswith(f"{belief_figure.TITLE}. 5 of 20 samples")
