"""Selectors: ``name[option=value,...]``, the one way to name a prior or a problem and set its options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from problems.names import unknown

Value = int | float | bool | str


@dataclass(frozen=True)
class Selector:
    """A name with options; ``str()`` gives the canonical text, the same for every order of the options."""

    name: str
    options: tuple[tuple[str, Value], ...] = ()

    @property
    def values(self) -> dict[str, Value]:
        return dict(self.options)

    @staticmethod
    def parse(text: str) -> Selector:
        """Read one selector.

        Raises:
            ValueError: a bracket that is not closed, an option without a value or given twice.
        """
        match = re.fullmatch(r"\s*([^\[\],\s][^\[\],]*?)\s*(?:\[([^\[\]]*)\])?\s*", text)
        if not match:
            raise ValueError(f"cannot read the selector {text!r}; write name or name[option=value,option=value]")
        options: dict[str, Value] = {}
        for part in (match[2] or "").split(",") if match[2] else []:
            option, equals, value = (piece.strip() for piece in part.partition("="))
            if not (option and equals and value) or option in options:
                raise ValueError(f"cannot read the option {part.strip()!r} of {match[1]!r}; write each option once, as option=value")
            options[option] = parse_value(value)
        return Selector(match[1], tuple(sorted(options.items())))

    def values_for(self, maker: Callable[..., Any]) -> dict[str, Value]:
        """The options, once each is a number where the default of ``maker`` is one.

        Raises:
            ValueError: one is not; the sentence names it.
        """
        accepted = inspect.signature(maker).parameters
        for option, value in self.options:
            usual = accepted[option].default if option in accepted else None
            if type(usual) in (int, float) and type(value) not in (int, float):
                raise ValueError(f"option {option!r} of {self.name!r} is a number such as {usual:g}, not {value!r}")
        return self.values

    def with_defaults(self, options: Mapping[str, Value]) -> Selector:
        """With ``options`` where the selector says nothing itself."""
        return Selector(self.name, tuple(sorted({**options, **self.values}.items())))

    def __str__(self) -> str:
        options = ",".join(f"{option}={str(value).lower() if isinstance(value, bool) else value}" for option, value in self.options)
        return f"{self.name}[{options}]" if options else self.name


def parse_value(text: str) -> Value:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def split(texts: Iterable[str]) -> list[str]:
    """All selectors in ``texts``, parted at the commas outside brackets, each once, in order of appearance."""
    parts = [part.strip() for text in texts for part in re.split(r",(?![^\[]*\])", text)]
    return list(dict.fromkeys(part for part in parts if part))


def known(kind: str, name: str, names: Iterable[str]) -> str:
    """``name``, if it is one of ``names``.

    Raises:
        ValueError: it is not; the sentence offers the nearest.
    """
    choices = list(names)
    if name not in choices:
        raise ValueError(unknown(kind, name, choices))
    return name
