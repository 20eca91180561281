"""priorbench label-table: the held-back score where it is known, and the command on two digits."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import problems
from problems.problem import Problem
from reports.experiments import labels
from tests.helpers import run


@pytest.fixture(scope="module")
def rings(tmp_path_factory) -> Path:
    """Rings for zeros, strokes for ones, as test pictures of MNIST's size and classes."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    ring = 255 * (abs(np.hypot(rows, columns) - 8) < 1.6)
    stroke = 255 * ((abs(columns) < 1.6) & (abs(rows) < 9))
    images = np.stack([(ring, stroke)[k % 2] for k in range(40)]).astype(np.uint8)
    numbers = (np.arange(40) % 2).astype(np.uint8)
    file = tmp_path_factory.mktemp("rings") / "rings.npz"
    np.savez(file, train_images=images, train_labels=numbers, test_images=images[:4], test_labels=numbers[:4],
             class_names=np.array([str(digit) for digit in range(10)]))  # fmt: skip
    return file


def test_the_held_back_score_is_lowest_for_the_truth() -> None:
    """Of samples from N(m, t^2) about the truth, in units of the noise: E|X - y| - sqrt(v / pi), X - y ~ N(m, v + 1), v = 1 + t^2."""
    truth, s = torch.full((1, 1, 64, 64), 0.5), 0.1
    noise = torch.Generator().manual_seed(0)
    second = Problem("held back", problems.denoise(truth, s).operator, truth + s * torch.randn(truth.shape, generator=noise), s)
    assert labels.held_back(second, truth.expand(200, -1, -1, -1)) == pytest.approx(math.pi**-0.5, abs=0.02)
    for m, t in ((0.05, 0.0), (0.0, 0.1), (0.2, 0.1)):
        samples = truth + m + t * torch.randn((500, *truth.shape[1:]), generator=noise)
        v, off = 1 + (t / s) ** 2, m / s
        wide = v + 1
        folded = math.sqrt(2 * wide / math.pi) * math.exp(-(off**2) / (2 * wide)) + off * math.erf(off / math.sqrt(2 * wide))
        assert labels.held_back(second, samples) == pytest.approx(folded - math.sqrt(v / math.pi), rel=0.05)
        assert labels.held_back(second, samples) > math.pi**-0.5 + 0.01


def test_held_back_are_the_pixels_that_inpainting_misses() -> None:
    case = labels.Case("inpaint[mask=box:0.5]", 3, 0, torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
    problem, second = labels.measured(case, 0)
    assert set(problem.operator.measured.tolist()).isdisjoint(second.operator.measured.tolist())
    assert len(problem.operator.measured) + len(second.operator.measured) == 28 * 28
    problem, second = labels.measured(labels.Case("deblur", 3, 0, case.picture), 0)
    assert second.operator is problem.operator
    assert float((second.y - problem.y).std()) == pytest.approx(0.02 * 2**0.5, rel=0.1)


@pytest.mark.slow
def test_a_false_label_shows_in_the_data_that_were_held_back(rings, tmp_path, capsys) -> None:
    out = tmp_path / "labels"
    assert run("label-table", "-l", rings, "-P", "inpaint[mask=box:0.6]", "--pictures", 2, "-n", 5, "--steps", 30, "-o", out) == 0
    lines = {line["label"]: line for line in json.loads((out / "labels.json").read_text())["table"]}
    assert lines["right"]["pictures"] == 2
    assert lines["right"]["psnr"] > lines["wrong"]["psnr"] + 2
    assert lines["right"]["crps"] < lines["none"]["crps"]
    assert lines["wrong"]["held_back"] > lines["none"]["held_back"] > lines["right"]["held_back"]
    assert lines["right"]["right_label"] > 0.9
    assert "| inpaint[mask=box:0.6] | wrong |" in (out / "labels.md").read_text()
    assert "held_back" in capsys.readouterr().out


@pytest.mark.parametrize(("told", "sentence"), [
    (("-p", "tv"), "'tv' takes no label"),
    (("-P", "paint"), "paint"),
    (("-P", "inpaint[mask=nowhere]"), "nowhere"),
    (("-g", "nan"), "guidance must be finite"),
    (("-p", "clothing"), "holds pictures [1, 28, 28] where this network takes [3, 64, 64]"),
])  # fmt: skip
def test_bad_input_gets_one_sentence_and_leaves_nothing(told: tuple[str, str], sentence: str, rings, tmp_path, capsys) -> None:
    out = tmp_path / "labels"
    assert run("label-table", "-l", rings, *told, "-o", out) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_labels_of_another_set_are_refused(rings, tmp_path, capsys) -> None:
    with np.load(rings) as file:
        held = dict(file)
    np.savez(tmp_path / "other.npz", **held | {"class_names": np.array(list("abcdefghij"))})
    assert run("label-table", "-l", tmp_path / "other.npz", "-o", tmp_path / "out") == 2
    assert "holds the classes a, b, c" in capsys.readouterr().err
    assert run("label-table", "-l", tmp_path / "missing.npz", "-o", tmp_path / "out") == 2
    assert "missing.npz does not exist" in capsys.readouterr().err
