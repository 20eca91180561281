"""What each problem of a run measured and what the priors supplied, in shares and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from priors.gaussian import weights
from problems.operator import turn
from problems.resolution import LABELS, Resolution, label
from reports.calibration import Estimate, over_images
from reports.cell import Record
from reports.trust import Trust


@dataclass(frozen=True)
class Share:
    """What a problem measured, over images: degrees of freedom, and energy of the truth in the norm of the prior."""

    problem: str
    freedom: Estimate
    energy: Estimate


@dataclass(frozen=True)
class Labelled:
    """Shares of the LABELS among pixels and among frequencies, for the samples of a prior; means over images."""

    problem: str
    prior: str
    method: str
    pixels: tuple[float, ...]
    frequencies: tuple[float, ...]


def shares(trust: Trust) -> list[Share]:
    found = []
    for problem in trust.problems:
        scenes = [(measured, truth_of(trust, problem, image)) for (name, image), measured in trust.scenes.items() if name == problem]
        energy = [float(measured.energy(x - x.mean())[0]) for measured, x in scenes]
        found.append(Share(problem, over_images([measured.share for measured, _ in scenes]), over_images(energy)))
    return found


def labelled(trust: Trust) -> list[Labelled]:
    found = []
    for (problem, prior, method), records in trust.groups.items():
        scenes = [(trust.scenes[problem, record.cell.image], record) for record in records]
        pixels, frequencies = (mean_shares([labels(*scene) for scene in scenes]) for labels in (pixel_labels, frequency_labels))
        found.append(Labelled(problem, prior, method, pixels, frequencies))
    return found


def mean_shares(found: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(float(share) for share in np.mean(found, 0))


def pixel_labels(measured: Resolution, record: Record) -> tuple[float, ...]:
    """Shares of the LABELS among pixels, by their brightness: against its standard deviation under the prior."""
    std = components(record, measured)[:, 0].std(0)
    variance = torch.fft.irfft2(measured.power[0], s=measured.operator.image_shape[1:])[0, 0]
    which = label(measured.pixel[0], std, math.sqrt(float(variance)))
    return tuple(float((which == i).double().mean()) for i in range(len(LABELS)))


def frequency_labels(measured: Resolution, record: Record) -> tuple[float, ...]:
    """Shares of the LABELS among Fourier coefficients: against the standard deviation of each under the prior."""
    x = components(record, measured)
    spread = torch.fft.rfft2(x, norm="ortho").var(0).sqrt()  # of complex values: the sum of both variances, as the power is
    which, count = label(measured.spectrum, spread, measured.power.sqrt()), weights(x.shape[-1])
    return tuple(float(((which == i) * count).sum() / count.expand(which.shape).sum()) for i in range(len(LABELS)))


def components(record: Record, measured: Resolution) -> Tensor:
    """The samples [n, C, H, W], of colours their opponent components."""
    assert record.samples is not None
    x = torch.from_numpy(record.samples.astype(np.float64)).movedim(-1, 1)
    return turn(x) if len(measured.power) == 3 else x


def truth_of(trust: Trust, problem: str, image: str) -> Tensor:
    return tensor(trust.comparison.scene(problem, image)[0])


def tensor(image: np.ndarray | None) -> Tensor:
    """[H, W, C] to [1, C, H, W], float64."""
    assert image is not None
    return torch.from_numpy(image.astype(np.float64)).movedim(-1, 0)[None]
