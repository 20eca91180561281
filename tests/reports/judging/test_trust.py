"""Trust in a run: judged against exact samplers, class by class, without solving anything but what is simulated back."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import priors
import solvers
from problems import masks
from problems.factories import simulated
from problems.operators import Blur, Inpainting
from problems.problem import Problem
from problems.resolution import LABELS
from reports.cli import main
from reports.cli.endings import BAD_INPUT
from reports.experiments.comparison import compare, plan
from reports.figures import resolution as conjured_figure
from reports.judging import classes, shares, trust
from reports.judging.classes import CLASSES
from reports.judging.trust import Trust, judge, simulate_back
from reports.runs import cell
from reports.runs.cell import Cell, Record
from reports.runs.loading import picture, prior_facts, scene_of
from reports.runs.stored import Run
from reports.scores.intervals import Estimate
from reports.tables import trust as trust_table
from tests.helpers import COUNT

SIZE, N, NOISE = 16, 19, 0.05
PROBLEMS = ("deblur", "inpaint")


def scene(cell: Cell) -> Problem:
    """Measures a draw from the Gaussian prior, whose number is the image."""
    prior, noise = priors.load("gaussian"), torch.Generator().manual_seed(int(cell.image))
    truth = prior.mean + prior.colour(torch.randn(1, cell.channels, SIZE, SIZE, generator=noise, dtype=torch.float64))
    shape, seeds = truth.shape[1:], np.random.default_rng(int(cell.image))
    operator = Blur("gaussian:1.6", shape) if cell.problem == "deblur" else Inpainting(masks.random(shape[1:], 0.5, seeds), shape)
    return simulated(cell.problem, operator, truth, NOISE, seeds)


def posterior(problem: Problem) -> tuple[Tensor, Tensor]:
    """Mean, and L with L L^T the covariance, formed densely."""
    prior, shape = priors.load("gaussian"), problem.operator.image_shape
    identity = torch.eye(math.prod(shape), dtype=torch.float64).view(-1, *shape)
    a, precision = problem.operator.forward(identity).flatten(1).T, prior.filter(identity, 1 / prior.density(shape)).flatten(1)
    covariance = torch.linalg.inv(precision + a.T @ a / NOISE**2)
    residual = (problem.y - problem.operator.forward(torch.full((1, *shape), prior.mean, dtype=torch.float64))).flatten()
    return prior.mean + (covariance @ a.T @ residual / NOISE**2).view(1, *shape), torch.linalg.cholesky(covariance)


def exact(cell: Cell, spread: float = 1.0) -> Record:
    """Draws from the exact posterior, n of them; ``spread`` other than 1 makes them dishonest."""
    problem, noise = scene(cell), torch.Generator().manual_seed(1000 + int(cell.image))
    mean, root = posterior(problem)
    drawn = mean + spread * (torch.randn(N, len(root), generator=noise, dtype=torch.float64) @ root.T).view(N, *mean.shape)
    arrays = {**scene_of(problem), "x": picture(drawn.mean(0)), "samples": picture(drawn), "std": picture(drawn.std(0))}
    return Record(cell, "done", "", {"psnr": 20.0, "psnr_sample": 17.0}, 20, 0.1, (), prior_facts(priors.load("gaussian")), arrays)


def judged(folder: Path, images: int, spread: float = 1.0, channels: int = 1, names: tuple[str, ...] = PROBLEMS) -> Trust:
    cells = [Cell(name, str(i), "gaussian", "annealed", 1.0, N, None, SIZE, channels) for name in names for i in range(images)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classes, "load_problem", scene)
        return judge(Run(folder, tuple(exact(cell, spread) for cell in cells), {"command": "made up"}))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return judged(tmp_path_factory.mktemp("honest"), images=16)


def test_exact_samples_are_trusted_in_every_class(honest: Trust) -> None:
    """Within four half-intervals for all of thirty numbers, and near the right ones."""
    assert {row.kind for row in honest.of("inpaint")} == {*CLASSES} - {"simulated back"}
    assert {row.kind for row in honest.of("deblur")} == {*CLASSES} - {"simulated back", "pixels measured", "pixels missing"}
    for row in honest.rows:
        assert row.nominal == pytest.approx(0.9)
        assert row.verdict in ("about right", "unclear")
        for name, right, near in (("coverage", 0.9, 0.05), ("spread_skill", 1.0, 0.12), ("mse_ratio", 2.0, 0.3)):
            value, low, high = row.numbers[name]
            assert value == pytest.approx(right, abs=near), f"{row.problem}, {row.kind}: {name}"
            assert low - (value - low) < right < high + (high - value), f"{row.problem}, {row.kind}: {name}"


@pytest.mark.parametrize(("spread", "word"), [(0.5, "too narrow"), (2.0, "too wide")])
def test_dishonest_samples_are_not(tmp_path: Path, spread: float, word: str) -> None:
    found = judged(tmp_path, 4, spread, names=("inpaint",))
    assert {row.verdict for row in found.rows if row.kind in ("all", "measured part", "conjured part")} == {word}


@pytest.mark.parametrize(
    ("coverage", "spread_skill", "word"),
    [
        ((0.91, 0.85, 0.97), (0.9, 0.8, 1.1), "about right"),
        ((0.91, 0.85, 0.97), (0.5, 0.4, 0.7), "not where errors are large"),
        ((0.80, 0.75, 0.85), (0.9, 0.8, 1.1), "too narrow"),
        ((0.98, 0.97, 0.99), (1.5, 1.3, 1.7), "too wide"),
        ((0.80, 0.60, 1.00), (0.5, 0.4, 0.7), "unclear"),
        ((0.80, math.nan, math.nan), (0.5, math.nan, math.nan), "unclear"),
        ((0.85, 0.1, 1.0), (0.9, 0.1, 9.0), "unclear"),
    ],
)
def test_verdicts(honest: Trust, coverage: tuple[float, ...], spread_skill: tuple[float, ...], word: str) -> None:
    numbers = {"coverage": Estimate(*coverage), "spread_skill": Estimate(*spread_skill)}
    assert replace(honest.rows[0], numbers=numbers).verdict == word


def test_numbers_are_pooled_as_they_say(honest: Trust) -> None:
    row = honest.of("deblur", "all")[0]
    records = honest.groups["deblur", "gaussian", "annealed"]
    errors = [np.mean((record.x - record.arrays["truth"]) ** 2) for record in records]
    assert row.numbers["rms_error"].value == pytest.approx(np.sqrt(np.mean(errors)), rel=1e-5)
    assert row.numbers["psnr"].value == 20
    assert row.numbers["over_sample"] == pytest.approx((3, 3, 3))
    assert "over_estimate" not in row.numbers


def test_a_single_image_tells_of_no_interval_and_colour_is_judged(tmp_path: Path) -> None:
    found = judged(tmp_path, 1, channels=3, names=("inpaint",))
    assert math.isnan(found.rows[0].numbers["coverage"].low)
    assert shares.labelled(found)[0].pixels == pytest.approx((0.5, 0.5, 0), abs=0.3)
    trust_table.export(found)
    assert "[" not in trust_table.told(found.rows[0], "coverage")
    assert len(conjured_figure.conjured(found).axes) == 8, "seven panels and the scale; the second truth is the mirrored first"


def test_shares_and_labels_sum_to_one(honest: Trust) -> None:
    for share in shares.shares(honest):
        assert share.energy.value == pytest.approx(share.freedom.value, abs=0.06), "on average, for draws from the prior"
    for found in shares.labelled(honest):
        for parts in found.pixels, found.frequencies:
            assert len(parts) == len(LABELS)
            assert sum(parts) == pytest.approx(1)
    deblur, inpaint = shares.labelled(honest)
    assert deblur.frequencies[0] == pytest.approx(float((honest.scenes["deblur", "0"].spectrum > 0.5).double().mean()), abs=0.05)
    assert inpaint.pixels[0] == pytest.approx(0.5, abs=0.1)
    assert deblur.frequencies[2] > 0.5, "of what a blur removed, exact samples of this prior do not agree"


# Simulated back


def test_simulating_back_makes_the_answer_the_truth() -> None:
    problem, prior = scene(Cell("inpaint", "0", "gaussian", "annealed")), priors.load("gaussian")
    x = prior.mean + prior.colour(torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(7), dtype=torch.float64))
    found = simulate_back(problem, prior, x, n=3, rng=5, steps=4)
    assert torch.equal(found.problem.truth, x)
    assert found.problem.operator is problem.operator
    assert found.problem.noise_sigma == NOISE
    residual = found.problem.y - problem.operator.forward(x)
    assert float(residual.std()) == pytest.approx(NOISE, rel=0.3)
    assert len(found.drawn()) == 3
    assert torch.equal(simulate_back(problem, prior, x, n=3, rng=5, steps=4).x, found.x)
    assert not torch.equal(simulate_back(problem, prior, x, n=3, rng=6, steps=4).problem.y, found.problem.y)


def test_simulating_back_foretells_the_error_of_an_honest_sampler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Gaussian prior on draws from it: what is said without the truth holds."""
    before, told = judged(tmp_path, 8, names=("deblur",)), []
    monkeypatch.setattr(trust, "load_problem", scene)
    found = trust.with_simulated_back(before, told.append)
    assert len(told) == 8
    real, back = (found.of("deblur", kind)[0].numbers for kind in ("all", "simulated back"))
    assert back["coverage"].value == pytest.approx(0.9, abs=0.05)
    assert back["rms_error"].value == pytest.approx(real["rms_error"].value, rel=0.1)
    assert any(section.title.startswith("simulated back") for section in trust_table.sections(found))


def test_what_diverges_back_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverging(record: Record) -> Iterator[None]:
        raise solvers.Diverged("it diverged", [])

    before = judged(tmp_path, 1, names=("deblur",))
    monkeypatch.setattr(trust, "back", diverging)
    assert trust.with_simulated_back(before, lambda cell: None).rows == before.rows


# Kept


def test_what_compare_judged_is_not_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = Run.load(stored(tmp_path / "run", "annealed"))
    fresh = classes.Judge(tmp_path / "fresh")
    for record in filter(cell.has_spread, comparison.rows):
        kept, made = (classes.plain(by.judgement(record)) for by in (classes.Judge(comparison.folder), fresh))
        assert kept == made
    for name in ("resolution", "judged"):
        monkeypatch.setattr(classes, name, lambda *given: pytest.fail("worked out again"))
    assert judge(comparison).rows


def test_damaged_judgements_are_made_again(tmp_path: Path) -> None:
    comparison = Run.load(stored(tmp_path / "run", "annealed"))
    files = {file: file.read_bytes() for file in (comparison.folder / "judged").iterdir()}
    assert {file.suffix for file in files} == {".npz", ".json"}
    for file, content in files.items():
        file.write_bytes(content[: len(content) // 2])
    assert judge(comparison).rows
    assert all(file.stat().st_size == len(content) for file, content in files.items())


# Files and command


def stored(folder: Path, *methods: str, samples: int = 3) -> Path:
    cells = plan(["tests.helpers:Counting"], ["inpaint"], ["camera", "brick"], methods, samples, steps=4, size=24)
    compare(cells, folder)
    return folder


def test_trust_reads_a_run_and_solves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored(tmp_path / "run", "hqs", "annealed")
    COUNT["images"] = 0
    main(["trust", str(folder)])
    assert COUNT["images"] == 0
    shown = capsys.readouterr().out
    for words in ("measured or conjured", "mushy mean", "mean over estimate", f"table: {folder}/trust.md, .csv, .json"):
        assert words in shown
    with (folder / "trust.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [kind for kind in CLASSES if kind != "simulated back"]
    assert float(rows[0]["coverage_low"]) <= float(rows[0]["coverage"]) <= float(rows[0]["coverage_high"])
    assert rows[0]["images"] == "2"
    content = json.loads((folder / "trust.json").read_text(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert content["provenance"]["command"] == f"priorbench trust {folder}"
    assert sum(line[0] for line in content["curves"][0]["rank_histogram"]) == pytest.approx(1)
    assert content["labels"][0]["pixels"].keys() == set(LABELS)
    assert "| all |" in (folder / "trust.md").read_text()
    names = {path.name for path in (folder / "figures").iterdir()}
    assert {"trust.png", "trust.pdf", "measured.png", "measured.pdf"} <= names


def test_simulate_back_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored(tmp_path / "run", "annealed")
    COUNT["images"] = 0
    main(["trust", str(folder), "--simulate-back"])
    assert COUNT["images"] == 2 * 3 * 4  # images x samples x levels
    assert "simulated back: foretold without the truth, and true" in capsys.readouterr().out


@pytest.mark.parametrize(("methods", "samples"), [(("hqs",), 3), (("annealed",), 1)])
def test_a_run_without_samples_is_told(tmp_path: Path, methods: tuple[str], samples: int, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored(tmp_path / "run", *methods, samples=samples)
    with pytest.raises(SystemExit) as stop:
        main(["trust", str(folder)])
    assert stop.value.code == BAD_INPUT
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "no samples to judge" in told
    assert "-n 16" in told


def test_measurements_of_another_instrument_are_refused(tmp_path: Path) -> None:
    comparison = Run.load(stored(tmp_path / "run", "annealed"))
    rows = tuple(replace(row, cell=replace(row.cell, seed=1)) for row in comparison.rows)
    with pytest.raises(ValueError, match="measured by other code or files"):
        judge(replace(comparison, rows=rows))
