"""Lab 9: straight paths, what is at their end, Euler's and Heun's steps, a flow by any denoiser, from a regressor to a sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import priors
import solvers
from priors.mixture import SHIFTS, glyphs
from problems.operator import circulant
from reports.labs.drawn import BECAUSE, ERRORS, generator
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white

Believe = Callable[[Tensor, float], Tensor]
DOUBT = 2.5  # pictures that are about equally probable once y was seen: so much doubt the noise leaves
BLUR = 0.16  # standard deviation of the blur, in sides of the picture
STEPPING = 0.025  # by which twelve steps may shift how often a picture is drawn; measured: at most that, of sixteen ids


class Scene(NamedTuple):
    """Ten ``pictures`` [10, 1, 18, 18], what a camera sees of each without its noise, one noisy measurement, and points in a plane."""

    pictures: Tensor
    chances: Tensor
    blurred: Tensor
    noise_sigma: float
    y: Tensor
    truth: Tensor
    points: Tensor
    point_chances: Tensor


def scene(rng: np.random.Generator) -> Scene:
    pictures, blurred, chances = digits(rng, 18, 10)
    truth = int(rng.choice(10, p=chances.numpy() / float(chances.sum())))
    y, noise_sigma = measurement(rng, blurred, chances, truth)
    angles = 2 * np.pi * (np.arange(5) + rng.uniform(0.2, 0.8, 5)) / 5
    points = torch.from_numpy(rng.uniform(1.5, 2.5, (5, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1))[:, None, None]
    return Scene(
        pictures.float(), chances.float(), blurred.float(), noise_sigma, y.float(), pictures[truth][None].float(), points.float(),
        even(rng, 5).float(),
    )  # fmt: skip


def digits(rng: np.random.Generator, size: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Some of the ten digits at one of nine places [K, 1, H, W], what the blur makes of them, and how often they are asked for [K]."""
    places = len(SHIFTS) ** 2
    which = np.sort(rng.choice(10, count, replace=False))
    pictures = glyphs((1, size, size))[which * places + int(rng.integers(places))]
    return pictures, blur(pictures), even(rng, count)


def even(rng: np.random.Generator, count: int) -> Tensor:
    """Probabilities [K] of which none is small."""
    return torch.from_numpy(0.5 / count + 0.5 * rng.dirichlet(np.full(count, 4.0)))


def blur(pictures: Tensor) -> Tensor:
    height, width = pictures.shape[-2:]
    rows, columns = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.rfftfreq(width, dtype=torch.float64)
    return circulant(pictures, torch.exp(-2 * (np.pi * BLUR * height) ** 2 * (rows[:, None] ** 2 + columns**2)))


def measurement(rng: np.random.Generator, blurred: Tensor, chances: Tensor, truth: int, doubt: float = DOUBT) -> tuple[Tensor, float]:
    """A measurement of one picture whose noise leaves so much doubt about which it is, and the standard deviation of that noise."""
    noise = white(rng, 1, *blurred.shape[1:]).double()
    low, high = 1e-3, 1e2
    for _ in range(60):
        middle = (low * high) ** 0.5
        found = weights(blurred[truth] + middle * noise, blurred, chances, middle)
        low, high = (middle, high) if float(torch.special.entr(found).sum().exp()) < doubt else (low, middle)
    return blurred[truth] + high * noise, high


# Instances.
def for_path(rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    return detail(rng, 24).double(), white(rng, 1, 1, 24, 24).double(), float(rng.uniform(0.2, 0.4))


def for_answer(rng: np.random.Generator) -> tuple[Tensor, float, Tensor, Tensor, Tensor, float]:
    pictures, ends, chances = digits(rng, 16, 5)
    t, width = float(rng.uniform(0.5, 0.7)), float(rng.uniform(1.2, 1.8))
    start = ends[int(rng.integers(5))] + width * white(rng, 3, 1, 16, 16).double()
    return (1 - t) * pictures[:3] + t * start, t, pictures, ends, chances, width


def for_steps(rng: np.random.Generator) -> tuple[Tensor, list[float], Believe]:
    """A few dots in a plane of two pixels, so near each other that the paths bend all the way."""
    points, chances, count = torch.from_numpy(rng.normal(0, 1, (4, 1, 1, 2))), even(rng, 4), int(rng.integers(5, 8))
    times = np.linspace(1, 0, count + 1) ** float(rng.uniform(0.8, 1.2))
    return white(rng, 8, 1, 1, 2).double(), times.tolist(), lambda x, t: answer(x, t, points, 0 * points, chances, 1.0)


def for_slot(rng: np.random.Generator) -> tuple[Any, Tensor, float]:
    t = float(rng.uniform(0.3, 0.5))
    shown = glyphs((1, 16, 16))[rng.choice(90, 2, replace=False)]
    return priors.load("digits"), (1 - t) * shown + t * white(rng, 2, 1, 16, 16).double(), t


DRAWS = 2000


def for_refine(rng: np.random.Generator) -> tuple[Any, ...]:
    pictures, blurred, chances = digits(rng, 12, 4)
    y, noise_sigma = measurement(rng, blurred, chances, int(rng.integers(4)), doubt=3.2)
    times = np.linspace(1, 0, 13).tolist()
    drawn = generator(int(rng.integers(2**31)))
    return y, pictures, blurred, chances, noise_sigma, float(rng.uniform(0.18, 0.22)), times, DRAWS, drawn


# The truth.
def weights(x: Tensor, centres: Tensor, chances: Tensor, sigma: float) -> Tensor:
    """p(k | x) by Bayes, [B, K]."""
    return torch.softmax(chances.log() - squares(x, centres) / (2 * sigma**2), 1)


def squares(x: Tensor, centres: Tensor) -> Tensor:
    """Squared distances [B, K] of x [B, 1, H, W] from centres [K, 1, H, W]."""
    return torch.cdist(x.flatten(1), centres.flatten(1)).square()


def on_path(picture: Tensor, start: Tensor, t: float) -> tuple[Tensor, Tensor]:
    return torch.lerp(picture, start, t), start - picture


def answer(x: Tensor, t: float, pictures: Tensor, ends: Tensor, chances: Tensor, width: float) -> Tensor:
    return torch.tensordot(weights(x, torch.lerp(pictures, ends, t), chances, t * width), pictures, 1)


class Flow:
    """A flow in the slot of the library, which is told the time for a level, and so follows x_t = x + sigma d with d = start - x."""

    def __init__(self, believe: Believe):
        self.believe = believe

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.believe(x, sigma)


def followed(x: Tensor, times: Sequence[float], believe: Believe, method: str) -> Tensor:
    return solvers.generate(Flow(believe), tuple(x.shape[1:]), len(x), 0, method, levels=times[:-1], start=x).samples


def euler(x: Tensor, times: Sequence[float], believe: Believe) -> Tensor:
    return followed(x, times, believe, "ddim")


def heun(x: Tensor, times: Sequence[float], believe: Believe) -> Tensor:
    return followed(x, times, believe, "heun")


def from_slot(prior: Any, x: Tensor, t: float) -> Tensor:
    """E[picture | x_t] of the digits, each of them N(template, spread^2) in every pixel, in the closed form of such a mixture."""
    templates, spread = glyphs(tuple(x.shape[1:])), float(prior.kinds[0].texture.density(x.shape).mean().sqrt())
    seen = (1 - t) ** 2 * spread**2 + t**2  # variance of x_t about (1 - t) template
    chance = weights(x, (1 - t) * templates, torch.ones(len(templates), dtype=x.dtype), seen**0.5)
    gain = (1 - t) * spread**2 / seen
    return gain * x + (1 - gain * (1 - t)) * torch.tensordot(chance, templates, 1)


def shares(samples: Tensor, y: Tensor, pictures: Tensor, *rest: Any) -> Tensor:
    """How often each picture was drawn, last how often none of them, and the number of samples."""
    distances = torch.cdist(samples.double().reshape(-1, pictures[0].numel()), pictures.flatten(1))
    nearest = torch.nn.functional.one_hot(distances.argmin(1), len(pictures)).double()
    far = (distances.min(1).values > 0.01 * pictures[0].numel() ** 0.5).double()
    return torch.cat([(nearest * (1 - far[:, None])).mean(0), far.mean()[None], torch.tensor([len(samples) / DRAWS], dtype=torch.float64)])


def expected_shares(y: Tensor, pictures: Tensor, blurred: Tensor, chances: Tensor, noise_sigma: float, *rest: Any) -> Tensor:
    return with_shares(weights(y, blurred, chances, noise_sigma)[0])


def with_shares(chance: Tensor) -> Tensor:
    return torch.cat([chance.double(), torch.tensor([0.0, 1.0], dtype=torch.float64)])


def shares_stray(y: Tensor, pictures: Tensor, blurred: Tensor, chances: Tensor, noise_sigma: float, *rest: Any) -> Tensor:
    chance = weights(y, blurred, chances, noise_sigma)[0]
    stray = ERRORS * (chance * (1 - chance) / DRAWS).sqrt() + STEPPING
    return torch.cat([stray, torch.tensor([0.02, 1e-9], dtype=torch.float64)])


# What mistakes give.
def answered(x: Tensor, centres: Tensor, pictures: Tensor, chances: Tensor, scale: float) -> Tensor:
    """The mean picture where squared distances from these centres are divided by ``scale``."""
    return torch.tensordot(torch.softmax(chances.log() - squares(x, centres) / scale, 1), pictures, 1)


def stepped(
    x: Tensor, times: Sequence[float], believe: Believe, *, sign: float = 1, over: Callable[[float, float], float] = lambda t, u: t
) -> Tensor:
    """Euler's steps with another sign of the step, or another time below the line."""
    for t, u in pairwise(times):
        x = x + sign * (u - t) * (x - believe(x, t)) / over(t, u)
    return x


def ahead(
    x: Tensor, times: Sequence[float], believe: Believe, *,
    parts: tuple[float, float] = (0.5, 0.5), late: bool = False, fixed: bool = False, always: bool = False,
) -> Tensor:  # fmt: skip
    """Heun's steps with other parts of the two velocities; with ``late`` the second is taken from x, with ``fixed`` divided by t, with
    ``always`` taken at time 0 too."""
    for t, u in pairwise(times):
        v = (x - believe(x, t)) / t
        there = x + (u - t) * v
        if u > 0 or always:
            w = ((x if late else there) - believe(x if late else there, u)) / (t if fixed else u)
            there = x + (u - t) * (parts[0] * v + parts[1] * w)
        x = there
    return x


def refined(
    y: Tensor, pictures: Tensor, blurred: Tensor, chances: Tensor, noise_sigma: float, jitter: float, times: Sequence[float], n: int,
    rng: torch.Generator, *, drawn: float = 1, shared: bool = False, known: bool = True, ends: Tensor | None = None,
    told: float | None = None, seen: Tensor | None = None, start: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Shares where the noise is ``drawn`` times the jitter, or ``shared`` by all starts, which are about ``start``; where the flow is told
    the chances before y was seen, another jitter, or that the paths begin at other ``ends``; where y is compared with what is ``seen``."""
    chance = weights(y, blurred if seen is None else seen, chances, noise_sigma)[0]
    mean = torch.tensordot(chance, pictures, 1)[None]
    noise = torch.randn((1 if shared else n, *y.shape[1:]), generator=generator(rng.initial_seed()), dtype=y.dtype)
    ends, p = mean.expand_as(pictures) if ends is None else ends, chance if known else chances
    begin = mean if start is None else start
    found = heun(begin + drawn * jitter * noise, times, lambda x, t: answer(x, t, pictures, ends, p, told or jitter))
    return shares(found.expand(n, -1, -1, -1), y, pictures)


ROUNDING = "rounding in single precision"
ON_PATH = Task(
    "on_path", "a point on a straight path, and its velocity", for_path, on_path, 1e-5, ROUNDING,
    mistakes=(
        Mistake("t runs the other way: t = 1 is the start, and t = 0 the picture", lambda p, s, t: (torch.lerp(s, p, t), s - p)),
        Mistake("time runs the other way in both: t = 1 is the start, and t = 0 the picture", lambda p, s, t: (torch.lerp(s, p, t), p - s)),
        Mistake("the velocity has the wrong sign: with growing t the point moves to the start",
                lambda p, s, t: (torch.lerp(p, s, t), p - s)),
        Mistake("the velocity does not depend on t: derive (1 - t) picture + t start by t",
                lambda p, s, t: (torch.lerp(p, s, t), t * (s - p))),
        Mistake("the velocity is start - picture; x_t - picture is only t times that, to be divided by t",
                lambda p, s, t: (torch.lerp(p, s, t), torch.lerp(p, s, t) / t)),
        Mistake("the velocity is start - picture, and not start - x_t", lambda p, s, t: (torch.lerp(p, s, t), s - torch.lerp(p, s, t))),
        Mistake("the two are exchanged: the point first, then the velocity", lambda p, s, t: on_path(p, s, t)[::-1]),
        Mistake("the velocity has no factors: derive (1 - t) picture + t start by t",
                lambda p, s, t: (torch.lerp(p, s, t), (1 - t) * s - t * p)),
        Mistake("that is how noise is added without taking from the picture: it has the part 1 - t", lambda p, s, t: (p + t * s, s - p)),
        Mistake("that is the path of a diffusion that keeps the variance; a straight one has the parts 1 - t and t",
                lambda p, s, t: ((1 - t**2) ** 0.5 * p + t * s, s - p)),
    ),
)  # fmt: skip
ANSWER = Task(
    "answer", "the mean of the pictures that x may be on the way to", for_answer, answer, 1e-5, ROUNDING,
    mistakes=(
        Mistake("the noise at time t is t * width, not width", lambda x, t, p, e, c, w: answered(x, torch.lerp(p, e, t), p, c, 2 * w**2)),
        Mistake("the standard deviation at time t is t * width: (1 - t) belongs to the picture",
                lambda x, t, p, e, c, w: answered(x, torch.lerp(p, e, t), p, c, 2 * ((1 - t) * w) ** 2)),
        Mistake("sigma is given squared: weights takes the standard deviation t * width",
                lambda x, t, p, e, c, w: answered(x, torch.lerp(p, e, t), p, c, 2 * (t * w) ** 4)),
        Mistake("the width is left out: the standard deviation is t * width",
                lambda x, t, p, e, c, w: answered(x, torch.lerp(p, e, t), p, c, 2 * t**2)),
        Mistake("x is compared with the pictures; at time t the paths are spread about (1 - t) * pictures + t * ends",
                lambda x, t, p, e, c, w: answered(x, p, p, c, 2 * (t * w) ** 2)),
        Mistake("the ends are left out: the centres are (1 - t) * pictures + t * ends",
                lambda x, t, p, e, c, w: answered(x, (1 - t) * p, p, c, 2 * (t * w) ** 2)),
        Mistake("t runs the other way: the centres are (1 - t) * pictures + t * ends",
                lambda x, t, p, e, c, w: answered(x, torch.lerp(e, p, t), p, c, 2 * (t * w) ** 2)),
        Mistake("the mean of the centres is returned; asked is that of the pictures, at t = 0",
                lambda x, t, p, e, c, w: answered(x, torch.lerp(p, e, t), torch.lerp(p, e, t), c, 2 * (t * w) ** 2)),
        Mistake("the chances are left out", lambda x, t, p, e, c, w: answered(x, torch.lerp(p, e, t), p, 0 * c + 1, 2 * (t * w) ** 2)),
        Mistake("that is the most likely picture, not the mean",
                lambda x, t, p, e, c, w: p[weights(x, torch.lerp(p, e, t), c, t * w).argmax(1)]),
        Mistake("every picture counts the same there, or by its chances alone; weigh each by its probability given x",
                lambda x, t, p, e, c, w: torch.tensordot(c, p, 1)[None].expand_as(x)),
    ),
)  # fmt: skip
EULER = Task(
    "euler", "follow the velocity in Euler's steps", for_steps, euler, 1e-5, ROUNDING,
    mistakes=(
        Mistake("the step has the wrong sign: u - t, which is negative, since time falls", lambda *given: stepped(*given, sign=-1)),
        Mistake("the velocity is (x - D) / t: the division by t is missing",
                lambda *given: stepped(*given, over=lambda t, u: 1.0)),
        Mistake("the velocity is divided by the time t of its beginning, not by u, where the step ends",
                lambda *given: stepped(*given, over=lambda t, u: u)),
        Mistake("the step u - t is missing: go (u - t) times the velocity", lambda *given: stepped(*given, over=lambda t, u: t * (u - t))),
        Mistake("D stands for the picture, at time 0; from x go (u - t) / t of the way from D", lambda x, times, b: between(x, times, b)),
        Mistake("that goes all the way to D in every step: go (u - t) / t of it", lambda *given: stepped(*given, over=lambda t, u: t - u)),
        Mistake("the last step, to time 0, is missing", lambda x, times, b: stepped(x, times[:-1], b)),
        Mistake("only one step is gone: return stands inside the loop", lambda x, times, b: stepped(x, times[:2], b)),
        Mistake("the answer D is asked for at the end of the step, at time u, not at its beginning",
                lambda x, times, b: shifted(x, times, b)),
        Mistake("one step from the first time to the last: x has to be carried on from step to step",
                lambda x, times, b: stepped(x, [times[0], times[-1]], b)),
        Mistake("these are Heun's steps; Euler's take the velocity at the beginning alone", heun),
    ),
)  # fmt: skip


def between(x: Tensor, times: Sequence[float], believe: Believe) -> Tensor:
    """Parts 1 - u of the picture and u of x, as if x were the start."""
    for t, u in pairwise(times):
        x = torch.lerp(believe(x, t), x, u)
    return x


def shifted(x: Tensor, times: Sequence[float], believe: Believe) -> Tensor:
    for t, u in pairwise(times):
        x = x + (u - t) * (x - believe(x, max(u, 1e-6))) / t
    return x


FROM_SLOT = Task(
    "from_slot", "the flow's answer by any denoiser", for_slot, from_slot, 1e-5, ROUNDING,
    mistakes=(
        Mistake("x is given as it is: divide it by 1 - t first", lambda p, x, t: p.denoise(x, t / (1 - t))),
        Mistake("x is divided before it is denoised, not after", lambda p, x, t: p.denoise(x, t) / (1 - t)),
        Mistake("brackets are missing: x / (1 - t)", lambda p, x, t: p.denoise(x - t, t / (1 - t))),
        Mistake("the noise is divided by 1 - t, too: sigma is t / (1 - t)", lambda p, x, t: p.denoise(x / (1 - t), t)),
        Mistake("nothing is divided by 1 - t: neither x nor the noise is in the denoiser's units", lambda p, x, t: p.denoise(x, t)),
        Mistake("the answer is a picture already: do not multiply it by 1 - t", lambda p, x, t: (1 - t) * from_slot(p, x, t)),
        Mistake("denoise takes a standard deviation, not a variance", lambda p, x, t: p.denoise(x / (1 - t), (t / (1 - t)) ** 2)),
        Mistake("sigma is upside down: noise t over picture 1 - t", lambda p, x, t: p.denoise(x / (1 - t), (1 - t) / t)),
        Mistake("t runs the other way: the noise has the part t, the picture 1 - t", lambda p, x, t: p.denoise(x / t, (1 - t) / t)),
        Mistake("that is the velocity; asked is the answer D", lambda p, x, t: (x - from_slot(p, x, t)) / t),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255", lambda p, x, t: p.denoise(x / (1 - t), 255 * t / (1 - t))),
    ),
)  # fmt: skip
HEUN = Task(
    "heun", "follow the velocity in Heun's steps", for_steps, heun, 1e-5, ROUNDING,
    mistakes=(
        Mistake("these are Euler's steps: the velocity ahead is not used", euler),
        Mistake("the two velocities are added; go with their mean, half of the sum", lambda *given: ahead(*given, parts=(1, 1))),
        Mistake("brackets are missing: half of both velocities, (v + w) / 2", lambda *given: ahead(*given, parts=(1, 0.5))),
        Mistake("the step that ends at time 0 has no velocity at its end: there go with the first one alone",
                lambda *given: ahead(*given, always=True)),
        Mistake("only the velocity ahead is used; go with the mean of both", lambda *given: ahead(*given, parts=(0, 1))),
        Mistake("the second velocity belongs to the point ahead, not to x", lambda *given: ahead(*given, late=True)),
        Mistake("the second velocity is divided by the time ahead, u, not by t", lambda *given: ahead(*given, fixed=True)),
        Mistake("the second step begins at the point ahead; it begins at x, like the first", lambda *given: twice(*given)),
        Mistake("the last step, to time 0, is missing", lambda x, times, b: ahead(x, times[:-1], b)),
        Mistake("only one step is gone: return stands inside the loop", lambda x, times, b: ahead(x, times[:2], b)),
    ),
)  # fmt: skip


def twice(x: Tensor, times: Sequence[float], believe: Believe) -> Tensor:
    for t, u in pairwise(times):
        v = (x - believe(x, t)) / t
        x = x + (u - t) * v
        if u > 0:
            x = x + (u - t) * (v + (x - believe(x, u)) / u) / 2
    return x


SAME = "all samples are the same: every start needs noise of its own, of the shape [n, 1, H, W]"
REFINE = Task(
    "refine", "samples from a regression with noise at the start", for_refine, expected_shares, shares_stray,
    f"{BECAUSE} of how often each picture is drawn, and {STEPPING} for the steps", measure=shares,
    form=lambda y, p, b, c, s, jitter, times, n, rng: (n, *y.shape[1:]), uses=("answer", "heun"),
    mistakes=(
        Mistake(SAME, lambda *given: refined(*given, drawn=0, shared=True)),
        Mistake(SAME, lambda *given: refined(*given, shared=True)),
        Mistake("the flow is told the chances before y was seen; its pictures have the chances p, given y",
                lambda *given: refined(*given, known=False)),
        Mistake("the flow is told that its paths begin about the blurred pictures; here all of them begin about r",
                lambda y, p, b, *rest: refined(y, p, b, *rest, ends=b)),
        Mistake("the flow is told that its paths begin about zero; they begin about r",
                lambda y, p, *rest: refined(y, p, *rest, ends=0 * p)),
        Mistake("the noise at the start has the standard deviation 1; it is jitter",
                lambda y, p, b, c, s, jitter, *rest: refined(y, p, b, c, s, jitter, *rest, drawn=1 / jitter)),
        Mistake("y is blurred, so compare it with the blurred pictures", lambda y, p, *rest: refined(y, p, *rest, seen=p)),
        Mistake("the starts are about y; they are about r, the regression's answer", lambda y, *rest: refined(y, *rest, start=y)),
        Mistake("the flow is told noise_sigma; the starts have the width jitter",
                lambda y, p, b, c, s, *rest: refined(y, p, b, c, s, *rest, told=s)),
        Mistake("what comes out is none of the pictures: is the regression's answer returned, or the last step, to time 0, left out?",
                lambda y, p, *rest: torch.cat([torch.zeros(len(p)), torch.ones(2)]).double()),
    ),
)  # fmt: skip
LAB = Lab(
    9, "Straight paths", scene, (ON_PATH, ANSWER, EULER, FROM_SLOT, HEUN, REFINE),
    "The flow from y and the flow from the noisy regression both end at sharp pictures. Which of the two can tell how sure it is, and what"
    " did sharpness cost in squared error? Why must the jitter be neither zero nor, with so few steps, very small?",
)  # fmt: skip
