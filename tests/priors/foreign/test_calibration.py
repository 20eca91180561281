"""The own error of a foreign prior: measured, stored beside its network, read by itself, and right for the spread of samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import priors
import problems
import solvers
from priors.foreign import calibration
from problems.problem import Problem
from tests.priors.foreign.fakes import GAUSSIAN, one, wiener

OPTIONS: dict[str, Any] = {"call": "sigma", "range": "0:255", "levels": "0.002:2.5"}


def net(x: Tensor, sigma: Tensor) -> Tensor:
    return wiener(0, 255)(x, one(sigma))


def draws(count: int, size: int, seed: int, channels: int = 1) -> Tensor:
    white = torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return GAUSSIAN.mean + GAUSSIAN.colour(white)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("measured") / "net.error.json"
    prior = priors.adapt(net, **OPTIONS)
    calibration.store(prior, calibration.calibrate(prior, draws(24, 96, 0)), file, "draws of the Gaussian prior")
    return file


def test_the_measured_error_is_the_known_one(measured: Path) -> None:
    prior = priors.adapt(net, error=measured, **OPTIONS)
    for sigma in (0.01, 0.1, 1.0):
        assert prior.rmse(sigma) == pytest.approx(GAUSSIAN.rmse(sigma, (1, 96, 96)), rel=0.08)
        found, expected = prior.error_spectrum(sigma, (1, 48, 48)), GAUSSIAN.error_spectrum(sigma, (1, 48, 48))
        assert float((found / expected).log().abs().median()) < 0.05
    assert not hasattr(priors.adapt(net, **OPTIONS), "rmse")  # never faked
    assert prior.family == "learned"


PROBLEMS = {
    "deblur": lambda x: problems.deblur(x, noise_sigma=0.05, rng=0),
    "super_resolution": lambda x: problems.super_resolution(x, factor=4, noise_sigma=0.05, rng=0),
    "inpaint": lambda x: problems.inpaint(x, mask="box", noise_sigma=0.05, rng=0),
}


def spread(problem: Problem, prior: priors.Denoiser) -> tuple[float, float]:
    """Sampled over true standard deviation, and the error of the mean in units of the true one."""
    mean, std = GAUSSIAN.posterior(problem.operator, problem.y, problem.noise_sigma)
    samples = solvers.sample(problem, prior, n=100, rng=1).samples
    assert samples is not None
    found = samples.double()
    scale = std.square().mean().sqrt()
    return float(found.std(0).square().mean().sqrt() / scale), float((found.mean(0) - mean).square().mean().sqrt() / scale)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_default_sampler_has_the_exact_spread_with_the_measured_error_and_too_wide_a_one_without(name: str, measured: Path) -> None:
    problem = PROBLEMS[name](draws(1, 32, 5).float())
    ratio, off = spread(problem, priors.adapt(net, error=measured, **OPTIONS))
    assert ratio == pytest.approx(1, abs=0.02)
    assert off < 0.13  # 0.1 is the error of a mean of 100 samples
    unknown, _ = spread(problem, priors.adapt(net, **OPTIONS))
    assert unknown > 1.06


def scripted(folder: Path) -> Path:
    class Shrink(torch.nn.Module):
        """The best guess about independent pixels, 0.5 with standard deviation 0.2."""

        def forward(self, x: Tensor) -> Tensor:
            return 0.8 * x + 0.1

    file = folder / "net.pt"
    traced(Shrink(), file)
    return file


def traced(module: torch.nn.Module, file: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and what people have
        torch.jit.trace(module, torch.zeros(1, 1, 16, 16)).save(str(file))


def test_a_single_level_is_measured_at_that_level(tmp_path: Path) -> None:
    file = scripted(tmp_path)
    prior = priors.adapt(file, call="blind", levels=0.1)
    clean = 0.5 + 0.2 * torch.randn(8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    curve = calibration.calibrate(prior, clean)
    assert curve.sigma == (0.1,)
    calibration.store(prior, curve, calibration.place_of(prior, None), "noise")
    assert (tmp_path / "net.error.json").is_file()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.error.json", "net.pt"]  # no draft is left
    known = priors.adapt(file, call="blind", levels=0.1)
    assert known.rmse(0.1) == pytest.approx(0.2 * 0.1 / (0.2**2 + 0.1**2) ** 0.5, rel=0.02)
    assert [f.name for f in known.files] == ["net.pt", "net.error.json"]


def test_an_error_measured_for_another_network_or_convention_is_refused(tmp_path: Path) -> None:
    file = scripted(tmp_path)
    prior = priors.adapt(file, call="blind", levels=0.1)
    calibration.store(prior, calibration.calibrate(prior, torch.rand(2, 1, 32, 32)), tmp_path / "net.error.json", "noise")
    with pytest.raises(ValueError, match=r"net\.error\.json was measured for another levels of net\.pt; run priorbench calibrate again"):
        priors.adapt(file, call="blind", levels=0.2)
    assert not hasattr(priors.adapt(file, call="blind", levels=0.2, error="none"), "rmse")
    traced(torch.nn.Identity(), file)
    with pytest.raises(ValueError, match=r"measured for another sha256 of net\.pt"):
        priors.adapt(file, call="blind", levels=0.1)


NEGATIVE = '{"network": {}, "sigma": [0.1], "rmse": [-1], "spectrum": [[[1]]]}'


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"network": {}}', NEGATIVE])
def test_a_damaged_error_is_refused(content: str, tmp_path: Path) -> None:
    file = scripted(tmp_path)
    (tmp_path / "net.error.json").write_text(content)
    with pytest.raises(ValueError, match=r"net\.error\.json holds no measured error; run priorbench calibrate again, or remove it"):
        priors.adapt(file, call="blind", levels=0.1)


def test_a_missing_error_that_was_asked_for_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"other\.json does not exist; priorbench calibrate"):
        priors.adapt(scripted(tmp_path), call="blind", levels=0.1, error=tmp_path / "other.json")


def test_a_network_without_a_file_needs_a_place_for_its_error(tmp_path: Path) -> None:
    prior = priors.adapt(net, **OPTIONS)
    with pytest.raises(ValueError, match=r"has no file to lie beside; give --out FILE"):
        calibration.place_of(prior, None)
    assert calibration.place_of(prior, tmp_path / "a.json") == tmp_path / "a.json"


def test_a_colour_network_is_measured_in_colour(tmp_path: Path) -> None:
    def colour(x: Tensor, sigma: Tensor) -> Tensor:
        assert x.shape[1] == 3
        return wiener()(x, one(sigma))

    prior = priors.adapt(colour, levels="0.05:0.5")
    curve = calibration.calibrate(prior, draws(4, 32, 1, 3))
    assert len(curve.spectrum[0]) == 3
    assert curve.sigma[0] == pytest.approx(0.05)
    assert curve.sigma[-1] == pytest.approx(0.5)
    calibration.store(prior, curve, tmp_path / "e.json", "draws")
    assert json.loads((tmp_path / "e.json").read_text())["network"]["levels"] == "0.05:0.5"
    known = priors.adapt(colour, levels="0.05:0.5", error=tmp_path / "e.json")
    assert known.belief(draws(1, 16, 2, 3), 0.1).spectrum.shape == (3, 16, 9)


def test_a_prior_whose_answers_are_not_finite_has_no_error() -> None:
    prior = priors.adapt(lambda x, sigma: x / (sigma - sigma.round(decimals=3)), levels="0.002:2.5", channels=1)
    with pytest.raises(ValueError, match="answers with NaN or infinite values"):
        calibration.calibrate(prior, torch.rand(1, 1, 32, 32))
