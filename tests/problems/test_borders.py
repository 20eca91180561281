"""Pictures without periodic borders, held to dense matrices and to convolution by the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from torch import Tensor

import priors
import problems
import solvers
from problems import borders, kernels
from problems.operator import Operator

KERNEL = kernels.shake(5, 3)  # neither symmetric nor separable
UNEVEN = np.random.default_rng(0).random((3, 4))  # an even side
CASES = {
    "unknown": problems.Blur(KERNEL, boundary="unknown"),
    "unknown, even side": problems.Blur(UNEVEN / UNEVEN.sum(), boundary="unknown"),
    "reflect": problems.Blur(KERNEL, boundary="reflect"),
    "unknown, factor": problems.SuperResolution(KERNEL, 2, boundary="unknown"),
    "unknown, odd factor": problems.SuperResolution(None, 3, boundary="unknown"),
    "reflect, factor": problems.SuperResolution(KERNEL, 2, boundary="reflect"),
}


@pytest.fixture(params=CASES, ids=str)
def operator(request: pytest.FixtureRequest) -> Operator:
    return CASES[request.param].fitted((1, 6, 7))


def dense(operator: Operator) -> Tensor:
    """A as a matrix [data, image]."""
    units = torch.eye(int(np.prod(operator.image_shape)), dtype=torch.float64).view(-1, *operator.image_shape)
    return operator.forward(units).flatten(1).T


def test_the_data_are_those_of_the_definition() -> None:
    """The window of a scene: no pixel of it is made of what lies beyond; the mirror: as scipy's mode "reflect"."""
    scene = np.random.default_rng(1).random((12, 13))
    for kernel in (KERNEL, UNEVEN):
        for boundary, mode in (("unknown", "wrap"), ("reflect", "reflect")):
            problem = problems.deblur(scene, kernel, noise_sigma=1e-9, boundary=boundary)
            whole = convolve(scene, kernel, mode=mode)
            top, bottom, left, right = problems.Blur(kernel).margin if boundary == "unknown" else (0, 0, 0, 0)
            expected = whole[top : 12 - bottom, left : 13 - right]
            assert np.abs(problem.y[0, 0].numpy() - expected).max() < 1e-7


def test_the_scene_lies_behind_the_window() -> None:
    operator = CASES["unknown"].fitted((1, 6, 7))
    assert operator.image_shape == (1, 10, 11)
    assert operator.data_shape == (1, 6, 7)
    spike = torch.zeros(1, 1, 10, 11)
    spike[operator.scene] = 1
    assert spike.sum() == 42
    large = CASES["unknown, factor"].fitted((1, 6, 7))
    assert torch.zeros(1, 1, *large.image_shape[1:])[large.scene].shape[-2:] == (12, 14)


def test_the_adjoint_is_exact(operator: Operator) -> None:
    x, y = torch.rand(2, *operator.image_shape, dtype=torch.float64), torch.rand(2, *operator.data_shape, dtype=torch.float64)
    assert float((operator.forward(x) * y).sum()) == pytest.approx(float((x * operator.adjoint(y)).sum()), rel=1e-12)


@pytest.mark.parametrize("circulant", [False, True])
def test_the_quadratic_is_solved(operator: Operator, circulant: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(borders, "EXACT", 1e-9)
    a, shape = dense(operator), operator.image_shape
    c: float | Tensor = 0.3
    matrix = torch.eye(a.shape[1], dtype=torch.float64) * 0.3
    if circulant:
        f = torch.fft.fftfreq(shape[1])[:, None].abs() + torch.fft.rfftfreq(shape[2])
        c = (0.1 + f.double())[None]
        units = torch.eye(a.shape[1], dtype=torch.float64).view(-1, *shape)
        matrix = problems.operator.circulant(units, c).flatten(1)
    b, residual = torch.rand(2, *shape, dtype=torch.float64), torch.rand(2, *operator.data_shape, dtype=torch.float64)
    for found, right in ((operator.solve(b, c), b.flatten(1)), (operator.correction(residual, c), residual.flatten(1) @ a)):
        assert torch.allclose(found.flatten(1), torch.linalg.solve(a.T @ a + matrix, right.T).T, atol=1e-6)


def test_a_data_step_is_as_exact_as_is_promised(operator: Operator) -> None:
    b, y, c = torch.rand(1, *operator.image_shape), torch.rand(1, *operator.data_shape), 0.01
    for x, right in ((operator.solve(b, c), b), (operator.correction(y, c), operator.adjoint(y))):
        left = operator.adjoint(operator.forward(x)) + c * x - right
        assert float(left.norm() / right.norm()) < 2 * borders.EXACT


def test_the_preconditioner_spares_turns() -> None:
    """On a picture large against its kernel, the window of the inverse is nearly the inverse of the window."""
    window = problems.Blur("motion:7:30", boundary="unknown").fitted((1, 40, 40))
    white, spectrum = torch.rand(1, 1, 40, 40, dtype=torch.float64), torch.ones(1, 46, 24, dtype=torch.float64)
    turns = {}
    for name, guide in {"none": lambda r: r, "window": window.gram_inverse(spectrum, 0.01)}.items():
        count = []

        def matvec(v: Tensor, count: list[int] = count) -> Tensor:
            count.append(1)
            return window.forward(window.adjoint(v)) + 0.01 * v

        problems.operator.conjugate_gradients(matvec, white, guide, 1e-3)
        turns[name] = len(count)
    assert turns["window"] < turns["none"] / 2


def test_an_unknown_border_is_worth_three_decibels() -> None:
    """A picture blurred by linear convolution: deconvolved as if it were periodic it rings; else the whole is as good as its centre."""
    scene = problems.load_image("camera", size=128).double()
    problem = problems.deblur(scene, "motion:9:30", noise_sigma=0.01, rng=0, boundary="unknown")
    truth = scene[problem.operator.scene]

    def psnr(x: Tensor, rim: int = 0) -> float:
        inside = (..., slice(rim, x.shape[-2] - rim), slice(rim, x.shape[-1] - rim))
        return float(-10 * (x - truth)[inside].square().mean().log10())

    whole = solvers.solve(problem, priors.load("tv"), "admm").x[problem.operator.scene]
    wrapped = problems.measured(problem.y, problems.Blur("motion:9:30"), 0.01)
    try:
        circular = psnr(solvers.solve(wrapped, priors.load("tv"), "admm").x)
    except solvers.Diverged:
        circular = 0.0
    assert psnr(whole) > circular + 3
    assert psnr(whole) > psnr(whole, 12) - 0.3


# Pictures of one's own


def test_a_picture_is_measured_as_it_is() -> None:
    y = torch.rand(1, 3, 20, 24)
    problem = problems.measured(y, problems.Blur(KERNEL, boundary="unknown"), noise_sigma=0.02)
    assert problem.name == "deblur"
    assert problem.truth is None
    assert torch.equal(problem.y, y)
    assert problem.operator.image_shape == (3, 24, 28)
    holes = torch.rand(20, 24) < 0.8
    packed = problems.measured(y, problems.Inpainting(holes), 0.02)
    assert torch.equal(packed.operator.as_image(packed.y)[..., holes], y[..., holes])
    assert problems.measured(y, problems.Inpainting("box:0.25"), 0.02).operator.mask.shape == (20, 24)
    assert problems.measured(y, problems.SuperResolution(None, 2), 0.02).operator.image_shape == (3, 40, 48)
    assert problems.measured(y, problems.Identity(), 0.02).operator.image_shape == (3, 20, 24)
    assert problems.measured(y, problems.Blur(KERNEL, (3, 20, 24)), 0.02).operator.image_shape == (3, 20, 24)


@pytest.mark.parametrize("kind", ["estimate", "sample"])
def test_everything_works_without_a_truth(kind: str) -> None:
    picture = problems.deblur(problems.load_image("camera", size=32), KERNEL, 0.02, boundary="unknown").y
    problem = problems.measured(picture, problems.Blur(KERNEL, boundary="unknown"), 0.02)
    prior = priors.load("gaussian")
    found = solvers.solve(problem, prior, "mean") if kind == "estimate" else solvers.sample(problem, prior, n=3, rng=0)
    assert found.x.shape[-2:] == (32, 32)
    assert not found.warnings
    assert "noise sigma 0.02" in found._repr_html_()


@pytest.mark.parametrize("sigma", [0.002, 0.01, 0.05, 0.2])
@pytest.mark.parametrize("kernel", ["gaussian:1.6", "motion:15:30", "disk:3"])
def test_the_noise_of_a_blurred_picture_is_found(kernel: str, sigma: float) -> None:
    for image in ("camera", "chelsea"):
        y = problems.deblur(problems.load_image(image, size=256), kernel, sigma, boundary="unknown").y
        found = problems.noise.estimate(y)
        assert found.sigma == pytest.approx(sigma, rel=0.15)
        assert problems.measured(y, problems.Blur(kernel, boundary="unknown")).noise_sigma == found.sigma


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.2])
def test_a_denoiser_finds_the_noise_of_a_sharp_picture(sigma: float) -> None:
    for image in ("camera", "chelsea"):
        y = problems.denoise(problems.load_image(image, size=256), sigma).y
        upper = problems.noise.estimate(y).sigma
        assert solvers.noise_level(y, priors.load("cnn"), upper) == pytest.approx(sigma, rel=0.15)


def test_a_prior_that_does_not_know_its_error_leaves_the_noise_as_it_is() -> None:
    class Half:
        def denoise(self, x: Tensor, sigma: float) -> Tensor:
            return x / 2

    assert solvers.noise_level(torch.rand(1, 1, 32, 32), Half(), 0.07) == 0.07


def test_missing_pixels_do_not_count_as_noise() -> None:
    y = problems.denoise(problems.load_image("brick", size=128), 0.1).y
    y[..., 40:50, :] = float("nan")
    assert problems.noise.estimate(y).sigma == pytest.approx(0.1, rel=0.1)
    assert solvers.noise_level(y, priors.load("gaussian"), 0.11) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda: problems.measured(torch.rand(1, 1, 4, 4), problems.Blur(KERNEL), 0.1), "larger than the picture, 4x4"),
        (lambda: problems.measured(torch.rand(1, 1, 8, 8), problems.Inpainting(torch.ones(4, 4) > 0), 0.1), "mask is 4x4"),
        (lambda: problems.measured(torch.rand(1, 1, 8, 8), problems.Blur(KERNEL)), "too few pixels"),
        (lambda: problems.measured(torch.ones(1, 1, 64, 64), problems.Blur(KERNEL)), "no noise that could be estimated"),
        (lambda: problems.measured(torch.rand(1, 1, 8, 8), problems.Blur(KERNEL), 0.0), "must be a positive number"),
        (lambda: problems.measured(torch.rand(1, 1, 8, 8), problems.Blur(KERNEL, (1, 9, 9)), 0.1), "the operator needs"),
        (lambda: problems.measured(torch.rand(1, 1, 8, 8), KERNEL, 0.1), "is no operator"),
        (lambda: problems.measured(torch.rand(1, 1, 8, 8) + 0j, problems.Identity(), 0.1), "no known scale"),
        (lambda: problems.Blur(KERNEL, boundary="zero"), "unknown boundary 'zero'"),
        (lambda: problems.Blur(KERNEL, (1, 8, 8), boundary="unknown"), "leave image_shape out"),
        (lambda: problems.SuperResolution(None, 2.5), "factor must be a whole number"),
        (lambda: problems.deblur("camera", KERNEL, boundary="free"), "unknown boundary"),
        (lambda: problems.deblur(torch.rand(1, 1, 5, 5), KERNEL, boundary="unknown"), "larger than the picture|leaves no data"),
        (lambda: problems.super_resolution(torch.rand(9, 9), boundary="reflect"), "does not divide 9x9"),
        (lambda: problems.Problem("x", problems.Blur(KERNEL), torch.rand(1, 1, 8, 8), 0.1), "made without a size"),
    ],
)
def test_what_does_not_fit_is_one_sentence(give, words: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError), match=words):
        give()
