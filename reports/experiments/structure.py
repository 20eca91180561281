"""Do samples follow the map of edges that the prior was given? F-score with the map, without it, and against the map of another picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

import problems
import solvers
from priors.pictured import Pictured
from priors.structure import edge_maps, edges, f_score
from reports.runs import files


@dataclass(frozen=True)
class Followed:
    """A picture [H, W], its map, samples [n, H, W] with and without the map, and the mean F-scores of their edges.

    ``other`` is the score of the samples with the map against the map of the next picture: what agreement chance gives.
    """

    image: str
    picture: np.ndarray
    wanted: np.ndarray
    steered: np.ndarray
    free: np.ndarray
    score: float
    score_free: float
    other: float | None

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("image", "score", "score_free", "other")} | {"n": len(self.steered)}


def pictures(images: Sequence[str], size: int) -> dict[str, Tensor]:
    """Grey pictures [1, 1, size, size] by name.

    Raises:
        ValueError, FileNotFoundError: no such picture, or none at all.
    """
    if not images:
        raise ValueError("no pictures; name at least one, such as -i camera")
    return {image: problems.as_tensor(problems.load_image(image, size=size, channels=1)) for image in images}


def run(
    prior: Pictured, chosen: dict[str, Tensor], n: int, steps: int, guidance: float, seed: int, tell: Callable[[str], None]
) -> Iterator[Followed]:
    """Every picture's map, followed by ``n`` samples from the same noise with and without it."""
    maps = {image: edge_maps(picture) for image, picture in chosen.items()}
    names = list(maps)
    for k, (image, wanted) in enumerate(maps.items()):
        tell(f"[{k + 1}/{len(maps)}] {image} ...")
        shape = tuple(wanted.shape[1:])
        try:
            drawn = [solvers.generate(each, shape, n, seed + k, "heun", steps) for each in (prior.given(wanted, None, guidance), prior)]
        except solvers.Diverged as error:
            tell(f"  {image} is left out: {error}")
            continue
        steered, free = (each.samples[:, 0].clamp(0, 1).numpy() for each in drawn)
        truth, other = wanted[0, 0].numpy(), names[(k + 1) % len(names)]
        chance = scored(steered, maps[other][0, 0].numpy()) if other != image else None
        found = Followed(image, chosen[image][0, 0].numpy(), truth, steered, free, scored(steered, truth), scored(free, truth), chance)
        tell(f"  F-score {found.score:.2f} with the map, {found.score_free:.2f} without")
        yield found


def scored(samples: np.ndarray, wanted: np.ndarray) -> float:
    """Mean F-score of the edges of samples [n, H, W]."""
    return round(float(np.mean([f_score(edges(each), wanted) for each in samples])), 4)


def save(found: Sequence[Followed], folder: Path) -> None:
    """Write structure.json.

    Raises:
        OSError: the folder cannot be written.
    """
    files.write_json(folder / "structure.json", {"rows": [each.row() for each in found]})
