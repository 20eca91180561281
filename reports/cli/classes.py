"""Training of class-conditional priors and their classifiers: train class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from reports.cli.endings import input_checked
from reports.cli.options import PLACE


@click.command("class")
@click.argument("name", type=click.Choice(["digits28", "clothing"]), default="digits28")
@click.option("--labels", "-l", "source", type=PLACE, required=True, help="Pictures: a .npz file, or a folder with one folder a class.")
@click.option("--channels", type=click.Choice(["1", "3"]), show_default="the recipe's", help="1 for grey, 3 for colour.")
@click.option("--size", type=click.IntRange(8, 256), show_default="the recipe's", help="Pixels on a side; a folder's pictures are fitted.")
@click.option("--wall", type=float, default=60.0, show_default=True, help="Minutes by the clock; the rate lands with them.")
@click.option("--judge-wall", type=float, default=10.0, show_default=True, help="Minutes of the classifier's training.")
@click.option("--only", type=click.Choice(["network", "classifier"]), show_default="both", help="Train one of the two.")
@click.option("--steps", type=int, show_default="no limit", help="Optimiser steps of each; whichever budget ends first counts.")
@click.option("--batch", type=click.IntRange(min=2), show_default="the recipe's", help="Pictures a step; a GPU likes many.")
@click.option("--judge-batch", type=click.IntRange(min=2), show_default="the recipe's", help="The same of the classifier.")
@click.option("--rate", type=float, show_default="the recipe's", help="Highest learning rate.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the first weights, pictures and noise.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint beside the weights.")
@click.option("--licence", default="unknown: ask whoever trained these weights", help="Of the pictures, for the model cards.")
@click.option("--out", "-o", type=PLACE, show_default="out/train/NAME.safetensors", help="Weights; the classifier's lie beside them.")
def on_classes(
    name: str, source: str, channels: str | None, size: int | None, wall: float, judge_wall: float, only: str | None, steps: int | None,
    batch: int | None, judge_batch: int | None, rate: float | None, seed: int, device: str, resume: bool, licence: str, out: str | None,
) -> None:  # fmt: skip
    """Train a prior that takes a label, and the classifier that judges it; stop and go on at will."""
    from priors import classes, recipe

    weights = Path(out or f"out/train/{name}.safetensors")
    given = {"patch": size, "steps": steps, "batch": batch, "judge_batch": judge_batch, "rate": rate}
    given |= {"channels": int(channels) if channels else None}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    with input_checked():
        chosen = recipe.adapted_classes(name, wall_seconds=60 * wall, judge_seconds=60 * judge_wall, seed=seed, **changes)
        if only != "network":
            judged = weights.with_name(f"{weights.stem}-classifier.safetensors")
            follow(classes.train_judge(Path(source), judged, chosen, device, licence))
            click.echo(f"classifier: {judged}")
        if only != "classifier":
            done = follow(classes.train(Path(source), weights, chosen, device, resume, licence)) >= 1
            click.echo(f"weights: {weights}" if done else "stopped; go on with the same command and --resume")


def follow(run: Iterator[Any]) -> float:
    """Tell how a training goes; returns the share of its budget that was consumed."""
    for told in run:
        click.echo(f"{told.share:4.0%}  {told.describe()}")
    return told.share
