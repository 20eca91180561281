"""Rank-based calibration against exact samplers, and the metrics against implementations of their own."""

from __future__ import annotations

import types

import numpy as np
import pytest
import torch

from reports import calibration, metrics

PLACES = 60_000  # Monte-Carlo error of a coverage near 0.9: 0.0012


def exact(n: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Samples and truth from one Gaussian; ``spread`` other than 1 makes the sampler dishonest."""
    rng = np.random.default_rng(n)
    return spread * rng.standard_normal((n, PLACES)), rng.standard_normal(PLACES)


@pytest.mark.parametrize(
    ("n", "level", "nominal"),
    [(2, 0.9, 1 / 3), (8, 0.9, 7 / 9), (16, 0.9, 15 / 17), (19, 0.9, 0.9), (39, 0.9, 0.9), (16, 0.5, 9 / 17)],
)
def test_an_exact_sampler_covers_what_it_says(n: int, level: float, nominal: float) -> None:
    found, said = calibration.coverage(*exact(n), level)
    assert said == pytest.approx(nominal)
    assert found == pytest.approx(nominal, abs=4 * np.sqrt(nominal * (1 - nominal) / PLACES))


def test_plain_quantiles_do_not() -> None:
    """The trap: quantiles interpolated between 16 samples hold 81 % where they promise 90 %."""
    samples, truth = exact(16)
    low, high = np.quantile(samples, [0.05, 0.95], axis=0)
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.81, abs=0.01)


@pytest.mark.parametrize(("spread", "sign"), [(0.7, -1), (1.4, 1)])
def test_dishonest_samplers_are_seen(spread: float, sign: int) -> None:
    found, said = calibration.coverage(*exact(16, spread))
    assert sign * (found - said) > 0.03


def test_the_interval_is_that_of_the_result() -> None:
    """The same order statistics as ``Result.interval`` where n allows the level."""
    from solvers import Result

    samples, truth = exact(19)
    drawn = torch.from_numpy(samples).view(19, 1, 1, 200, 300)
    low, high = Result(None, None, "", drawn[0], drawn, (), {}, 0.0, 0).interval(0.9)
    inside = (low.flatten().numpy() <= truth) & (truth <= high.flatten().numpy())
    assert calibration.coverage(samples, truth)[0] == inside.mean()


@pytest.mark.parametrize(("n", "level"), [(1, 0.9), (8, 0.0), (8, 1.0)])
def test_impossible_intervals_are_refused(n: int, level: float) -> None:
    with pytest.raises(ValueError, match=r"at least 2|between 0 and 1"):
        calibration.order(n, level)


def test_ranks_count_the_samples_below() -> None:
    samples = np.array([[0.1, 3.0], [0.2, 4.0], [0.3, 5.0]])
    assert calibration.ranks(samples, np.array([0.25, 9.0])).tolist() == [2, 3]


def test_rank_histogram_is_flat_for_an_exact_sampler_even_with_ties() -> None:
    samples, truth = exact(9)
    for values in (samples, truth), (np.round(samples), np.round(truth)):
        assert calibration.rank_histogram(*values) == pytest.approx(np.full(10, 0.1), abs=0.006)


def test_rank_histogram_is_a_bowl_for_one_too_sure() -> None:
    histogram = calibration.rank_histogram(*exact(9, spread=0.5))
    assert histogram[[0, 9]].min() > 2 * histogram[4]


def test_psnr_clips_and_is_bounded() -> None:
    truth = np.zeros((4, 4, 1))
    assert metrics.psnr(truth + 0.1, truth) == pytest.approx(20)
    assert metrics.psnr(truth - 0.7, truth) == 120


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_that_of_wang(channels: int) -> None:
    """Against the formula of the paper with Gaussian windows by scipy, away from the border."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    truth = rng.random((24, 30, channels))
    x = np.clip(truth + 0.2 * rng.standard_normal(truth.shape), 0, 1)

    def local(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, (1.5, 1.5, 0), truncate=3.5)

    a, b = local(x), local(truth)
    va, vb, vab = local(x * x) - a * a, local(truth * truth) - b * b, local(x * truth) - a * b
    similarity = (2 * a * b + 1e-4) * (2 * vab + 9e-4) / ((a * a + b * b + 1e-4) * (va + vb + 9e-4))
    assert metrics.ssim(x, truth) == pytest.approx(similarity[5:-5, 5:-5].mean(), abs=1e-6)


@pytest.mark.parametrize("shape", [(7, 9, 1), (10, 10, 3), (3, 20, 1)])
def test_ssim_of_small_images(shape: tuple[int, ...]) -> None:
    truth = np.random.default_rng(0).random(shape)
    assert metrics.ssim(truth, truth) == pytest.approx(1)
    assert metrics.ssim(1 - truth, truth) < 0.5


def test_misfit_counts_in_units_of_the_noise() -> None:
    operator = types.SimpleNamespace(forward=lambda x: 2 * x)
    problem = types.SimpleNamespace(operator=operator, y=torch.full((1, 1, 2, 2), 1.0), noise_sigma=0.1)
    assert metrics.misfit(problem, torch.full((1, 1, 2, 2), 0.6)) == pytest.approx(4)
