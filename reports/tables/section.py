"""A table as rows of text, as terminal, Markdown and pages show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A title, the heads of the columns, and the lines below them."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
