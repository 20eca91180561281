"""Seeds: what ``rng`` may be wherever it is asked for."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import torch

Seed: TypeAlias = "int | np.random.Generator | torch.Generator | None"  # 0 is a seed like any other


def generator(rng: Any) -> np.random.Generator:
    """A numpy Generator from a seed: the one given, one seeded by an int or by the next number of a torch Generator, or a fresh one.

    Raises:
        TypeError, ValueError: anything but an int from 0 on, a numpy Generator, a torch Generator or None.
    """
    if isinstance(rng, Integral) and not isinstance(rng, bool):
        if int(rng) < 0:
            raise ValueError(f"rng must be an int from 0 on, not {rng}; take another seed, such as 0")
        return np.random.default_rng(int(rng))
    if rng is None or isinstance(rng, np.random.Generator):
        return np.random.default_rng(rng)
    import torch

    if not isinstance(rng, torch.Generator):
        raise TypeError(f"rng must be an int, a numpy Generator, a torch Generator or None, not {rng!r}; give a seed such as 0")
    return np.random.default_rng(int(torch.randint(2**63 - 1, (), generator=rng, dtype=torch.int64, device=rng.device)))
