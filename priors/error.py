"""A prior's own error: how far ``denoise`` stays from the clean image, by noise level and by frequency. Measured once, stored.

``python -m priors.error tv nlm --images FOLDER`` repeats the measurement of catalogued priors.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priors.catalogue import load
from priors.gaussian import turn
from priors.photographs import centre_crops, listing, split
from priors.slot import Belief, Denoiser, checks_question, name_of

SIGMAS = tuple(float(f"{s:.4g}") for s in np.geomspace(0.002, 2.5, 16))
CROP, COUNT = 96, 24  # pixels on a side and number of the pictures measured on
BANDS = tuple(k / 96 for k in (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48, 60))  # radial frequencies, cycles per pixel

Bands = tuple[tuple[tuple[float, ...], ...], ...]  # [levels][components][BANDS]


@dataclass(frozen=True)
class ErrorCurve:
    """Root mean square error of a denoiser at increasing noise levels, in all and by frequency; pixel units.

    ``spectrum`` has for each level a row for each component (one for grey, three opponent ones for colour): the rms error of
    one orthonormal Fourier coefficient at the radial frequencies BANDS. Linear in log-log between the levels, proportional
    to sigma below the first (a denoiser tends to the identity) and constant above the last (its error tends to the spread
    of images). ``correlation``, of priors that know their error pixel by pixel, is the spectrum of the errors divided by it.

    Raises:
        ValueError: levels not positive and increasing, or not as many errors as levels.
    """

    sigma: tuple[float, ...]
    rmse: tuple[float, ...]
    spectrum: Bands
    correlation: Bands = ()

    def __post_init__(self) -> None:
        matched = len(self.sigma) == len(self.rmse) == len(self.spectrum)
        if not matched or not np.all(np.diff((0.0, *self.sigma)) > 0) or not min(self.rmse) > 0:
            raise ValueError("an error curve needs increasing positive sigmas, and for each a positive rmse and a spectrum")

    def __call__(self, sigma: float) -> float:
        """The rms error of a pixel at this level."""
        return min(1.0, sigma / self.sigma[0]) * float(self.between(sigma, np.asarray(self.rmse)))

    def spectrum_at(self, sigma: float, shape: Sequence[int]) -> Tensor:
        """The rms error of each coefficient of an image [.., H, W] under the orthonormal rfft2: [1 or 3, H, W // 2 + 1], float64."""
        return min(1.0, sigma / self.sigma[0]) * over_frequencies(self.between(sigma, np.asarray(self.spectrum)), shape)

    def correlation_at(self, sigma: float, shape: Sequence[int]) -> Tensor:
        """The same of errors divided by their own standard deviations."""
        return over_frequencies(self.between(sigma, np.asarray(self.correlation)), shape)

    def between(self, sigma: float, errors: np.ndarray) -> Any:
        """Errors [levels, ...] interpolated at sigma."""
        k = np.interp(math.log(max(sigma, self.sigma[0])), np.log(self.sigma), np.arange(len(self.sigma)))
        low = min(int(k), len(self.sigma) - 2)
        return np.exp((1 - (k - low)) * np.log(errors[low]) + (k - low) * np.log(errors[low + 1]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values with four digits, for a model card."""

        def short(values: Any) -> Any:
            return float(f"{values:.4g}") if isinstance(values, float) else [short(v) for v in values]

        measured = {"sigma": self.sigma, "rmse": self.rmse, "spectrum": self.spectrum, "correlation": self.correlation}
        return {name: short(values) for name, values in measured.items() if values} | {"bands": [round(f, 5) for f in BANDS]}

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> ErrorCurve:
        spectra = (stored["spectrum"], stored.get("correlation", ()))
        spectrum, correlation = (tuple(tuple(tuple(bands) for bands in level) for level in levels) for levels in spectra)
        return ErrorCurve(tuple(stored["sigma"]), tuple(stored["rmse"]), spectrum, correlation)


def over_frequencies(components: np.ndarray, shape: Sequence[int]) -> Tensor:
    """Values at BANDS [components, bands] to every frequency of an image [.., H, W]: [components, H, W // 2 + 1], float64."""
    f = radius(shape[-2], shape[-1])
    return torch.from_numpy(np.stack([np.interp(f, BANDS, bands) for bands in components]))


def radius(height: int, width: int) -> np.ndarray:
    """Radial frequency in cycles per pixel of each coefficient of rfft2: [H, W // 2 + 1]."""
    return np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))


def measure(prior: Denoiser, images: Tensor, sigmas: Sequence[float] = SIGMAS, rng: int | np.random.Generator | None = 0) -> ErrorCurve:
    """Denoise images [N, C, H, W], which the prior was not fitted to, at each level; the same noise, scaled, at all levels."""
    noise = images.new_tensor(np.random.default_rng(rng).standard_normal(images.shape))
    errors = [prior.denoise(images + s * noise, s) - images for s in sigmas]
    rmse = tuple(float(e.square().mean().sqrt()) for e in errors)
    return ErrorCurve(tuple(map(float, sigmas)), rmse, tuple(banded(e) for e in errors))


def measure_own(
    answer: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], images: Tensor, sigmas: Sequence[float], noise: Tensor | None = None
) -> ErrorCurve:
    """The same of a network that expects its error: ``answer`` maps x [N, C, H, W] and sigma [N] to its mean and [N, 1, H, W].

    The curve then holds the correlation too. ``noise``, in units of sigma, is white (seed 0) unless it is given.
    """
    noise = images.new_tensor(np.random.default_rng(0).standard_normal(images.shape)) if noise is None else noise
    rmse, spectrum, correlation = [], [], []
    with torch.no_grad():
        for sigma in sigmas:
            mean, std = answer(images + sigma * noise, images.new_full((len(images),), sigma))
            rmse.append(float((mean - images).square().mean().sqrt()))
            spectrum.append(banded(mean - images))
            correlation.append(banded((mean - images) / std))
    return ErrorCurve(tuple(map(float, sigmas)), tuple(rmse), tuple(spectrum), tuple(correlation))


def banded(error: Tensor) -> tuple[tuple[float, ...], ...]:
    """Root mean power of the Fourier coefficients of errors [N, C, H, W] near each of BANDS, for each opponent component.

    Images below 96 pixels on a side have no coefficient near some of them; these are interpolated.
    """
    power = torch.fft.rfft2(turn(error.double()), norm="ortho").abs().square().mean(0).cpu().numpy()
    f = radius(*error.shape[-2:])
    edges = np.convolve(BANDS, (0.5, 0.5), "valid")
    nearest = np.digitize(f, edges)
    whole = np.full(f.shape, 2.0)  # rfft2 keeps one of each mirrored pair of columns
    whole[:, 0] = 1
    whole[:, -1] = 2 - (error.shape[-1] % 2 == 0)
    rings = [nearest == k for k in range(len(BANDS))]
    there = [k for k, ring in enumerate(rings) if ring.any()]
    found = [[math.sqrt(np.average(component[rings[k]], weights=whole[rings[k]])) for k in there] for component in power]
    return tuple(tuple(map(float, np.interp(range(len(BANDS)), there, bands))) for bands in found)


class KnowsItsError(ABC):
    """For priors whose own error was measured."""

    @property
    @abstractmethod
    def error(self) -> ErrorCurve:
        """The measured curve."""

    @abstractmethod
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """As the slot has it."""

    @checks_question
    def belief(self, x: Tensor, sigma: float) -> Belief:
        """The answer, and its own error by frequency."""
        return Belief(self.denoise(x, sigma), spectrum=self.error_spectrum(sigma, x.shape[-3:]).to(x), rmse=self.rmse(sigma))

    def rmse(self, sigma: float) -> float:
        """Root mean square error of ``denoise`` on photographs it was not fitted to, pixel units."""
        return self.error(sigma)

    def error_spectrum(self, sigma: float, shape: Sequence[int]) -> Tensor:
        """The same for each Fourier coefficient of an image [.., H, W]: [1, H, W // 2 + 1], or [3, ...] where measured in colour."""
        return self.error.spectrum_at(sigma, shape)


def write(prior: Denoiser, folders: Sequence[Path], path: Path) -> None:
    """Measure on grey centre crops of the held-back pictures below ``folders``; store the curve with its provenance."""
    images = centre_crops(split(listing(folders))[1], 1, CROP, COUNT)
    curve = measure(prior, images)
    card = {
        "prior": name_of(prior),
        **curve.to_dict(),
        "images": f"{len(images)} held-back photographs of {', '.join(f.name for f in folders)}, grey, central {CROP}x{CROP} pixels",
        "seed": 0,
        "date": datetime.date.today().isoformat(),
    }
    path.write_text(json.dumps(card) + "\n")


@functools.cache
def stored(name: str) -> ErrorCurve:
    """The curve measured for a classical prior of the catalogue, from the package's data."""
    card = json.loads(resources.files("priors").joinpath("errors", f"{name}.json").read_text())
    return ErrorCurve.from_dict(card)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m priors.error", description="measure the own error of priors")
    parser.add_argument("priors", nargs="+", metavar="PRIOR", help="catalogue names")
    parser.add_argument("--images", nargs="+", type=Path, required=True, metavar="FOLDER", help="photographs; held-back ones are used")
    parser.add_argument("--to", type=Path, default=Path(__file__).with_name("errors"), metavar="FOLDER", help="where the curves go")
    told = parser.parse_args(arguments)
    try:
        for name in told.priors:
            write(load(name), told.images, told.to / f"{name}.json")
    except (ValueError, FileNotFoundError, ImportError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
