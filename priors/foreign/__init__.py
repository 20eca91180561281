"""Denoisers of other libraries in the slot: one file per kind, each of which converts one family of conventions."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from priors.catalogue import FOREIGN, load, resolve

if TYPE_CHECKING:
    from priors.slot import Denoiser


def adapt(source: Any, kind: str | None = None, **options: Any) -> Denoiser:
    """A denoiser of another library as a prior.

    ``source`` is the network itself, or the path of its file or folder; ``kind`` one of ``priors.FOREIGN``, guessed where the
    source tells it. ``options`` are those of the kind, such as ``call`` of "torch": see the module of ``priors.foreign``.

    Raises:
        ValueError: a kind that is unknown or cannot be guessed, an unknown option, or a source of another kind.
        FileNotFoundError, ImportError: a file or a library is missing.
    """
    chosen = kind or guessed(source)
    if chosen not in FOREIGN:
        raise ValueError(f"unknown kind {chosen!r} of foreign denoiser; known: {', '.join(FOREIGN)}")
    first = next(iter(inspect.signature(resolve(chosen)).parameters))
    return load(chosen, **{first: source, **options})


def guessed(source: Any) -> str:
    """The kind that a source tells by itself: a folder, or the library that its class comes from."""
    if isinstance(source, str | Path):
        return "diffusers" if Path(source).is_dir() else "torch"
    for base in type(source).__mro__:
        library = base.__module__.partition(".")[0].replace("_", "-")
        if library in FOREIGN and library != "torch":
            return library
    if callable(source) or isinstance(source, dict):
        return "torch"
    raise ValueError(f"{type(source).__name__} is no network; give one that can be called, or the path of its file or folder")
