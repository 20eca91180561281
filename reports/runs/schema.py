"""What stored files must hold: kinds of values, the entries of each file, and the check of one against the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from reports.runs.selectors import Selector

LARGEST = 1e40  # of any stored number: above all of single precision, and its square is still a double


class Kind(NamedTuple):
    """What a value must be, in words and as a test."""

    words: str
    fits: Callable[[Any], bool]


def is_number(value: object) -> bool:
    """Whether it is an int or a float that is finite; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_whole(value: object) -> bool:
    return isinstance(value, int) and is_number(value)


def is_selector(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(Selector.parse(value))
    except ValueError:
        return False


def one_of(*values: object) -> Kind:
    return Kind(" or ".join(map(repr, values)), lambda value: any(type(value) is type(each) and value == each for each in values))


def maybe(kind: Kind) -> Kind:
    return Kind(f"{kind.words} or null", lambda value: value is None or kind.fits(value))


def list_of(kind: Kind) -> Kind:
    return Kind(f"a list, each {kind.words}", lambda value: isinstance(value, list | tuple) and all(map(kind.fits, value)))


def mapping_to(kind: Kind) -> Kind:
    def fits(value: object) -> bool:
        return isinstance(value, Mapping) and all(isinstance(name, str) and kind.fits(each) for name, each in value.items())

    return Kind(f"a mapping to {kind.words}", fits)


def pair_of(first: Kind, second: Kind) -> Kind:
    def fits(value: Any) -> bool:
        return isinstance(value, list | tuple) and len(value) == 2 and first.fits(value[0]) and second.fits(value[1])

    return Kind(f"a pair of {first.words} and {second.words}", fits)


ANY = Kind("anything", lambda value: True)
TEXT = Kind("a text", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
NUMBER = Kind("a finite number", is_number)
NUMBERS = Kind("a number, null or a list of them", lambda value: maybe(NUMBER).fits(value) or list_of(maybe(NUMBER)).fits(value))
POSITIVE = Kind("a positive number", lambda value: is_number(value) and value > 0)
FROM_0 = Kind("a number from 0 on", lambda value: is_number(value) and value >= 0)
SHARE = Kind("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)
COUNT = Kind("a whole number from 0 on", lambda value: is_whole(value) and value >= 0)
COUNT_FROM_1 = Kind("a whole number from 1 on", lambda value: is_whole(value) and value >= 1)
SELECTOR = Kind("a selector such as tv[iterations=50]", is_selector)
PLAIN = Kind("a text, a number, true or false", lambda value: isinstance(value, str | bool) or is_number(value))


def require(what: str, content: Any, wanted: Mapping[str, Kind]) -> None:
    """
    Raises:
        ValueError: ``content`` is no mapping, or lacks one of the ``wanted`` entries, or one is of another kind; others may be there.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"{what} is {shown(content)}, not a mapping")
    for name, kind in wanted.items():
        if name not in content:
            raise ValueError(f"{what} lacks {name}")
        if not kind.fits(content[name]):
            raise ValueError(f"{name} of {what} is {shown(content[name])}, not {kind.words}")


def shown(value: object) -> str:
    """A value as it stands in a sentence: its type where it is long."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else f"a long {type(value).__name__}"


KEY = Kind("the name of a cell", lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None)
CELL = {
    "problem": SELECTOR, "image": TEXT, "prior": SELECTOR, "method": SELECTOR, "strength": POSITIVE, "samples": COUNT,
    "steps": maybe(COUNT_FROM_1), "size": COUNT_FROM_1, "channels": one_of(1, 3), "seed": COUNT, "lpips_file": maybe(TEXT),
}  # fmt: skip
PRIOR = {"name": TEXT, "family": maybe(TEXT), "mmse": maybe(FLAG), "licence": maybe(TEXT), "card": maybe(mapping_to(PLAIN))}
RECORD = {
    "status": one_of("done", "diverged", "failed"), "message": TEXT, "calls": COUNT, "seconds": FROM_0, "code": TEXT,
    "metrics": mapping_to(maybe(NUMBER)), "files": list_of(TEXT), "contents": list_of(TEXT),
    "trace": list_of(mapping_to(NUMBERS)), "cell": mapping_to(ANY), "prior": mapping_to(ANY),
}  # fmt: skip
LEVEL = {"sigma": maybe(FROM_0), "misfit": maybe(FROM_0), "change": maybe(FROM_0), "bands": list_of(maybe(FROM_0))}
PROVENANCE = {
    "command": TEXT, "date": TEXT, "versions": mapping_to(TEXT), "platform": TEXT, "cores": maybe(COUNT), "licences": mapping_to(TEXT),
    "weights": mapping_to(mapping_to(PLAIN)), "seed": COUNT, "size": COUNT_FROM_1, "channels": one_of(1, 3), "samples": COUNT,
    "tuning_images_reported": list_of(TEXT), "strengths": list_of(mapping_to(ANY)),
}  # fmt: skip
STRENGTH = {
    "prior": SELECTOR, "problem": SELECTOR, "method": SELECTOR, "strength": POSITIVE, "from": TEXT,
    "tried": list_of(pair_of(POSITIVE, maybe(NUMBER))),
}  # fmt: skip
TUNED = {
    "prior": SELECTOR, "problem": SELECTOR, "method": SELECTOR, "strength": maybe(POSITIVE), "tried": STRENGTH["tried"],
    "images": list_of(TEXT), "size": COUNT_FROM_1, "channels": one_of(1, 3), "seed": COUNT, "date": TEXT,
    "facts": mapping_to(ANY), "instances": list_of(SELECTOR), "noise": pair_of(POSITIVE, POSITIVE), "misfit": pair_of(FROM_0, FROM_0),
}  # fmt: skip


def metrics(samples: int) -> dict[str, Kind]:
    """What every finished cell has, with so many samples: NaN or null here comes from no run."""
    one = {"psnr": NUMBER, "ssim": NUMBER, "misfit": FROM_0}
    of_samples = {f"{name}_sample": kind for name, kind in one.items()} if samples else {}
    spread = {"spread": FROM_0, "rms_error": FROM_0, "coverage": SHARE, "coverage_nominal": SHARE} if samples > 1 else {}
    return one | of_samples | spread
