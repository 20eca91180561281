"""A picture of one's own, measured by an instrument one knows: a problem without a truth."""

from __future__ import annotations

from typing import Any

from problems import noise
from problems.catalogue import CATALOGUE
from problems.images import as_tensor
from problems.operator import Operator
from problems.problem import Problem


def measured(picture: Any, operator: Operator, noise_sigma: float | None = None) -> Problem:
    """The problem whose data are ``picture``, anything that ``as_tensor`` takes.

    ``operator`` is one made without a size, such as ``Blur(kernel, boundary="unknown")``, which is fitted to the picture, or one
    whose data have its shape. The noise is white and Gaussian, of standard deviation ``noise_sigma`` in pixel units of [0, 1];
    None estimates it from the picture (``noise.estimate``): exact for blurred pictures, too high for sharp ones with little noise,
    where ``solvers.noise_level`` knows more.

    Raises:
        TypeError: no operator.
        ValueError: a picture that is none or does not fit, a noise that cannot be, or one that cannot be estimated.
    """
    if not isinstance(operator, Operator):
        raise TypeError(f"{type(operator).__name__} is no operator; give one, such as problems.Blur(kernel, boundary='unknown')")
    y = as_tensor(picture)
    fitted = operator.fitted(y.shape[1:])
    data = fitted.packed(y)
    if noise_sigma is None:
        noise_sigma = noise.estimate(fitted.as_image(data)[:1]).sigma
    return Problem(name(operator), fitted, data, noise_sigma)


def name(operator: Operator) -> str:
    """As a problem of the catalogue has it, for titles."""
    kind = type(operator).__name__
    return next((each for each, entry in CATALOGUE.items() if entry.operator.endswith(f":{kind}")), kind.lower())
