"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

PRIORS = ("gaussian", "tv", "bm3d", "cnn", "diffusion")


class Place(click.ParamType):
    """The path of a file or folder: an empty one, which a variable of the shell left so, would mean the folder one stands in."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return value if value.strip() else self.fail("the name is empty; give a file or folder.", param, ctx)


PLACE = Place()


CONDITION = click.option(
    "--condition", type=PLACE, show_default="none", help="Picture that is shown to priors which take one: pictured, edges."
)  # fmt: skip


def names(*flags: str, default: Sequence[str] = (), shown: str = "", text: str) -> Any:
    return click.option(*flags, multiple=True, default=default, show_default=shown or ",".join(default), help=text)


def pictures(images: Sequence[str]) -> list[str]:
    """Names and paths; a comma parts them unless it belongs to the name of a file."""
    from reports.runs.selectors import split

    return list(dict.fromkeys(part for text in images for part in ([text] if Path(text).exists() else split([text]))))


def numbers(text: str) -> list[float]:
    """Numbers parted by commas."""
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(f"cannot read the numbers {text!r}; write them by commas, such as 15,25,50") from None


def whole(text: str) -> list[int]:
    """Whole numbers parted by commas, each once."""
    found = numbers(text)
    if not all(number.is_integer() for number in found):
        raise ValueError(f"calls are whole numbers, such as 10,20,50, not {text!r}")
    return list(dict.fromkeys(int(number) for number in found))


def command() -> str:
    """The command as it was given, for the provenance."""
    return shlex.join(["priorbench", *click.get_current_context().obj])
