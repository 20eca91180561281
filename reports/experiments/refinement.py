"""Regression against refinement: five arms of one network, on what it was trained for and on what it was not, beside plug-and-play.

Plug-and-play takes the diffusion prior and the operator, and no training. A network that was trained on pairs knows one
operator by heart: the table tells what each is worth where it was trained, and what is left of it elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

import problems
import solvers
from priors.pictured import Pictured
from priors.slot import Denoiser
from problems.problem import Problem
from reports.runs import files
from reports.runs.loading import derived, pictures, simulated
from reports.runs.schema import ANY, TEXT, list_of, mapping_to, require
from reports.scores import distributional, ensemble, pixelwise
from solvers.refinement import refine, shown

MEAN, SAMPLES = "plug-and-play mean", "plug-and-play samples"
WORDS = {
    "regression": "one answer, trained for the least squared error",
    "diffusion": "samples from noise, shown the measurement",
    "diffusion-regression": "samples from noise, shown the regression's answer",
    "flow": "one straight path from the measurement",
    "flow-regression": "straight paths from the regression's answer plus noise",
    MEAN: "no training: mean of the posterior samples, corrected",
    SAMPLES: "no training: posterior samples by annealing",
}
SCORES = {
    "psnr": "PSNR in dB, of the mean where there are samples",
    "psnr_sample": "PSNR in dB of one answer",
    "spectrum": "distance of the spectrum of one answer from the truth's, dB",
    "patches": "distance of the patches of one answer from the truth's (sliced Wasserstein), /255",
    "coverage": "share of the pixels inside the interval of the samples",
    "misfit": "|A x - y|^2 / (m s^2) of one answer: 1 for the truth",
    "calls": "denoiser calls for one answer",
    "seconds": "of computing for all answers",
}
DIGITS = {"psnr": 2, "psnr_sample": 2, "spectrum": 2, "patches": 2, "coverage": 2, "misfit": 2, "calls": 0, "seconds": 1}


@dataclass(frozen=True)
class Case:
    """One picture measured by one problem of the catalogue."""

    problem: str
    image: str
    measured: Problem

    @property
    def truth(self) -> Tensor:
        assert self.measured.truth is not None  # every case is a simulation
        return self.measured.truth


@dataclass(frozen=True)
class Row:
    """What an entrant made of a case: its scores, and its first answer and the mean, [H, W, C], for the figure."""

    problem: str
    image: str
    entrant: str
    scores: Mapping[str, float | None]
    one: np.ndarray
    mean: np.ndarray

    def content(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("problem", "image", "entrant")} | {"scores": dict(self.scores)}


@dataclass(frozen=True)
class Refinement:
    """All that was found. ``trained`` is the problem of the network; ``scenes`` holds truth and shown measurement of each case."""

    trained: str
    n: int
    rows: tuple[Row, ...]
    scenes: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]

    @property
    def problems(self) -> list[str]:
        return list(dict.fromkeys(row.problem for row in self.rows))

    @property
    def entrants(self) -> list[str]:
        return list(dict.fromkeys(row.entrant for row in self.rows))

    def means(self, problem: str) -> dict[str, dict[str, float | None]]:
        """The scores of every entrant on a problem, averaged over its pictures."""
        found = {}
        for entrant in self.entrants:
            mine = [row.scores for row in self.rows if (row.problem, row.entrant) == (problem, entrant)]
            if mine:
                found[entrant] = {name: average([each[name] for each in mine]) for name in SCORES}
        return found


def average(values: Sequence[float | None]) -> float | None:
    known_values = [value for value in values if value is not None]
    return float(np.mean(known_values)) if known_values else None


def cases(chosen: Sequence[str], images: Sequence[str], size: int, channels: int, seed: int) -> list[Case]:
    """Every picture measured by every problem.

    Raises:
        ValueError, FileNotFoundError: no such picture or problem, none at all, or one that cannot measure such pictures.
    """
    if not (chosen and images):
        raise ValueError("nothing to measure; name at least one problem and one picture, such as -P deblur -i camera")
    found = []
    for text in chosen:
        for image in images:
            picture, rng = problems.load_image(image, size=size, channels=channels), derived(seed, "noise", text, image)
            found.append(Case(text, image, simulated(text, picture, rng)))
    return found


def run(network: Pictured, prior: Denoiser, chosen: Sequence[Case], n: int, seed: int, tell: Callable[[str], None]) -> Iterator[Row]:
    """Every arm and plug-and-play on every case, from the same measurement."""
    for k, case in enumerate(chosen):
        tell(f"[{k + 1}/{len(chosen)}] {case.problem}, {case.image} ...")
        rng = derived(seed, "samples", case.problem, case.image)
        for arm in network.arms:
            try:
                found = refine(case.measured, network, arm, n, rng)
            except solvers.Diverged as error:
                tell(f"  {arm} is left out: {error}")
                continue
            yield row(case, arm, found.samples, None, found.calls, found.seconds)
        try:
            yield from plug_and_play(prior, case, n, rng)
        except solvers.Diverged as error:
            tell(f"  plug-and-play is left out: {error}")


def plug_and_play(prior: Denoiser, case: Case, n: int, rng: int) -> Iterator[Row]:
    """The posterior of the prior that was trained for no problem: its mean, and samples."""
    mean = solvers.solve(case.measured, prior, "mean", rng=rng)
    yield row(case, MEAN, mean.x, None, mean.calls, mean.seconds)
    drawn = solvers.sample(case.measured, prior, n, rng)
    yield row(case, SAMPLES, drawn.drawn()[:, 0], drawn.mean, drawn.calls // n, drawn.seconds)


def row(case: Case, entrant: str, samples: Tensor, mean: Tensor | None, calls: int, seconds: float) -> Row:
    """The SCORES of answers [n, C, H, W]; one alone has no coverage."""
    truth, drawn = pictures(case.truth)[0], pictures(samples)
    middle = drawn.mean(0) if mean is None else pictures(mean)[0]
    scores = {
        "psnr": pixelwise.psnr(middle, truth),
        "psnr_sample": float(np.mean([pixelwise.psnr(each, truth) for each in drawn])),
        "spectrum": distributional.spectrum_db(drawn[:1], truth),
        "patches": 255 * distributional.swd(drawn[:1], truth),
        "coverage": ensemble.coverage(drawn, truth)[0] if len(drawn) > 1 else None,
        "misfit": float(np.mean([pixelwise.misfit(case.measured, each[None]) for each in samples])),
        "calls": float(calls),
        "seconds": seconds,
    }
    kept = {name: None if value is None else round(value, 4) for name, value in scores.items()}
    return Row(case.problem, case.image, entrant, kept, drawn[0], middle)


def gathered(network: Pictured, chosen: Sequence[Case], rows: Sequence[Row], n: int) -> Refinement:
    scenes = {(case.problem, case.image): (pictures(case.truth)[0], pictures(shown(case.measured))[0]) for case in chosen}
    return Refinement(network.card["problem"], n, tuple(rows), scenes)


def words(found: Refinement) -> Iterator[str]:
    """What the numbers say, a sentence each; nothing is said that they do not show."""
    trained = found.means(found.trained) if found.trained in found.problems else {}
    if {"regression", "flow-regression", MEAN} <= set(trained):
        yield from at_home(trained)
    away = [problem for problem in found.problems if problem != found.trained]
    for problem in away:
        means = found.means(problem)
        arms = {name: each["psnr"] for name, each in means.items() if name not in (MEAN, SAMPLES) and each["psnr"] is not None}
        if arms and MEAN in means:
            best, free = max(arms, key=lambda name: arms[name] or -math.inf), means[MEAN]
            yield (
                f"{problem}: the best of the trained arms ({best}) has {arms[best]:.2f} dB at a misfit of {means[best]['misfit']:.3g}; "
                f"the mean of plug-and-play, which is told the operator, {free['psnr']:.2f} dB at {free['misfit']:.3g}."
            )


def at_home(trained: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    """On the problem that the network was trained for."""
    flat, sharp, free = trained["regression"], trained["flow-regression"], trained[MEAN]
    yield (
        f"Where it was trained, the regression has {flat['psnr']:.2f} dB and a spectrum {flat['spectrum']:.1f} dB from that of the truth; "
        f"one refined answer (flow-regression) {sharp['psnr_sample']:.2f} dB and {sharp['spectrum']:.1f} dB."
    )
    yield f"The mean of plug-and-play, which needs no training, has {free['psnr']:.2f} dB there."


def markdown(found: Refinement) -> str:
    """The table as Markdown, a block for each problem, with a line that explains each score."""
    lines = []
    for problem in found.problems:
        note = " (trained for)" if problem == found.trained else ""
        lines += [f"**{problem}**{note}", "", "| | " + " | ".join(SCORES) + " |", "|" + "---|" * (len(SCORES) + 1)]
        for entrant, scores in found.means(problem).items():
            lines.append(f"| {entrant} | " + " | ".join(number(name, scores[name]) for name in SCORES) + " |")
        lines.append("")
    nominal = ensemble.order(found.n, ensemble.LEVEL)[1]
    lines += [f"- {name}: {text}" + (f" ({nominal:.2f} if exact)" if name == "coverage" else "") for name, text in SCORES.items()]
    return "\n".join(lines) + "\n"


def number(name: str, value: float | None) -> str:
    return "–" if value is None else f"{value:.{DIGITS[name]}f}"


def save(found: Refinement, folder: Path) -> None:
    """Write refinement.json, refinement.md, and refinement.npz with the pictures.

    Raises:
        OSError: the folder cannot be written.
    """
    arrays = {f"one_{i}": row.one for i, row in enumerate(found.rows)} | {f"mean_{i}": row.mean for i, row in enumerate(found.rows)}
    for i, (truth, y) in enumerate(found.scenes.values()):
        arrays |= {f"truth_{i}": truth, f"shown_{i}": y}
    halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    files.write(folder / "refinement.npz", lambda file: np.savez_compressed(file, **halves))  # type: ignore[arg-type]
    content = {"trained": found.trained, "n": found.n, "rows": [row.content() for row in found.rows]}
    content["scenes"] = list(map(list, found.scenes))
    files.write_json(folder / "refinement.json", content)
    files.write(folder / "refinement.md", lambda file: file.write(markdown(found).encode()))


def load(folder: Path) -> Refinement:
    """What ``save`` was given.

    Raises:
        ValueError, OSError: it is not all there, or damaged.
    """
    content = files.read_json(folder / "refinement.json")
    kinds: dict[str, Any] = {"trained": TEXT, "n": ANY, "rows": list_of(mapping_to(ANY)), "scenes": list_of(ANY)}
    require("the content of refinement.json", content, kinds)
    names = [f"{kind}_{i}" for kind in ("one", "mean") for i in range(len(content["rows"]))]
    names += [f"{kind}_{i}" for kind in ("truth", "shown") for i in range(len(content["scenes"]))]
    halves = files.read_arrays(folder / "refinement.npz", dict.fromkeys(names, (None,) * 3))
    arrays = {name: array.astype(np.float32) for name, array in halves.items()}
    rows = tuple(Row(**each, one=arrays[f"one_{i}"], mean=arrays[f"mean_{i}"]) for i, each in enumerate(content["rows"]))
    scenes = {tuple(each): (arrays[f"truth_{i}"], arrays[f"shown_{i}"]) for i, each in enumerate(content["scenes"])}
    return Refinement(content["trained"], content["n"], rows, scenes)
