"""Restoring a picture that has no truth: tile by tile, every tile stored when it ends."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import problems
import solvers
from priors.pictured import Pictured
from priors.slot import Denoiser
from problems.operator import Operator
from problems.problem import Problem, check_noise
from reports.runs import files, photograph
from reports.runs.keys import digest, identity, named_files, sums
from reports.runs.loading import check_size, load_prior
from reports.runs.photograph import Photograph
from reports.runs.selectors import Selector
from solvers.streams import Place

CONTEXT = 48  # pixels of a scene that two tiles share at least: farther apart, what is measured decides
TILE = 384  # pixels of a scene on a side, as many as a batch of eight samples takes 2 GB for
EXACT = 0.85  # a network's estimate of the noise counts where it is so much below that of the picture's patches
BOUNDARY = "unknown"


@dataclass(frozen=True)
class Restoration:
    """What is asked: a picture, how it was measured, and which priors shall answer by which means."""

    picture: Photograph
    problem: str
    operator: Operator  # without a size, but for a mask, which is that of the whole picture
    priors: tuple[str, ...]
    noise: problems.noise.Noise
    given: bool  # whether the noise was given, not estimated
    samples: int = 8
    steps: int | None = None
    seed: int = 0
    tile: int = TILE

    @property
    def channels(self) -> int:
        return self.picture.pixels.shape[1]

    @property
    def factor(self) -> int:
        return getattr(self.operator, "factor", 1)

    def load(self, prior: str) -> Denoiser:
        return load_prior(prior, self.channels)

    def there(self, prior: str, where: Place) -> Denoiser:
        """The prior for a tile: one that is shown a picture is shown the part that belongs there."""
        loaded, (height, width) = self.load(prior), self.picture.pixels.shape[-2:]
        if not isinstance(loaded, Pictured):
            return loaded
        top, left = where.image
        rows, columns = where.operator.image_shape[1:]
        return loaded.part((top, left), (rows, columns), (self.factor * height, self.factor * width))


@dataclass(frozen=True)
class Tile:
    """Rows and columns of the measured picture, from its first pixel at ``corner``, ``size`` of them."""

    corner: tuple[int, int]
    size: tuple[int, int]

    @property
    def part(self) -> tuple[slice, slice]:
        return tuple(slice(start, start + length) for start, length in zip(self.corner, self.size, strict=True))  # type: ignore[return-value]


@dataclass(frozen=True)
class Answer:
    """Of a prior: the posterior mean, the first two samples and the spread of all, [1, C, H, W], and what speaks against them."""

    prior: str
    mean: Tensor
    samples: Tensor
    std: Tensor
    warnings: tuple[str, ...]
    seconds: float


def plan(
    picture: str, problem: str, priors: Sequence[str], noise: float | None = None, samples: int = 8, steps: int | None = None,
    seed: int = 0, tile: int = TILE,
) -> Restoration:  # fmt: skip
    """Read and check all that is asked; the noise is estimated where it is not given.

    Raises:
        ValueError, TypeError, OSError, ImportError: what is wrong, in one sentence.
    """
    if samples < 2:
        raise ValueError(f"a spread needs at least 2 samples, not {samples}")
    read = photograph.read(picture)
    chosen, given = unfitted(problem)
    if isinstance(chosen, problems.Inpainting):  # its mask is read once, and cut for each tile
        chosen = chosen.fitted(read.pixels.shape[1:])
    noise = given if noise is None else noise
    for prior in priors:
        height, width = (getattr(chosen, "factor", 1) * side for side in read.pixels.shape[-2:])
        check_size(load_prior(prior, read.pixels.shape[1]), height, width)
    if not priors:
        raise ValueError("name at least one prior, such as -p cnn")
    if noise is not None:
        check_noise(noise)
    found = problems.noise.Noise(noise, 0.0) if noise is not None else estimated(read, chosen)
    asked = Restoration(read, problem, chosen, tuple(priors), found, noise is not None, samples, steps, seed, tile)
    checked_tiles(asked)
    return asked


def unfitted(problem: str) -> tuple[Operator, float | None]:
    """The operator of a selector such as deblur[kernel=psf.png], and its noise_sigma where it says one.

    The border is unknown where the selector does not say another one and the operator has one.
    """
    chosen = Selector.parse(problem)
    options = dict(chosen.values)
    noise = options.pop("noise_sigma", None)
    if noise is not None and not isinstance(noise, int | float):
        raise ValueError(f"noise_sigma is a number such as 0.02, not {noise!r}")
    if chosen.name in ("deblur", "super_resolution"):
        options.setdefault("boundary", BOUNDARY)
    return problems.instrument(chosen.name, **options), None if noise is None else float(noise)


def estimated(read: Photograph, operator: Operator) -> problems.noise.Noise:
    """By the picture's patches, and by the shipped network where that says much less: of sharp pictures.

    JPEG takes the noise out of the fine frequencies, where it is looked for, and leaves errors of its own: these are added.
    """
    fitted = operator.fitted(read.pixels.shape[1:])
    picture = fitted.as_image(fitted.packed(read.pixels))
    found = problems.noise.estimate(picture)
    seen = solvers.noise_level(picture, load_prior("cnn", read.pixels.shape[1]), found.sigma)
    sigma = seen if seen < EXACT * found.sigma else found.sigma
    return replace(found, sigma=math.hypot(sigma, read.quantisation))


def checked_tiles(asked: Restoration) -> None:
    """
    Raises:
        ValueError: a tile too small for the kernel, a border that cannot be cut, or one with nothing measured in it.
    """
    if asked.tile < 64:
        raise ValueError(f"a tile of {asked.tile} pixels is too small; give --tile 64 or more")
    parts = list(tiles(asked))
    if len(parts) > 1 and getattr(asked.operator, "boundary", BOUNDARY) != BOUNDARY:
        side = max(asked.picture.pixels.shape[-2:]) * asked.factor
        raise ValueError(f"only an unknown border can be cut into tiles; leave boundary out, or give --tile {side}")
    for tile in parts:
        problem(asked, tile)


def reach(operator: Operator) -> int:
    """Pixels of the data on either side of a tile's border that the kernel joins."""
    return max(operator.margin) if hasattr(operator, "margin") else 0


def tiles(asked: Restoration) -> Iterator[Tile]:
    """The picture in tiles of one size that overlap by CONTEXT pixels of the scene, and by what the kernel reaches."""
    shape = asked.picture.pixels.shape[-2:]
    shared = -(-CONTEXT // asked.factor) + 2 * reach(asked.operator)
    side = max(asked.tile // asked.factor, 2 * shared)
    ways = [starts(length, side, shared) for length in shape]
    size = min(side, shape[0]), min(side, shape[1])
    for top in ways[0]:
        for left in ways[1]:
            yield Tile((top, left), size)


def starts(length: int, side: int, shared: int) -> list[int]:
    """Where tiles begin along one axis, evenly."""
    if length <= side:
        return [0]
    count = math.ceil((length - shared) / (side - shared))
    return [round(k * (length - side) / (count - 1)) for k in range(count)]


def problem(asked: Restoration, tile: Tile) -> Problem:
    """The measurement of one tile.

    Raises:
        ValueError: nothing is measured in it.
    """
    return problems.measured(asked.picture.pixels[(..., *tile.part)], instrument(asked, tile), asked.noise.sigma)


def instrument(asked: Restoration, tile: Tile) -> Operator:
    """The operator of one tile, still without a size."""
    if not isinstance(asked.operator, problems.Inpainting):
        return asked.operator
    mask = asked.operator.mask[tile.part]
    if not bool(mask.any()):
        raise ValueError(f"a hole fills a tile of {asked.tile} pixels; give a larger --tile")
    return problems.Inpainting(mask)


def scene(operator: Operator) -> tuple[Any, ...]:
    """The slices of an operator's images that lie behind the measured picture."""
    return getattr(operator, "scene", (...,))


def place(asked: Restoration, tile: Tile, found: Problem) -> Place:
    margin = [part.start or 0 for part in scene(found.operator)[1:]] or [0, 0]
    top, left = (asked.factor * start - rim for start, rim in zip(tile.corner, margin, strict=True))
    return Place(asked.seed, found.operator, (top, left), tile.corner)


def answered(asked: Restoration, prior: str, folder: Path, tell: Callable[[str, bool], None]) -> Answer:
    """A prior's answer to the whole picture, tiles joined; a tile that is stored already is not solved again.

    Raises:
        Diverged: on some tile the prior left all bounds, or does not explain the data.
    """
    found = []
    for tile in tiles(asked):
        file = folder / "tiles" / f"{key(asked, prior, tile)}.npz"
        kept = stored(file)
        tell(f"{prior}, tile at {tile.corner}", kept is not None)
        found.append((tile, kept or solved(asked, prior, tile, file)))
    return joined(asked, prior, found)


def key(asked: Restoration, prior: str, tile: Tile) -> str:
    """Of all that decides a tile."""
    part = asked.picture.pixels[(..., *tile.part)]
    content = {
        "pixels": hashlib.sha256(part.numpy().tobytes()).hexdigest(), "problem": asked.problem, "prior": prior, "tile": asdict(tile),
        "numbers": [asked.noise.sigma, asked.samples, asked.steps, asked.seed],
        "files": sums(*named_files(asked.problem), *named_files(prior)), **identity(prior, asked.channels),
    }  # fmt: skip
    return digest(content)


def solved(asked: Restoration, prior: str, tile: Tile, file: Path) -> dict[str, Any]:
    """The mean, two samples, the spread, without the margin; written before it is returned."""
    found = problem(asked, tile)
    where = place(asked, tile, found)
    loaded = asked.there(prior, where)
    mean = solvers.solve(found, loaded, "mean", steps=asked.steps, rng=where)
    drawn = solvers.sample(found, loaded, asked.samples, where, steps=asked.steps)
    assert drawn.samples is not None
    inside, told = scene(found.operator), [*mean.warnings, *drawn.warnings]
    content: dict[str, Any] = {
        "mean": mean.x[inside].numpy(), "samples": drawn.samples[:2][inside].numpy(), "std": drawn.std[inside].numpy(),
        "told": np.array(json.dumps({"warnings": told, "seconds": mean.seconds + drawn.seconds})),
    }  # fmt: skip
    files.write(file, lambda out: np.savez(out, **content))
    return content


def stored(file: Path) -> dict[str, Any] | None:
    """A tile that was solved before; None where it was not, or its file is damaged."""
    if not file.is_file():
        return None
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as archive:
            return {name: archive[name] for name in ("mean", "samples", "std", "told")}
    except Exception:  # a damaged archive fails in its reader's own way: the tile is solved again
        return None


def joined(asked: Restoration, prior: str, found: Sequence[tuple[Tile, dict[str, Any]]]) -> Answer:
    """Tiles faded into each other where they overlap, so that each pixel comes from the tile it lies deepest in."""
    factor, (height, width) = asked.factor, asked.picture.pixels.shape[-2:]
    total = torch.zeros(1, 1, factor * height, factor * width)
    sum_of: dict[str, Tensor] = {}
    for tile, content in found:
        rows, columns = (slice(factor * each.start, factor * each.stop) for each in tile.part)
        weight = ramp(factor * tile.size[0])[:, None] * ramp(factor * tile.size[1])
        total[..., rows, columns] += weight
        for name in ("mean", "samples", "std"):
            values = torch.from_numpy(content[name])
            whole = sum_of.setdefault(name, values.new_zeros(*values.shape[:-2], factor * height, factor * width))
            whole[..., rows, columns] += weight * values
    told = [json.loads(str(content["told"])) for _, content in found]
    warnings = tuple({warning.partition(": ")[2]: warning for each in told for warning in each["warnings"]}.values())  # one of a kind
    mean, samples, std = (sum_of[name] / total for name in ("mean", "samples", "std"))
    return Answer(prior, mean, samples, std, warnings, sum(each["seconds"] for each in told))


def ramp(length: int) -> Tensor:
    """Weights that grow from either border to the middle, as far as tiles overlap, steeply: nearly all of one tile."""
    depth = torch.minimum(torch.arange(length), torch.arange(length).flip(0)) + 1
    return (depth.float() / CONTEXT).clamp(max=1) ** 3


FOLDERS = re.compile(r"[^\[\],=]*/")  # of a file that a selector names
MIDDLE = 96  # pixels of the data on a side: what is judged


def middle(asked: Restoration) -> Tile:
    """The part of the picture that is judged: in its middle, where a mask lets it be."""
    height, width = asked.picture.pixels.shape[-2:]
    side = MIDDLE if asked.factor == 1 else max(32, MIDDLE // asked.factor)
    size = min(side, height), min(side, width)
    return Tile(((height - size[0]) // 2, (width - size[1]) // 2), size)


def plain_name(asked: Restoration, prior: str) -> str:
    """A prior as a part of a file name: without folders, and numbered where an earlier one would be named alike."""
    plain = ["".join(c if c.isalnum() else "-" for c in FOLDERS.sub("", each)).strip("-") for each in asked.priors]
    place = asked.priors.index(prior)
    earlier = plain[:place].count(plain[place])
    return plain[place] + (f"-{earlier + 1}" if earlier else "")


def write_answer(asked: Restoration, answer: Answer, folder: Path) -> list[Path]:
    """The mean and one sample in the depth of the picture, the spread in 16 bits (65535 is 1) and all as npz; returns the files.

    Raises:
        OSError: the folder cannot be written.
    """
    name = f"{asked.picture.path.stem}-{plain_name(asked, answer.prior)}"
    spread = (answer.std[0].square().mean(0).sqrt().clamp(0, 1) * 65535).round().numpy().astype(np.uint16)
    paths = [folder / f"{name}{kind}" for kind in (asked.picture.suffix, f"-sample{asked.picture.suffix}", "-spread.png", ".npz")]
    photograph.write(paths[0], asked.picture.with_answer(answer.mean))
    photograph.write(paths[1], asked.picture.with_answer(answer.samples[0]))
    photograph.write(paths[2], spread)
    arrays = {"mean": answer.mean[0].numpy(), "samples": answer.samples[:, 0].numpy(), "std": answer.std[0].numpy()}
    files.write(paths[3], lambda file: np.savez(file, allow_pickle=False, **arrays))
    return paths
