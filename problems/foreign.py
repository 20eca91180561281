"""Instruments of other libraries, and matrices: scipy, PyLops, deepinv, or two Python functions.

Vectors of scipy and PyLops hold an image [C, H, W] in C order, as ``x.ravel()`` makes them: the columns of a row first, the rows of
a channel next, channels last. The same holds for data; a picture that is grey may be thought of as [H, W]. Functions and deepinv's physics
act on batches of torch tensors [B, C, H, W].
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from problems.factories import streams
from problems.guessed import Guessed, Transposed, product
from problems.images import as_tensor
from problems.operator import Map, Operator, checked_shape
from problems.operators import size_of
from problems.problem import Problem, check_noise
from problems.seeds import Seed

WRONG = 1e-3  # of the size that <A x, y> usually has: an adjoint that is farther off is another map's
TURNS = 30  # of the power iteration
KNOWN = "a sparse matrix, a scipy or PyLops LinearOperator, a deepinv physics with A and A_adjoint, or two functions (forward, adjoint)"


class Foreign(Guessed):
    """A linear map of another library from batches [B, C, H, W] to batches of data, with its adjoint.

    ``scale`` is the power of two nearest to its norm; map, data and noise are divided by it, so that the numbers here have the
    size that they have for the instruments of this project, and no digit changes. ``dtype`` is the precision it is asked in.

    Raises:
        TypeError: complex or other answers that are no real tensors.
        ValueError: a map that is not linear, not finite or zero, or an adjoint that does not belong to it.
    """

    def __init__(
        self, apply: Map, transposed: Map, image_shape: tuple[int, int, int], dtype: torch.dtype, kind: str, full_scale: float = 1.0
    ):
        self.image_shape, self.dtype, self.kind = image_shape, dtype, kind
        self.apply, self.transposed, self.full_scale, self.scale = apply, transposed, full_scale, 1.0
        x = torch.randn(2, *image_shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
        y = answered("forward", apply, x, kind)
        self.data_shape = tuple(y.shape[1:])
        self.check_linear(x, y)
        self.check_adjoint(x, y)
        self.scale = 2.0 ** round(math.log2(self.norm(x)))

    @property
    def summary(self) -> str:
        return f"{math.prod(self.data_shape)} numbers measured by a {self.kind}"

    def forward(self, x: Tensor) -> Tensor:
        return Transposed.apply(x, self.forwards, self.backwards)

    def adjoint(self, y: Tensor) -> Tensor:
        return Transposed.apply(y, self.backwards, self.forwards)

    def forwards(self, x: Tensor) -> Tensor:
        return (self.apply(x.to(self.dtype)) * (self.full_scale / self.scale)).to(x)

    def backwards(self, y: Tensor) -> Tensor:
        return (self.transposed(y.to(self.dtype)) * (self.full_scale / self.scale)).to(y)

    def check_linear(self, x: Tensor, y: Tensor) -> None:
        """A (x1 - 2 x2) = A x1 - 2 A x2, each image of a batch by itself."""
        both = answered("forward", self.apply, x[:1] - 2 * x[1:], self.kind)
        error = float((both - (y[:1] - 2 * y[1:])).norm() / y.norm().clamp(min=1e-30))
        if not error < WRONG:
            raise ValueError(
                f"the {self.kind} is not linear: A (x1 - 2 x2) is off A x1 - 2 A x2 by {error:.2g} of its size; give its linear part, "
                "without offset, noise or clipping")  # fmt: skip

    def check_adjoint(self, x: Tensor, y: Tensor) -> None:
        """The dot test <A x, v> = <x, A^T v>, for random data v and for v = A x."""
        v = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(y)
        for data, usual in ((v, math.sqrt(v[0].numel())), (y, 1.0)):
            back = answered("adjoint", self.transposed, data, self.kind)
            if back.shape != x.shape:
                shapes = f"{list(back.shape)} for images {list(x.shape)}"
                raise ValueError(f"the adjoint of the {self.kind} gives the shape {shapes}; give the transpose of forward")
            one, other = (float((a.double() * b.double()).sum()) for a, b in ((y, data), (x, back)))
            error = abs(one - other) / max(float(y.double().norm() * data.double().norm()), 1e-30) * usual
            if not error < WRONG:
                raise ValueError(
                    f"the adjoint of the {self.kind} is wrong: <A x, y> = {one:.6g}, but <x, A^T y> = {other:.6g} (the dot test), an error "
                    f"of {error:.2g} of their usual size; give the exact transpose")  # fmt: skip

    def norm(self, x: Tensor) -> float:
        """Largest singular value, by power iteration."""
        x = x[:1]
        for _ in range(TURNS):
            size = x.norm()
            if not float(size) > 0:
                raise ValueError(f"the {self.kind} measures nothing: its answers are zero; check it")
            x = self.adjoint(self.forward(x / size))
        return math.sqrt(float(x.norm()))

    def __repr__(self) -> str:
        return f"Foreign({self.kind}, {size_of(self.image_shape)} -> {size_of(self.data_shape)}, divided by {self.scale:g})"


def from_operator(
    operator: Any,
    y: Any = None,
    noise_sigma: float | None = None,
    image_shape: Sequence[int] | None = None,
    truth: Any = None,
    full_scale: float = 1.0,
    noise: str = "gaussian",
    name: str = "own",
    rng: Seed = 0,
) -> Problem:
    """A measurement y = A x + noise by an instrument of one's own.

    Args:
        operator: a sparse (or dense) matrix or a scipy or PyLops LinearOperator on vectors in C order of [C, H, W]; a deepinv
            physics; two functions (forward, adjoint) of torch batches [B, C, H, W]; or a ``problems.Operator``. Real and linear.
        y: one measurement, or a batch of them with an axis in front, in the operator's own units. None: simulated from ``truth``.
        noise_sigma: standard deviation of the noise, in the units of y. A deepinv physics with Gaussian noise brings its own.
        image_shape: (H, W) or (C, H, W); not needed where truth, or the operator by itself, tells.
        truth: a picture, if it is known.
        full_scale: what a white pixel is in the operator's units; the priors see pixels divided by it, in [0, 1].
        noise: "gaussian", white; no other is known here.

    The adjoint is tested, the norm estimated. ``problem.y`` and ``problem.noise_sigma`` are those given, divided by ``operator.scale``.

    Raises:
        TypeError, ValueError: an operator that is complex, not linear, or whose adjoint is wrong; data that are complex, not finite
            or of another size; noise that is not positive or not Gaussian; nothing to measure.
    """
    check_gaussian(noise)
    noise_sigma = own_noise(operator) if noise_sigma is None else noise_sigma
    if noise_sigma is None:
        raise ValueError("give noise_sigma, the standard deviation of the noise in the units of y")
    if y is None and truth is None:
        raise ValueError("there is nothing to restore; give y, what was measured, or a truth to simulate it from")
    x = None if truth is None else as_tensor(truth)
    linear = as_operator(operator, shape_of(operator, image_shape, x), full_scale)
    scale = getattr(linear, "scale", 1.0)
    sigma = scaled_noise(noise_sigma, scale)
    if y is not None:
        return Problem(name, linear, as_data(y, linear.data_shape) / scale, sigma, x)
    assert x is not None
    clean = linear.forward(x)
    white = streams(rng)[0].standard_normal(tuple(clean.shape))
    return Problem(name, linear, clean + sigma * torch.from_numpy(white).to(clean), sigma, x)


def check_gaussian(noise: Any) -> None:
    """
    Raises:
        ValueError: any other noise, by its name.
    """
    if noise != "gaussian":
        raise ValueError(
            f"{noise} noise is not known here, only white Gaussian noise of one standard deviation, noise_sigma; transform the data so "
            "that their noise is nearly that, where it can be done")  # fmt: skip


def own_noise(operator: Any) -> float | None:
    """The standard deviation that a deepinv physics tells; None where it tells none.

    Raises:
        ValueError: a noise of another kind.
    """
    model = getattr(operator, "noise_model", None)
    kind = type(model).__name__.removesuffix("Noise")
    if model is None or kind == "Zero":
        return None
    check_gaussian(kind.lower())
    return float(torch.as_tensor(model.sigma).flatten()[0])


def scaled_noise(noise_sigma: Any, scale: float) -> float:
    """The noise in units of the operator's norm."""
    large = isinstance(noise_sigma, numbers.Real) and not isinstance(noise_sigma, bool) and float(noise_sigma) > 1
    check_noise(1.0 if large else noise_sigma)  # what is too much depends on the scale
    if noise_sigma > scale:
        raise ValueError(
            f"noise_sigma is {noise_sigma:g}, above the norm of the operator, about {scale:g}, so that it hides every picture; give it in "
            "the units of y, and full_scale, what a white pixel is in the operator's units")  # fmt: skip
    return float(noise_sigma) / scale


def shape_of(operator: Any, given: Sequence[int] | None, truth: Tensor | None) -> tuple[int, int, int]:
    """(C, H, W), as given, as the truth has it, or as the operator tells."""
    told = given if given is not None else tuple(truth.shape[1:]) if truth is not None else None
    for member in ("image_shape", "dims", "img_size"):  # of this project, of PyLops, of deepinv
        told = getattr(operator, member, None) if told is None else told
    if told is None or not 2 <= len(tuple(told)) <= 3:
        raise ValueError("give image_shape=(height, width), or (channels, height, width), of the pictures that the operator measures")
    shape = checked_shape((1, *told) if len(tuple(told)) == 2 else told)
    if truth is not None and tuple(truth.shape[1:]) != shape:
        raise ValueError(f"the truth is {size_of(truth.shape[1:])}, but image_shape {size_of(shape)}; give one that fits")
    return shape


def as_operator(operator: Any, image_shape: tuple[int, int, int], full_scale: float = 1.0) -> Operator:
    """Any of what ``from_operator`` takes, tested.

    Raises:
        TypeError, ValueError: as ``from_operator``.
    """
    if not (isinstance(full_scale, numbers.Real) and 0 < full_scale < math.inf):
        raise ValueError(f"full_scale, what a white pixel is in the operator's units, must be a positive number, not {full_scale}")
    if isinstance(operator, Operator):
        Foreign(operator.forward, operator.adjoint, operator.image_shape, torch.float64, type(operator).__name__)
        return operator
    kind, dtype = type(operator).__name__, torch.float64
    if isinstance(operator, tuple | list) and len(operator) == 2 and all(map(callable, operator)):
        apply, transposed = operator
        kind = "pair of functions"
        dtype = precision(apply, image_shape)
    elif callable(getattr(operator, "A", None)) and callable(getattr(operator, "A_adjoint", None)):
        apply, transposed = operator.A, operator.A_adjoint
        dtype = precision(apply, image_shape)
    elif len(getattr(operator, "shape", ())) == 2 and getattr(operator, "dtype", None) is not None:
        apply, transposed = flattened(operator, kind, image_shape)
    else:
        raise TypeError(f"{kind} is no operator known here; give {KNOWN}")
    return Foreign(apply, transposed, image_shape, dtype, kind, float(full_scale))


def precision(apply: Map, image_shape: tuple[int, int, int]) -> torch.dtype:
    """Double where a map of tensors takes it, else single."""
    try:
        with torch.no_grad():
            apply(torch.zeros(1, *image_shape, dtype=torch.float64))
    except RuntimeError:
        return torch.float32
    return torch.float64


def flattened(matrix: Any, kind: str, image_shape: tuple[int, int, int]) -> tuple[Map, Map]:
    """A matrix or LinearOperator on vectors as two maps of batches."""
    if np.dtype(matrix.dtype).kind == "c":
        raise complex_answers(f"the {kind}")
    pixels = math.prod(image_shape)
    if matrix.shape[1] != pixels:
        told = f"the {kind} takes {matrix.shape[1]} numbers, but an image {size_of(image_shape)} has {pixels}"
        raise ValueError(f"{told}; give the image_shape that it is for")
    solid = scipy.sparse.issparse(matrix) or isinstance(matrix, np.ndarray)
    rows = scipy.sparse.csr_array(matrix, dtype=np.float64) if solid else None
    forward, backward = (Columns(matrix.matmat), Columns(matrix.rmatmat)) if rows is None else (rows, rows.T)
    return lambda x: product(forward, x.flatten(1)), lambda y: product(backward, y).view(-1, *image_shape)


class Columns:
    """Gives a function of columns the sign @."""

    def __init__(self, apply: Callable[[np.ndarray], np.ndarray]):
        self.apply = apply

    def __matmul__(self, columns: np.ndarray) -> np.ndarray:
        return np.asarray(self.apply(columns))


def answered(what: str, apply: Map, x: Tensor, kind: str) -> Tensor:
    """What a foreign map makes of a batch, checked.

    Raises:
        TypeError, ValueError: it fails, or the answer is no tensor of real, finite numbers, one entry for each of the batch.
    """
    try:
        with torch.no_grad():
            found = apply(x)
    except Exception as error:  # foreign code fails in its own way
        missing = "; define its rmatvec" if isinstance(error, NotImplementedError) or what == "adjoint" else ""
        told = f"{type(error).__name__}: {one_line(error)}"
        raise ValueError(f"{what} of the {kind} failed on a batch {list(x.shape)} ({told}){missing}") from None
    if not isinstance(found, Tensor):
        told = f"{what} of the {kind} gives {type(found).__name__}, not a torch tensor"
        raise TypeError(f"{told}; make functions of numpy arrays a scipy LinearOperator")
    if found.is_complex():
        raise complex_answers(f"{what} of the {kind}")
    if len(found) != len(x) or found.ndim < 2:
        raise ValueError(f"{what} of the {kind} gives {list(found.shape)} for a batch of {len(x)}; its first axis must be the batch")
    if not bool(torch.isfinite(found).all()):
        raise ValueError(f"{what} of the {kind} gives NaN or infinite values; check it")
    return found


def complex_answers(what: str) -> TypeError:
    return TypeError(f"{what} is complex; only real data are known here, so give real and imaginary parts as two numbers each")


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def as_data(y: Any, data_shape: tuple[int, ...]) -> Tensor:
    """[B, *data_shape], from an array or a tensor of one measurement in any shape, or of several with an axis in front.

    Raises:
        TypeError: complex data, or no numbers.
        ValueError: another size.
    """
    array = y.detach().cpu() if isinstance(y, Tensor) else torch.as_tensor(np.ascontiguousarray(y))
    if array.is_complex():
        raise complex_answers("the measurement y")
    found = array if array.dtype == torch.float64 else array.float()
    size = math.prod(data_shape)
    if found.numel() == size:
        return found.reshape(1, *data_shape)
    if found.ndim > 1 and found.numel() == size * len(found):
        return found.reshape(-1, *data_shape)
    raise ValueError(f"the measurement y is {list(found.shape)}, but the operator gives {size_of(data_shape)}; give data of this operator")
