"""Training a learned prior: train."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.cli.endings import FAILED, input_checked
from reports.cli.options import PLACE

if TYPE_CHECKING:
    from priors.training import Progress

PHOTOGRAPHS = "photographs"  # what is trained where no other kind of training is named


class Trainings(click.Group):
    """One command for each kind of training; cnn and diffusion, or options alone, mean the one on photographs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [PHOTOGRAPHS, *args])


@click.group(cls=Trainings)
def train() -> None:
    """Train a learned prior on your own pictures: photographs (cnn, diffusion), or labelled ones (class)."""


@train.command(PHOTOGRAPHS)
@click.argument("name", type=click.Choice(["cnn", "diffusion"]), default="cnn")
@click.option("--images", "-i", "folders", type=PLACE, multiple=True, required=True, help="Folder of photographs; may be repeated.")
@click.option("--channels", type=click.Choice(["1", "3"]), default="1", show_default=True, help="1 for grey, 3 for colour.")
@click.option("--sigma-min", type=float, show_default="the recipe's", help="Lowest noise level, pixels in [0, 1].")
@click.option("--sigma-max", type=float, show_default="the recipe's", help="Highest noise level.")
@click.option("--budget", default=75.0, show_default=True, help="Processor minutes of all cores together (GPU: minutes).")
@click.option("--steps", type=int, show_default="no limit", help="Optimiser steps; whichever budget is nearest its end counts.")
@click.option("--wall", type=float, show_default="none", help="Minutes by the clock; the rate lands with whatever ends first.")
@click.option("--rate", type=float, show_default="the recipe's", help="Highest learning rate; a third of the recipe's for fine-tuning.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the first weights, crops and noise.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda; crops are cut there.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint beside the weights.")
@click.option("--start", "starts", type=PLACE, multiple=True, show_default="random", help="Weights to fine-tune; of several the mean.")
@click.option("--licence", default="unknown: ask whoever trained these weights", help="Of the photographs, for the model card.")
@click.option("--tests", "-t", type=PLACE, multiple=True, help="Folder of test pictures whose PSNR goes on the card.")
@click.option("--smoke", is_flag=True, help="Gate the recipe instead: 800 steps must reach its floor on --tests SET12.")
@click.option("--out", "-o", type=PLACE, show_default="out/train/NAME.safetensors", help="Weights; card and checkpoint lie beside them.")
def on_photographs(
    name: str, folders: Sequence[str], channels: str, sigma_min: float | None, sigma_max: float | None, budget: float, steps: int | None,
    wall: float | None, rate: float | None, seed: int, device: str, resume: bool, starts: Sequence[str], licence: str,
    tests: Sequence[str], smoke: bool, out: str | None,
) -> None:  # fmt: skip
    """Train the network behind the prior NAME on your own photographs; stop and go on at will."""
    from priors import recipe, training

    weights = Path(out or f"out/train/{name}.safetensors")
    photographs, pictures = [Path(f) for f in folders], [Path(t) for t in tests]
    if smoke:
        return gate(photographs, pictures, weights.with_name("smoke.pt"), device)
    given = {"sigma_min": sigma_min, "sigma_max": sigma_max, "wall_seconds": wall and 60 * wall, "steps": steps, "rate": rate}
    settings = {key: value for key, value in given.items() if value is not None}
    with input_checked():
        chosen = recipe.adapted(name, channels=int(channels), core_seconds=60 * budget, seed=seed, **settings)
        run = training.train(photographs, weights, chosen, device, resume, [Path(s) for s in starts], licence, pictures)
        first = next(run)
    done = follow(itertools.chain([first], run)).share >= 1
    click.echo(f"weights: {weights}" if done else f"stopped; go on with the same command and --resume ({weights.with_suffix('.pt')})")


def follow(run: Iterator[Progress]) -> Progress:
    """Tell how a training goes; returns its end."""
    for told in run:
        scores = ", ".join(f"{psnr:.2f} dB at {sigma}/255" for sigma, psnr in told.psnr.items())
        left = f", about {told.seconds_left / 60:.0f} min left" if told.seconds_left else ""
        click.echo(f"{told.share:4.0%}  {told.spent.steps} steps, held-back pictures {scores}{left}")
    return told


def gate(photographs: Sequence[Path], pictures: Sequence[Path], checkpoint: Path, device: str) -> None:
    """The smoke test of the recipe: exit code 1 where it misses its floor."""
    from priors import smoke

    with input_checked():
        if len(pictures) != 1:
            raise ValueError("--smoke measures on Set12; give its folder, and no other, as --tests")
        run, score = smoke.begin(photographs, pictures[0], checkpoint, device)
        first = next(run)
    spent = follow(itertools.chain([first], run)).spent
    click.echo(f"{spent.steps} steps in {spent.core_seconds:.0f} core-seconds")
    reached = score()
    short = smoke.missed(reached)
    for sigma, psnr in reached.items():
        click.echo(f"four of Set12 at {sigma}/255: {psnr:.2f} dB, floor {smoke.FLOOR[sigma]:.1f} dB{', MISSED' if sigma in short else ''}")
    sys.exit(FAILED if short else 0)
