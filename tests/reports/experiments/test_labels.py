"""priorbench label-table: the held-back score where it is known, and the command on two digits."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import ndtr

import problems
from problems.problem import Problem
from reports.experiments import labels
from reports.experiments.labels import Row
from reports.scores import ensemble
from reports.tables import labels as tables
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


def made(count: int = 6, n: int = 19) -> list[Row]:
    """Samples that are right of pictures of "a", and half as wide as they should be of "b", with and without a label."""
    rng, rows = np.random.default_rng(0), []
    for number in range(count):
        for label, width in (("a", 0.1), ("b", 0.05)):
            for arm in ("right", "none"):
                drawn, truth = (0.1 * rng.standard_normal((k, 12, 12, 1)) for k in (n, 1))
                spread = ensemble.scores(drawn * width / 0.1, truth[0])
                scores = dict.fromkeys([*labels.SCORES, "told_rightly"], 0.5)
                rows.append(Row("deblur", number, label, arm, label if arm == "right" else None, False, scores, spread))
    return rows


def test_calibration_is_told_class_by_class() -> None:
    """Intervals between the extremes of 19 exact samples hold 90 %, of half as wide ones 63 %; all together lie between."""
    found = {(row.prior, row.kind): row for row in labels.by_class(made())}
    exact = np.random.default_rng(1).standard_normal((19, 20000)) / 2
    inside = float((ndtr(exact.max(0)) - ndtr(exact.min(0))).mean())
    assert inside == pytest.approx(0.626, abs=0.005)
    assert list(found) == [(told, kind) for told in ("told its label", "told none") for kind in ("all", "a", "b")]
    for told in ("told its label", "told none"):
        right, narrow, both = (found[told, kind] for kind in ("a", "b", "all"))
        assert right.numbers["coverage"].value == pytest.approx(0.9, abs=0.02)
        assert narrow.numbers["coverage"].value == pytest.approx(inside, abs=0.04)
        assert (right.numbers["spread_skill"].value, narrow.numbers["spread_skill"].value) == pytest.approx((1.0, 0.5), abs=0.05)
        assert narrow.numbers["coverage"].value < both.numbers["coverage"].value < right.numbers["coverage"].value
        assert (right.verdict, narrow.verdict) == ("about right", "too narrow")
        assert (len(both.scores), len(right.scores)) == (12, 6)


def test_trust_judges_what_was_stored_by_class(tmp_path: Path, capsys) -> None:
    rows = made(5)
    labels.save(rows, tmp_path)
    tables.export(rows, tmp_path)
    assert [vars(row) | {"spread": labels.spread_of(row.spread)} for row in labels.load(tmp_path)] == [
        vars(row) | {"spread": labels.spread_of(row.spread)} for row in rows
    ]
    capsys.readouterr()
    assert run("trust", tmp_path) == 0
    told = capsys.readouterr().out
    assert "deblur: calibration by class" in told
    assert "too narrow" in told
    text = (tmp_path / "labels.md").read_text("utf-8")
    for line in tables.classes(rows)[0].lines:
        assert f"| {' | '.join(line)} |" in text
    assert run("trust", tmp_path, "--simulate-back") == 2
    assert "leave out --simulate-back" in capsys.readouterr().err
    content = json.loads((tmp_path / "labels.json").read_text())
    del content["rows"][0]["spread"]["crps"]
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert run("trust", tmp_path) == 2
    assert "make it again with: priorbench label-table" in " ".join(capsys.readouterr().err.split())


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
    assert "| inpaint[mask=box:0.6] | wrong |" in (out / "labels.md").read_text("utf-8")
    assert "held_back" in capsys.readouterr().out
    assert run("trust", out) == 0
    assert "told a wrong one" in capsys.readouterr().out


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
