"""Lab 10: a denoiser of one's own keeps the promises of the slot, knows its error, and is compared in pairs."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import priors
import problems
import solvers
from problems import Problem, kernels
from reports.labs.lab import Complaint, Lab, Mistake, Task
from reports.labs.pictures import detail, white
from reports.scores.pixelwise import psnr

NOTHING = 0.9  # of the noise: what a denoiser leaves at most, to be better than doing nothing
KEPT = 0.01  # rms change of a picture without noise
FACTOR = 1.5  # within which a told error must be right: pictures differ by so much
APART = 2.0  # standard errors
RIVALS = ("gaussian", "tv")


class Scene(NamedTuple):
    """Clean pictures [6, 1, 48, 48] to try things out, and six measurements."""

    tuning: Tensor
    problems: list[Problem]


def scene(rng: np.random.Generator) -> Scene:
    return Scene(details(rng, 6, 48), measured(rng, 48, 6))


def details(rng: np.random.Generator, count: int, size: int) -> Tensor:
    return torch.cat([detail(rng, size) for _ in range(count)])


def glaring(rng: np.random.Generator, size: int) -> Tensor:
    """A detail with white and black areas, where restorations go beyond [0, 1]."""
    return (0.5 + 2.5 * (detail(rng, size) - 0.5)).clamp(0, 1)


def measured(rng: np.random.Generator, size: int, count: int, taken: Callable[..., Tensor] = detail) -> list[Problem]:
    """Half of them blurred by a shaken camera, half with pixels missing."""
    half = count // 2
    shaken = [problems.deblur(taken(rng, size), kernels.shake(9, rng), 0.03, rng) for _ in range(half)]
    return shaken + [problems.inpaint(taken(rng, size), "random:0.4", 0.05, rng) for _ in range(count - half)]


# Instances.
def for_answers(rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    """Noisy pictures in single precision and the clean ones in double; they are not square."""
    clean, sigma = details(rng, 2, 40)[..., :32], float(rng.uniform(0.08, 0.2))
    return clean + sigma * white(rng, *clean.shape), clean.double(), sigma


def for_error(rng: np.random.Generator) -> tuple[Any, Tensor, Tensor, float]:
    pictures = details(rng, 3, 24).double()
    return priors.load("gaussian"), pictures, white(rng, *pictures.shape).double(), float(rng.uniform(0.1, 0.3))


def for_told(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
    """Pictures to measure on, and others, each with noise."""
    tuning, other = details(rng, 6, 48), details(rng, 6, 48)
    return tuning, white(rng, *tuning.shape), other, white(rng, *other.shape), float(rng.uniform(0.06, 0.3))


def for_compare(rng: np.random.Generator) -> tuple[list[Problem], list[Any]]:
    return measured(rng, 24, 2, glaring), known()


def for_gain(rng: np.random.Generator) -> tuple[Tensor, int, int]:
    """Scores that differ far more by problem than by prior."""
    scores = rng.normal(26, 4, (int(rng.integers(5, 9)), 1)) + rng.normal([0.8, 0.0, -0.8], 0.4, (1, 3)) + rng.normal(0, 0.3, (1, 3))
    columns = rng.choice(3, 2, replace=False)
    return torch.from_numpy(scores + rng.normal(0, 0.3, (len(scores), 3))), int(columns[0]), int(columns[1])


def for_verdict(rng: np.random.Generator) -> tuple[list[Problem]]:
    return (measured(rng, 24, 6),)


# The truth.
def bound(x: Tensor, clean: Tensor, sigma: float) -> float:
    """The rms error that a denoiser must stay below."""
    return NOTHING * rms(x - clean)


def rms(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())


def error(prior: Any, pictures: Tensor, noise: Tensor, sigma: float) -> float:
    return rms(prior.denoise(pictures + sigma * noise, sigma) - pictures)


def level(tuning: Tensor, tuning_noise: Tensor, pictures: Tensor, noise: Tensor, sigma: float) -> float:
    """What was there before anything was denoised: an error of one's own is measured against one's own answer."""
    return rms(sigma * noise)


def compare(these: Sequence[Problem], entrants: Sequence[Any]) -> Tensor:
    return compared(these, entrants, score)


@functools.lru_cache(maxsize=64)  # every mistake, and every claim that is recomputed, asks for the same ones
def restored(problem: Problem, prior: Any) -> Tensor:
    return solvers.solve(problem, prior, "hqs", steps=8).x


def compared(
    these: Sequence[Problem], entrants: Sequence[Any], by: Callable[[Tensor, Problem], float],
    restore: Callable[[Problem, Any], Tensor] = restored,
) -> Tensor:  # fmt: skip
    """A table of ``by`` of what ``restore`` gives."""
    return torch.tensor([[by(restore(each, prior), each) for prior in entrants] for each in these], dtype=torch.float64)


def score(x: Tensor, problem: Problem) -> float:
    return psnr(x[0, 0].numpy(), problem.truth[0, 0].numpy())  # type: ignore[index]


def gain(table: Tensor, one: int, other: int) -> tuple[float, float]:
    """Mean of the paired differences, and its standard error."""
    differences = table[:, one] - table[:, other]
    return float(differences.mean()), float(differences.std() / len(differences) ** 0.5)


def rivals(these: Sequence[Problem]) -> Tensor:
    """PSNR [N, 2] of those that one's own prior is compared with."""
    return compare(these, known())


@functools.cache
def known() -> list[Any]:
    return [priors.load(name) for name in RIVALS]


# Promises.
def promised(found: Any, x: Tensor, clean: Tensor, sigma: float) -> float:
    """The bound that the error of a denoiser keeps.

    Raises:
        Complaint: a promise of the slot is broken.
    """
    answer, alone, still = three(found)
    keeps(answer, x, "at this sigma")
    keeps(still, clean, "at sigma 0")
    if rms(still - clean) > KEPT:
        cause = "sigma is not looked at, or something is added to it: where there is no noise, none is to be taken off"
        raise Complaint(
            f"at sigma 0 it changes a picture by {rms(still - clean):.2g} (rms), where {KEPT} is allowed", brightness(still, clean) or cause
        )
    if rms(alone - answer[:1]) > 1e-3:
        raise Complaint(f"the first picture comes out another when it is asked about alone, by {rms(alone - answer[:1]):.2g} (rms)",
                        "a mean or a norm is taken over the whole batch; each picture is to be treated by itself")  # fmt: skip
    off, noise = rms(answer - clean), rms(x - clean)
    if off > NOTHING * noise:
        raise Complaint(f"it errs by {off:.3g} (rms) where the noise was {noise:.3g}: that is no better than doing nothing",
                        reason(answer, x, clean.float()))  # fmt: skip
    if off < 0.02 * noise:
        raise Complaint(f"it errs by {off:.1g} (rms) where the noise was {noise:.3g}: no denoiser can; does it know the clean pictures?")
    return bound(x, clean, sigma)


def three(found: Any) -> tuple[Tensor, Tensor, Tensor]:
    if not isinstance(found, tuple) or len(found) != 3:
        raise Complaint("answers gives three tensors; take it back from a fresh copy of the lab: priorbench lab start")
    return found


def keeps(answer: Tensor, x: Tensor, where: str) -> None:
    """
    Raises:
        Complaint: another shape or dtype than that of x, or values that are not finite.
    """
    if answer.shape != x.shape:
        cause = "the padding is to be cut off again" if answer.ndim == 4 and answer.shape[-1] > x.shape[-1] else "batch and channel stay"
        raise Complaint(f"{where} its answer has the shape {list(answer.shape)}, where it was asked about {list(x.shape)}", cause)
    if answer.dtype != x.dtype:
        raise Complaint(f"{where} its answer is in {answer.dtype}, where it was asked in {x.dtype}",
                        "end with .to(x), and make other tensors in the dtype of x")  # fmt: skip
    if not bool(answer.isfinite().all()):
        raise Complaint(f"{where} its answer holds NaN or infinity", "something is divided by sigma, or by what may be zero")


def reason(answer: Tensor, x: Tensor, clean: Tensor) -> str:
    """Why an answer may be no better than the noisy picture."""
    if rms(answer - (x - clean)) < 0.5 * rms(clean):
        return "that is the noise, which was to be taken off: x minus it"
    if cause := brightness(answer, clean):
        return cause
    if rms(answer - x) < 0.3 * rms(x - clean):
        return "nearly all is left as it was: is sigma taken as if it were in 0..255, or squared?"
    if float(answer.std()) < 0.5 * float(clean.std()):
        return "nearly nothing of the picture is left: is sigma multiplied by 255, or far too much taken off?"
    return "too much or too little is taken off, or pixels have moved: look at the picture of task 1"


def brightness(answer: Tensor, clean: Tensor) -> str:
    times = float((answer * clean).sum() / (clean * clean).sum())
    told = f"it is about {times:.2g} times as bright as the picture: is a sum over patches not divided by their number, or brightness lost?"
    return "" if 0.7 < times < 1.4 else told


def honest(found: Any, tuning: Tensor, tuning_noise: Tensor, pictures: Tensor, noise: Tensor, sigma: float) -> float:
    """
    Raises:
        Complaint: the error that is told is not the one that is made.
    """
    if not isinstance(found, tuple) or len(found) != 2 or found[0].numel() != 1:
        raise Complaint("rmse tells one number", "end it with return float(...)")
    tells, made = float(found[0]), rms(found[1] - pictures)
    if not (tells > 0 and 1 / FACTOR < tells / made < FACTOR):
        raise Complaint(f"at sigma {sigma:.3g} it tells an error of {tells:.3g}, and errs by {made:.3g} on other pictures; a factor of"
                        f" {FACTOR} is allowed", excuse(tells, made, sigma))  # fmt: skip
    return level(tuning, tuning_noise, pictures, noise, sigma)


def excuse(tells: float, made: float, sigma: float) -> str:
    """What else a told error may be."""
    causes = {
        "that is sigma: was self.errors replaced by what was measured?": sigma,
        "that is the mean squared error; take its root": made**2,
        "that is the error in units of sigma; it is told in units of pixels": made / sigma,
        "it is in 0..255, where all is in 0..1": 255 * made,
    }
    distances = {abs(math.log(max(tells, 1e-9) / value)): cause for cause, value in causes.items()}
    return distances[min(distances)] if min(distances) < math.log(1.6) else ""


def defended(found: Any, these: Sequence[Problem]) -> Tensor:
    """The rivals' scores.

    Raises:
        Complaint: a claim is not what these pictures bear out.
    """
    shape = [len(these), *these[0].truth.shape[1:]]  # type: ignore[union-attr]
    if not isinstance(found, tuple) or len(found) < 2 or list(found[0].shape) != shape or sum(each.numel() for each in found[1:]) != 2:
        raise Complaint(f"it gives the restored pictures, {shape}, and a list of two claims", "join the pictures by torch.cat")
    others, mine, claims = rivals(these), found[0], torch.cat([each.reshape(-1).double() for each in found[1:]])
    scores = torch.tensor([score(x[None].float(), each) for x, each in zip(mine, these, strict=True)], dtype=torch.float64)
    if float(scores.min()) < 8 or float(scores.max()) > 50:
        raise Complaint(f"the pictures have {float(scores.min()):.1f} to {float(scores.max()):.1f} dB, which no restoration of these has",
                        "hand over what solve gives, as it is, in the order of the problems")  # fmt: skip
    table = torch.cat([scores[:, None], others], 1)
    for column, (name, claim) in enumerate(zip(RIVALS, claims.tolist(), strict=True), start=1):
        mean, spread = gain(table, 0, column)
        if claim != held(mean, spread):
            true = ("0", "+1", "-1")[held(mean, spread)]
            found_out = f"your pictures gain {mean:+.2f} dB, standard error {spread:.2f}, so the claim is {true}"
            raise Complaint(f"it claims {claim:+.3g} about {name}; recomputed, {found_out}", supposed(claims.tolist(), table))
    return others


def held(mean: float, spread: float) -> int:
    return 0 if abs(mean) <= APART * spread else int(math.copysign(1, mean))


def supposed(claims: list[float], table: Tensor) -> str:
    """How wrong claims may have come about."""
    pairs = [gain(table, 0, column) for column in (1, 2)]
    ways: dict[str, list[float]] = {
        "the two claims are exchanged: gaussian first": [held(*pair) for pair in pairs[::-1]],
        "the sign is wrong: + says that your own is better": [-held(*pair) for pair in pairs],
        "two standard errors are needed for a claim, not only the sign of the mean": [int(math.copysign(1, mean)) for mean, _ in pairs],
        "two standard errors are needed for a claim, not one": [0 if abs(m) <= s else int(math.copysign(1, m)) for m, s in pairs],
        "a claim is +1, 0 or -1, not the gain in dB": [mean for mean, _ in pairs],
        "that is typed in, or of other problems: compute the claims from the problems that are given": [],
    }
    alike = (cause for cause, way in ways.items() if not way or np.allclose(way, claims, atol=0.01))
    return next(alike)


# What mistakes give.
def off(x: Tensor, problem: Problem) -> Tensor:
    return x - problem.truth  # type: ignore[operator]


def decibels(error: Tensor) -> float:
    return -10 * math.log10(float(error))


def unpaired(table: Tensor, one: int, other: int) -> float:
    return float(((table[:, one].var() + table[:, other].var()) / len(table)).sqrt())


ROUNDING = "rounding in single precision"
CONTRACT = Task(
    "answers", "a denoiser that keeps what the slot promises", for_answers, bound, 1e-9, "shape, dtype, sigma 0, better than nothing",
    measure=promised,
)  # fmt: skip
ERROR = Task(
    "error", "root mean square error of a prior", for_error, error, lambda *given: 1e-4 * error(*given), ROUNDING,
    mistakes=(
        Mistake("the root is missing", lambda *given: error(*given) ** 2),
        Mistake("the differences must be squared before the mean is taken",
                lambda p, x, n, s: float((p.denoise(x + s * n, s) - x).abs().mean())),
        Mistake("the answer is compared with the noisy picture; compare it with the clean one",
                lambda p, x, n, s: rms(p.denoise(x + s * n, s) - x - s * n)),
        Mistake("the root of the mean square is asked for; std takes the mean error away first",
                lambda p, x, n, s: float((p.denoise(x + s * n, s) - x).std())),
        Mistake("nothing is denoised: that is the noise itself", lambda p, x, n, s: rms(s * n)),
        Mistake("no noise is added to what is denoised", lambda p, x, n, s: rms(p.denoise(x, s) - x)),
        Mistake("the noise has standard deviation 1; multiply it by sigma", lambda p, x, n, s: rms(p.denoise(x + n, s) - x)),
        Mistake("the noise must be multiplied by sigma, a standard deviation, and not by its square or root",
                lambda p, x, n, s: rms(p.denoise(x + s**2 * n, s) - x)),
        Mistake("denoise takes the standard deviation sigma, not the variance",
                lambda p, x, n, s: rms(p.denoise(x + s * n, s**2) - x)),
        Mistake("the error is told in pixel units, not in units of sigma", lambda p, x, n, s: error(p, x, n, s) / s),
        Mistake("it is the sum over the pixels; take the mean", lambda p, x, n, s: error(p, x, n, s) * x.numel() ** 0.5),
        Mistake("root of the mean over all pictures, not the mean of their roots",
                lambda p, x, n, s: float((p.denoise(x + s * n, s) - x).square().mean((1, 2, 3)).sqrt().mean())),
    ),
)  # fmt: skip
TOLD = Task(
    "told", "an error that is known", for_told, level, 1e-9, f"within a factor of {FACTOR} on other pictures", measure=honest,
    uses=("error",),
)  # fmt: skip
COMPARE = Task(
    "compare", "PSNR of every prior on every problem", for_compare, compare, 0.02, "rounding, 0.02 dB",
    mistakes=(
        Mistake("PSNR has 10 log10 of the mean squared error, or 20 log10 of its root", lambda t, e: 2 * compare(t, e)),
        Mistake("PSNR has 10 log10 of the mean squared error, not of its root", lambda t, e: compare(t, e) / 2),
        Mistake("the logarithm is to the base 10", lambda t, e: math.log(10) * compare(t, e)),
        Mistake("that is the mean squared error; PSNR is -10 log10 of it", lambda t, e: 10 ** (-compare(t, e) / 10)),
        Mistake("x is not clipped: x.clamp(0, 1) first, then subtract the truth",
                lambda t, e: compared(t, e, lambda x, each: decibels(off(x, each).square().mean()))),
        Mistake("x is clipped to [0, 1], not its difference from the truth",
                lambda t, e: compared(t, e, lambda x, each: decibels(off(x, each).clamp(0, 1).square().mean()))),
        Mistake("the differences must be squared before the mean is taken",
                lambda t, e: compared(t, e, lambda x, each: decibels(off(x.clamp(0, 1), each).abs().mean()))),
        Mistake("the squared error is summed over the pixels; its mean is asked for",
                lambda t, e: compared(t, e, lambda x, each: decibels(off(x.clamp(0, 1), each).square().sum()))),
        Mistake("the white pixel is 1, not 255", lambda t, e: compare(t, e) + 20 * math.log10(255)),
        Mistake('steps=8 is left out: solve(problem, prior, "hqs", steps=8)', lambda t, e: compared(
                t, e, score, lambda each, prior: solvers.solve(each, prior, "hqs").x)),
        Mistake("the logarithm is not multiplied by 10", lambda t, e: compare(t, e) / 10),
        Mistake("the answers are compared with the measured pictures, not with the truth", lambda t, e: compared(
                t, e, lambda x, each: psnr(x[0, 0].numpy(), each.operator.as_image(each.y)[0, 0].numpy()))),
        Mistake("all columns are those of the first prior", lambda t, e: compare(t, [e[0]] * len(e))),
        Mistake("the priors denoise y; they are to restore it: solvers.solve(problem, prior, 'hqs', steps=8).x", lambda t, e: compared(
                t, e, score, lambda each, prior: prior.denoise(each.operator.as_image(each.y), each.noise_sigma))),
    ),
)  # fmt: skip
GAIN = Task(
    "gain", "mean of the paired differences, and its standard error", for_gain, gain, 1e-5, ROUNDING,
    mistakes=(
        Mistake("the sign is wrong: one minus other", lambda t, i, j: (-gain(t, i, j)[0], gain(t, i, j)[1])),
        Mistake("that is the spread of a single difference; the mean of N has it over sqrt(N)",
                lambda t, i, j: (gain(t, i, j)[0], gain(t, i, j)[1] * len(t) ** 0.5)),
        Mistake("divide by sqrt(N), the root of the number of problems; N - 1 stands in the standard deviation alone",
                lambda t, i, j: (gain(t, i, j)[0], gain(t, i, j)[1] * (len(t) / (len(t) - 1)) ** 0.5)),
        Mistake("N is the number of problems, the rows of the table, not of all its numbers",
                lambda t, i, j: (gain(t, i, j)[0], gain(t, i, j)[1] * (len(t) / t.numel()) ** 0.5)),
        Mistake("divide by sqrt(N), not by N", lambda t, i, j: (gain(t, i, j)[0], gain(t, i, j)[1] / len(t) ** 0.5)),
        Mistake("the standard error is not that of pairs: first the difference for each problem, then its standard deviation",
                lambda t, i, j: (gain(t, i, j)[0], unpaired(t, i, j))),
        Mistake("N - 1 stands below the line of a standard deviation, since the mean is their own",
                lambda t, i, j: (gain(t, i, j)[0], gain(t, i, j)[1] * (1 - 1 / len(t)) ** 0.5)),
        Mistake("that is a variance: take its root", lambda t, i, j: (gain(t, i, j)[0], gain(t, i, j)[1] ** 2)),
        Mistake("rows are problems, columns priors", lambda t, i, j: gain(t.T, i, j)),
        Mistake("the two are exchanged: mean first, then its error", lambda t, i, j: gain(t, i, j)[::-1]),
    ),
)  # fmt: skip
VERDICT = Task(
    "verdict", "claims that can be recomputed", for_verdict, rivals, 1e-9, "claims by two standard errors", measure=defended,
    uses=("compare", "gain"),
)  # fmt: skip
LAB = Lab(
    10, "Your own prior in the slot", scene, (CONTRACT, ERROR, TOLD, COMPARE, GAIN, VERDICT),
    "What does your prior know of pictures that gaussian and tv do not, and where does it fail? Defend it, or give it up, with the numbers"
    " of your own table and of the report.",
)  # fmt: skip
