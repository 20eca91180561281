"""The catalogue: one line per prior. Nothing heavy is imported before a prior is asked for."""

from __future__ import annotations

import difflib
import importlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from priors.slot import Denoiser


@dataclass(frozen=True)
class Entry:
    """Where a prior is made (``module:callable``), its place on the spectrum, and one line about it."""

    maker: str
    family: str
    line: str


CATALOGUE = {
    "gaussian": Entry("priors.gaussian:Gaussian", "smoother", "stationary Gaussian prior: Wiener filter, exact posterior known"),
    "tv": Entry("priors.tv:TotalVariation", "variational", "isotropic total variation (Rudin, Osher, Fatemi 1992)"),
    "nlm": Entry("priors.nlm:NonLocalMeans", "classical", "non-local means (Buades, Coll, Morel 2005), free licence"),
    "bm3d": Entry("priors.bm3d:BM3D", "classical", "block matching and 3-D filtering (Dabov et al. 2007), non-commercial licence"),
    "cnn": Entry("priors.learned:cnn", "learned", "small U-Net denoiser trained for sigma up to 0.4"),
    "mixture": Entry("priors.mixture:mixture_given", "generative", "smooth, natural or rough texture: exact posterior of several modes"),
    "digits": Entry("priors.mixture:digits_given", "generative", "any image is one of ten digits: exact posterior, discrete answers"),
    "diffusion": Entry("priors.learned:diffusion", "generative", "the same U-Net trained up to pure noise: a diffusion score"),
    "digits28": Entry("priors.conditional:digits28", "generative", "handwritten digits of 28x28 pixels (MNIST), by class if told a label"),
    "clothing": Entry("priors.conditional:clothing", "generative", "photographs of clothes, 64x64 in colour, by class if told a label"),
    "pictured": Entry("priors.pictured:pictured", "generative", "photographs given one without colours, of few pixels, or compressed"),
    "edges": Entry("priors.structure:structured", "generative", "photographs in grey given a map of their edges, by a branch on diffusion"),
}

# Denoisers of other libraries: each needs an option that says where the network is.
FOREIGN = {
    "torch": Entry("priors.foreign.modules:module", "learned", "a torch module: net(x), net(x, sigma) or a noise map; file=net.pt"),
    "deepinv": Entry("priors.foreign.deepinv:denoiser", "learned", "a denoiser of deepinv by its class; model=DRUNet,weights=drunet.pth"),
    "diffusers": Entry("priors.foreign.diffusers:unet", "generative", "a UNet2DModel or pipeline of diffusers; path=models/ddpm"),
    "edm": Entry("priors.foreign.edm:edm", "generative", "a network of Karras et al. 2022, net(x, sigma, labels); file=net.pt"),
    "k-diffusion": Entry("priors.foreign.edm:k_diffusion", "generative", "a wrapped denoiser of k-diffusion; file=net.pt"),
    "smalldiffusion": Entry("priors.foreign.edm:smalldiffusion", "generative", "a model of smalldiffusion; file=net.pt"),
}


def load(name: str | Denoiser, **options: Any) -> Denoiser:
    """A prior by name, or any object with ``denoise(x, sigma)`` as it is.

    ``name`` is a catalogue name or ``module:callable`` for a prior of one's own; ``options`` go to its maker.

    Raises:
        ValueError: unknown name or option.
        TypeError: an object without ``denoise``.
        ImportError: an optional library is missing.
    """
    if not isinstance(name, str):
        if inspect.isclass(name):
            raise TypeError(f"{name.__name__} is a class; give a prior made from it, {name.__name__}()")
        if not callable(getattr(name, "denoise", None)):
            raise TypeError(f"{type(name).__name__} is not a prior: give it a method denoise(x, sigma)")
        if options:
            raise ValueError(f"options {sorted(options)} have no effect on a prior that is already made; set them when making it")
        return name
    maker = resolve(name)
    accepted = inspect.signature(maker).parameters
    for option in options:
        if option not in accepted:
            known = ", ".join(accepted) or "none"
            raise ValueError(f"prior {name!r} has no option {option!r}; it takes: {known}")
    for option, parameter in accepted.items():
        positional = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if positional and parameter.default is parameter.empty and option not in options:
            raise ValueError(f"prior {name!r} needs the option {option!r}; give it, such as {name}[{option}=...]")
    prior = maker(**options)
    return load(prior)


def resolve(name: str) -> Any:
    """The callable behind a catalogue name or ``module:callable``."""
    known = CATALOGUE | FOREIGN
    if name in known:
        name = known[name].maker
    elif ":" not in name:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        raise ValueError(f"unknown prior {name!r}; {hint}")
    module, _, attribute = name.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(f"prior {name!r} needs the module {error.name!r}; install it or correct the name") from None
    except Exception as error:  # whatever a module of one's own may raise
        raise ImportError(f"module {module!r} cannot be loaded: {type(error).__name__}: {error}") from error
    try:
        return getattr(found, attribute)
    except AttributeError:
        raise ValueError(f"module {module!r} has no {attribute!r}; give module:callable") from None
