"""The labs there are, one line each. Nothing heavy is imported before a lab is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.labs.lab import Lab

LABS = {
    1: "The mean of many sharp pictures is blurry",
    2: "A denoiser is a prior",
    3: "Fit the data, lean on the prior",
    4: "One denoiser, many slots",
    5: "Noise it, remove it",
    6: "Draw the posterior",
    7: "Can the spread be trusted?",
    8: "Ask for it",
    9: "Straight paths",
    10: "Your own prior in the slot",
}
TEMPLATES = Path(__file__).parent / "templates"


def load(number: int) -> Lab:
    """The checker of a lab.

    Raises:
        ValueError: there is no such lab.
    """
    if number not in LABS:
        raise ValueError(f"there is no lab {number}; priorbench lab list shows those there are, {min(LABS)} to {max(LABS)}")
    lab: Lab = importlib.import_module(f"reports.labs.checkers.lab{number:02}").LAB
    return lab


def template(number: int) -> str:
    """The text of the script that a student fills in; raises as ``load``."""
    load(number)
    return (TEMPLATES / f"lab{number:02}.py").read_text("utf-8")


def scene(number: int, student: str) -> Any:
    """The pictures, kernels and noise that belong to a student's id; raises as ``load``."""
    from reports.labs.lab import generator

    return load(number).scene(generator(student, number, "scene"))
