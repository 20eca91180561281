"""Texts that name things: ``motion:15:30``, ``random:0.5``, a picture file; and what to say when they do not."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not there: the nearest one, or all."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)  # of any object, such as None
    return f"unknown {what} {name!r}; " + (f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}")


def is_picture(text: str) -> bool:
    """Whether a text is meant as the path of a picture, rather than as a name."""
    return Path(text).suffix.lower() in PICTURES or "/" in text or "\\" in text


def arguments(what: str, text: str, makers: Mapping[str, Callable[..., Any]], given: Iterable[str] = ()) -> tuple[str, dict[str, Any]]:
    """The text "motion:15:30" as ("motion", {"length": 15, "angle": 30}); parameters in ``given`` are not for it to set.

    Raises:
        ValueError: unknown name, too many numbers, or something that is not a number.
    """
    name, *numbers = text.split(":")
    if name not in makers:
        raise ValueError(unknown(what, name, makers))
    free = {key: p.default for key, p in inspect.signature(makers[name]).parameters.items() if key not in given}
    try:
        values = [float(n) for n in numbers]
        told = dict(zip(list(free)[: len(values)], values, strict=True))
        return name, {key: int(value) if value.is_integer() else value for key, value in told.items()}
    except ValueError:
        example = ":".join([name, *map(str, free.values())])
        raise ValueError(f"{what} {text!r} is not of the form {':'.join([name, *free])}; write for example {example!r}") from None
