"""The slot: what a prior must be, what it may tell about itself, and the check of what it answers."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

FAMILIES = ("smoother", "variational", "classical", "learned", "generative")  # the spectrum, weakest first
SANE = 100.0  # rms distance of an input from mid-grey, in units of 1 + sigma, beyond which the iteration, not the prior, has failed

Method = TypeVar("Method", bound=Callable[..., Any])


@runtime_checkable
class Denoiser(Protocol):
    """All that the solvers need: an object with this one method is a prior."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Remove white Gaussian noise of standard deviation ``sigma`` (pixel units) from ``x`` [B, C, H, W].

        The answer has the shape, the dtype and the device of ``x``. Catalogued priors also take one sigma per image, [B].
        """
        ...


@runtime_checkable
class Prior(Denoiser, Protocol):
    """A catalogued prior.

    Optional members, absent when unknown and never faked:

    - ``energy(x) -> [B]``: minus log density up to a constant;
    - ``rmse(sigma) -> float``: root mean square error of ``denoise`` on images of its kind;
    - ``belief(x, sigma) -> Belief``: p(clean | x) as a Gaussian, as finely as the prior knows it;
    - ``mean``: grey value of its mean image, from which unconditional samples start;
    - ``label``: what was bound to it (``given``), None if nothing; ``guidance``: how many times that counts, 1 if not told;
    - ``sigma_range``: lowest and highest sigma it was made for;
    - ``licence``: a sentence, where use is restricted; ``card``: training provenance.
    """

    name: str
    family: str  # one of FAMILIES
    mmse: bool  # denoise(x, s) is meant as E[clean | x]; only then is (denoise(x, s) - x) / s^2 a score


@dataclass(frozen=True)
class Belief:
    """p(clean | x) as a Gaussian: its mean, and how far the mean may be off. What is not known is None.

    ``mean`` is denoise(x, sigma), [B, C, H, W]. ``pixel`` [B, 1 or C, H, W] is the standard deviation of each pixel.
    ``spectrum`` [1 or 3, H, W // 2 + 1], or with a batch axis before, is that of each orthonormal Fourier coefficient in the
    layout of rfft2, 3 for the opponent components of colour; where ``pixel`` is known it is the spectrum of the errors
    divided by ``pixel``. ``rmse`` is the root mean square error of a pixel.
    """

    mean: Tensor
    pixel: Tensor | None = None
    spectrum: Tensor | None = None
    rmse: float | None = None


def name_of(prior: Denoiser) -> str:
    return getattr(prior, "name", type(prior).__name__)


def belief(prior: Denoiser, x: Tensor, sigma: float) -> Belief:
    """What a prior knows of the clean image behind x [B, C, H, W]: its ``belief``, or its answer with the ``rmse`` that it tells."""
    if callable(getattr(prior, "belief", None)):
        return prior.belief(x, sigma)  # type: ignore[attr-defined]
    return Belief(prior.denoise(x, sigma), rmse=prior.rmse(sigma) if hasattr(prior, "rmse") else None)


# The question: what a prior is asked.
def checks_question(method: Method) -> Method:
    """For ``denoise`` and ``belief``: refuse what is no question; with one sigma per image ask image by image.

    The method itself is then only called with x [B, C, H, W] and one float.
    """

    @functools.wraps(method)
    def asked(self: Any, x: Tensor, sigma: float | Tensor) -> Any:
        check_images(name_of(self), x)
        told = levels(name_of(self), sigma, len(x))
        if isinstance(told, float):
            return method(self, x, told)
        return joined([method(self, image, level) for image, level in zip(x.split(1), told, strict=True)])

    return cast(Method, asked)


def check_images(name: str, x: object) -> None:
    """
    Raises:
        TypeError: no float32 or float64 tensor.
        ValueError: another shape than [B, C, H, W] with C = 1 or 3.
    """
    import torch

    if not isinstance(x, torch.Tensor) or x.dtype not in (torch.float32, torch.float64):
        kind = x.dtype if isinstance(x, torch.Tensor) else type(x).__name__
        raise TypeError(f"prior {name!r} takes float32 or float64 tensors, not {kind}; problems.as_tensor makes one of any picture")
    if x.ndim in (2, 3):
        axes = ", ".join(["None"] * (4 - x.ndim))
        raise ValueError(f"prior {name!r} takes images [B, C, H, W], not {list(x.shape)}; add the batch axis, such as x[{axes}]")
    if x.ndim != 4 or x.shape[1] not in (1, 3) or x.numel() == 0:
        raise ValueError(f"prior {name!r} takes images [B, C, H, W] with 1 or 3 channels, not {list(x.shape)}; change the axes to these")


def levels(name: str, sigma: object, batch: int) -> float | list[float]:
    """sigma as one float, or as a list of one for each image.

    Raises:
        TypeError: neither a number nor a tensor of numbers.
        ValueError: a negative or infinite sigma, NaN, or not one for each image.
    """
    import torch

    told: Any = sigma
    if isinstance(sigma, torch.Tensor) and not (sigma.is_complex() or sigma.dtype == torch.bool):
        if sigma.ndim > 0 and tuple(sigma.shape) != (batch,):
            raise ValueError(f"prior {name!r} takes one sigma or one per image, [{batch}], not {list(sigma.shape)}; give one of these")
        told = sigma.tolist()
    elif not isinstance(sigma, Real) or isinstance(sigma, bool):
        raise TypeError(f"prior {name!r} takes sigma as a number or a tensor [B], not {type(sigma).__name__}; give a float such as 0.1")
    for value in told if isinstance(told, list) else [told]:
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"prior {name!r} takes sigma from 0 on, not {value}; give the standard deviation of the noise in [0, 1] units")
    return [float(value) for value in told] if isinstance(told, list) else float(told)


def joined(parts: Sequence[Any]) -> Any:
    """Answers or beliefs about single images as one about their batch."""
    import torch

    if not isinstance(parts[0], Belief):
        return torch.cat(list(parts))

    def batch(member: str) -> Any:
        found = [getattr(part, member) for part in parts]
        if any(each is None for each in found):
            return None
        return torch.cat([each if each.ndim == 4 else each[None] for each in found])

    known = all(part.rmse is not None for part in parts)
    rmse = math.sqrt(sum(part.rmse**2 for part in parts) / len(parts)) if known else None
    return Belief(batch("mean"), batch("pixel"), batch("spectrum"), rmse)


# The answer: what a solver may rely on.
class Checked:
    """A prior whose every answer is checked, made by ``checked`` where a prior enters a solver; all behind it trusts the answers.

    The prior gets a copy of its input and its answer is copied, so one that writes into its input, or returns the same
    memory twice, changes no image of the solver. ``sigma_range``, ``mean`` and ``mmse`` are there if the prior has them.
    """

    def __init__(self, prior: Denoiser):
        self.prior, self.name = prior, name_of(prior)
        for member in ("sigma_range", "mean", "mmse"):
            if hasattr(prior, member):
                setattr(self, member, getattr(prior, member))

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return sound(self.name, self.prior.denoise(x.clone(), sigma), x, sigma)

    @checks_question
    def belief(self, x: Tensor, sigma: float) -> Belief:
        return sound_belief(self.name, belief(self.prior, x.clone(), sigma), x, sigma)


def checked(prior: Denoiser) -> Checked:
    """The prior as solvers use it.

    Raises:
        TypeError: no object with denoise(x, sigma).
        ValueError: a ``sigma_range`` that is none.
    """
    if isinstance(prior, Checked):
        return prior
    if isinstance(prior, str | type) or not callable(getattr(prior, "denoise", None)):
        raise TypeError(f"{prior!r} is no prior; give an object with denoise(x, sigma), such as priors.load('tv')")
    if not takes_two(prior.denoise):
        raise TypeError(f"prior {name_of(prior)!r} has denoise{inspect.signature(prior.denoise)}; make it take two arguments, (x, sigma)")
    if hasattr(prior, "sigma_range") and not is_range(prior.sigma_range):
        raise ValueError(f"prior {name_of(prior)!r} has sigma_range {prior.sigma_range!r}; make it two numbers such as (0.0, 0.5)")
    return Checked(prior)


def takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function takes two arguments; true of a compiled one that does not tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(None, None)
    except TypeError:
        return False
    return True


def is_range(given: object) -> bool:
    """Whether it is two numbers, the lower first."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        return False
    return all(isinstance(end, Real) and not isinstance(end, bool) for end in given) and 0 <= given[0] <= given[1] and given[1] > 0


def sound(name: str, found: Any, x: Tensor, sigma: float) -> Tensor:
    """A copy of an answer to x [B, C, H, W], once it is found to have its shape, dtype and device, and to be finite.

    A NaN is the prior's fault only if it was asked about an image; one asked about what an iteration that diverges has made
    may answer as it likes, and the solver tells of the divergence.

    Raises:
        TypeError: no tensor, or another dtype.
        ValueError: another shape or device, or values that are not finite.
    """
    import torch

    if not isinstance(found, torch.Tensor):
        kind = "None" if found is None else type(found).__name__
        remedy = "end denoise with return" if found is None else "make it one, such as torch.as_tensor(answer).to(x)"
        raise TypeError(f"prior {name!r} answers with {kind}, not with a torch tensor; {remedy}")
    if found.shape != x.shape:
        raise ValueError(
            f"prior {name!r} answers with shape {list(found.shape)} where it was asked about {list(x.shape)}; "
            "return one image for each, batch and channel axes kept"
        )
    if found.dtype != x.dtype or found.layout != x.layout:
        got = str(found.dtype if found.layout == x.layout else found.layout)
        raise TypeError(f"prior {name!r} answers in {got} where it was asked in {x.dtype}; return a dense answer.to(x.dtype)")
    if found.device != x.device:
        raise ValueError(f"prior {name!r} answers on {found.device} where it was asked on {x.device}; return answer.to(x.device)")
    if not is_finite(found) and is_sane(x, sigma):
        raise ValueError(f"prior {name!r} answers with NaN or infinite values at sigma {sigma:g}; mend denoise, or give levels it bears")
    return found.clone() if x.requires_grad else found.detach().clone()


def sound_belief(name: str, found: Any, x: Tensor, sigma: float) -> Belief:
    """The same of a belief; standard deviations must be positive.

    Raises:
        TypeError, ValueError: as ``sound``.
    """
    if not isinstance(found, Belief):
        raise TypeError(f"prior {name!r} answers belief with {type(found).__name__}; return priors.Belief(mean, pixel, spectrum, rmse)")
    mean = sound(name, found.mean, x, sigma)
    batch, channels, height, width = x.shape
    halves = [(k, height, width // 2 + 1) for k in {1, channels}]
    pixel = widths(name, "pixel", found.pixel, [(batch, k, height, width) for k in {1, channels}], x, sigma)
    spectrum = widths(name, "spectrum", found.spectrum, [*halves, *((batch, *half) for half in halves)], x, sigma)
    rmse = None if found.rmse is None else number(found.rmse)
    if rmse is not None and not 0 <= rmse < math.inf:
        raise ValueError(f"prior {name!r} tells an rmse of {found.rmse!r} at sigma {sigma:g}; make it a number from 0 on, in pixel units")
    return Belief(mean, pixel, spectrum, rmse)


def widths(name: str, what: str, found: Any, shapes: Sequence[tuple[int, ...]], x: Tensor, sigma: float) -> Tensor | None:
    """Standard deviations in the dtype and on the device of x, or None."""
    import torch

    if found is None:
        return None
    if not isinstance(found, torch.Tensor) or tuple(found.shape) not in shapes or not found.is_floating_point():
        shown = list(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise ValueError(f"prior {name!r} tells {what} {shown} in its belief; give a float tensor of shape {list(shapes[0])}")
    if not (is_finite(found) and bool((found > 0).all())) and is_sane(x, sigma):
        raise ValueError(f"prior {name!r} tells {what} in its belief that is not positive and finite; give standard deviations, or None")
    return found.detach().to(x)


def number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):  # the last from a tensor of several values
        return math.nan


def is_finite(x: Tensor) -> bool:
    """Whether all values are finite. A finite sum is proof of it, and found many times faster."""
    return bool(x.sum().isfinite()) or bool(x.isfinite().all())


def is_sane(x: Tensor, sigma: float) -> bool:
    """Whether x may be an image under noise of sigma, rather than what an iteration that diverges has made of one."""
    return float((x.detach() - 0.5).square().mean((1, 2, 3)).max().sqrt()) <= SANE * (1 + sigma)
