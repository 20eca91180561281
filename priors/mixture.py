"""Mixtures of Gaussians: priors with several answers, whose score and whose every posterior are known exactly.

A component is a template plus a stationary Gaussian texture. Components that share their texture form a kind, so that a
hundred digits cost one Wiener filter. All components are equally likely.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priors.gaussian import COLOUR, DENSE_LIMIT, GREY, MEAN, Gaussian, PowerLaw, spread, turn, weights
from priors.guided import Guided, number_of, titled, uphill, weight_of
from priors.slot import Belief, checks_question

TINY = 1e-12  # variance between components below which it counts as rounding
DRAWS = 192  # of the mixture itself, on which its own error is measured

Seed = int | np.random.Generator | None


@dataclass(frozen=True)
class Kind:
    """Components that share their texture: ``templates`` maps an image shape (C, H, W) to their means [K, C, H, W], float64;
    ``labels`` tell what each shows. The mean of ``texture`` is left out."""

    labels: tuple[str, ...]
    templates: Callable[[Sequence[int]], Tensor]
    texture: Gaussian

    def log_density(self, x: Tensor, sigma: float) -> Tensor:
        """log N(x; template, C + sigma^2) up to a constant common to all kinds: [B, K]."""
        power = self.texture.density(x.shape) + sigma**2
        image, template = (self.texture.filter(each, power.rsqrt()).flatten(1) for each in (x, self.templates(x.shape[-3:])))
        squares = image.square().sum(1, keepdim=True) - 2 * image @ template.T + template.square().sum(1)
        return -0.5 * (squares + (power.log() * weights(x.shape[-1])).sum())

    def only(self, label: str) -> Kind:
        """The components of one label."""
        chosen = [i for i, each in enumerate(self.labels) if each == label]
        return Kind((label,) * len(chosen), lambda shape: self.templates(shape)[chosen], self.texture)

    def conditional_mean(self, x: Tensor, sigma: float, template: Tensor, share: Tensor | float = 1.0) -> Tensor:
        """E[clean | x, component], in parts: linear in the template and in the share that the component has."""
        power = self.texture.density(x.shape)
        return template + self.texture.filter(share * x - template, power / (power + sigma**2))


class Mixture:
    """Equally likely components N(template, C), C diagonal in Fourier.

    Raises:
        ValueError: no kinds.
    """

    family, mmse = "generative", True
    sigma_range = (0.0, math.inf)
    label: str | None = None  # that was bound to it

    def __init__(self, kinds: Sequence[Kind], name: str = "mixture"):
        if not kinds:
            raise ValueError("a mixture needs at least one kind of image")
        self.name, self.kinds = name, tuple(kinds)
        self.labels = tuple(label for kind in kinds for label in kind.labels)
        self.errors: dict[tuple[float, tuple[int, ...]], Tensor] = {}

    def log_parts(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """log of each component's share in the density of clean + sigma noise, up to one constant: [B, K], float64."""
        return torch.cat([kind.log_density(x.cpu().double(), sigma) for kind in self.kinds], 1)

    def responsibilities(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """p(component | x) where x = clean + sigma noise: [B, K], float64."""
        return self.log_parts(x, sigma).softmax(1)

    def given(self, label: int | str | None = None, guidance: float = 1.0, classifier: bool = False) -> Mixture | Guided:
        """The components of this label alone, exactly p(x | label); at another guidance what ``priors.guided`` says.

        ``label`` is a name or the number of one, in the order of their first components; None is no label. ``classifier`` takes
        the gradient of p(label | x, sigma), known here in closed form, instead of the difference of two answers.

        Raises:
            ValueError: an unknown label, guidance that is NaN or infinite, or guidance without a label.
            TypeError: guidance that is no number.
        """
        weight, names = weight_of(self.name, label, guidance, classifier), tuple(dict.fromkeys(self.labels))
        if label is None:
            return self
        chosen = names[number_of(self.name, label, names)]
        name = titled(self.name, chosen, weight, classifier)
        bound = Mixture([kind.only(chosen) for kind in self.kinds if chosen in kind.labels], name)
        bound.label = chosen
        if classifier:
            return Guided(name, self, bound, weight, lambda x, sigma, free: self.pulled(x, sigma, chosen))
        return bound if weight == 1 else Guided(name, self, bound, weight, lambda x, sigma, free: bound.denoise(x, sigma) - free)

    def log_probability(self, x: Tensor, sigma: float, label: str) -> Tensor:
        """log p(label | x) where x = clean + sigma noise: [B], float64."""
        of_label = torch.tensor([each == label for each in self.labels])
        return self.log_parts(x, sigma).log_softmax(1)[:, of_label].logsumexp(1)

    def pulled(self, x: Tensor, sigma: float, label: str) -> Tensor:
        """sigma^2 grad log p(label | x, sigma), [B, C, H, W]."""
        return sigma**2 * uphill(lambda at: self.log_probability(at, sigma, label), x.double()).to(x)

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """The mean of all components' Wiener filters, each weighed by its responsibility: exactly E[clean | x]."""
        image = x.cpu().double()
        clean = torch.zeros_like(image)
        for kind, parts in self.split(self.responsibilities(x, sigma)):
            template = torch.einsum("bk,kchw->bchw", parts, kind.templates(x.shape[-3:]))
            clean += kind.conditional_mean(image, sigma, template, parts.sum(1)[:, None, None, None])
        return clean.to(x)

    @checks_question
    def belief(self, x: Tensor, sigma: float) -> Belief:
        """p(clean | x) as a Gaussian: its mean, the standard deviation of each pixel [B, C, H, W], and the spectrum of its errors.

        Mean and deviations are exact. The spectrum is that of each image, [B, 1, H, W // 2 + 1], where errors are taken for
        stationary; of colour images it is the average over the prior, [3, H, W // 2 + 1].
        """
        image = x.cpu().double()
        mean, square, power = (torch.zeros((), dtype=torch.float64) for _ in range(3))
        for kind, parts in self.split(self.responsibilities(x, sigma)):
            templates, share = kind.templates(x.shape[-3:]), parts.sum(1)[:, None, None, None]
            kept = kind.conditional_mean(image, sigma, torch.zeros_like(image))
            added = kind.conditional_mean(templates, sigma, templates, share=0.0)
            within = kind.texture.error_spectrum(sigma, x.shape).square()
            mean = mean + share * kept + weighed(parts, added)
            variance = mean_power(within, x.shape[-1])
            square = square + share * (variance if x.shape[1] == 1 else spread(variance)) + second_moment(parts, kept, added)
            power = power + share * within + second_moment(parts, torch.fft.rfft2(kept, norm="ortho"), torch.fft.rfft2(added, norm="ortho"))
        pixel = (square - mean.square()).clamp(min=TINY).sqrt()
        if x.shape[1] == 1:
            power = (power - torch.fft.rfft2(mean, norm="ortho").abs().square()).clamp(min=TINY)
        else:
            power = self.error_spectrum(sigma, x.shape).square()
        power = power / mean_power(power, x.shape[-1]).mean(-3, keepdim=True)
        return Belief(mean.to(x), pixel.to(x), power.sqrt().to(x))

    def energy(self, x: Tensor) -> Tensor:
        """Minus log density up to a constant: [B]."""
        return -self.log_parts(x).logsumexp(1)

    def draw(self, which: Tensor, shape: Sequence[int], noise: torch.Generator) -> Tensor:
        """One image of each component in ``which`` [n]: [n, *shape], float64."""
        white = torch.randn((len(which), *shape), generator=noise, dtype=torch.float64)
        images = torch.empty_like(white)
        for number, rows, index in self.members(which):
            kind = self.kinds[number]
            images[rows] = kind.templates(shape)[index] + kind.texture.colour(white[rows])
        return images

    def error_spectrum(self, sigma: float, shape: Sequence[int]) -> Tensor:
        """Standard deviation of the error of ``denoise`` per orthonormal Fourier coefficient, averaged over the prior.

        Within a component it is known; the doubt between components has no closed form and is measured once on DRAWS
        images of the prior itself (standard error of the variance at most sqrt(2 / DRAWS) = 10 %). [C, H, W // 2 + 1], of the
        opponent components for colour.
        """
        key = (sigma, tuple(shape[-3:]))
        if key not in self.errors:
            noise = torch.Generator().manual_seed(0)
            which = torch.arange(DRAWS) % len(self.labels)
            clean = self.draw(which, key[1], noise)
            x = clean + sigma * torch.randn(clean.shape, generator=noise, dtype=torch.float64)
            error, within = self.denoise(x, sigma), torch.zeros((), dtype=torch.float64)
            for number, rows, index in self.members(which):
                kind = self.kinds[number]
                error[rows] -= kind.conditional_mean(x[rows], sigma, kind.templates(key[1])[index])
                within = within + len(rows) / DRAWS * kind.texture.error_spectrum(sigma, key[1]) ** 2
            doubt = torch.fft.rfft2(turn(error), norm="ortho").abs().square().mean(0)
            self.errors[key] = (within + doubt).sqrt()
        return self.errors[key]

    def split(self, parts: Tensor) -> list[tuple[Kind, Tensor]]:
        """Columns [B, K] of all components, kind by kind."""
        return list(zip(self.kinds, parts.split([len(kind.labels) for kind in self.kinds], 1), strict=True))

    def members(self, which: Tensor) -> list[tuple[int, Tensor, Tensor]]:
        """(number of a kind, rows of ``which`` that belong to it, component within the kind), where there are any."""
        found, first = [], 0
        for number, kind in enumerate(self.kinds):
            rows = ((which >= first) & (which < first + len(kind.labels))).nonzero()[:, 0]
            if len(rows):
                found.append((number, rows, which[rows] - first))
            first += len(kind.labels)
        return found

    def posterior(self, operator: Any, y: Tensor, noise_sigma: float) -> Posterior:
        """Exactly p(x | y) for y = A x + N(0, noise_sigma^2), by dense linear algebra in float64.

        Raises:
            ValueError: more than 4096 unknowns.
        """
        shape, y = operator.image_shape, y.double().flatten(1)
        size = math.prod(shape)
        if size > DENSE_LIMIT:
            raise ValueError(f"an exact posterior needs a dense {size} x {size} matrix; use images of at most {DENSE_LIMIT} values")
        identity = torch.eye(size, dtype=torch.float64).view(size, *shape)
        matrix = operator.forward(identity).flatten(1).T  # A, [data, pixels]
        evidence, means, covariances, gains = [], [], [], []
        for kind in self.kinds:
            prior = kind.texture.filter(identity, kind.texture.density(shape)).flatten(1)
            cross, template = matrix @ prior, kind.templates(shape).flatten(1)
            data = torch.linalg.cholesky(cross @ matrix.T + noise_sigma**2 * torch.eye(len(matrix), dtype=torch.float64))
            gains.append(torch.cholesky_solve(cross, data))
            covariances.append(prior - cross.T @ gains[-1])
            residual = y[:, None] - template @ matrix.T  # [B, K, data]
            means.append(template + residual @ gains[-1])
            white = torch.linalg.solve_triangular(data, residual.mT, upper=False)
            evidence.append(-0.5 * white.square().sum(1) - data.diagonal().log().sum())
        noise = (operator, y, noise_sigma)
        return Posterior(self, noise, torch.cat(evidence, 1).softmax(1), torch.cat(means, 1), tuple(covariances), tuple(gains))


@dataclass(frozen=True)
class Posterior:
    """p(x | y) for B measurements, images flattened to d values: a mixture with ``weights`` [B, K] and ``means`` [B, K, d];
    ``covariances`` hold one [d, d] for each kind, the same for every y, and ``gains`` the maps [data, d] from data to images."""

    prior: Mixture
    measurement: tuple[Any, Tensor, float]
    weights: Tensor
    means: Tensor
    covariances: tuple[Tensor, ...]
    gains: tuple[Tensor, ...]

    @property
    def variances(self) -> Tensor:
        """Of the pixels within each component: [K, d]."""
        kinds = zip(self.prior.kinds, self.covariances, strict=True)
        return torch.cat([c.diagonal().clamp(min=0).expand(len(kind.labels), -1) for kind, c in kinds])

    @property
    def labels(self) -> dict[str, Tensor]:
        """p(label | y) of each measurement, [B], by label."""
        names = dict.fromkeys(self.prior.labels)
        return {name: self.weights[:, [each == name for each in self.prior.labels]].sum(1) for name in names}

    @property
    def mean(self) -> Tensor:
        """[B, d]"""
        return torch.einsum("bk,bkd->bd", self.weights, self.means)

    @property
    def std(self) -> Tensor:
        """Of each pixel, within and between components: [B, d]."""
        between = (self.means - self.mean[:, None]).square()
        return torch.einsum("bk,bkd->bd", self.weights, self.variances + between).sqrt()

    def cdf(self, x: Tensor) -> Tensor:
        """Probability that a pixel lies below x [B, d]: [B, d]."""
        z = (x[:, None] - self.means) / self.variances.sqrt()
        return torch.einsum("bk,bkd->bd", self.weights, torch.special.ndtr(z))

    def draw(self, n: int, rng: Seed = 0) -> Tensor:
        """n exact draws for each measurement [n, B, d]: draw a component, an image of it and its data, then correct the image
        by what the data miss (Matheron's rule)."""
        operator, y, noise_sigma = self.measurement
        noise = torch.Generator().manual_seed(int(np.random.default_rng(rng).integers(2**63)))
        which = torch.multinomial(self.weights, n, replacement=True, generator=noise).T.flatten()
        x = self.prior.draw(which, operator.image_shape, noise)
        data = operator.forward(x).flatten(1)
        data = data + noise_sigma * torch.randn(data.shape, generator=noise, dtype=torch.float64)
        missed, x = y.repeat(n, 1) - data, x.flatten(1)
        for number, rows, _ in self.prior.members(which):
            x[rows] += missed[rows] @ self.gains[number]
        return x.view(n, len(y), -1)


def weighed(parts: Tensor, images: Tensor) -> Tensor:
    """Sums of images [K, C, H, W], each weighed by its part [B, K]: [B, C, H, W]."""
    return torch.einsum("bk,kchw->bchw", parts.to(images.dtype), images)


def second_moment(parts: Tensor, kept: Tensor, added: Tensor) -> Tensor:
    """Sum over the components k of parts [B, K] times |kept + added_k|^2, for kept [B, C, H, W] and added [K, C, H, W]."""
    square = parts.sum(1)[:, None, None, None] * kept.abs().square() + weighed(parts, added.abs().square())
    return square + 2 * (kept.conj() * weighed(parts, added)).real


def mean_power(power: Tensor, width: int) -> Tensor:
    """Mean over the full spectrum of which rfft2 keeps ``power`` [.., H, W // 2 + 1]: [.., 1, 1]."""
    return (power * weights(width)).sum((-2, -1), keepdim=True) / (power.shape[-2] * width)


def of(gaussian: Gaussian) -> Mixture:
    """The Gaussian prior as a mixture of one."""
    return Mixture([Kind(("gaussian",), lambda shape: torch.full((1, *shape), gaussian.mean, dtype=torch.float64), gaussian)], "gaussian")


PIVOT = 0.08  # cycles per pixel: where all textures of ``mixture`` are equally strong
KNEE = 0.04  # and below which they are flat


def tilted(laws: Sequence[PowerLaw], by: float) -> tuple[PowerLaw, ...]:
    """Steeper spectra, so smoother images, of the same density at PIVOT."""
    return tuple(PowerLaw(law.power * (PIVOT**2 + KNEE**2) ** (by / 2), law.slope + by, KNEE) for law in laws)


def mixture() -> Mixture:
    """Smooth, natural or rough: three textures. Coarse data leave open which, so that its posteriors are not Gaussian."""
    textures = {"smooth": 1.0, "natural": 0.0, "rough": -1.0}
    kinds = [of(Gaussian(MEAN, tilted(GREY, by), tilted(COLOUR, by))).kinds[0] for by in textures.values()]
    return Mixture([Kind((label,), kind.templates, kind.texture) for label, kind in zip(textures, kinds, strict=True)])


def mixture_given(label: int | str | None = None, guidance: float = 1.0, classifier: bool = False) -> Mixture | Guided:
    """``mixture``, of one texture alone where ``label`` is smooth, natural or rough; arguments as in ``Mixture.given``."""
    return mixture().given(label, guidance, classifier)


DIGITS = (  # seven rows of five pixels, as bits
    (0x0E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E), (0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E), (0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F),
    (0x0E, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0E), (0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02), (0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E),
    (0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E), (0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08), (0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E),
    (0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C),
)  # fmt: skip
DARK, BRIGHT = 0.15, 0.85
SHIFTS = (-1, 0, 1)  # sixteenths of the image, down and to the right


@functools.lru_cache(maxsize=4)
def glyphs(shape: Sequence[int]) -> Tensor:
    """Ten digits, each at nine places, filling an image of any size: [90, C, H, W], float64."""
    channels, height, width = shape
    bits = torch.tensor([[[row >> (4 - i) & 1 for i in range(5)] for row in rows] for rows in DIGITS], dtype=torch.float64)
    framed = torch.nn.functional.pad(bits, (2, 2, 1, 1))[:, None]
    images = torch.nn.functional.interpolate(framed, size=(height, width), mode="bilinear", antialias=True)
    images = DARK + (BRIGHT - DARK) * images.expand(-1, channels, -1, -1)
    places = [(round(down * height / 16), round(right * width / 16)) for down in SHIFTS for right in SHIFTS]
    return torch.stack([images.roll(place, (-2, -1)) for place in places], 1).flatten(0, 1)


def digits(spread: float = 0.1) -> Mixture:
    """A digit, bright on dark, at one of nine places, each pixel with an uncertainty of its own: answers that are discrete.

    Args:
        spread: standard deviation of each pixel about the clean digit.
    """
    if not spread > 0:
        raise ValueError(f"spread is a standard deviation and must be positive, not {spread}")
    white = PowerLaw(spread**2, 0.0, 1.0)
    labels = tuple(str(digit) for digit in range(10) for _ in range(len(SHIFTS) ** 2))
    return Mixture([Kind(labels, glyphs, Gaussian(0.0, (white,), (white,) * 3))], "digits")


def digits_given(
    spread: float = 0.1, label: int | str | None = None, guidance: float = 1.0, classifier: bool = False
) -> Mixture | Guided:
    """``digits``, of one digit alone where a ``label`` is given; arguments as in ``Mixture.given``."""
    return digits(spread).given(label, guidance, classifier)
