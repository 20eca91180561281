"""Inverse problems with the right label, a wrong one and none: what a label is worth, and whether a false one shows without the truth.

Two scores need no truth: misfit, and the score of data that was held back. Where the samples of the prior without a label
are told apart by the classifier, the shares are p(label | y) as the network has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import solvers
from priors import labelled
from priors.conditional import Conditional
from problems.operators import Inpainting
from problems.problem import Problem
from reports.judging import trust
from reports.runs import files
from reports.runs.loading import derived, picture, simulated
from reports.runs.schema import ANY, FLAG, NUMBER, NUMBERS, TEXT, list_of, mapping_to, maybe, require
from reports.scores import ensemble, pixelwise
from reports.scores.ensemble import Scores

ARMS = ("right", "wrong", "none")
SCORES = {
    "psnr": "PSNR of the mean of the samples, dB",
    "psnr_sample": "of a sample, dB",
    "coverage": "share of the pixels inside the interval of the samples",
    "crps": "CRPS of a pixel",
    "misfit": "|A x - y|^2 / (m s^2) of a sample",
    "held_back": "CRPS of data held back, in units of their noise, missing pixels where there are any: 0.56 for the truth",
    "right_label": "p(right label | sample) by the classifier, mean",
    "sure": "highest of the mean p(label | sample)",
}
ARMS_TOLD = {"right": "told its label", "wrong": "told a wrong one", "none": "told none"}


@dataclass(frozen=True)
class Case:
    """One picture with its label, and what is measured of it."""

    problem: str
    number: int
    label: int
    picture: Tensor  # [1, C, H, W]


@dataclass(frozen=True)
class Row:
    """Scores of the samples of one case with one label, or none; ``spread`` is what calibration is judged by."""

    problem: str
    number: int
    label: str
    arm: str
    told: str | None  # the label that was bound
    heuristic: bool  # no posterior stands behind the samples: guidance is not 1
    scores: dict[str, float]
    spread: Scores


def cases(source: Path, prior: Conditional, chosen: Sequence[str], pictures: int) -> list[Case]:
    """``pictures`` test pictures, as many of each class as can be, for every problem.

    Raises:
        ValueError, FileNotFoundError: no such pictures, other classes than the prior knows, a problem that cannot be measured, or none.
    """
    if not chosen:
        raise ValueError("nothing to measure; name at least one problem, such as -P inpaint")
    _, size, _ = prior.card["shape"]
    data = labelled.load(source, prior.channels, size)
    if data.names != prior.labels:
        raise ValueError(f"{source} holds the classes {', '.join(data.names)}; prior {prior.name!r} knows {', '.join(prior.labels)}")
    order = [data.test.labels.eq(k).nonzero()[:, 0].tolist() for k in range(len(data.names))]
    deep = [each[i] for i in range(max(map(len, order))) for each in order if i < len(each)][:pictures]
    found = [Case(text, n, int(data.test.labels[n]), data.test.at([n]).pictures()) for text in chosen for n in deep]
    for each in {case.problem: case for case in found}.values():
        measured(each, 0)
    return found


def measured(case: Case, seed: int) -> tuple[Problem, Problem]:
    """The measurement of a case, and another one that no solver sees: the missing pixels of inpainting, otherwise the same once more."""
    problem = simulated(case.problem, case.picture, derived(seed, "noise", case.problem, str(case.number)))
    operator = problem.operator
    if isinstance(operator, Inpainting):
        operator = Inpainting(~operator.mask.numpy(), operator.image_shape)
    noise = torch.Generator().manual_seed(derived(seed, "held back", case.problem, str(case.number)))
    clean = operator.forward(case.picture)
    y = clean + problem.noise_sigma * torch.randn(clean.shape, generator=noise)
    return problem, Problem("held back", operator, y, problem.noise_sigma)


def run(
    prior: Conditional, chosen: Sequence[Case], n: int, steps: int | None, guidance: float, seed: int, tell: Callable[[str], None]
) -> Iterator[Row]:
    """Each case with its own label, with the next one of the list, and without; the same measurement and the same noise."""
    for k, case in enumerate(chosen):
        problem, second = measured(case, seed)
        bound = {"right": case.label, "wrong": (case.label + 1) % len(prior.labels), "none": None}
        tell(f"[{k + 1}/{len(chosen)}] {case.problem}, {prior.labels[case.label]} ...")
        for arm, label in bound.items():
            told = prior if label is None else prior.given(label, guidance)
            rng = derived(seed, "samples", case.problem, str(case.number))
            try:
                samples = solvers.sample(problem, told, n, rng, steps=steps).drawn()[:, 0]
            except solvers.Diverged as error:
                tell(f"  {arm} label is left out: {error}")
                continue
            assert problem.truth is not None
            name, spread = None if label is None else prior.labels[label], ensemble.scores(*judged(samples, problem.truth))
            found = scored(problem, second, samples, prior, case.label)
            yield Row(case.problem, case.number, prior.labels[case.label], arm, name, not told.mmse, found, spread)


def judged(samples: Tensor, truth: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Samples [n, C, H, W] and truth [1, C, H, W] as [n, H, W, C] and [H, W, C], float64."""
    return picture(samples[:, None]).astype(np.float64), picture(truth).astype(np.float64)


def scored(problem: Problem, second: Problem, samples: Tensor, prior: Conditional, label: int) -> dict[str, float]:
    """The SCORES of samples [n, C, H, W]."""
    assert problem.truth is not None
    truth, drawn = problem.truth[0].numpy(), samples.numpy()
    with torch.no_grad():
        shares = prior.judge.log_probabilities(samples.clamp(0, 1)).exp().mean(0)
    found = {
        "psnr": pixelwise.psnr(drawn.mean(0), truth),
        "psnr_sample": float(np.mean([pixelwise.psnr(each, truth) for each in drawn])),
        "coverage": ensemble.coverage(drawn, truth)[0],
        "crps": float(ensemble.crps(drawn, truth).mean()),
        "misfit": float(np.mean([pixelwise.misfit(problem, each[None]) for each in samples])),
        "held_back": held_back(second, samples),
        "right_label": float(shares[label]),
        "sure": float(shares.max()),
        "told_rightly": float(shares.argmax() == label),
    }
    return {name: round(value, 5) for name, value in found.items()}


def held_back(second: Problem, samples: Tensor) -> float:
    """CRPS of the held-back data, in units of their noise; the forecast is A x with fresh noise, for each sample x.

    1 / sqrt(pi) = 0.564 if every sample is the truth.
    """
    clean = second.operator.forward(samples)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    forecast = clean / second.noise_sigma + noise
    return float(ensemble.crps(forecast.numpy(), (second.y[0] / second.noise_sigma).numpy()).mean())


def table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Means over the pictures by problem and arm, with the standard error of CRPS and held-back score against no label.

    ``calibration`` of the arm without a label: how much more often the likeliest label was right than its share said.
    """
    found = []
    for problem in dict.fromkeys(row.problem for row in rows):
        free = {row.number: row for row in rows if row.problem == problem and row.arm == "none"}
        for arm in ARMS:
            mine = [row for row in rows if row.problem == problem and row.arm == arm]
            if not mine:
                continue
            line: dict[str, Any] = {"problem": problem, "label": arm, "pictures": len(mine)}
            for name in SCORES:
                line[name] = round(float(np.mean([row.scores[name] for row in mine])), 5)
            for name in ("crps", "held_back"):
                gains = [row.scores[name] - free[row.number].scores[name] for row in mine if row.number in free]
                line[f"{name}_gain"] = round(float(np.mean(gains)), 5) if gains else None
                line[f"{name}_error"] = round(float(np.std(gains, ddof=1) / math.sqrt(len(gains))), 5) if len(gains) > 1 else None
            if arm == "none":
                line["calibration"] = round(float(np.mean([row.scores["told_rightly"] - row.scores["sure"] for row in mine])), 4)
            found.append(line)
    return found


def by_class(rows: Sequence[Row]) -> list[trust.Row]:
    """Calibration of each arm on each problem, over all pictures and then class by class, every number with its interval over pictures."""
    found = []
    for problem, arm in dict.fromkeys((row.problem, row.arm) for row in rows):
        mine = [row for row in rows if (row.problem, row.arm) == (problem, arm)]
        for label in ("all", *dict.fromkeys(sorted(row.label for row in mine))):
            some = [row.spread for row in mine if label in ("all", row.label)]
            n, heuristic = len(some[0].histogram) - 1, mine[0].heuristic
            nominal, numbers = ensemble.order(n, ensemble.LEVEL)[1], ensemble.estimates(some)
            found.append(trust.Row(problem, ARMS_TOLD[arm], "annealed", None, heuristic, label, n, nominal, tuple(some), numbers))
    return found


def save(rows: Sequence[Row], folder: Path) -> None:
    """Write labels.json: every picture with all its scores, and the table.

    Raises:
        OSError: the folder cannot be written.
    """
    plain = [vars(row) | {"spread": spread_of(row.spread)} for row in rows]
    files.write_json(folder / "labels.json", {"table": table(rows), "rows": plain})


def spread_of(found: Scores) -> dict[str, Any]:
    """As JSON has it: arrays become lists, and what is no number null."""
    return files.finite({name: np.asarray(value).tolist() for name, value in found._asdict().items()})


def load(folder: Path) -> list[Row]:
    """What ``save`` was given.

    Raises:
        ValueError: it is damaged, or of a version that did not judge spreads.
        OSError: it cannot be read.
    """
    try:
        content = files.read_json(folder / "labels.json")
        require("the content of labels.json", content, {"rows": list_of(mapping_to(ANY))})
        return [row_of(each) for each in content["rows"]]
    except ValueError as error:
        raise ValueError(f"{folder / 'labels.json'} is damaged or older ({error}); make it again with: priorbench label-table") from None


ENTRY = {"problem": TEXT, "label": TEXT, "arm": TEXT, "told": maybe(TEXT), "heuristic": FLAG, "number": NUMBER,
         "scores": mapping_to(NUMBER), "spread": mapping_to(ANY)}  # fmt: skip
SPREAD = {"histogram": list_of(NUMBER), "crps": NUMBER, "energy": maybe(NUMBER), "variance": NUMBER, "error": NUMBER,
          "curve": list_of(NUMBERS)}  # fmt: skip


def row_of(entry: dict[str, Any]) -> Row:
    """
    Raises:
        ValueError: an entry of labels.json that is none.
    """
    require("an entry", entry, ENTRY)
    require("its spread", entry["spread"], SPREAD)
    values = {name: entry["spread"][name] for name in Scores._fields}
    arrays = {name: np.array(values[name], float) for name in ("histogram", "curve")}
    spread = Scores(**values | arrays | {"energy": math.nan if values["energy"] is None else values["energy"]})
    return Row(**{name: entry[name] for name in ENTRY if name != "spread"}, spread=spread)
