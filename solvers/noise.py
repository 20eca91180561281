"""How much noise a picture holds, as a denoiser sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from priors.slot import Denoiser, belief, checked
from solvers.levels import within

STEP = 0.9  # from one level that is tried to the next
LEVELS = 40  # tried at most: down to 0.015 of the first
SIDE = 256  # pixels of the middle of a picture that are looked at


def noise_level(picture: Tensor, prior: Denoiser, upper: float) -> float:
    """The largest noise level up to ``upper`` that a picture [1, C, H, W] may hold by what a denoiser says of it.

    Where y = clean + noise of level s and D(y, s) = E[clean | y], the squared residual |y - D|^2 and the squared error that the
    denoiser expects of itself add up to s^2, since E|y - clean|^2 = E|y - D|^2 + E|D - clean|^2. Told too high a level, it leaves a
    residual that is too small. Missing pixels are NaN: they are filled with the picture's mean, and pixels near them do not count.

    A prior that does not know its own error answers with ``upper``, as does one for which no level fits.

    Raises:
        TypeError, ValueError: as ``priors.slot.checked``.
    """
    y, trusted = middle(picture), checked(prior)
    clear = far_from_missing(y)
    filled = torch.where(y.isnan(), y[~y.isnan()].mean(), y)
    excess, sigma = 0.0, upper
    with torch.no_grad():
        for k in range(LEVELS):
            before, sigma = (excess, sigma), within(trusted, upper * STEP**k)
            found = belief(trusted, filled, sigma)
            own = found.rmse if found.pixel is None else found.pixel
            if own is None or (k and sigma == before[1]):
                return upper
            excess = float(((filled - found.mean).square() + own**2)[clear.expand_as(filled)].mean()) / sigma**2 - 1
            if excess >= 0 > before[0]:
                return crossing(before, (excess, sigma))
    return upper


def crossing(high: tuple[float, float], low: tuple[float, float]) -> float:
    """The level between two at which the excess is zero, interpolated in its logarithm."""
    share = high[0] / (high[0] - low[0])
    return high[1] * (low[1] / high[1]) ** share


def middle(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    return picture[..., top : top + SIDE, left : left + SIDE]


def far_from_missing(y: Tensor, reach: int = 8) -> Tensor:
    """Where no pixel nearer than ``reach`` is missing, [1, 1, H, W]; every measured pixel where that is nowhere."""
    missing = y.isnan().any(1, keepdim=True)
    near = torch.nn.functional.max_pool2d(missing.float(), 2 * reach + 1, stride=1, padding=reach) > 0
    return ~near if bool((~near).any()) else ~missing
