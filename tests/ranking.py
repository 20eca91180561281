"""How often the data that were held back rank priors as the truth does: python -m tests.ranking.

For simulated problems of 64 x 64 pixels it holds the ranking by CRPS (``reports.judging.sceptic``) against PSNR: of all pairs of
priors that the ranking tells apart, the share in which the better one by CRPS is better by PSNR too.
"""

from __future__ import annotations

import itertools
import math

import torch

import priors
import problems
import solvers
from problems.problem import Problem
from reports.judging import sceptic

PRIORS = ("gaussian", "tv", "cnn", "diffusion")
PROBLEMS = {
    "deblur": {"kernel": "gaussian:1.6", "boundary": "unknown"},
    "super_resolution": {"factor": 2, "boundary": "unknown"},
    "inpaint": {"mask": "random:0.5"},
    "denoise": {},
}
IMAGES = ("camera", "astronaut", "chelsea", "rocket", "brick", "grass")
STEPS, SAMPLES = 10, 6


def psnr(problem: Problem, prior: priors.Denoiser) -> float:
    x = solvers.solve(problem, prior, "mean", steps=STEPS).x
    assert problem.truth is not None
    inside = getattr(problem.operator, "scene", (...,))
    return float(-10 * (x - problem.truth)[inside].square().mean().log10())


def main() -> None:
    torch.set_num_threads(1)
    for name, options in PROBLEMS.items():
        told = right = pairs = 0
        for image in IMAGES:
            problem = problems.load(name, problems.load_image(image, size=64), rng=1, **options)
            scores = {prior: psnr(problem, priors.load(prior)) for prior in PRIORS}
            found = {prior: sceptic.foretell(problem, priors.load(prior), prior, SAMPLES, 0, STEPS).crps for prior in PRIORS}
            for a, b in itertools.combinations(PRIORS, 2):
                pairs += 1
                difference = found[a] - found[b]
                if abs(difference.mean()) > sceptic.CERTAIN * difference.std(ddof=1) / math.sqrt(difference.size):
                    told += 1
                    right += (difference.mean() < 0) == (scores[a] > scores[b])
        print(f"{name}: {told} of {pairs} pairs told apart, {right} of them rightly", flush=True)


if __name__ == "__main__":
    main()
