"""Calibration against exact samplers and closed forms, and the metrics against implementations of their own."""

from __future__ import annotations

import types

import numpy as np
import pytest
import torch

from reports.scores import ensemble, intervals, pixelwise

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
    found, said = ensemble.coverage(*exact(n), level)
    assert said == pytest.approx(nominal)
    assert found == pytest.approx(nominal, abs=4 * np.sqrt(nominal * (1 - nominal) / PLACES))


def test_plain_quantiles_do_not() -> None:
    """The trap: quantiles interpolated between 16 samples hold 81 % where they promise 90 %."""
    samples, truth = exact(16)
    low, high = np.quantile(samples, [0.05, 0.95], axis=0)
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.81, abs=0.01)


@pytest.mark.parametrize(("spread", "sign"), [(0.7, -1), (1.4, 1)])
def test_dishonest_samplers_are_seen(spread: float, sign: int) -> None:
    found, said = ensemble.coverage(*exact(16, spread))
    assert sign * (found - said) > 0.03


def test_the_interval_is_that_of_the_result() -> None:
    """The same order statistics as ``Result.interval`` where n allows the level."""
    from solvers import Result

    samples, truth = exact(19)
    drawn = torch.from_numpy(samples).view(19, 1, 1, 200, 300)
    low, high = Result(None, None, "", drawn[0], drawn, (), {}, 0.0, 0).interval(0.9)
    inside = (low.flatten().numpy() <= truth) & (truth <= high.flatten().numpy())
    assert ensemble.coverage(samples, truth)[0] == inside.mean()


@pytest.mark.parametrize(("n", "level"), [(1, 0.9), (8, 0.0), (8, 1.0)])
def test_impossible_intervals_are_refused(n: int, level: float) -> None:
    with pytest.raises(ValueError, match=r"at least 2|between 0 and 1"):
        ensemble.order(n, level)


def test_ranks_count_the_samples_below() -> None:
    samples = np.array([[0.1, 3.0], [0.2, 4.0], [0.3, 5.0]])
    assert ensemble.ranks(samples, np.array([0.25, 9.0])).tolist() == [2, 3]


def test_rank_histogram_is_flat_for_an_exact_sampler_even_with_ties() -> None:
    samples, truth = exact(9)
    for values in (samples, truth), (np.round(samples), np.round(truth)):
        assert ensemble.rank_histogram(*values) == pytest.approx(np.full(10, 0.1), abs=0.006)


def test_rank_histogram_is_a_bowl_for_one_too_sure() -> None:
    histogram = ensemble.rank_histogram(*exact(9, spread=0.5))
    assert histogram[[0, 9]].min() > 2 * histogram[4]


def test_the_coverage_curve_is_that_of_all_intervals() -> None:
    samples, truth = exact(9, spread=0.6)
    nominal, measured = ensemble.coverage_curve(ensemble.rank_histogram(samples, truth))
    assert nominal == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert measured == pytest.approx([ensemble.coverage(samples, truth, level)[0] for level in nominal])
    nominal, measured = ensemble.coverage_curve(ensemble.rank_histogram(*exact(8)))
    assert measured == pytest.approx(nominal, abs=4 * 0.5 / np.sqrt(PLACES))


@pytest.mark.parametrize("n", [2, 8, 40])
@pytest.mark.parametrize(("y", "centre", "spread"), [(0.0, 0.0, 1.0), (1.3, 0.0, 1.0), (0.4, 1.0, 0.5)])
def test_crps_is_that_of_a_gaussian_at_any_n(n: int, y: float, centre: float, spread: float) -> None:
    """Closed form by Gneiting and Raftery (2007); the plain score of 2 samples would be 0.28 standard deviations too high."""
    from scipy.stats import norm

    z = (y - centre) / spread
    closed = spread * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    samples = centre + spread * np.random.default_rng(0).standard_normal((n, PLACES))
    scores = ensemble.crps(samples, np.full(PLACES, y))
    assert scores.mean() == pytest.approx(closed, abs=4 * scores.std() / np.sqrt(PLACES))


def test_crps_against_all_pairs() -> None:
    samples, truth = (array[..., :50] for array in exact(7))
    pairs = np.abs(samples[:, None] - samples[None]).sum((0, 1)) / (2 * 7 * 6)
    assert ensemble.crps(samples, truth) == pytest.approx(np.abs(samples - truth).mean(0) - pairs)


def test_energy_score_against_all_pairs() -> None:
    rng = np.random.default_rng(0)
    samples, truth = rng.random((5, 9, 17, 3)), rng.random((9, 17, 3))
    found = []
    for row, column in ((0, 0), (0, 8)):
        x, y = (array[..., row : row + 8, column : column + 8, :].reshape(*array.shape[:-3], -1) for array in (samples, truth))
        pairs = sum(np.linalg.norm(a - b) for a in x for b in x) / (2 * 5 * 4)
        found.append((np.mean([np.linalg.norm(a - y) for a in x]) - pairs) / np.sqrt(y.size))
    assert ensemble.energy_score(samples, truth) == pytest.approx(np.mean(found))
    assert ensemble.energy_score(samples, truth, patch=1) > 0
    grey = samples[..., :1], truth[..., :1]
    assert ensemble.energy_score(*grey, patch=1) == pytest.approx(ensemble.crps(*grey).mean())


def test_the_energy_score_sees_what_single_pixels_do_not() -> None:
    """Samples with the right spread of each pixel, but shuffled so that neighbours do not go together, lose."""
    rng = np.random.default_rng(0)
    samples, truth = (np.broadcast_to(rng.standard_normal((n, 1, 1, 1)), (n, 64, 64, 1)) for n in (16, 400))
    shuffled = rng.permuted(np.array(samples), axis=0)
    one, other = (np.mean([ensemble.energy_score(x, y) for y in truth]) for x in (samples, shuffled))
    assert other > 1.1 * one
    singly = [np.mean([ensemble.crps(x, y).mean() for y in truth]) for x in (samples, shuffled)]
    assert singly[0] == pytest.approx(singly[1])


@pytest.mark.parametrize("n", [2, 12])
def test_the_law_of_the_mushy_mean(n: int) -> None:
    """An exact sample errs twice as much as the posterior mean, and so it is found from any number of samples."""
    samples, truth = exact(n)
    variance, error = (square.mean() for square in ensemble.squares(samples, truth))
    assert variance == pytest.approx(1, abs=0.02)
    assert error == pytest.approx(1, abs=0.02)
    assert np.square(samples - truth).mean() == pytest.approx(variance + error)
    found = ensemble.estimates([ensemble.scores(samples, truth)])
    assert found["spread_skill"].value == pytest.approx(1, abs=0.01)
    assert found["mse_ratio"].value == pytest.approx(2, abs=0.04)
    sure = ensemble.estimates([ensemble.scores(*exact(n, spread=0.5))])
    assert sure["spread_skill"].value < 0.9
    assert sure["mse_ratio"].value == pytest.approx(1.25, abs=0.04)


def test_thirds_by_activity_keep_exact_samples_calibrated() -> None:
    """And thirds by the truth's own variance do not: the trap."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    images = np.stack([gaussian_filter(rng.standard_normal((200, 300)), 1.5) for _ in range(13)])[..., None]
    samples, truth = images[1:], images[0]
    thirds = ensemble.activity(samples, truth)
    assert [np.mean(thirds == third) for third in range(3)] == pytest.approx([1 / 3] * 3, abs=0.01)
    own = ensemble.activity(truth[None], truth)
    for third, sign in ((0, 1), (2, -1)):
        found, said = ensemble.coverage(samples[:, thirds == third], truth[thirds == third])
        assert found == pytest.approx(said, abs=0.02)
        found, said = ensemble.coverage(samples[:, own == third], truth[own == third])
        assert sign * (found - said) > 0.04


def test_intervals_over_images_are_those_of_student() -> None:
    from scipy.stats import t

    values = [0.8, 0.9, 0.7, 0.95]
    low, high = t.interval(0.95, 3, np.mean(values), np.std(values, ddof=1) / 2)
    assert intervals.over_images(values) == pytest.approx((np.mean(values), low, high))
    assert np.isnan(intervals.over_images([0.5])[1:]).all()


def test_scores_of_images_make_estimates() -> None:
    """Two images, whose numbers are means of the single ones; spread and error are pooled before their ratio is taken."""
    rng = np.random.default_rng(0)
    pairs = [(rng.standard_normal((12, 16, 16, 1)) * scale, rng.standard_normal((16, 16, 1)) * scale) for scale in (0.1, 0.3)]
    found = ensemble.estimates([ensemble.scores(*pair) for pair in pairs])
    assert found["coverage"].value == pytest.approx(np.mean([ensemble.coverage(*pair)[0] for pair in pairs]))
    assert found["crps"].value == pytest.approx(np.mean([ensemble.crps(*pair).mean() for pair in pairs]))
    assert found["energy"].value == pytest.approx(np.mean([ensemble.energy_score(*pair) for pair in pairs]))
    spread, error = (sum(x) for x in zip(*[(s.var(0, ddof=1).mean(), np.square(s.mean(0) - t).mean()) for s, t in pairs], strict=True))
    assert found["spread_skill"].value == pytest.approx(np.sqrt(13 / 12 * spread / error))
    assert found["rms_error"].value == pytest.approx(np.sqrt(error / 2))
    curve = ensemble.scores(*pairs[0]).curve
    assert curve[0].sum() == pytest.approx(13 / 12 * pairs[0][0].var(0, ddof=1).sum())
    assert curve[1].sum() == pytest.approx(np.square(pairs[0][0].mean(0) - pairs[0][1]).sum())
    flat = ensemble.scores(pairs[0][0].reshape(12, -1), pairs[0][1].ravel())
    assert "energy" not in ensemble.estimates([flat])


def test_intervals_hold_what_they_say() -> None:
    """Of a ratio of means over 8 images."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        below = rng.gamma(4.0, size=8)
        found = intervals.ratio_over_images(below * rng.gamma(9.0, 2 / 9, size=8), below)
        held += found.low <= 2 <= found.high
    assert held / 400 == pytest.approx(0.95, abs=0.04)


def test_psnr_clips_and_is_bounded() -> None:
    truth = np.zeros((4, 4, 1))
    assert pixelwise.psnr(truth + 0.1, truth) == pytest.approx(20)
    assert pixelwise.psnr(truth - 0.7, truth) == 120


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
    assert pixelwise.ssim(x, truth) == pytest.approx(similarity[5:-5, 5:-5].mean(), abs=1e-6)


@pytest.mark.parametrize("shape", [(7, 9, 1), (10, 10, 3), (3, 20, 1)])
def test_ssim_of_small_images(shape: tuple[int, ...]) -> None:
    truth = np.random.default_rng(0).random(shape)
    assert pixelwise.ssim(truth, truth) == pytest.approx(1)
    assert pixelwise.ssim(1 - truth, truth) < 0.5


def test_misfit_counts_in_units_of_the_noise() -> None:
    operator = types.SimpleNamespace(forward=lambda x: 2 * x)
    problem = types.SimpleNamespace(operator=operator, y=torch.full((1, 1, 2, 2), 1.0), noise_sigma=0.1)
    assert pixelwise.misfit(problem, torch.full((1, 1, 2, 2), 0.6)) == pytest.approx(4)
