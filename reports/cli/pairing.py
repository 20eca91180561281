"""Training of priors that are shown a picture: train refine, train pictured."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from reports.cli.classes import follow
from reports.cli.endings import FAILED, input_checked
from reports.cli.options import PLACE, names


def pair_options(command: Any) -> Any:
    """The options that both trainings take."""
    for option in reversed([
        click.option("--images", "-i", "folders", type=PLACE, multiple=True, required=True, help="Folder of photographs; may be repeated."),
        click.option("--budget", default=60.0, show_default=True, help="Processor minutes of all cores together (GPU: minutes)."),
        click.option("--steps", type=int, show_default="no limit", help="Optimiser steps; whichever budget is nearest its end counts."),
        click.option("--wall", type=float, show_default="none", help="Minutes by the clock; the rate lands with whatever ends first."),
        click.option("--batch", type=click.IntRange(min=1), show_default="the recipe's", help="Crops a step; a GPU likes many."),
        click.option("--rate", type=float, show_default="the recipe's", help="Highest learning rate."),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the crops and the noise."),
        click.option("--device", default="cpu", show_default=True, help="cpu or cuda; crops are cut there."),
        click.option("--resume", is_flag=True, help="Go on from the checkpoint beside the weights."),
        click.option("--start", type=PLACE, show_default="the shipped diffusion", help="Weights to begin from."),
        click.option("--smoke", is_flag=True, help="Gate the recipe instead: 120 steps must bring 0.1 dB on held-back photographs."),
        click.option("--licence", default="unknown: ask whoever trained these weights", help="Of the photographs, for the model card."),
    ]):  # fmt: skip
        command = option(command)
    return command


@click.command("refine")
@click.option("--problem", "-P", default="super_resolution[factor=4]", show_default=True, help="What the arms are trained to undo.")
@click.option("--channels", type=click.Choice(["1", "3"]), default="1", show_default=True, help="1 for grey, 3 for colour.")
@pair_options
@click.option("--out", "-o", type=PLACE, default="out/train/refine.safetensors", show_default=True, help="Weights; the card beside them.")
def on_problem(
    problem: str, channels: str, folders: Sequence[str], budget: float, steps: int | None, wall: float | None, batch: int | None,
    rate: float | None, seed: int, device: str, resume: bool, start: str | None, smoke: bool, licence: str, out: str,
) -> None:  # fmt: skip
    """Train one network to undo PROBLEM in five arms: regression, diffusion and flow, from the measurement and from the regression."""
    from priors.pairs import ARMS
    from reports.experiments.pairs import showing

    with input_checked():
        shows = [showing(problem, int(channels), 128)] * len(ARMS)
        changes = {"channels": int(channels), "arms": tuple(arm.name for arm in ARMS), "problem": problem}
        changes |= settings(budget, steps, wall, batch, rate, seed)
        train_pairs("refine", changes, shows, folders, device, resume, start, smoke, licence, out)


@click.command("pictured")
@names("--tasks", "-t", default=("colorize", "super_resolution", "jpeg"), text="What the pictures lack; by commas or repeated.")
@pair_options
@click.option("--out", "-o", type=PLACE, default="out/train/pictured.safetensors", show_default=True, help="Weights; the card beside them.")
def on_tasks(
    tasks: Sequence[str], folders: Sequence[str], budget: float, steps: int | None, wall: float | None, batch: int | None,
    rate: float | None, seed: int, device: str, resume: bool, start: str | None, smoke: bool, licence: str, out: str,
) -> None:  # fmt: skip
    """Train a prior of colour photographs that is shown a picture without colours, of few pixels, or compressed."""
    from priors import degraded
    from reports.runs.selectors import known, split

    with input_checked():
        chosen = tuple(known("task", task, degraded.TASKS) for task in split(tasks))
        changes = {"arms": chosen, "problem": ",".join(chosen)} | settings(budget, steps, wall, batch, rate, seed)
        train_pairs("pictured", changes, [degraded.TASKS[task] for task in chosen], folders, device, resume, start, smoke, licence, out)


@click.command("edges")
@pair_options
@click.option("--out", "-o", type=PLACE, default="out/train/edges.safetensors", show_default=True, help="Weights; the card beside them.")
def on_edges(
    folders: Sequence[str], budget: float, steps: int | None, wall: float | None, batch: int | None, rate: float | None, seed: int,
    device: str, resume: bool, start: str | None, smoke: bool, licence: str, out: str,
) -> None:  # fmt: skip
    """Train a branch that tells the shipped grey diffusion prior, which stays as it is, where the edges are."""
    from priors import structure

    with input_checked():
        if start:
            raise ValueError("the branch belongs to the shipped diffusion prior and begins from it; leave out --start")
        shows = [lambda clean, random: structure.edge_maps(clean)]
        train_pairs("edges", settings(budget, steps, wall, batch, rate, seed), shows, folders, device, resume, start, smoke, licence, out)


def settings(
    budget: float, steps: int | None, wall: float | None, batch: int | None, rate: float | None, seed: int
) -> dict[str, Any]:
    given = {"core_seconds": 60 * budget, "steps": steps, "wall_seconds": wall and 60 * wall, "batch": batch, "rate": rate, "seed": seed}
    return {key: value for key, value in given.items() if value is not None}


def train_pairs(
    name: str, changes: dict[str, Any], showing: Sequence[Any], folders: Sequence[str], device: str, resume: bool, start: str | None,
    smoke: bool, licence: str, out: str,
) -> None:  # fmt: skip
    from priors import pairs, recipe
    from priors.learned import SHIPPED

    chosen = recipe.adapted_pairs(name, **changes)
    begin = Path(start) if start else SHIPPED / f"diffusion-{'colour' if chosen.channels == 3 else 'grey'}.safetensors"
    starts = [] if resume or name == "edges" else [begin]
    if smoke:
        return gate(pairs.smoke([Path(f) for f in folders], Path(out).with_name("smoke.pt"), chosen, showing, starts))
    run = pairs.train([Path(f) for f in folders], Path(out), chosen, showing, device, resume, starts, licence)
    done = follow(run) >= 1
    click.echo(f"weights: {out}" if done else "stopped; go on with the same command and --resume")


def gate(gains: dict[str, float]) -> None:
    """Exit code 1 where the recipe misses its floor."""
    from priors.pairs import LEAST_GAIN, SMOKE

    for name, gain in gains.items():
        click.echo(f"{name}: {gain:+.2f} dB after {SMOKE} steps")
    mean = sum(gains.values()) / len(gains)
    click.echo(f"mean {mean:+.2f} dB, floor {LEAST_GAIN:+.2f} dB{', MISSED' if mean < LEAST_GAIN else ''}")
    if mean < LEAST_GAIN:
        sys.exit(FAILED)
