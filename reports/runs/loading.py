"""From the selectors of a cell to its prior and its measurement."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

import priors
import problems
from priors.catalogue import resolve
from priors.foreign.adapted import Adapted
from priors.foreign.files import changes
from priors.learned import Shipped
from priors.pictured import Pictured
from priors.slot import Denoiser, name_of
from problems.problem import Problem
from problems.seeds import Seed
from reports.runs.cell import Cell
from reports.runs.selectors import Selector, known
from reports.scores import lpips


def load_prior(selector: str, channels: int = 1) -> Denoiser:
    """The prior as it meets images of so many channels: shipped weights have a card and a range for each."""
    prior = made(selector, *changes_of(selector))
    return prior.of(channels) if isinstance(prior, Shipped) else prior


def uncalibrated(selector: str) -> Adapted:
    """A foreign prior without its measured error, as it is to be measured.

    Raises:
        ValueError, TypeError, OSError, ImportError: as ``check``; a prior of another kind.
    """
    chosen = Selector.parse(selector)
    options = chosen.values_for(resolve(chosen.name)) | ({"error": "none"} if chosen.name in priors.FOREIGN else {})
    prior = priors.load(chosen.name, **options)
    if not isinstance(prior, Adapted):
        raise ValueError(f"prior {selector!r} is no denoiser of another library; calibrate measures those of {', '.join(priors.FOREIGN)}")
    return prior


def changes_of(selector: str) -> tuple[tuple[str, int], ...]:
    """Of the files that a selector names: a prior whose network, measured error or condition picture has changed is made anew."""
    return changes(value for value in Selector.parse(selector).values.values() if isinstance(value, str))


@functools.lru_cache(maxsize=32)
def made(selector: str, *changed: tuple[str, int]) -> Denoiser:
    """The prior of a selector, made once for each state of the files in ``changed``."""
    chosen = Selector.parse(selector)
    return priors.load(chosen.name, **chosen.values_for(resolve(chosen.name)))


def conditioned(selectors: Sequence[str], file: str | None) -> list[str]:
    """The selectors, with ``file`` as the ``picture`` of every prior that is shown one and does not name its own.

    Raises:
        ValueError: no prior is shown a picture, or an unknown one, or the name of the file cannot be told in a selector.
    """
    chosen = [Selector.parse(text) for text in selectors]
    takers = [each for each in chosen if "picture" in inspect.signature(resolve(each.name)).parameters]
    if file is not None and not takers:
        raise ValueError("none of the priors is shown a condition picture; take one that is, such as -p pictured, or leave out --condition")
    if file is not None and not is_told(file):
        raise ValueError(f"{file!r} has a comma or a bracket in its name or is a number, which no selector can hold; rename the file")
    return [str(each.with_defaults({"picture": file})) if file is not None and each in takers else str(each) for each in chosen]


def is_told(file: str) -> bool:
    """Whether the name of a file can stand in a selector."""
    try:
        return Selector.parse(f"prior[picture={file}]").values == {"picture": file}
    except ValueError:
        return False


def load_problem(cell: Cell) -> Problem:
    """The measurement of a cell. Its noise depends on seed, problem and image alone, so every prior sees the same y."""
    image = problems.load_image(cell.image, size=cell.size, channels=cell.channels)
    return simulated(cell.problem, image, derived(cell.seed, "noise", cell.problem, cell.image))


def simulated(selector: str, image: Any, rng: Seed) -> Problem:
    """The measurement of an image, or of a batch [B, C, H, W], by the problem that a selector names.

    Raises:
        ValueError: no such problem or option, a value out of range, or the option rng.
    """
    chosen = Selector.parse(selector)
    if "rng" in chosen.values:
        raise ValueError(f"rng is no option of {selector!r} here; the seed of the comparison sets the noise of every measurement")
    options = chosen.values_for(resolve(problems.CATALOGUE[known("problem", chosen.name, problems.CATALOGUE)].maker))
    return problems.load(chosen.name, image, rng=rng, **options)


def check(cells: Iterable[Cell]) -> None:
    """Load every prior and simulate every measurement once.

    Raises:
        ValueError, TypeError, OSError, ImportError: what is wrong with a name, an option or a file, in one sentence.
    """
    chosen = list(cells)
    for prior, channels, size in dict.fromkeys((cell.prior, cell.channels, cell.size) for cell in chosen):
        check_size(load_prior(prior, channels), size, size)
    for cell in {(cell.problem, cell.image): cell for cell in chosen}.values():
        load_problem(cell)
    for file, size in {(cell.lpips_file, cell.size) for cell in chosen if cell.lpips_file}:
        lpips.load(file)
        if size < lpips.SMALLEST:
            raise ValueError(f"LPIPS needs images of at least {lpips.SMALLEST} pixels on a side, not {size}; give a larger --size")


def check_size(prior: Denoiser, height: int, width: int) -> None:
    """
    Raises:
        ValueError: the prior is shown a picture that does not belong to images of this size.
    """
    if isinstance(prior, Pictured):
        prior.factor(height, width)


def derived(seed: int, *words: str) -> int:
    """A seed for one purpose, independent of those for all others."""
    return int.from_bytes(hashlib.blake2b(repr((seed, *words)).encode(), digest_size=7).digest(), "big")


def prior_facts(prior: Denoiser) -> dict[str, Any]:
    """What a prior tells about itself, in plain values, None where it is of another kind; of the model card the one-line entries."""
    card = getattr(prior, "card", None)
    family, mmse, licence, precision = (getattr(prior, member, None) for member in ("family", "mmse", "licence", "precision"))
    return {
        "name": str(name_of(prior)),
        "family": family if isinstance(family, str) else None,
        "mmse": mmse if isinstance(mmse, bool) else None,
        "licence": licence if isinstance(licence, str) else None,
        "precision": precision if isinstance(precision, str) else None,
        "card": {name: value for name, value in card.items() if isinstance(value, str | int | float)} if isinstance(card, dict) else None,
    }


def pictures(x: Tensor) -> np.ndarray:
    """[n, C, H, W] to [n, H, W, C]."""
    return x.detach().cpu().movedim(-3, -1).numpy()


def picture(x: Tensor) -> np.ndarray:
    """[..., 1, C, H, W] to [..., H, W, C]."""
    return pictures(x.squeeze(-4))


def scene_of(problem: Problem) -> dict[str, np.ndarray]:
    assert problem.truth is not None  # every problem of a comparison is a simulation
    return {"truth": picture(problem.truth), "shown": picture(problem.operator.as_image(problem.y))}
