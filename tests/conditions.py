"""What a picture as the condition is worth: colorization, super-resolution and JPEG on test pictures of which the truth is known.

``python -m tests.conditions [size] [samples]`` prints a row for each task: PSNR of the picture that is shown, of the mean of the
samples and of one, the distance of the patches of each from the truth's, and the share of pixels inside 90 % intervals.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

import priors
import problems
import solvers
from priors.degraded import TASKS
from reports.scores import distributional, ensemble, pixelwise

IMAGES = ("astronaut", "chelsea", "coffee", "rocket")


def main(size: int = 96, n: int = 9) -> None:
    print(f"{len(IMAGES)} colour pictures of {size} x {size} pixels, {n} samples by Heun's steps; nominal coverage "
          f"{ensemble.order(n, ensemble.LEVEL)[1]:.2f}")  # fmt: skip
    print(f"{'task':18} {'shown':>7} {'mean':>7} {'one':>7}   SWD/255: {'shown':>6} {'mean':>6} {'one':>6}   coverage")
    for task in TASKS:
        rows = np.mean([scores(task, image, size, n) for image in IMAGES], 0)
        near, alike = (" ".join(f"{value:{width}.2f}" for value in part) for part, width in ((rows[:3], 7), (rows[3:6], 6)))
        print(f"{task:18} {near}            {alike}   {rows[6]:.2f}")


def scores(task: str, image: str, size: int, n: int) -> list[float]:
    clean = problems.as_tensor(problems.load_image(image, size=size, channels=3))
    shown = TASKS[task](clean, np.random.default_rng(0))
    prior = priors.load("pictured").given(shown, task)  # type: ignore[attr-defined]
    samples = solvers.generate(prior, (3, size, size), n, 0, steps=18).samples
    truth, drawn = clean[0].movedim(0, -1).numpy(), samples.movedim(1, -1).numpy()
    answers = (shown[0].movedim(0, -1).numpy(), drawn.mean(0), drawn[0])
    near = [pixelwise.psnr(each, truth) for each in answers]
    alike = [255 * distributional.swd(each[None], truth) for each in answers]
    return [*near, *alike, ensemble.coverage(drawn, truth)[0]]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*map(int, sys.argv[1:]))
