"""What each problem of a run measured and what the priors supplied, in shares and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reports.judging.trust import Trust
from reports.scores.intervals import Estimate, over_images


@dataclass(frozen=True)
class Share:
    """What a problem measured, over images: degrees of freedom, and energy of the truth in the norm of the prior.

    A picture without contrast has no energy to share; where all are such ``energy`` is NaN.
    """

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
        freedom = [measured.share for (name, _), measured in trust.scenes.items() if name == problem]
        energy = {
            record.cell.image: judgement.energy
            for group, records in trust.groups.items()
            for record, judgement in zip(records, trust.judgements[group], strict=True)
            if group[0] == problem and math.isfinite(judgement.energy)
        }
        found.append(Share(problem, over_images(freedom), over_images(list(energy.values())) if energy else Estimate(math.nan)))
    return found


def percent(share: float) -> str:
    """A share in words; a dash where there is none."""
    return f"{share:.0%}" if math.isfinite(share) else "–"


def labelled(trust: Trust) -> list[Labelled]:
    return [
        Labelled(*group, mean_shares([each.pixels for each in found]), mean_shares([each.frequencies for each in found]))
        for group, found in trust.judgements.items()
    ]


def mean_shares(found: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(float(share) for share in np.mean(found, 0))


def truth_of(trust: Trust, problem: str, image: str) -> Tensor:
    return tensor(trust.run.scene(problem, image)[0])


def tensor(image: np.ndarray | None) -> Tensor:
    """[H, W, C] to [1, C, H, W], float64."""
    assert image is not None
    return torch.from_numpy(image.astype(np.float64)).movedim(-1, 0)[None]
