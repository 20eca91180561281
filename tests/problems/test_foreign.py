"""Operators of other libraries: the same answers as our own give, conventions of vectors, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.sparse.linalg import LinearOperator
from torch import Tensor

import priors
import problems
import solvers
from problems import Blur, Inpainting, Tomography, from_operator
from problems.foreign import Foreign, as_operator
from problems.operator import Operator

SHAPE = (3, 8, 6)
BLUR = Blur(np.random.default_rng(0).random((3, 4)), SHAPE)
KEPT = Inpainting(np.random.default_rng(1).random((8, 6)) < 0.5, SHAPE)
TRUTH = np.random.default_rng(2).random((8, 6, 3))


def matrix_of(operator: Operator) -> np.ndarray:
    size = int(np.prod(operator.image_shape))
    return operator.forward(torch.eye(size, dtype=torch.float64).view(size, *operator.image_shape)).flatten(1).T.numpy()


class Physics:
    """As deepinv's linear physics: A and A_adjoint of batches."""

    def __init__(self, operator: Operator, noise: Any = None):
        self.operator, self.noise_model = operator, noise

    def A(self, x: Tensor, **ignored: Any) -> Tensor:
        return self.operator.forward(x)

    def A_adjoint(self, y: Tensor, **ignored: Any) -> Tensor:
        return self.operator.adjoint(y)


class Weights(Physics):
    """A physics whose weights are in single precision."""

    def __init__(self) -> None:
        self.linear = torch.nn.Linear(144, 40, bias=False)

    def A(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))

    def A_adjoint(self, y: Tensor) -> Tensor:
        return (y @ self.linear.weight).view(-1, *SHAPE)


def scipys(operator: Operator) -> LinearOperator:
    matrix = matrix_of(operator)
    return LinearOperator(matrix.shape, matvec=lambda x: matrix @ x.ravel(), rmatvec=lambda y: matrix.T @ y.ravel(), dtype=np.float64)


FORMS: dict[str, Callable[[Operator], Any]] = {
    "sparse matrix": lambda operator: scipy.sparse.coo_matrix(matrix_of(operator)),
    "sparse array": lambda operator: scipy.sparse.csc_array(matrix_of(operator)),
    "dense matrix": matrix_of,
    "scipy": scipys,
    "deepinv": Physics,
    "functions": lambda operator: (operator.forward, operator.adjoint),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("own", [BLUR, KEPT], ids=["blur", "missing pixels"])
def test_every_form_gives_the_same_operator(form: str, own: Operator) -> None:
    """Vectors hold [C, H, W] in C order, and the data so too."""
    foreign = as_operator(FORMS[form](own), SHAPE)
    assert isinstance(foreign, Foreign)
    x, y = torch.randn(2, *SHAPE).double(), torch.randn(2, *own.data_shape).double()
    mine = foreign.forward(x) * foreign.scale
    torch.testing.assert_close(mine.flatten(1), own.forward(x).flatten(1), rtol=0, atol=1e-11)
    back = foreign.adjoint(y.reshape(2, *foreign.data_shape)) * foreign.scale
    torch.testing.assert_close(back, own.adjoint(y), rtol=0, atol=1e-11)
    assert foreign.forward(x.float()).dtype == torch.float32


@pytest.mark.parametrize("own", [BLUR, KEPT], ids=["blur", "missing pixels"])
@pytest.mark.parametrize("c", [1e-3, 0.3, "spectrum"])
def test_data_steps_are_those_of_the_closed_form(own: Operator, c: Any) -> None:
    foreign = as_operator(scipys(own), SHAPE)
    assert isinstance(foreign, Foreign)
    c = 0.1 + torch.rand(1, 1, 4, generator=torch.Generator().manual_seed(0)).double() if c == "spectrum" else c
    b = torch.randn(2, *SHAPE).double()
    exact = own.solve(b, c * foreign.scale**2) * foreign.scale**2
    torch.testing.assert_close(foreign.solve(b, c), exact, rtol=1e-7, atol=1e-6)


def test_the_guess_is_a_diagonal_or_a_convolution() -> None:
    """Exactly what A^T A is, where it is one of them; conjugate gradients then need one step."""
    missing, blurred = as_operator(scipys(KEPT), SHAPE), as_operator(scipys(BLUR), SHAPE)
    assert isinstance(missing, Foreign)
    assert isinstance(blurred, Foreign)
    assert missing.diagonal is not None
    assert missing.diagonal == pytest.approx(KEPT.mask.float().expand(SHAPE), abs=1e-5)
    assert missing.gram_gain is None
    assert blurred.diagonal is None
    assert blurred.gram_gain is blurred.gain
    large = BLUR.power > 1.01 * BLUR.power.median()  # small gains are raised to the median
    assert (blurred.gain[0] * blurred.scale**2)[large] == pytest.approx(BLUR.power[large], rel=1e-4)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 700.0])
def test_any_units_are_restored_alike(factor: float) -> None:
    """The operator is divided by a power of two near its norm; so are data and noise, and no answer changes."""
    own = Tomography(np.arange(0, 180, 15), (1, 16, 16))
    matrix = scipy.sparse.csr_array(matrix_of(own))
    truth = problems.load_image("camera", size=16).double()
    noise = torch.randn(1, *own.data_shape, generator=torch.Generator().manual_seed(0)).double() * 0.01
    y = own.forward(truth) + noise
    reference = solvers.solve(problems.Problem("own", own, y, 0.01), priors.load("tv"), "admm").x
    problem = from_operator(factor * matrix, factor * y.numpy(), 0.01 * factor, (16, 16))
    found = solvers.solve(problem, priors.load("tv"), "admm").x
    assert float((found - reference).abs().max()) < 0.03
    assert problem.truth is None
    scale = problem.operator.scale  # type: ignore[attr-defined]
    assert np.log2(scale).is_integer()
    norm = np.linalg.norm(factor * matrix.toarray(), 2)
    assert 0.7 < norm / scale < 1.42
    torch.testing.assert_close(problem.y * scale, factor * y.flatten(1))


def test_white_may_be_another_number_than_one() -> None:
    """A picture in the operator's units, 0 to 40, is restored in [0, 1]."""
    truth = problems.load_image("camera", size=16).double()
    problem = from_operator(np.eye(256), 40 * truth.numpy().ravel(), 0.4, (16, 16), full_scale=40)
    found = solvers.solve(problem, priors.load("gaussian"), "hqs").x
    assert float((found - truth).square().mean().sqrt()) < 0.01


def test_shapes_are_told_by_the_truth_or_by_the_operator() -> None:
    simulated = from_operator(scipys(BLUR), noise_sigma=0.02, truth=TRUTH)
    assert simulated.truth is not None
    assert simulated.operator.image_shape == SHAPE
    noise = (simulated.y - simulated.operator.forward(simulated.truth)) / simulated.noise_sigma
    assert float(noise.std()) == pytest.approx(1, abs=4 / (2 * noise.numel()) ** 0.5)
    assert torch.equal(simulated.y, from_operator(scipys(BLUR), noise_sigma=0.02, truth=TRUTH, rng=0).y)
    assert not torch.equal(simulated.y, from_operator(scipys(BLUR), noise_sigma=0.02, truth=TRUTH, rng=1).y)
    grey = scipys(Blur("gaussian:1", (1, 8, 6)))
    grey.dims = (8, 6)  # as PyLops tells
    assert from_operator(grey, np.ones(48), 0.1).operator.image_shape == (1, 8, 6)


def test_data_are_one_measurement_or_a_batch() -> None:
    y = np.random.default_rng(0).random((2, 144))
    for given, count in ((y[0], 1), (y[0].reshape(3, 8, 6), 1), (y, 2), (torch.from_numpy(y).float(), 2), (y.reshape(2, 12, 12), 2)):
        problem = from_operator(scipys(BLUR), given, 0.05, SHAPE)
        assert problem.y.shape == (count, 144)
    assert from_operator(scipys(BLUR), (100 * y[0]).astype(np.int16), 5, SHAPE, full_scale=100).y.dtype == torch.float32


@pytest.mark.parametrize("prior", ["gaussian", "tv"])
@pytest.mark.parametrize("form", ["sparse matrix", "scipy", "functions"])
def test_everything_runs_without_a_truth(form: str, prior: str) -> None:
    problem = from_operator(FORMS[form](KEPT), KEPT.forward(problems.as_tensor(TRUTH)).numpy(), 0.05, SHAPE)
    for method in ("hqs", "admm", "pgd", "mean"):
        found = solvers.solve(problem, priors.load(prior), method)
        assert bool(torch.isfinite(found.x).all())
        assert isinstance(found.warnings, tuple)
    drawn = solvers.sample(problem, priors.load(prior), n=3, rng=0)
    assert drawn.std.shape == (1, *SHAPE)
    assert problem.operator.as_image(problem.y).shape == (1, *SHAPE)
    assert "measured" in problem._repr_html_()


def test_a_physics_brings_its_noise_and_its_precision() -> None:
    noise = type("GaussianNoise", (), {"sigma": torch.tensor([0.03])})()
    problem = from_operator(Physics(BLUR, noise), truth=TRUTH)
    assert problem.noise_sigma * problem.operator.scale == pytest.approx(0.03)  # type: ignore[attr-defined]
    single = as_operator(Weights(), SHAPE)
    assert isinstance(single, Foreign)
    assert single.dtype == torch.float32
    assert single.forward(torch.randn(1, *SHAPE).double()).dtype == torch.float64


def test_gradients_pass_through_by_the_adjoint() -> None:
    foreign = as_operator(scipys(BLUR), SHAPE)
    x, y = torch.randn(1, *SHAPE).double().requires_grad_(), torch.randn(1, 144).double()
    (foreign.forward(x) * y).sum().backward()
    torch.testing.assert_close(x.grad, foreign.adjoint(y))


# What is refused


def wrong(matrix: np.ndarray) -> LinearOperator:
    """A matrix with the adjoint of another."""
    return LinearOperator(BLUR_MATRIX.shape, matvec=lambda x: BLUR_MATRIX @ x.ravel(), rmatvec=lambda y: matrix @ y.ravel(), dtype=float)


BLUR_MATRIX = matrix_of(BLUR)
NO_ADJOINT = LinearOperator((144, 144), matvec=lambda x: x, dtype=float)
Y = np.ones(144)
BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: from_operator(wrong(BLUR_MATRIX), Y, 0.1, SHAPE), ValueError, "adjoint of the .* is wrong: <A x, y> = .* an error of"),
    (lambda: from_operator(wrong(0.99 * BLUR_MATRIX.T), Y, 0.1, SHAPE), ValueError, "adjoint of the .* is wrong: .* error of 0.0"),
    (lambda: from_operator((BLUR.forward, BLUR.forward), Y, 0.1, SHAPE), ValueError, "adjoint of the pair of functions is wrong"),
    (lambda: from_operator((KEPT.forward, lambda y: y), Y, 0.1, SHAPE), ValueError, "adjoint .* gives the shape .* for images"),
    (lambda: from_operator(NO_ADJOINT, Y, 0.1, SHAPE), ValueError, "adjoint of the .* failed .*; define its rmatvec"),
    (lambda: from_operator((lambda x: x + 1, lambda y: y), Y, 0.1, SHAPE), ValueError, "not linear: .* without offset"),
    (lambda: from_operator((lambda x: x.abs(), lambda y: y), Y, 0.1, SHAPE), ValueError, "not linear"),
    (lambda: from_operator((lambda x: x.numpy(), lambda y: y), Y, 0.1, SHAPE), TypeError, "gives ndarray, not a torch tensor"),
    (lambda: from_operator((lambda x: x[0], lambda y: y), Y, 0.1, SHAPE), ValueError, "first axis must be the batch"),
    (lambda: from_operator((lambda x: x / 0, lambda y: y), Y, 0.1, SHAPE), ValueError, "NaN or infinite values"),
    (lambda: from_operator((lambda x: 0 * x, lambda y: 0 * y), Y, 0.1, SHAPE), ValueError, "measures nothing"),
    (lambda: from_operator(1j * BLUR_MATRIX, Y, 0.1, SHAPE), TypeError, "complex; .* real and imaginary parts as two numbers"),
    (lambda: from_operator((torch.fft.fft2, torch.fft.ifft2), Y, 0.1, SHAPE), TypeError, "forward of the pair of functions is complex"),
    (lambda: from_operator(BLUR_MATRIX, 1j * Y, 0.1, SHAPE), TypeError, "measurement y is complex"),
    (lambda: from_operator(BLUR_MATRIX, np.full(144, np.nan), 0.1, SHAPE), ValueError, "measurement y holds NaN"),
    (lambda: from_operator(BLUR_MATRIX, Y[:5], 0.1, SHAPE), ValueError, r"measurement y is \[5\], but the operator gives 144"),
    (lambda: from_operator(BLUR_MATRIX, 1e6 * Y, 0.1, SHAPE), ValueError, "which pixels in .0, 1. cannot cause"),
    (lambda: from_operator(BLUR_MATRIX, Y, 0, SHAPE), ValueError, "noise_sigma must be a positive number, not 0"),
    (lambda: from_operator(BLUR_MATRIX, Y, -1, SHAPE), ValueError, "noise_sigma must be a positive number, not -1"),
    (lambda: from_operator(BLUR_MATRIX, Y, "big", SHAPE), TypeError, "noise_sigma is a number"),
    (lambda: from_operator(BLUR_MATRIX, Y, True, SHAPE), TypeError, "noise_sigma is a number, such as 0.02, not True"),
    (lambda: from_operator(BLUR_MATRIX, Y, float("nan"), SHAPE), ValueError, "noise_sigma must be a positive number, not nan"),
    (lambda: from_operator(BLUR_MATRIX, Y, 25, SHAPE), ValueError, "noise_sigma is 25, above the norm of the operator, .* full_scale"),
    (lambda: from_operator(BLUR_MATRIX, Y, image_shape=SHAPE), ValueError, "give noise_sigma"),
    (lambda: from_operator(BLUR_MATRIX, None, 0.1, SHAPE), ValueError, "nothing to restore; give y"),
    (lambda: from_operator(BLUR_MATRIX, Y, 0.1), ValueError, r"give image_shape=\(height, width\)"),
    (lambda: from_operator(BLUR_MATRIX, Y, 0.1, (8, 8)), ValueError, "takes 144 numbers, but an image 1x8x8 has 64"),
    (lambda: from_operator(BLUR_MATRIX, Y, 0.1, (2, 8, 9)), ValueError, "1 or 3 channels"),
    (lambda: from_operator(BLUR_MATRIX, Y, 0.1, (3, 6, 8), truth=TRUTH), ValueError, "truth is 3x8x6, but image_shape 3x6x8"),
    (lambda: from_operator(BLUR_MATRIX, Y, 0.1, SHAPE, noise="poisson"), ValueError, "poisson noise is not known here, only"),
    (lambda: from_operator(Physics(BLUR, type("PoissonNoise", (), {})()), Y, image_shape=SHAPE), ValueError, "poisson noise is not known"),
    (lambda: from_operator(BLUR_MATRIX, Y, 0.1, SHAPE, full_scale=0), ValueError, "full_scale, .* must be a positive number, not 0"),
    (lambda: from_operator("radon", Y, 0.1, SHAPE), TypeError, "str is no operator known here; give a sparse matrix"),
    (lambda: from_operator(SimpleNamespace(A=abs), Y, 0.1, SHAPE), TypeError, "SimpleNamespace is no operator known here"),
]


@pytest.mark.parametrize(("call", "error", "sentence"), BAD, ids=[sentence for _, _, sentence in BAD])
def test_bad_input_gets_one_clear_sentence(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
