"""What priors believe, drawn and measured: the statistics must be right before a prior is judged by them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import priors
from priors.guided import meant
from reports.cli import main, terminal
from reports.experiments import unconditional
from reports.experiments.unconditional import NAMES, Belief, Plan, Statistics
from reports.figures import unconditional as belief_figure


def test_statistics_of_images_whose_spectrum_is_known() -> None:
    """Draws of the Gaussian prior have its own contrast and power; half the amplitude has a quarter of it."""
    gaussian, real = priors.load("gaussian"), unconditional.photographs(None, 64, 1)
    white = torch.randn(400, 1, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = Statistics.of(0.3 + gaussian.colour(white))
    assert drawn.contrast == pytest.approx(real.contrast, rel=0.03)
    assert drawn.against(real) == pytest.approx([0.0] * len(NAMES), abs=0.5)
    assert Statistics.of(gaussian.colour(white) / 2).against(real) == pytest.approx([-20 * math.log10(2)] * len(NAMES), abs=0.5)


def test_white_noise_has_the_same_power_at_all_frequencies() -> None:
    power = Statistics.of(0.1 * torch.randn(200, 3, 32, 32, generator=torch.Generator().manual_seed(0))).power
    assert power[2:] == pytest.approx(np.full(len(power) - 2, 0.01), rel=0.1)


def test_heun_draws_what_the_gaussian_prior_is(tmp_path, capsys) -> None:
    """The command end to end: the prior whose samples are known comes out as photographs' own spectrum."""
    main(["sample", "-p", "gaussian,tv", "-m", "heun", "-n", "4", "--size", "32", "--steps", "12", "-o", str(tmp_path)])
    rows = json.loads((tmp_path / "sample.json").read_text())["rows"]
    assert [row["prior"] for row in rows] == ["gaussian", "tv"]
    assert [row["heuristic"] for row in rows] == [False, True]
    assert rows[0]["calls"] == 23
    assert rows[0]["finest_dB"] == pytest.approx(0, abs=1.5)
    assert rows[1]["contrast"] < rows[0]["contrast"]
    assert {path.name for path in tmp_path.iterdir()} == {"sample.png", "sample.pdf", "sample.json", "sample.npz"}
    assert "tv" in capsys.readouterr().out


def test_the_figure_shows_every_prior_and_method() -> None:
    plan = unconditional.checked(Plan(("gaussian",), ("ddpm", "dpm++"), (1, 16, 16), 2, 4, 0))
    drawn, real = list(unconditional.draw(plan, lambda what: None)), unconditional.photographs(None, 16, 1)
    figure = belief_figure.figure(drawn, real, "photographs")
    assert len(figure.axes) == 2 * 2 + 1
    labels = [line.get_label() for line in figure.axes[-1].lines]
    assert labels == [f"photographs, contrast {real.contrast:.2f}", "gaussian, ddpm", "gaussian, dpm++"]


def test_all_labels_are_one_row_each_and_the_size_is_that_of_the_training() -> None:
    rows = unconditional.by_label("digits28[label=all,guidance=2]")
    assert rows == [f"digits28[guidance=2,label={digit}]" for digit in range(10)]
    assert unconditional.by_label("mixture[label=all]") == [f"mixture[label={texture}]" for texture in ("smooth", "natural", "rough")]
    assert unconditional.by_label("digits28") == ["digits28"]
    assert unconditional.natural_shape(["tv", "clothing[label=hat]"]) == (3, 64, 64)
    assert unconditional.natural_shape(rows) == (1, 28, 28)
    assert unconditional.natural_shape(["gaussian"]) == (1, 64, 64)


def test_the_figure_of_labels_has_no_spectra_of_photographs() -> None:
    plan = unconditional.checked(Plan(tuple(unconditional.by_label("mixture[label=all]")), ("heun",), (1, 16, 16), 2, 4, 0))
    drawn, real = list(unconditional.draw(plan, lambda what: None)), unconditional.photographs(None, 16, 1)
    figure = belief_figure.figure(drawn, real, "photographs")
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["smooth", "natural", "rough"]
    assert len(figure.axes) == 3 * 2
    assert "Rows named by a label: mixture." in figure.get_label()


def test_guidance_is_told_and_rows_of_several_are_told_apart(tmp_path: Path, capsys) -> None:
    """Below 0 it leads away from the label, far above 1 out of the range of pictures."""
    chosen = ",".join(f"digits28[label=3,guidance={weight}]" for weight in (-2, 20))
    main(["sample", "-p", chosen, "-n", "2", "--steps", "12", "-o", str(tmp_path)])
    told = " ".join(capsys.readouterr().out.split())
    assert "guidance -2: pictures that are less of the label" in told
    assert "of the pixels lie outside [0, 1]: guidance 20 asks more of the label than the prior bears" in told
    drawn, _, _ = unconditional.load(tmp_path)
    assert belief_figure.names(drawn) == ["3, w = -2", "3, w = 20"]
    assert belief_figure.names(drawn[:1]) == ["3"]


def test_rows_of_a_picture_are_named_by_their_task() -> None:
    drawn = [
        Belief(f"pictured[picture=a.png,task={task}]", "heun", "generative", False, 1, 0.0, torch.rand(2, 3, 16, 16))
        for task in ("colorize", "jpeg")
    ]
    assert belief_figure.names(drawn) == ["colorize", "jpeg"]
    assert "Rows named by a task: pictured[picture=a.png,task=colorize], pictured" in belief_figure.explained(drawn, 2)
    assert terminal.shown(drawn[0].prior) == "pictured: colorize, picture=a.png"
    assert meant(3, "condition").startswith("pictures more typical of the condition")


def test_few_samples_stand_beside_each_other() -> None:
    drawn = [Belief("tv", "heun", "variational", False, 1, 0.0, torch.rand(2, 1, 16, 16))]
    one, other = belief_figure.figure(drawn, unconditional.photographs(None, 16, 1), "photographs").axes[:2]
    assert other.get_position().x0 - one.get_position().x1 < 0.5 * one.get_position().width


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-p", "cnn"), "made for sigma up to 0.4"),
        (("-m", "hein"), "did you mean 'heun'?"),
        (("--size", "8"), "size must be at least 16, not 8"),
        (("-n", "0"), "samples must be at least 1, not 0"),
        (("-p", "tv[label=all]"), "'tv' takes no label"),
        (("-p", "digits28[label=11]"), "knows no label 11; give one of 0, 1"),
        (("-p", "clothing", "--channels", "1"), "was trained on 3 channels"),
        (("-i", "nowhere"), "no images below nowhere"),
    ],
)
def test_bad_input_ends_before_anything_is_drawn(words, sentence, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["sample", *words, "-o", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
