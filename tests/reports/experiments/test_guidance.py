"""priorbench guidance: scores of samples that are made up, and the command on bars, with figure and numbers."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from priors import classes
from priors.recipe import CLASS_RECIPES
from reports.experiments import guidance
from reports.experiments.guidance import Guided
from tests.helpers import run

TINY = dataclasses.replace(
    CLASS_RECIPES["digits28"], widths=(8, 16), blocks=(1, 1), patch=10, batch=16, warmup=5, steps=20, embedding=16,
    judge_widths=(8, 16), judge_batch=16, core_seconds=math.inf, wall_seconds=math.inf,
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("guidance")
    rng, images, labels = np.random.default_rng(0), np.zeros((120, 10, 10), np.uint8), np.arange(120) % 2
    for image, label, place in zip(images, labels, rng.integers(1, 8, 120), strict=True):
        (image if label else image.T)[place : place + 2] = 220
    np.savez(folder / "bars.npz", train_images=images, train_labels=labels.astype(np.uint8), class_names=np.array(["upright", "lying"]))
    list(classes.train(folder / "bars.npz", folder / "tiny.safetensors", TINY))
    list(classes.train_judge(folder / "bars.npz", folder / "tiny-classifier.safetensors", TINY))
    return folder / "tiny.safetensors"


def test_scores_of_samples_whose_scores_are_known() -> None:
    """Two classes of two: half a class is told wrongly, one class varies by +-0.1, one pixel of eight is too bright."""
    samples = torch.tensor([[0.4, 0.6], [0.5, 0.5]])[:, :, None, None, None].repeat(1, 1, 1, 2, 1)
    samples[1, :, 0, 0] = 1.1
    one = Guided.of("label", 2.0, samples, torch.tensor([[0, 1], [1, 1]]))
    assert (one.accuracy, one.saturated) == (0.75, 0.25)
    assert one.spread == pytest.approx(0.05, abs=1e-4)


def test_the_exact_case_is_the_conditional_at_one_and_no_tilted_density_beyond() -> None:
    one, three = guidance.exact_table((1.0, 3.0))
    assert (one["mean"], one["std"]) == pytest.approx((0.6, 0.15), abs=1e-3)
    assert one["label_covered"] == pytest.approx(0.9, abs=0.005)
    assert (three["mean"], three["tilted_mean"]) == pytest.approx((0.739, 0.684), abs=2e-3)
    assert three["label_covered"] < 0.6 < 0.75 < three["tilted_covered"] < 0.85


def test_a_labelled_mixture_is_proven_at_one_and_only_there() -> None:
    """Mean, spread and mode weights of p(x | told): a third at 0.2, two thirds at 1, 0.15 wide; Bayes' rule makes both guidances one."""
    below, one, three = guidance.laws((-1.0, 1.0, 3.0))
    assert all(law.difference < 1e-12 for law in (below, one, three))
    fine = guidance.FINE.numpy()
    density = sum(share * np.exp(-((fine - place) ** 2) / (2 * 0.15**2)) for place, share in ((0.2, 1 / 3), (1.0, 2 / 3)))
    right = float(density[fine > guidance.BETWEEN].sum() / density.sum())
    spread = math.sqrt(0.15**2 + 2 / 9 * 0.8**2)
    assert one.samples == pytest.approx((1 / 3 * 0.2 + 2 / 3 * 1.0, spread, right), abs=1e-3)
    assert one.tilted == pytest.approx(one.samples, abs=1e-3)
    for law in (below, three):
        assert max(abs(a - b) for a, b in zip(law.samples, law.tilted, strict=True)) > 0.02
    assert (three.samples[2], below.samples[2]) == pytest.approx((0.758, 0.382), abs=2e-3)


@pytest.mark.slow
def test_the_command_leaves_figure_and_numbers(trained, tmp_path, capsys) -> None:
    folder = tmp_path / "found"
    told = ("-p", f"digits28[weights={trained}]", "-g", "0,1,3", "--by", "label,classifier", "-n", 3, "--steps", 4, "-o", folder)
    assert run("guidance", *told) == 0
    told = capsys.readouterr().out
    assert "w = 3 by classifier" in told
    assert "exact case, w = 3: samples 0.739 ± 0.110, p(x|c)^w p(x)^(1-w) 0.684 ± 0.123" in told
    assert "What becomes of pictures when more is asked of a label" in (folder / "report.html").read_text("utf-8")
    with Image.open(folder / "guidance.png") as picture:
        assert min(picture.size) > 800
    found = guidance.load(folder)
    assert [(each.way, each.guidance) for each in found.found] == [(way, w) for way in ("label", "classifier") for w in (0, 1, 3)]
    assert found.found[0].samples.shape == (2, 3, 1, 10, 10)
    assert np.array_equal(found.found[0].samples, found.found[3].samples), "without guidance nothing guides"
    assert not np.array_equal(found.found[1].samples, found.found[4].samples)


@pytest.mark.slow
def test_guidance_that_diverges_is_left_out_and_told(trained, tmp_path, capsys) -> None:
    told = ("-p", f"digits28[weights={trained}]", "-g", "1,1e9", "-n", 2, "--steps", 4, "-o", tmp_path / "found")
    assert run("guidance", *told) == 0
    assert "guidance 1e+09 by label is left out" in capsys.readouterr().out
    assert [each.guidance for each in guidance.load(tmp_path / "found").found] == [1]


@pytest.mark.parametrize(("told", "sentence"), [
    (("-p", "tv"), "'tv' takes no label; give digits28 or clothing"),
    (("-g", "nan"), "guidance must be finite"),
    (("-g", ","), "no guidance to draw at"),
    (("--by", ","), "unknown way to guide"),
    (("-g", "two"), "two"),
    (("--by", "luck"), "luck"),
    (("-p", "digits28[label=11]"), "knows no label 11"),
])  # fmt: skip
def test_bad_input_gets_one_sentence_and_leaves_nothing(told: tuple[str, str], sentence: str, tmp_path, capsys) -> None:
    folder = tmp_path / "found"
    assert run("guidance", *told, "-o", folder) == 2
    assert sentence in capsys.readouterr().err
    assert not folder.exists()
