"""Fidelity against diversity: samples of every class at growing guidance, judged by the classifier trained beside the prior."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import solvers
from priors.conditional import Conditional
from priors.gaussian import Gaussian, PowerLaw
from priors.mixture import Kind, Mixture
from priors.slot import Denoiser
from reports.runs import files
from reports.runs.schema import ANY, TEXT, list_of, mapping_to, require
from solvers.fit import BEYOND

WAYS = ("label", "classifier")  # how a prior is guided: by the difference that the label makes, or by the gradient of a classifier
EXACT = 3.0  # the guidance at which the exact case is drawn
FINE = torch.linspace(-0.4, 1.6, 2001, dtype=torch.float64)


@dataclass(frozen=True)
class Guided:
    """Samples at one guidance, [labels, n, C, H, W], not clipped, in half precision, and their scores.

    ``accuracy``: share told to be of their label. ``spread``: rms distance of a pixel from the mean sample of its class.
    ``saturated``: share of pixels outside [0, 1] by more than BEYOND.
    """

    way: str
    guidance: float
    accuracy: float
    spread: float
    saturated: float
    samples: np.ndarray

    @staticmethod
    def of(way: str, guidance: float, samples: Tensor, told: Tensor) -> Guided:
        """Of samples [labels, n, C, H, W], not clipped, and the label that the classifier gives each, [labels, n]."""
        shown = samples.clamp(0, 1)
        right = (told == torch.arange(len(told))[:, None]).float().mean()
        spread = (shown - shown.mean(1, keepdim=True)).square().mean((1, 2, 3, 4)).sqrt().mean()
        beyond = ((samples - 0.5).abs() > 0.5 + BEYOND).float().mean()
        scores = round(float(right), 4), round(float(spread), 4), round(float(beyond), 5)
        return Guided(way, guidance, *scores, samples.numpy().astype(np.float16))

    def row(self) -> dict[str, Any]:
        scores = {name: getattr(self, name) for name in ("way", "guidance", "accuracy", "spread", "saturated")}
        return scores | {"n": self.samples.shape[1]}


@dataclass(frozen=True)
class Guidance:
    """All that was found of one prior; ``pictures`` is the spread of held-back pictures by class, ``curves`` what a label is worth,
    ``judge`` the share of test pictures that the classifier names rightly."""

    prior: str
    labels: tuple[str, ...]
    found: tuple[Guided, ...]
    pictures: Mapping[str, float]
    curves: Mapping[str, Mapping[str, list[float]]]
    judge: float | None = None


def draw(
    prior: Conditional, ways: Sequence[str], guidances: Sequence[float], shape: Sequence[int], n: int, steps: int, seed: int,
    tell: Callable[[str], None],
) -> Iterator[Guided]:  # fmt: skip
    """``n`` samples of every label at each guidance by Heun's steps, from the same noise."""
    for way in ways:
        for guidance in guidances:
            bound = [prior.given(label, guidance, way == "classifier") for label in range(len(prior.labels))]
            try:
                samples = torch.stack([solvers.generate(each, shape, n, seed + k, "heun", steps).samples for k, each in enumerate(bound)])
            except solvers.Diverged as error:
                tell(f"guidance {guidance:g} by {way} is left out: {error}")
                continue
            told = torch.stack([prior.judge.labels(each.clamp(0, 1).to(prior.device)).cpu() for each in samples])
            one = Guided.of(way, guidance, samples, told)
            tell(f"w = {guidance:g} by {way}: {one.accuracy:.1%} of their label, spread {one.spread:.3f}, saturated {one.saturated:.2%}")
            yield one


def save(found: Guidance, folder: Path) -> list[dict[str, float]]:
    """Write guidance.json (one row for each guidance), and guidance.npz with the samples; returns the exact case.

    Raises:
        OSError: the folder cannot be written.
    """
    exact = exact_table()
    content = {"prior": found.prior, "labels": list(found.labels), "rows": [each.row() for each in found.found],
               "pictures": found.pictures, "curves": found.curves, "judge": found.judge, "exact": exact}  # fmt: skip
    arrays = {f"samples_{i}": each.samples for i, each in enumerate(found.found)}
    files.write(folder / "guidance.npz", lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]
    files.write_json(folder / "guidance.json", content)
    return exact


def load(folder: Path) -> Guidance:
    """What ``save`` was given.

    Raises:
        ValueError, OSError: it is not all there, or damaged.
    """
    content = files.read_json(folder / "guidance.json")
    kinds: dict[str, Any] = {"prior": TEXT, "labels": list_of(TEXT), "rows": list_of(mapping_to(ANY))}
    kinds |= {"pictures": mapping_to(ANY), "curves": mapping_to(ANY)}
    require("the content of guidance.json", content, kinds)
    arrays = files.read_arrays(folder / "guidance.npz", {f"samples_{i}": (None,) * 5 for i in range(len(content["rows"]))})
    rows = [{key: value for key, value in row.items() if key != "n"} for row in content["rows"]]
    found = tuple(Guided(**row, samples=arrays[f"samples_{i}"]) for i, row in enumerate(rows))
    return Guidance(content["prior"], tuple(content["labels"]), found, content["pictures"], content["curves"], content.get("judge"))


# The exact case: pictures of one pixel, of two labels. There the law of guided samples is known, and so is what it is often taken for.
def pair() -> Mixture:
    """One label about 0.4, the other about 0.6, equally likely and 0.15 wide."""
    return line({"other": (0.4,), "told": (0.6,)})


def line(places: Mapping[str, Sequence[float]], width: float = 0.15) -> Mixture:
    """Pictures of one pixel, the modes of each label at its places, all equally likely and equally wide."""
    labels = tuple(label for label, each in places.items() for _ in each)
    centres = torch.tensor([place for each in places.values() for place in each], dtype=torch.float64).view(-1, 1, 1, 1)
    return Mixture([Kind(labels, lambda shape: centres.expand(-1, *shape), Gaussian(0.0, (PowerLaw(width**2, 0.0, 1.0),)))])


def flown(prior: Denoiser, n: int = 1000, steps: int = 300) -> Tensor:
    """Where Heun's steps of the probability flow carry n equally likely starts [n], in order: the quantiles of the samples."""
    levels = np.geomspace(30.0, 1e-3, steps).tolist()
    middle = prior.denoise(torch.zeros(1, 1, 1, 1, dtype=torch.float64), 1e4).flatten()
    x = (middle + levels[0] * torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)).view(-1, 1, 1, 1)
    for sigma, after in pairwise(levels):
        slope = (x - prior.denoise(x, sigma)) / sigma
        ahead = x + (after - sigma) * slope
        x = x + (after - sigma) * (slope + (ahead - prior.denoise(ahead, after)) / after) / 2
    return x.flatten()


def tilted(weight: float, prior: Mixture | None = None) -> Tensor:
    """p(x | told)^w p(x)^(1 - w) on FINE, its sum 1; of ``pair`` if no other prior is given."""
    x, prior = FINE.view(-1, 1, 1, 1), prior or pair()
    return (-weight * prior.given("told").energy(x) - (1 - weight) * prior.energy(x)).softmax(0)  # type: ignore[union-attr]


def exact_table(weights: Sequence[float] = (1.0, 2.0, 3.0, 5.0)) -> list[dict[str, float]]:
    """By guidance: mean and spread of the samples and of the tilted density, and how much of it, and of p(x | told), their middle
    90 % hold."""
    rows, of_label = [], tilted(1.0)
    for weight in weights:
        x, density = flown(pair().given("told", weight)), tilted(weight)
        low, high = torch.quantile(x, torch.tensor([0.05, 0.95], dtype=torch.float64))
        inside, mean = (low < FINE) & (high > FINE), (density * FINE).sum()
        spread = (density * (FINE - mean).square()).sum().sqrt()
        values = {"mean": x.mean(), "std": x.std(), "tilted_mean": mean, "tilted_std": spread,
                  "tilted_covered": density[inside].sum(), "label_covered": of_label[inside].sum()}  # fmt: skip
        rows.append({"guidance": weight} | {name: round(float(value), 4) for name, value in values.items()})
    return rows


def exact_words(rows: Sequence[Mapping[str, float]]) -> Iterator[str]:
    for row in rows:
        yield (
            f"exact case, w = {row['guidance']:g}: samples {row['mean']:.3f} ± {row['std']:.3f}, p(x|c)^w p(x)^(1-w) "
            f"{row['tilted_mean']:.3f} ± {row['tilted_std']:.3f}; the middle 90% of the samples hold {row['tilted_covered']:.0%} of it "
            f"and {row['label_covered']:.0%} of p(x|c)"
        )


@dataclass(frozen=True)
class Law:
    """What samples follow at one guidance where all is known, a label with two modes, and what they are often taken to follow.

    Each law is told by its mean, its standard deviation and its share of the right mode. ``difference`` is the largest between
    the answers guided by the label and by the classifier.
    """

    guidance: float
    difference: float
    samples: tuple[float, float, float]
    tilted: tuple[float, float, float]


TOLD, OTHER = (0.2, 1.0, 1.0), (0.5,)  # the label has a third of its pictures at 0.2 and two thirds at 1; the other lies between
BETWEEN = 0.6  # the two modes


def modes() -> Mixture:
    """Pictures of one pixel: two labels, one of them with two modes, all 0.15 wide."""
    return line({"told": TOLD, "other": OTHER})


def moments(x: Tensor, shares: Tensor) -> tuple[float, float, float]:
    mean = float((shares * x).sum())
    return mean, float((shares * (x - mean).square()).sum().sqrt()), float(shares[x > BETWEEN].sum())


def laws(weights: Sequence[float] = (-1.0, 1.0, 2.0, 3.0, 5.0)) -> Iterator[Law]:
    """Of guided samples of ``modes``. At w = 1 both laws are p(x | told)."""
    prior = modes()
    for weight in weights:
        by_label, by_classifier = prior.given("told", weight), prior.given("told", weight, classifier=True)
        x = flown(by_label)
        samples = moments(x, torch.full_like(x, 1 / len(x)))
        yield Law(weight, difference(by_label, by_classifier), samples, moments(FINE, tilted(weight, prior)))


def difference(one: Denoiser, other: Denoiser) -> float:
    """The largest between their answers to pixels from -1 to 2, at levels from 0.01 to 10."""
    x = torch.linspace(-1, 2, 301, dtype=torch.float64).view(-1, 1, 1, 1)
    return max(float((one.denoise(x, sigma) - other.denoise(x, sigma)).abs().max()) for sigma in (0.01, 0.1, 0.3, 1.0, 10.0))
