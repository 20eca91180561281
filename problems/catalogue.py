"""The catalogue: one line per problem, one per image. Nothing heavy is imported before a problem is asked for."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from problems.names import unknown

if TYPE_CHECKING:
    from problems.operator import Operator
    from problems.problem import Problem


@dataclass(frozen=True)
class Entry:
    """Where a problem is made (``module:function``), one line about it, and the class of its operator."""

    maker: str
    line: str
    operator: str = ""


CATALOGUE = {
    "denoise": Entry("problems.factories:denoise", "white Gaussian noise, nothing else", "problems.operators:Identity"),
    "deblur": Entry("problems.factories:deblur", "convolution with a known kernel", "problems.operators:Blur"),
    "super_resolution": Entry(
        "problems.factories:super_resolution", "blur, then one pixel kept of factor x factor", "problems.operators:SuperResolution"
    ),
    "inpaint": Entry("problems.factories:inpaint", "pixels missing where a mask says so", "problems.operators:Inpainting"),
    "colorize": Entry("problems.colours:colorize", "one grey value of every pixel; needs --channels 3"),
    "demosaic": Entry("problems.colours:demosaic", "one colour of every pixel, behind a Bayer filter; needs --channels 3"),
    "fourier": Entry("problems.frequencies:fourier", "some lines of frequencies, as in magnetic resonance imaging"),
    "tomography": Entry("problems.radon:tomography", "line integrals from a few directions, or from a part of them"),
    "compressed": Entry("problems.sensing:compressed", "random combinations of all pixels"),
}

# Pictures inside the scikit-image wheel with a licence that lets everyone show them.
IMAGES = {
    "camera": "man with a camera, 512x512 grey, CC0, Lav Varshney",
    "astronaut": "Eileen Collins, 512x512 colour, public domain, NASA",
    "chelsea": "cat, 300x451 colour, CC0, Stefan van der Walt",
    "rocket": "launch at dusk, 427x640 colour, public domain, SpaceX",
    "brick": "brick wall, 512x512 grey, CC0, CC0Textures",
    "grass": "grass, 512x512 grey, CC0, linolafett (DeviantArt)",
    "coins": "Greek coins, 303x384 grey, no known copyright restrictions, Brooklyn Museum",
    "coffee": "cup on a table, 400x600 colour, CC0, Rachel Michetti",
    "gravel": "gravel, 512x512 grey, CC0, CC0Textures",
    "immunohistochemistry": "stained tissue, 512x512 colour, no known copyright restrictions, CMMI",
    "retina": "fundus of an eye, 1411x1411 colour, CC0, Mikael Haggstrom",
    "hubble_deep_field": "galaxies, 872x1000 colour, public domain, NASA",
}
TUNE = ("coins", "coffee", "gravel")  # parameters are chosen on these
TEST = ("camera", "astronaut", "chelsea", "rocket", "brick", "grass")  # and reported on these


def named(path: str) -> Any:
    """What stands at ``module:name``."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def instrument(name: str, **options: Any) -> Operator:
    """The operator of a problem by name, without a size, for ``problems.measured``.

    Raises:
        ValueError: unknown name or option, a problem that is only simulated, an option that is missing or out of range.
    """
    if name not in CATALOGUE:
        raise ValueError(unknown("problem", name, CATALOGUE))
    if not CATALOGUE[name].operator:
        known = ", ".join(each for each, entry in CATALOGUE.items() if entry.operator)
        raise ValueError(f"problem {name!r} is only simulated; for a picture of your own take one of {known}")
    maker = named(CATALOGUE[name].operator)
    parameters = {key: each for key, each in inspect.signature(maker).parameters.items() if key != "image_shape"}
    for option in options:
        if option not in parameters:
            raise ValueError(unknown(f"option of {name!r}, as an instrument,", option, parameters))
    if name == "super_resolution":
        options = {"kernel": None, **options}
    missing = [key for key, each in parameters.items() if each.default is each.empty and key not in options]
    if missing:
        raise ValueError(f"{name} of your own picture needs its {missing[0]}; give it as {name}[{missing[0]}=...]")
    return maker(**options)


def load(name: str, image: Any, **options: Any) -> Problem:
    """A simulated problem by name: ``options`` go to its maker.

    Raises:
        ValueError: unknown name or option, or a value out of range.
    """
    if name not in CATALOGUE:
        raise ValueError(unknown("problem", name, CATALOGUE))
    maker = named(CATALOGUE[name].maker)
    accepted = [key for key in inspect.signature(maker).parameters if key != "image"]
    for option in options:
        if option == "noise":
            raise ValueError(f"{options[option]} noise: only white Gaussian noise is known here; give its standard deviation, noise_sigma")
        if option not in accepted:
            raise ValueError(unknown(f"option of problem {name!r}:", option, accepted))
    return maker(image, **options)
