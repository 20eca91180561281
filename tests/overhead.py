"""What the loop costs beside the network: python -m tests.overhead [SIZE].

For each problem the default sampler runs with the shipped diffusion prior, one thread, in CPU seconds. What is spent in the prior
is subtracted; the rest is the data step, the noise, the checks and the record of each turn.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import Tensor

import priors
import problems
import solvers
from priors.slot import Belief, Denoiser

PROBLEMS = {
    "deblur": lambda image: problems.deblur(image, kernel="motion:15:30"),
    "super_resolution": lambda image: problems.super_resolution(image, factor=4),
    "random mask": lambda image: problems.inpaint(image, mask="random:0.5"),
    "box": lambda image: problems.inpaint(image, mask="box:0.25"),
}


class Timed:
    """A prior that sums up the CPU seconds spent in it."""

    def __init__(self, prior: Denoiser):
        self.prior, self.seconds = prior, 0.0
        self.sigma_range, self.mmse = prior.sigma_range, True

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.belief(x, sigma).mean

    def belief(self, x: Tensor, sigma: float) -> Belief:
        began = time.process_time()
        found = self.prior.belief(x, sigma)
        self.seconds += time.process_time() - began
        return found


def share(maker, size: int, n: int = 4, steps: int = 10) -> tuple[float, float]:
    """CPU seconds per turn and image of the network, and of everything else."""
    problem, prior = maker(problems.load_image("camera", size=size)), Timed(priors.load("diffusion"))
    solvers.sample(problem, prior, n=n, rng=0, steps=2)  # warm
    prior.seconds, began = 0.0, time.process_time()
    solvers.sample(problem, prior, n=n, rng=0, steps=steps)
    whole = time.process_time() - began
    return prior.seconds / (n * steps), (whole - prior.seconds) / (n * steps)


def main(size: int) -> None:
    torch.set_num_threads(1)
    for name, maker in PROBLEMS.items():
        network, rest = share(maker, size)
        print(f"{name:18} network {1e3 * network:6.1f} ms, loop {1e3 * rest:5.2f} ms: {rest / (network + rest):.1%}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 128)
