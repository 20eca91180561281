"""Priorbench beside deepinv and scico, as Markdown tables: python -m tests.peers [--quick].

Same measurement, same operator, same machine, one core; the repetitions of all entrants are interleaved, so that what else the
machine does falls on all of them, and seconds are those of the processor. The best number of a column is bold, whoever has it.
Needs an environment of its own, which ``INSTALL`` in ``tests/entrants.py`` makes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import priors
import problems
from priors.tv import weight
from problems.problem import Problem
from reports.experiments.posteriors import CASES, FEWEST, SAMPLES, Reference
from tests import entrants
from tests.entrants import Answer, Entrant

SHOWN_VERSIONS = ("torch", *entrants.PEERS, "jax", "bm3d", "numpy")
IMAGES = ("camera", "chelsea")
KERNEL, NOISE = "motion:15:30", 0.02

Numbers = dict[str, float]
Judge = Callable[[Sequence[Answer]], list[Numbers]]


@dataclass(frozen=True)
class Column:
    """How a number is printed, and how far it is from what one would like; None where there is nothing to like."""

    form: str
    off: Callable[[float], float] | None = None


COLUMNS = {
    "ms": Column("{:.2f}", abs),
    "s": Column("{:.3g}", abs),
    "times ours": Column("{:.2f}"),
    "denoiser calls": Column("{:.0f}"),
    "difference": Column("{:.0e}"),
    "PSNR": Column("{:.2f}", lambda value: -value),
    "objective above best": Column("+{:.2%}", abs),
    "std ratio": Column("{:.2f}", lambda value: abs(math.log(max(value, 1e-9)))),
    "coverage": Column("{:.3f}", lambda value: abs(value - 0.9)),
    "error of mean": Column("{:.2f}", abs),
}


@dataclass(frozen=True)
class Contest:
    """A task and who does it, the first being ours, whom times are compared with.

    Each of ``rounds`` runs every entrant ``repeats`` times. Seconds are divided by ``parts``, the problems that a run solves.
    """

    title: str
    entrants: Sequence[Entrant]
    judge: Judge
    unit: str = "s"
    rounds: int = 3
    repeats: int = 1
    parts: int = 1


@dataclass(frozen=True)
class Row:
    who: str
    what: str
    numbers: Numbers


def interleaved(runs: Sequence[Callable[[], object]], rounds: int, repeats: int = 1) -> list[list[float]]:
    """CPU seconds of one call of each run in each round, [runs][rounds]; every round starts with another run."""
    spent: list[list[float]] = [[] for _ in runs]
    for turn in range(rounds):
        for k in range(len(runs)):
            chosen = (k + turn) % len(runs)
            began = time.process_time()
            for _ in range(repeats):
                runs[chosen]()
            spent[chosen].append((time.process_time() - began) / repeats)
    return spent


def held(contest: Contest) -> list[Row]:
    """Run every entrant once to warm up and be judged, then by turns against the clock."""
    answers = [entrant.run() for entrant in contest.entrants]
    spent = interleaved([entrant.run for entrant in contest.entrants], contest.rounds, contest.repeats)
    scale = {"s": 1, "ms": 1e3}[contest.unit] / contest.parts
    rows = []
    for entrant, answer, seconds, judged in zip(contest.entrants, answers, spent, contest.judge(answers), strict=True):
        ratios = [one / ours for one, ours in zip(seconds, spent[0], strict=True)]
        numbers = {contest.unit: scale * statistics.median(seconds), "times ours": statistics.median(ratios)}
        rows.append(Row(entrant.who, entrant.what, numbers | ({"denoiser calls": answer.calls} if answer.calls else {}) | judged))
    return rows


def table(title: str, rows: Sequence[Row]) -> str:
    """Markdown, the best of a column in bold."""
    names = [name for name in COLUMNS if any(name in row.numbers for row in rows)]
    best = {name: favourite(name, [row.numbers[name] for row in rows if name in row.numbers]) for name in names}
    lines = [f"| {title} | | " + " | ".join(names) + " |", "|---|---" + "|---:" * len(names) + "|"]
    for row in rows:
        cells = [printed(name, row.numbers[name], best[name]) if name in row.numbers else "" for name in names]
        lines.append(" | ".join([f"| {row.who}", row.what, *cells]) + " |")
    return "\n".join(lines)


def favourite(name: str, values: Sequence[float]) -> str:
    """The best of some values as it is printed, empty where none is."""
    off = COLUMNS[name].off
    return COLUMNS[name].form.format(min(values, key=off)) if off and len(values) > 1 else ""


def printed(name: str, value: float, best: str) -> str:
    told = COLUMNS[name].form.format(value)
    return f"**{told}**" if told == best else told


# What is compared.
def over(maker: Callable[[Problem], Entrant], several: Sequence[Problem]) -> Entrant:
    """One entrant that solves several problems, one after the other."""
    parts = [maker(problem) for problem in several]

    def run() -> Answer:
        answers = [part.run() for part in parts]
        return Answer(torch.cat([answer.x for answer in answers]), answers[0].calls)

    return Entrant(parts[0].who, parts[0].what, run)


def differences(answers: Sequence[Answer]) -> list[Numbers]:
    """The largest difference of a pixel from ours: both solve the same equation."""
    return [{}, *({"difference": float((answer.x - answers[0].x).abs().max())} for answer in answers[1:])]


def quality(several: Sequence[Problem], answers: Sequence[Answer]) -> list[Numbers]:
    """PSNR, averaged over the problems."""
    truths = [problem.truth for problem in several]
    return [{"PSNR": statistics.mean(map(psnr, answer.x.split(1), truths))} for answer in answers]


def psnr(x: Tensor, truth: Tensor) -> float:
    return float(-10 * (x.clamp(0, 1) - truth).double().square().mean().log10())


def energies(problem: Problem, strength: float, answers: Sequence[Answer]) -> list[Numbers]:
    """PSNR, and how far |A x - y|^2 / 2 + strength TV(x) is above the lowest that an entrant reached."""
    tv = priors.load("tv")

    def energy(x: Tensor) -> float:
        return float((problem.operator.forward(x) - problem.y).square().sum() / 2 + strength * tv.energy(x).sum())

    found = [energy(answer.x.double()) for answer in answers]
    scores = quality([problem], answers)
    return [score | {"objective above best": value / min(found) - 1} for score, value in zip(scores, found, strict=True)]


def spreads(ruler: Reference, answers: Sequence[Answer]) -> list[Numbers]:
    """Against the exact posterior: samples [n, B, C, H, W]."""
    measured = [ruler.measure(answer.x.double().flatten(2)) for answer in answers]
    kept = {"std_ratio": "std ratio", "coverage": "coverage", "mean_error": "error of mean"}
    return [{shown: numbers[name].value for name, shown in kept.items()} for numbers in measured]


def data_steps(size: int, rounds: int) -> Iterator[Contest]:
    picture = problems.load_image(IMAGES[0], size=size)
    made = {"blur": problems.deblur(picture, kernel=KERNEL, noise_sigma=NOISE), "half of the pixels": problems.inpaint(picture)}
    x0, width = torch.rand(picture.shape, generator=torch.Generator().manual_seed(0)), 0.1
    for name, problem in made.items():
        makers = (entrants.our_data_step, entrants.deepinv_data_step, entrants.scico_data_step)
        yield Contest(f"Data step: {name}, {size} × {size}", [maker(problem, x0, width) for maker in makers], differences, "ms", rounds, 20)


def total_variation(size: int, rounds: int) -> Iterator[Contest]:
    picture, tv = problems.load_image(IMAGES[0], size=size), priors.load("tv")
    noisy = problems.denoise(picture)
    strength = weight(noisy.noise_sigma, 1)
    tasks = [
        entrants.our_denoiser(noisy, tv),
        entrants.deepinv_tv(noisy),
        entrants.scico_tv(noisy, strength, 10 * strength, 50, circular=True),
        entrants.scico_tv(noisy, strength, 10 * strength, 50, circular=False),
    ]
    yield Contest(f"TV: noise 25/255, {size} × {size}", tasks, partial(energies, noisy, strength), rounds=rounds)
    blurred = problems.deblur(picture, noise_sigma=NOISE)
    strength = entrants.tv_strength(blurred)
    tasks = [
        entrants.our_estimate(blurred, tv, "admm"),
        entrants.deepinv_fista(blurred, 100, 20),
        entrants.deepinv_fista(blurred, 100, 50),
        entrants.scico_tv(blurred, strength, 10 * strength, 50, circular=True),
        entrants.scico_tv(blurred, strength, 10 * strength, 100, circular=False),
    ]
    yield Contest(f"TV: deblurring, {size} × {size}", tasks, partial(energies, blurred, strength), rounds=rounds)


def blurred_pictures(size: int) -> list[Problem]:
    return [problems.deblur(problems.load_image(name, size=size, channels=1), kernel=KERNEL, noise_sigma=NOISE) for name in IMAGES]


def bm3d(size: int, rounds: int, steps: int) -> Iterator[Contest]:
    several, ours, theirs = blurred_pictures(size), priors.load("bm3d"), entrants.DeepinvBM3D()
    makers = [
        lambda p: entrants.our_estimate(p, ours, "admm", steps),
        lambda p: entrants.deepinv_admm(p, theirs, steps),
        lambda p: entrants.scico_bm3d(p, steps),
        lambda p: entrants.our_estimate(p, ours, "hqs", 8),
        lambda p: entrants.deepinv_dpir(p, theirs),
    ]
    yield loops(f"BM3D, plug-and-play, {size} × {size}", makers, several, rounds)


def network(size: int, rounds: int) -> Iterator[Contest]:
    several, cnn = blurred_pictures(size), priors.load("cnn")
    makers = [
        lambda p: entrants.our_estimate(p, cnn, "admm", 30),
        lambda p: entrants.deepinv_admm(p, cnn, 30),
        lambda p: entrants.our_estimate(p, cnn, "hqs", 8),
        lambda p: entrants.deepinv_dpir(p, cnn),
        lambda p: entrants.our_estimate(p, cnn, "hqs"),
        lambda p: entrants.our_estimate(p, cnn, "mean"),
    ]
    yield loops(f"Our `cnn` in both, {size} × {size}", makers, several, rounds)


def loops(title: str, makers: Sequence[Callable[[Problem], Entrant]], several: Sequence[Problem], rounds: int) -> Contest:
    return Contest(title, [over(maker, several) for maker in makers], partial(quality, several), rounds=rounds, parts=len(several))


SAMPLERS = {
    "`DDRM`, 100 levels": entrants.ddrm,
    "`DiffPIR`, 100 levels": entrants.diffpir,
    "`ULA`, 2000 steps": entrants.ula(2000),
    "`DPS`, 1000 levels": entrants.dps("norm"),
    "`DPS`, 1000 levels, guidance annealed": entrants.dps("annealed"),
    "`PiGDMDataFidelity`, 100 levels": entrants.diffusion("PiGDMDataFidelity", 100),
    "`PiGDMDataFidelity`, 1000 levels": entrants.diffusion("PiGDMDataFidelity", 1000),
    "`MomentMatchingDataFidelity`, 100 levels": entrants.diffusion("MomentMatchingDataFidelity", 100),
    "`MomentMatchingDataFidelity`, 1000 levels": entrants.diffusion("MomentMatchingDataFidelity", 1000),
}


def samplers(n: int, rounds: int, most: int) -> Iterator[Contest]:
    """``most`` is how many denoiser calls an entrant may need for a sample, about."""
    for case in (CASES[0], CASES[2]):
        ruler = Reference(case, n)
        ours = [("annealed", 20, True), ("annealed", 100, True), ("annealed", 20, False), ("annealed", 100, False)]
        ours += [("langevin", 1000, True), ("ula", 2000, True)] if most >= 1000 else []
        theirs = {what: make for what, make in SAMPLERS.items() if most >= 1000 or "100 levels" in what}
        runners = [entrants.our_samples(ruler, *settings) for settings in ours]
        runners += [entrants.deepinv_samples(ruler, what, make) for what, make in theirs.items()]
        yield Contest(f"Samples, Gaussian posterior: {case.problem}", runners, partial(spreads, ruler), rounds=rounds)


def contests(quick: bool) -> Iterator[Contest]:
    size, small, rounds = (64, 32, 1) if quick else (256, 128, 5)
    yield from data_steps(size, 3 if quick else 25)
    yield from total_variation(size, rounds)
    yield from bm3d(small, 1, 4 if quick else 30)
    yield from network(small, 1 if quick else 3)
    yield from samplers(FEWEST if quick else SAMPLES, 1, 100 if quick else 2000)


def on_one_core() -> None:
    """What starts threads all the same shares the core, and their work is in the seconds of the process."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def heading() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in SHOWN_VERSIONS)
    return f"{date.today().isoformat()}, one core of {processor()}; {versions}\n"


def processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description="Priorbench beside deepinv and scico, as Markdown tables.")
    parser.add_argument("--quick", action="store_true", help="small pictures, few repetitions, short samplers: whether all of it runs")
    quick = parser.parse_args(arguments).quick
    if told := entrants.missing():
        print(told, file=sys.stderr)
        sys.exit(2)
    on_one_core()
    warnings.filterwarnings("ignore", module=r"deepinv|scico|jax")
    print(heading(), flush=True)
    for contest in contests(quick):
        print(table(contest.title, held(contest)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
