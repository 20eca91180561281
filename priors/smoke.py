"""The gate of the training recipe: a short run must reach what a sound recipe reaches, or something is broken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from priors.card import psnr_table
from priors.photographs import pictures
from priors.recipe import adapted
from priors.training import Progress, Trainer, prepared, run

# Steps, not seconds, so that a slow machine fails no sound recipe. They took 930 core-seconds on a processor without bfloat16;
# by the cost of a step it is some 200, two minutes of two quiet cores, on one with it.
STEPS = 800
PICTURES = ("01", "03", "04", "07")  # of Set12
FLOOR = {"15": 31.5, "25": 28.8, "50": 25.3}  # dB; Adam alone reached 31.3/28.6/25.1


def begin(
    folders: Sequence[Path], set12: Path, checkpoint: Path, device: str = "cpu"
) -> tuple[Iterator[Progress], Callable[[], dict[str, float]]]:
    """A training of a grey cnn in few steps, and what tells, once it has ended, its PSNR by sigma on four of Set12.

    Raises:
        FileNotFoundError, ValueError: no training pictures, or ``set12`` lacks 01, 03, 04 or 07.
    """
    files = [file for file in sorted(set12.glob("*")) if file.stem in PICTURES]
    if len(files) != len(PICTURES):
        raise FileNotFoundError(f"{set12} does not hold the pictures {', '.join(PICTURES)}; give the folder of Set12")
    recipe = adapted("cnn", steps=STEPS, core_seconds=math.inf)
    bank, held = prepared(folders, recipe, device)
    trainer = Trainer(recipe, device)
    return run(trainer, bank, held, checkpoint, every=60), lambda: psnr_table(trainer.prior(), pictures(files, 1, device))


def missed(psnr: Mapping[str, float]) -> dict[str, float]:
    """By how many dB which noise levels fall short of the floor."""
    return {sigma: floor - psnr[sigma] for sigma, floor in FLOOR.items() if psnr[sigma] < floor}
