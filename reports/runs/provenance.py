"""How numbers came about: command, date, versions, machine, and what the priors tell of their training and licence."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from typing import Any, TypedDict

LIBRARIES = ("torch", "numpy", "scipy", "scikit-image", "bm3d")


class Circumstances(TypedDict):
    command: str
    date: str
    versions: dict[str, str]
    platform: str
    cores: int | None


class Restrictions(TypedDict):
    licences: dict[str, str]
    weights: dict[str, dict[str, Any]]


def circumstances(command: str) -> Circumstances:
    """What was asked for, when, and what answered it."""
    return {
        "command": command,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }


def restrictions(facts: Mapping[str, Mapping[str, Any]]) -> Restrictions:
    """Licences and model cards of the priors that have them, by label; ``facts`` are those of ``prior_facts``."""
    return {
        "licences": {prior: fact["licence"] for prior, fact in facts.items() if fact["licence"]},
        "weights": {prior: fact["card"] for prior, fact in facts.items() if fact["card"]},
    }


def version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
