"""A sceptic's question with its answer, as pages list them."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A check: what is asked, the number, whether all is well (None where there is no telling), and what it means."""

    asked: str
    number: str
    well: bool | None
    words: str
