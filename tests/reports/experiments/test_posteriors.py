"""The proof itself is proven: its numbers on samples whose faults are known; then it holds the default sampler to its promise."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import NormalDist

import pytest
import torch
from torch import Tensor

import priors
import problems
import solvers
from priors.gaussian import Gaussian, PowerLaw
from priors.mixture import Mixture
from problems.operators import Inpainting
from reports.experiments import guidance, posteriors
from reports.figures import posteriors as proof_figure
from reports.page import posteriors as proof_page
from reports.tables import posteriors as proof_table
from tests.chains import metropolis
from tests.helpers import run as command

GAUSSIAN = [case for case in posteriors.CASES if case.prior == "gaussian"]
MIXTURES = [case for case in posteriors.CASES if case.prior != "gaussian"]
DEFAULT = "annealed"
LAWS = (
    guidance.Law(1.0, 3e-16, (0.7333, 0.4058, 0.665), (0.7334, 0.4058, 0.6654)),
    guidance.Law(3.0, 2e-15, (0.832, 0.435, 0.758), (0.787, 0.412, 0.736)),
)


@pytest.fixture(scope="module")
def hole() -> posteriors.Reference:
    return posteriors.Reference(GAUSSIAN[3], n=199)


def close(number: posteriors.Number, value: float, least: float = 0.005) -> bool:
    return abs(number.value - value) < max(4 * number.error, least)


@pytest.mark.parametrize("case", posteriors.CASES, ids=str)
def test_perfect_samples_are_found_perfect(case: posteriors.Case) -> None:
    ruler = posteriors.Reference(case, n=99, rng=1)
    found = ruler.measure(ruler.draw(99))
    assert all(number.error < 0.15 for number in found.values())
    assert found["mean_error"].value < 0.1
    assert found["wasserstein"].value < 0.25
    assert close(found["std_ratio"], 1)
    assert close(found["coverage"], 0.9)
    if len(ruler.mixture.labels) > 1:
        assert close(found["in_mode_std"], 1)
        assert found["weights_error"].value < 0.1


def test_known_faults_are_measured(hole: posteriors.Reference) -> None:
    """Too narrow by 0.7, and moved by half a standard deviation: both have closed forms."""
    x, mean, std = hole.draw(199), hole.posterior.mean, hole.posterior.std
    narrow = hole.measure(mean + 0.7 * (x - mean))
    inside = 2 * NormalDist().cdf(0.7 * NormalDist().inv_cdf(0.95)) - 1
    assert narrow["std_ratio"].value == pytest.approx(0.7, abs=0.01)
    assert narrow["wasserstein"].value == pytest.approx(0.3, abs=0.05)
    assert narrow["coverage"].value == pytest.approx(inside, abs=0.005)
    moved = hole.measure(x + 0.5 * std)
    assert moved["mean_error"].value == pytest.approx(0.5, abs=0.06)
    assert moved["std_ratio"].value == pytest.approx(1.0, abs=0.01)
    assert moved["wasserstein"].value == pytest.approx(0.5, abs=0.06)


def test_a_sampler_of_one_mode_is_found_out() -> None:
    """All samples from the likelier of two modes: the weights are off by the weight of the other, the spread within is right."""
    ruler = posteriors.Reference(MIXTURES[2], n=99, rng=1)
    three = torch.tensor([label == "3" for label in ruler.mixture.labels])
    x = torch.cat([ruler.draw(99) for _ in range(4)])
    mine = ruler.mixture.responsibilities(x.view(-1, *posteriors.SHAPE))[:, three].sum(1).view(x.shape[:2]) > 0.5
    kept = torch.stack([x[mine[:, b], b][:99] for b in range(x.shape[1])], 1)
    other = 1 - ruler.posterior.weights[:, three].sum(1).mean()
    found = ruler.measure(kept)
    assert found["weights_error"].value == pytest.approx(float(other), abs=0.02)
    assert close(found["in_mode_std"], 1)
    assert found["std_ratio"].value < 0.9


def test_standard_errors_are_those_of_a_mean() -> None:
    values = torch.tensor([1.0, 2.0, 4.0, 5.0, 8.0])
    found = posteriors.ratio(values, torch.ones(5))
    assert found.value == pytest.approx(4.0)
    assert found.error == pytest.approx(float(values.std()) / math.sqrt(5))


def held_to(case: posteriors.Case, budget: int, n: int) -> None:
    row = posteriors.judge(posteriors.Reference(case, n), DEFAULT, budget)
    assert row.calls <= budget
    for name, (low, high) in posteriors.promised(row).items():
        assert low <= row.numbers[name].value <= high, f"{name} {row.numbers[name]}"


@pytest.mark.parametrize("case", GAUSSIAN, ids=str)
def test_the_default_sampler_keeps_its_promise_at_20_calls(case: posteriors.Case) -> None:
    """Mean error < 0.1 posterior stds, std ratio 0.95-1.05, coverage 0.88-0.92; for the hole twice that."""
    held_to(case, 20, n=99)


@pytest.mark.slow
@pytest.mark.parametrize("case", GAUSSIAN, ids=str)
def test_the_default_sampler_keeps_its_promise_at_100_calls(case: posteriors.Case) -> None:
    """Mean error < 0.05 posterior stds, std ratio 0.98-1.02, coverage 0.89-0.91; for the hole twice that."""
    held_to(case, 100, n=199)


def test_what_is_promised() -> None:
    row = posteriors.Row(GAUSSIAN[0], DEFAULT, 100, 100, 0.0)
    assert posteriors.promised(row) == {"mean_error": (0, 0.05), "std_ratio": (0.98, 1.02), "coverage": (0.89, 0.91)}
    wide = posteriors.promised(posteriors.Row(GAUSSIAN[3], DEFAULT, 20, 20, 0.0))
    assert wide["std_ratio"] == pytest.approx((0.9, 1.1))
    assert wide["mean_error"] == pytest.approx((0, 0.2))
    assert posteriors.promised(posteriors.Row(MIXTURES[0], DEFAULT, 100, 100, 0.0)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("case", MIXTURES, ids=str)
def test_what_the_default_sampler_reaches_where_there_are_modes(case: posteriors.Case) -> None:
    """Right within modes, and in all where the modes are textures, since the prior tells how far each image may be off. Which
    digit it is, is decided at high levels, where one Gaussian stands for all of them: those weights come out too even."""
    numbers = posteriors.judge(posteriors.Reference(case, 99), DEFAULT, 100).numbers
    assert numbers["in_mode_std"].value == pytest.approx(1, abs=0.03)
    if case.prior == "mixture":
        assert numbers["std_ratio"].value == pytest.approx(1, abs=0.1)
        assert numbers["coverage"].value == pytest.approx(0.9, abs=0.03)
        assert numbers["weights_error"].value < 0.3


def test_the_default_sampler_against_a_long_langevin_chain() -> None:
    """Mean and spread of every pixel by two samplers that share nothing but the prior and the data."""
    prior, shape, noise_sigma = Gaussian(grey=(PowerLaw(0.01, 1.0, 0.2),)), (1, 6, 6), 0.1
    operator = Inpainting(torch.rand(6, 6, generator=torch.Generator().manual_seed(0)) < 0.5, shape)
    y = operator.forward(torch.rand(1, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    chain = metropolis(prior.energy, operator, y, noise_sigma, chains=300, steps=600, step=0.003)
    drawn = solvers.sample(problems.Problem("hole", operator, y, noise_sigma), prior, n=1000, rng=0, method=DEFAULT).drawn()[:, 0]
    spread = chain.std(0)
    assert float(((drawn.mean(0) - chain.mean(0)) / spread).abs().max()) < 0.15
    assert float((drawn.std(0) / spread - 1).abs().max()) < 0.1


class Linear:
    """x -> M x for a matrix of one's own."""

    def __init__(self, matrix: Tensor):
        self.matrix = matrix

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return (x.flatten(1) @ self.matrix.T).view(x.shape)


def test_asymmetry_of_a_known_jacobian() -> None:
    matrix = torch.randn(16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    found = posteriors.asymmetry(Linear(matrix), x, 0.1, probes=4000)
    assert found.value == pytest.approx(float((matrix - matrix.T).norm() / (matrix + matrix.T).norm()), abs=4 * found.error)
    assert posteriors.asymmetry(Linear(matrix + matrix.T), x, 0.1).value < 1e-6


@pytest.mark.parametrize("name", ["gaussian", "mixture", "digits"])
def test_exact_priors_are_gradient_fields_and_others_are_not(name: str) -> None:
    exact, means = posteriors.gradient_fields([name, "nlm"])
    assert all(number.value < 1e-3 for number in exact.asymmetries.values())
    assert all(number.value > 0.05 for number in means.asymmetries.values())
    assert exact.mmse
    assert not means.mmse


def test_a_prior_that_cannot_be_had_is_told() -> None:
    (missing,) = posteriors.gradient_fields(["nowhere:prior"])
    assert "nowhere" in missing.message
    assert missing.asymmetries == {}


def test_small_inpainting_solves_as_inpainting_does() -> None:
    mask = torch.rand(16, 16, generator=torch.Generator().manual_seed(0)) < 0.5
    b = torch.rand(2, *posteriors.SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    c = 0.1 + torch.rand(1, 16, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    c = priors.load("gaussian").error_spectrum(0.3, posteriors.SHAPE) + 0 * c
    small, plain = posteriors.SmallInpainting(mask, posteriors.SHAPE), Inpainting(mask, posteriors.SHAPE)
    assert torch.allclose(small.solve(b, c), plain.solve(b, c), atol=1e-7)
    assert torch.equal(small.solve(b, 0.5), plain.solve(b, 0.5))


def test_one_stream_has_the_same_law_as_many() -> None:
    noise = posteriors.OneStream(0, 50, 8).normal((64,), torch.zeros(1, dtype=torch.float64))
    assert noise.shape == (400, 64)
    assert abs(float(noise.mean())) < 4 / math.sqrt(noise.numel())
    assert abs(float(noise.var()) - 1) < 4 * math.sqrt(2 / noise.numel())


def test_methods_that_do_not_fit_a_problem_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_) -> None:
        raise ValueError("needs a mask: not this")

    monkeypatch.setattr(posteriors, "run", refuse)
    row = posteriors.judge(posteriors.Reference(GAUSSIAN[0], 19), DEFAULT, 10)
    assert row.numbers == {}
    assert row.message == "ValueError: needs a mask: not this"


@pytest.fixture(scope="module")
def made() -> proof_table.Proof:
    """Two cases, two budgets, and what may go wrong."""
    cases = (GAUSSIAN[0], MIXTURES[2])
    rows = list(posteriors.prove([DEFAULT], [2, 20], n=19, cases=cases))
    rows.append(posteriors.Row(cases[0], "diffpir", 20, 0, 0.1, message="Diverged: far away"))
    rows.append(posteriors.Row(cases[0], DEFAULT, 100, 100, 0.1, {"mean_error": posteriors.Number(0.5, 0.01)}))
    return proof_table.Proof(tuple(rows), tuple(posteriors.gradient_fields(["gaussian", "nowhere:prior"])), 19, "priorbench prove", LAWS)


def test_every_number_is_in_every_table(made: proof_table.Proof, tmp_path: Path) -> None:
    proof_table.export(made, tmp_path)
    text = (tmp_path / "proof.md").read_text("utf-8")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "proof.csv").read_text("utf-8"))))
    stored = json.loads((tmp_path / "proof.json").read_text("utf-8"))
    assert len(lines) == len(stored["rows"]) == len(made.rows)
    for row, line in zip(made.rows, lines, strict=True):
        for name, number in row.numbers.items():
            assert float(line[name]) == pytest.approx(number.value)
            assert f"{number.value:.3f}±{number.error:.3f}" in text
    assert "0.500±0.010*" in text, "a broken promise is marked"
    assert "| diffpir | 20 | diverged |" in text
    assert "not available" in text
    assert stored["provenance"]["samples"] == 19
    assert [law["guidance"] for law in stored["guidance"]] == [1, 3]
    assert "| 3 | 2e-15 | 0.832 | 0.435 | 0.758 | 0.787 | 0.412 | 0.736 |" in text
    assert {path.suffix for path in tmp_path.iterdir()} == {".md", ".csv", ".json"}


def test_the_figure_shows_every_case_and_method(made: proof_table.Proof, tmp_path: Path) -> None:
    paths = proof_figure.save(made, tmp_path)
    assert [path.name for path in paths] == ["proof.png", "proof.pdf"]
    words = [text.get_text() for text in proof_figure.exactness(made).findobj(lambda item: hasattr(item, "get_text"))]
    for expected in (*(case.problem for case in made.cases), f"{DEFAULT} (default)", "diffpir", "promise"):
        assert expected in words


def test_the_page_tells_a_stranger_how_exact_each_sampler_is(made: proof_table.Proof, tmp_path: Path) -> None:
    text = proof_page.build(made, tmp_path).read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["proof.html"]
    for row in made.rows:
        assert all(f"{number.value:.3f}±{number.error:.3f}" in text for number in row.numbers.values())
    words = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    assert "kept" in proof_page.promises(made)
    guided = ("What does guidance draw?", "0.758")
    for expected in (proof_page.promises(made), "3 or 8, left half hidden", "diverged", "priorbench prove", "not available", *guided):
        assert expected in words
    assert not re.findall(r"https?://(?!www\.w3\.org)", text)
    assert "prefers-color-scheme: dark" in text


def test_the_glance_tells_the_largest_budget(made: proof_table.Proof) -> None:
    rows = [row for row in made.rows if row.budget != 100]
    at_twenty = proof_page.glance(replace(made, rows=tuple(rows)))
    exact, default, diverged = at_twenty.lines
    assert at_twenty.title == "At 20 denoiser calls a sample"
    assert (exact[0], default[0], diverged[0]) == (posteriors.EXACT, DEFAULT, "diffpir")
    errors = [row.numbers["mean_error"].value for row in rows if row.method == DEFAULT and row.budget == 20]
    assert default[1:3] == ("2", f"up to {max(errors):.2f}")
    assert diverged[1:] == ("0 of 1", "", "", "", "", "")
    assert proof_page.glance(made).lines[1][1:3] == ("1", "up to 0.50")


run = partial(command, "prove")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posteriors, "CASES", (GAUSSIAN[0], MIXTURES[3]))
    monkeypatch.setattr(posteriors, "gradient_fields", lambda: iter(()))
    monkeypatch.setattr(guidance, "laws", lambda: iter(LAWS))


def test_the_command(short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "prove"
    assert run("-m", DEFAULT, "--budgets", "2,4", "-n", "19", "-o", str(out)) == 0
    told = capsys.readouterr().out
    assert "[6/6] digits · strong blur and noise · annealed · 4 calls: std ratio" in told
    assert "exact draws" in told
    figures = ["proof-guidance.pdf", "proof-guidance.png"]
    kept = ["proof.csv", "proof.html", "proof.json", "proof.md", "proof.pdf", "proof.png"]
    assert sorted(path.name for path in out.iterdir()) == figures + kept
    assert "proof-guidance.png" in told


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second, other = (list(posteriors.prove([DEFAULT], [2], 19, rng, GAUSSIAN[:1]))[1].numbers for rng in (0, 0, 1))
    assert first == second != other


def test_nothing_is_written_where_it_is_interrupted(
    short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(posteriors, "judge", interrupted)
    assert run("-m", DEFAULT, "-o", str(tmp_path / "prove")) == 130
    assert capsys.readouterr().err == f"priorbench: interrupted; nothing was written to {tmp_path / 'prove'}\n"
    assert list((tmp_path / "prove").iterdir()) == []


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("-m", "aneal"), "unknown sampling method 'aneal'"),
    (("-m", "hqs"), "sampling method 'hqs'"),
    (("--budgets", "0"), "at least 1 call"),
    (("--budgets", "ten"), "cannot read the numbers"),
    (("-n", "18"), "at least 19 samples"),
])  # fmt: skip
def test_bad_input_gets_one_clear_sentence(arguments, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments, "-o", str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_the_ruler_knows_gaussian_and_mixtures_only() -> None:
    ruler = posteriors.Reference(GAUSSIAN[1], 19)
    assert isinstance(ruler.mixture, Mixture)
    mean, std = ruler.prior.posterior(ruler.problem.operator, ruler.problem.y, ruler.problem.noise_sigma)
    assert torch.allclose(ruler.posterior.mean, mean.flatten(1), atol=1e-9)
    assert torch.allclose(ruler.posterior.std, std.flatten(1), atol=1e-9)
    assert isinstance(ruler.problem, problems.Problem)


def test_a_prior_guided_at_one_samples_as_the_prior_of_its_label() -> None:
    """The same noise, once with the gradient of p(label | x), once with the components of the label alone."""
    case = next(case for case in posteriors.CASES if case.prior == "digits, told 3")
    ruler = posteriors.Reference(case, n=19, rng=0)
    assert set(ruler.mixture.labels) == {"3"}
    by_classifier, by_label = (
        posteriors.run(ruler.problem, prior, "annealed", 1.0, 10, None, posteriors.OneStream(0, 19, 6)).drawn()
        for prior in (ruler.prior, ruler.mixture)
    )
    assert torch.allclose(by_classifier, by_label, atol=1e-4)
