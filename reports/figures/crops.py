"""Which image and which part of it to show, chosen by rule: where the priors disagree most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from reports.runs.stored import Run


class Window(NamedTuple):
    """A square of pixels, by its upper left corner."""

    row: int
    column: int
    side: int


def disagreement(run: Run, problem: str, image: str) -> np.ndarray:
    """Per pixel [H, W]: variance between the priors, mean over channels, sum over methods; of a single prior, against the truth."""
    truth, _ = run.scene(problem, image)
    found = np.zeros(truth.shape[:2])
    for method in run.methods:
        rows = [run.row(prior, problem, image, method) for prior in run.priors]
        opinions = [row.x for row in rows if row and row.status == "done" and row.x is not None]
        if opinions:
            found += np.var(opinions if len(opinions) > 1 else [*opinions, truth], axis=0).mean(-1)
    return found


def window_of(disagreed: np.ndarray) -> Window:
    """The window, a third of the shorter side and at least 16 pixels, in which the priors disagree most.

    A frame of a sixteenth is left out, where circular priors and kernels see the opposite side of the image.
    """
    shortest = min(disagreed.shape)
    frame = shortest // 16
    side = min(max(shortest // 3, 16), shortest - 2 * frame)
    inner = disagreed[frame : disagreed.shape[0] - frame, frame : disagreed.shape[1] - frame]
    sums = np.pad(inner.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    totals = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    row, column = np.unravel_index(totals.argmax(), totals.shape)
    return Window(frame + int(row), frame + int(column), side)


def example(run: Run, problem: str) -> str:
    """The image to show where there is room for one: most results, then most disagreement in its window."""

    def key(image: str) -> tuple[int, float]:
        arrived = sum(row.status == "done" for row in run.rows if (row.cell.problem, row.cell.image) == (problem, image))
        disagreed = disagreement(run, problem, image)
        row, column, side = window_of(disagreed)
        return arrived, float(disagreed[row : row + side, column : column + side].mean())

    return max(pictured(run, problem), key=key)


def pictured(run: Run, problem: str) -> list[str]:
    """Images of which at least one record came as far as measuring."""
    found = {row.cell.image for row in run.rows if row.cell.problem == problem and row.arrays}
    return [image for image in run.images if image in found]
