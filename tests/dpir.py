"""The protocol of DPIR's deblurring (Zhang et al. 2021): python -m tests.dpir SET3C_FOLDER Levin09.mat [grey|colour] [METHODS].

Three pictures of 256 x 256, eight kernels of Levin et al. 2009, noise 2.55 and 7.65 of 255. As in the authors' code the blurred
picture is cut to 8 bits before the noise is added, the noise has the same seed for every picture, and PSNR is that of 8-bit pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import priors
import problems
import solvers
from problems import kernels
from problems.problem import Problem

NOISES = (2.55 / 255, 7.65 / 255)
PUBLISHED = {  # kernel of 17 x 17 pixels, colour: butterfly, leaves, starfish (table 4)
    2.55 / 255: (34.18, 35.12, 33.91),
    7.65 / 255: (30.45, 30.27, 29.46),
}


def measured(truth: Tensor, kernel: np.ndarray, sigma: float) -> Problem:
    operator = problems.Blur(kernel, truth.shape[1:])
    cut = (operator.forward(truth.double()) * 255).clamp(0, 255).floor() / 255
    channels, height, width = truth.shape[1:]
    white = np.random.RandomState(0).standard_normal((height, width, channels))  # the generator of the authors' code
    y = cut + sigma * torch.from_numpy(white).movedim(-1, 0)
    return Problem("deblur", operator, y.float(), sigma, truth)


def psnr(x: Tensor, truth: Tensor) -> float:
    x, truth = ((255 * image).clamp(0, 255).round() / 255 for image in (x, truth))
    return float(-10 * (x - truth).double().square().mean().log10())


def main(folder: Path, file: Path, channels: int, methods: list[str]) -> None:
    torch.set_num_threads(1)
    prior = priors.load("cnn")
    images = [problems.load_image(path, channels=channels) for path in sorted(folder.glob("*.png"))]
    for k in range(8):
        kernel = kernels.load(file, k)
        for sigma in NOISES:
            for method in methods:
                found = [psnr(solvers.solve(measured(x, kernel, sigma), prior, method).x, x) for x in images]
                told = "  ".join(f"{value:.2f}" for value in found)
                size = "x".join(map(str, kernel.shape))
                print(f"kernel {k + 1} ({size}), {255 * sigma:.2f}/255, {method:5}: {told} | {np.mean(found):.2f}", flush=True)
    if channels == 3:
        print("published, kernel of 17 x 17:", PUBLISHED)


if __name__ == "__main__":
    given = sys.argv[3:]
    main(Path(sys.argv[1]), Path(sys.argv[2]), 3 if "colour" in given else 1, [m for m in given if m in solvers.METHODS] or ["hqs", "mean"])
