"""bfloat16 where it is faster: the same answers but for rounding, never for float64 or gradients, decided once."""

from __future__ import annotations

import statistics

import pytest
import torch

import priors
import problems
from priors import precision
from reports.runs.cell import Cell
from reports.runs.keys import key
from reports.runs.loading import load_prior, prior_facts


@pytest.fixture(scope="module")
def noisy() -> tuple[torch.Tensor, torch.Tensor]:
    truth = problems.load_image("camera", size=96, channels=1)
    return truth, truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
@pytest.mark.parametrize("sigma", [5 / 255, 0.1, 50 / 255])
def test_bfloat16_costs_no_visible_quality(name: str, sigma: float) -> None:
    """At most 0.005 dB on average; a single picture can lose 0.013 dB, and win as much."""
    lost = []
    for picture in problems.TEST:
        truth = problems.load_image(picture, size=128, channels=1)
        x = truth + sigma * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
        exact, rounded = (priors.load(name, precision=chosen).denoise(x, sigma) for chosen in ("float32", "bfloat16"))
        assert not torch.equal(exact, rounded)
        assert float((exact - rounded).square().mean().sqrt()) < 0.03 * sigma
        psnr = [float(-10 * torch.log10((answer - truth).square().mean())) for answer in (exact, rounded)]
        lost.append(psnr[0] - psnr[1])
    assert abs(statistics.mean(lost)) < 0.005
    assert max(map(abs, lost)) < 0.02


def test_the_belief_is_rounded_as_little(noisy) -> None:
    exact, rounded = (priors.load("diffusion", precision=chosen).belief(noisy[1], 0.1) for chosen in ("float32", "bfloat16"))
    assert float((exact.pixel / rounded.pixel).log().abs().mean()) < 0.02
    assert exact.mean.dtype == rounded.mean.dtype == exact.pixel.dtype == rounded.pixel.dtype == torch.float32


def test_float64_and_gradients_are_exact_whatever_is_asked_for(noisy) -> None:
    exact, rounded = (priors.load("cnn", precision=chosen) for chosen in ("float32", "bfloat16"))
    x = noisy[1].double()
    assert torch.equal(exact.denoise(x, 0.1), rounded.denoise(x, 0.1))
    grown = noisy[1].clone().requires_grad_(True)
    assert torch.equal(exact.denoise(grown, 0.1), rounded.denoise(grown, 0.1))


def test_auto_is_what_was_measured_and_measured_once(monkeypatch) -> None:
    calls = []
    monkeypatch.setattr(precision, "gains", lambda *given: bool(calls.append(1)) or True)
    precision.DECIDED.clear()
    try:
        assert [priors.load("cnn").of(1).precision for _ in range(3)] == ["bfloat16"] * 3
        assert len(calls) == 1
    finally:
        precision.DECIDED.clear()


def test_a_slower_bfloat16_is_not_taken() -> None:
    """By processor time: work that is repeated under autocast stands for an emulation."""

    def emulated() -> None:
        for _ in range(20 if torch.is_autocast_enabled("cpu") else 1):
            torch.rand(200_000).sort()

    def quick() -> None:
        for _ in range(1 if torch.is_autocast_enabled("cpu") else 20):
            torch.rand(200_000).sort()

    assert not precision.gains(emulated, "cpu")
    assert precision.gains(quick, "cpu", precision.GAIN)


def test_a_cell_is_named_by_the_precision_that_computes_it() -> None:
    cells = [Cell("deblur", "camera", f"cnn[precision={chosen}]", "hqs", size=24) for chosen in ("float32", "bfloat16")]
    assert [prior_facts(load_prior(cell.prior))["precision"] for cell in cells] == ["float32", "bfloat16"]
    assert key(cells[0]) != key(cells[1])
    before = key(Cell("deblur", "camera", "cnn", "hqs", size=24))
    prior = load_prior("cnn")
    kept, prior.precision = prior.precision, "another"
    try:
        assert key(Cell("deblur", "camera", "cnn", "hqs", size=24)) != before
    finally:
        prior.precision = kept


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="'half' is no precision; give one of auto, float32, bfloat16"):
        priors.load("cnn", precision="half")
