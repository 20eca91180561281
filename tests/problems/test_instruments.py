"""The instruments of other fields against dense matrices, scikit-image and integrals known by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fft
import skimage.data
import skimage.transform
import torch
from torch import Tensor

import priors
import problems
import solvers
from problems import Colorization, Compressed, Demosaicing, Fourier, Tomography
from problems.frequencies import lines
from problems.operator import Operator, circulant
from problems.resolution import resolution
from solvers.data import Covariance, Measurement
from solvers.streams import Streams

SAMPLED = np.random.default_rng(3).random((7, 6)) < 0.4
ANGLES = (0.0, 30.0, 77.0, 100.0, 145.0)


def fourier_matrix(mask: np.ndarray) -> np.ndarray:
    """Real parts of the chosen rows of the Fourier matrix, then imaginary parts."""
    rows, columns = (np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) / n**0.5 for n in mask.shape)
    chosen = np.kron(rows, columns)[mask.ravel()]
    return np.concatenate([chosen.real, chosen.imag])


def cosine_matrix(operator: Compressed) -> np.ndarray:
    rows, columns = (scipy.fft.dct(np.eye(n), axis=0, norm="ortho") for n in operator.signs.shape)
    return (np.kron(rows, columns) * operator.signs.numpy().ravel())[operator.measured.numpy()]


def bayer_matrix(pattern: str, height: int, width: int) -> np.ndarray:
    matrix = np.zeros((height * width, 3 * height * width))
    for row in range(height):
        for column in range(width):
            colour = "rgb".index(pattern[row % 2 * 2 + column % 2])
            matrix[row * width + column, colour * height * width + row * width + column] = 1
    return matrix


SENSING, SENSING_COLOUR = Compressed(0.4, (1, 7, 6), rng=1), Compressed(1.0, (3, 4, 5), rng=1)
OPERATORS: dict[str, tuple[Operator, np.ndarray]] = {
    "colorize": (Colorization("luminance", (3, 6, 9)), np.kron([0.299, 0.587, 0.114], np.eye(54))),
    "colorize, own": (Colorization("0.2:-0.1:0.9", (3, 5, 4)), np.kron([0.2, -0.1, 0.9], np.eye(20))),
    "demosaic": (Demosaicing((3, 6, 8)), bayer_matrix("rggb", 6, 8)),
    "demosaic, odd": (Demosaicing((3, 7, 5), "gbrg"), bayer_matrix("gbrg", 7, 5)),
    "fourier": (Fourier(lines((8, 9), 0.4), (1, 8, 9)), fourier_matrix(lines((8, 9), 0.4))),
    "fourier, points": (Fourier(SAMPLED, (3, 7, 6)), np.kron(np.eye(3), fourier_matrix(SAMPLED))),
    "compressed": (SENSING, cosine_matrix(SENSING)),
    "compressed, all": (SENSING_COLOUR, np.kron(np.eye(3), cosine_matrix(SENSING_COLOUR))),
}
for tomograph in (Tomography(ANGLES, (1, 7, 9)), Tomography((10.0, 100.0), (3, 6, 5))):
    channels, height, width = tomograph.image_shape
    one = Tomography(tomograph.angles, (1, height, width)).forward(torch.eye(height * width).double().view(-1, 1, height, width))
    OPERATORS[f"tomography, {channels}"] = (tomograph, np.kron(np.eye(channels), one.flatten(1).T.numpy()))


@pytest.fixture(params=OPERATORS, name="case")
def every_operator(request: pytest.FixtureRequest) -> tuple[Operator, Tensor]:
    operator, matrix = OPERATORS[request.param]
    return operator, torch.from_numpy(matrix)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def even_spectrum(shape: tuple[int, int, int]) -> Tensor:
    return torch.fft.rfft2(normal(*shape, seed=9)).abs() ** 2 / 9 + 0.03


def weights(operator: Operator) -> dict[str, float | Tensor]:
    """One number, one for each frequency, and one for each frequency of each opponent colour."""
    spectrum = even_spectrum(operator.image_shape)
    return {"small": 1e-4, "middle": 0.3, "large": 50.0, "grey": spectrum[:1], "colour": spectrum}


def as_matrix(operator: Operator, c: float | Tensor) -> Tensor:
    size = math.prod(operator.image_shape)
    identity = torch.eye(size, dtype=torch.float64)
    return circulant(identity.view(size, *operator.image_shape), c).flatten(1) if isinstance(c, Tensor) else c * identity


def test_forward_and_adjoint_are_the_matrix_and_its_transpose(case: tuple[Operator, Tensor]) -> None:
    operator, matrix = case
    x, y = normal(2, *operator.image_shape), normal(2, *operator.data_shape, seed=1)
    torch.testing.assert_close(operator.forward(x).flatten(1), x.flatten(1) @ matrix.T, rtol=0, atol=1e-12)
    torch.testing.assert_close(operator.adjoint(y).flatten(1), y.flatten(1) @ matrix, rtol=0, atol=1e-12)
    assert abs(float((operator.forward(x) * y).sum() - (x * operator.adjoint(y)).sum())) < 1e-10


@pytest.mark.parametrize("kind", ["small", "middle", "large", "grey", "colour"])
def test_data_steps_solve_the_dense_quadratic(case: tuple[Operator, Tensor], kind: str) -> None:
    operator, matrix = case
    c = weights(operator)[kind]
    least = float(c.min()) if isinstance(c, Tensor) else c
    system = matrix.T @ matrix + as_matrix(operator, c)
    b, residual = normal(2, *operator.image_shape, seed=2), normal(2, *operator.data_shape, seed=3)
    exact = torch.linalg.solve(system, torch.cat([b.flatten(1), residual.flatten(1) @ matrix]).T).T
    torch.testing.assert_close(operator.solve(b, c).flatten(1), exact[:2], rtol=1e-7, atol=1e-7 / least)
    torch.testing.assert_close(operator.correction(residual, c).flatten(1), exact[2:], rtol=1e-6, atol=1e-6)
    single = operator.correction(residual.float(), c.float() if isinstance(c, Tensor) else c)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double().flatten(1), exact[2:], rtol=1e-2, atol=5e-3)


def test_single_precision_and_batches_agree(case: tuple[Operator, Tensor]) -> None:
    operator, _ = case
    x, y = normal(3, *operator.image_shape), normal(3, *operator.data_shape)
    for act, argument in ((operator.forward, x), (operator.adjoint, y), (lambda b: operator.solve(b, 0.1), x), (operator.as_image, y)):
        double, single = act(argument), act(argument.float())
        assert (double.dtype, single.dtype) == (torch.float64, torch.float32)
        torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(act(argument[1:2]), double[1:2], rtol=1e-7, atol=1e-7)
    assert operator.as_image(y).shape == (3, *operator.image_shape)


def test_the_gradient_of_forward_is_the_adjoint(case: tuple[Operator, Tensor]) -> None:
    operator, matrix = case
    x, y = normal(2, *operator.image_shape).requires_grad_(), normal(2, *operator.data_shape, seed=1)
    (operator.forward(x) * y).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad.flatten(1), y.flatten(1) @ matrix, rtol=0, atol=1e-12)


def covariance_of(operator: Operator) -> tuple[Covariance, Tensor]:
    channels, height, width = operator.image_shape
    pixel = 0.1 + 0.2 * torch.from_numpy(np.random.default_rng(4).random((1, channels, height, width)))
    width_of = Covariance(pixel, even_spectrum((channels, height, width)).sqrt())
    size = math.prod(operator.image_shape)
    return width_of, width_of.times(torch.eye(size, dtype=torch.float64).view(size, *operator.image_shape)).flatten(1)


def test_a_step_by_pixel_and_frequency_solves_the_dense_quadratic(case: tuple[Operator, Tensor]) -> None:
    operator, matrix = case
    width, covariance = covariance_of(operator)
    y = normal(2, *operator.data_shape, seed=5)
    found = Measurement(problems.Problem("own", operator, y, 0.05)).minimise(torch.zeros(2, *operator.image_shape).double(), width)
    inner = matrix @ covariance @ matrix.T + 0.05**2 * torch.eye(len(matrix)).double()
    exact = (covariance @ matrix.T @ torch.linalg.solve(inner, y.flatten(1).T)).T
    assert float((found.flatten(1) - exact).norm() / exact.norm()) < 0.02


@pytest.mark.parametrize("known", [False, True], ids=["one width", "by pixel and frequency"])
def test_draws_have_the_covariance_of_the_posterior(case: tuple[Operator, Tensor], known: bool) -> None:
    """Of exp(-|A z - y|^2 / (2 s^2) - |z - x0|^2 / (2 width^2)), in two directions at random: to 5 standard errors."""
    operator, matrix = case
    size, n, noise = matrix.shape[1], 2000, 0.1
    width, prior = covariance_of(operator) if known else (0.3, 0.09 * torch.eye(size).double())
    data = Measurement(problems.Problem("own", operator, torch.zeros(1, *operator.data_shape).double(), noise), n)
    drawn = data.draw(torch.zeros(n, *operator.image_shape).double(), width, Streams(0, n, 1)).flatten(1)
    exact = torch.linalg.inv(matrix.T @ matrix / noise**2 + torch.linalg.inv(prior))
    directions = torch.cat([normal(size, 1, seed=6), matrix.T @ normal(len(matrix), 1, seed=7)], 1)
    found, true = (drawn @ directions).square().mean(0), (directions * (exact @ directions)).sum(0)
    torch.testing.assert_close(found / true, torch.ones(2).double(), rtol=0, atol=5 * (2 / n) ** 0.5)


# What each of them is


@pytest.mark.parametrize("size", [33, 47])
@pytest.mark.parametrize("angles", [np.arange(0, 180, 7.5), np.array([200.0, 12.0, -40.0])], ids=["half a turn", "any"])
def test_tomography_is_scikit_images_radon(size: int, angles: np.ndarray) -> None:
    """Within the error of its interpolation: it turns the picture and adds rows up. Its axis is ours where sizes are odd."""
    picture = skimage.transform.resize(skimage.data.shepp_logan_phantom(), (size, size), anti_aliasing=True)
    theirs = skimage.transform.radon(picture, angles, circle=False).T / size
    ours = Tomography(angles, (1, size, size)).forward(torch.from_numpy(picture)[None, None])[0, 0].numpy()
    assert ours.shape == theirs.shape
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 0.01 * np.sqrt(np.mean(theirs**2))


def test_tomography_of_a_disk_is_its_chords() -> None:
    height, width, radius = 64, 80, 25.0
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in (height, width))
    fine = (np.arange(8) - 3.5) / 8
    inside = np.hypot((rows[:, None] + fine).reshape(-1, 1), (columns[:, None] + fine).ravel()) < radius
    disk = inside.reshape(height, 8, width, 8).mean((1, 3))
    operator = Tomography(np.arange(0, 180, 11.0), (1, height, width))
    found = operator.forward(torch.from_numpy(disk)[None, None])[0, 0].numpy()
    offsets = np.arange(operator.rays) - (operator.rays - 1) / 2
    chords = 2 * np.sqrt(np.maximum(radius**2 - offsets**2, 0)) / width
    assert np.abs(found - chords)[:, np.abs(np.abs(offsets) - radius) > 1.5].max() < 0.01
    np.testing.assert_allclose(found.sum(1) * width, disk.sum(), rtol=2e-3)


def test_the_lines_of_frequencies_are_denser_in_the_middle() -> None:
    rows = np.mean([lines((128, 4), 0.25, rng=seed)[:, 0] for seed in range(200)], 0)
    assert {int(lines((128, 4), 0.25, rng=seed)[:, 0].sum()) for seed in range(20)} == {32}
    assert rows[[0, 1, 2, 3, -1, -2, -3, -4]].min() == 1
    thirds = [rows[slice(*edges)].mean() for edges in ((10, 25), (25, 40), (40, 64))]
    assert thirds[0] > 1.5 * thirds[1] > 2 * thirds[2] > 0
    assert lines((5, 4), 0.01).sum() == 4
    assert lines((5, 4), 1).all()


def test_every_pixel_is_measured_alike_where_every_datum_sees_all() -> None:
    """Of a convolution exactly; the probes alone would be off by a tenth."""
    power = priors.load("gaussian").density((1, 24, 24))
    operator = Fourier(lines((24, 24), 0.3), (1, 24, 24))
    found = resolution(operator, 0.05, power)
    exact = operator.power * power / (operator.power * power + 0.05**2)
    counted = torch.full((13,), 2.0).double()
    counted[[0, -1]] = 1
    assert found.pixel == pytest.approx(torch.full((1, 24, 24), float((exact * counted).sum() / 24**2)).double(), abs=5e-3)
    assert found.spectrum == pytest.approx(exact, abs=1e-6)


def test_colours_begin_grey_and_are_shown_so() -> None:
    operator = Colorization("luminance", (3, 4, 5))
    grey = normal(1, 1, 4, 5).expand(-1, 3, -1, -1)
    for seen in (operator.as_image, lambda y: operator.start(y, torch.zeros(1, 3, 4, 5))):
        torch.testing.assert_close(seen(operator.forward(grey)), grey)


@pytest.mark.parametrize("method", ["hqs", "admm", "mean", "annealed"])
@pytest.mark.parametrize("prior", ["gaussian", "tv"])
@pytest.mark.parametrize("name", ["colorize", "demosaic", "fourier", "tomography", "compressed"])
def test_every_problem_is_solved_better_than_it_is_shown(name: str, prior: str, method: str) -> None:
    """But for total variation, which makes up colours of its own, and for what eight samples leave of their spread in their mean."""
    image = problems.load_image("chelsea", size=32, channels=3 if name in ("colorize", "demosaic") else 1)
    problem = problems.load(name, image, rng=0)
    call: Callable[..., solvers.Result] = solvers.sample if method == "annealed" else solvers.solve
    found = call(problem, priors.load(prior), method=method, rng=0, **({"n": 8} if method == "annealed" else {}))
    error, before = (float((x - image).square().mean()) for x in (found.x, problem.operator.as_image(problem.y)))
    assert error < before * (3 if (prior, name) == ("tv", "colorize") else 1.4 if method == "annealed" else 1.05)


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: problems.load("colorize", np.full((8, 8), 0.5)), ValueError, "colorize needs a picture with 3 channels, .* --channels 3"),
    (lambda: problems.load("demosaic", np.full((8, 8), 0.5)), ValueError, "demosaic needs a picture with 3 channels, .* --channels 3"),
    (lambda: Demosaicing((3, 4, 4), "rgb"), ValueError, "unknown Bayer pattern 'rgb'; give one of rggb, bggr"),
    (lambda: Colorization("1:2", (3, 4, 4)), ValueError, "three numbers with a positive sum, such as 0.3:0.6:0.1, not '1:2'"),
    (lambda: Colorization((1, -1, 0), (3, 4, 4)), ValueError, "positive sum"),
    (lambda: Colorization("grey", (3, 4, 4)), ValueError, "weights are luminance or mean, or three numbers"),
    (lambda: Fourier(np.ones((4, 5), bool), (1, 4, 4)), ValueError, "mask is 4x5, but the image has 4x4 frequencies"),
    (lambda: lines((8, 8), 1.5), ValueError, "share, .* above 0 and up to 1, not 1.5"),
    (lambda: problems.fourier(np.full((8, 8), 0.5), share=float("nan")), ValueError, "share, .* not nan"),
    (lambda: problems.compressed(np.full((8, 8), 0.5), share=0), ValueError, "share, .* above 0 and up to 1, not 0"),
    (lambda: problems.tomography(np.full((8, 8), 0.5), angles=0), ValueError, "angles must be a whole number from 1 to 10000, not 0"),
    (lambda: problems.tomography(np.full((8, 8), 0.5), angles=2.5), ValueError, "whole number .* not 2.5"),
    (lambda: problems.tomography(np.full((8, 8), 0.5), span=200), ValueError, "span must lie above 0 and up to 180 degrees, not 200"),
    (lambda: Tomography([], (1, 4, 4)), ValueError, "at least one angle"),
    (lambda: Tomography([math.nan], (1, 4, 4)), ValueError, "a finite number of degrees"),
    (lambda: problems.load("denoise", np.full((8, 8), 0.5), noise="poisson"), ValueError, "poisson noise: only white Gaussian noise"),
]


@pytest.mark.parametrize(("call", "error", "sentence"), BAD, ids=[sentence for _, _, sentence in BAD])
def test_bad_input_gets_one_clear_sentence(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
