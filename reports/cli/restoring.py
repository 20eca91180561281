"""Restoring a picture of one's own: restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.cli.endings import FAILED, input_checked, leave, resumable
from reports.cli.options import CONDITION, PLACE, command, names

if TYPE_CHECKING:
    from reports.experiments.restoring import Restoration

PRIORS = ("tv", "cnn", "diffusion")


@click.command()
@click.argument("picture", type=PLACE)
@click.option("--problem", "-P", required=True, help="How it was measured, such as deblur[kernel=psf.png] or inpaint[mask=holes.png].")
@names("--priors", "-p", default=PRIORS, text="Priors: name[option=value] or module:callable; by commas or repeated.")
@CONDITION
@click.option("--noise", type=float, show_default="estimated", help="Standard deviation of the noise, pixels in [0, 1].")
@click.option("--samples", "-n", default=8, show_default=True, help="Answers drawn with each prior.")
@click.option("--steps", type=int, show_default="each method's own", help="Levels of every method.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the samples.")
@click.option("--tile", default=384, show_default=True, help="Larger pictures are cut into tiles of so many pixels a side.")
@click.option("--out", "-o", type=PLACE, show_default="out/restore/NAME", help="Folder for pictures and report; finished tiles are kept.")
def restore(
    picture: str, problem: str, priors: Sequence[str], condition: str | None, noise: float | None, samples: int, steps: int | None,
    seed: int, tile: int, out: str | None,
) -> None:  # fmt: skip
    """Restore PICTURE, of which no truth is known, and say what of the answer to trust."""
    from reports.experiments import restoring
    from reports.runs.loading import conditioned
    from reports.runs.selectors import split
    from reports.runs.store import Store

    folder = Path(out or f"out/restore/{Path(picture).stem}")
    with input_checked():
        asked = restoring.plan(picture, problem, conditioned(split(priors), condition), noise, samples, steps, seed, tile)
        Store(folder).prepare()
    click.echo(f"noise: {asked.noise if not asked.given else f'{asked.noise.sigma:g}, given'}")
    with resumable(f"every finished tile in {folder}"):
        report = answered(asked, folder)
    click.echo(f"report: {report}")


def answered(asked: Restoration, folder: Path) -> Path:
    from reports.cli import terminal
    from reports.experiments import restoring
    from reports.judging import sceptic
    from reports.page import restored
    from reports.runs.provenance import circumstances
    from solvers.result import Diverged

    console = terminal.console()
    parts, middle = len(list(restoring.tiles(asked))), restoring.middle(asked)
    problem, grey = restoring.problem(asked, middle), restoring.instrument(asked, middle).fitted((1, *middle.size))
    answers, judged, where = [], [], restoring.place(asked, middle, problem)
    with terminal.Steps(console, len(asked.priors) * (parts + 1)) as steps:
        for prior in asked.priors:
            try:
                answer = restoring.answered(asked, prior, folder, steps.tell)
                steps.tell(f"{prior}, judged", False)
                judged.append(sceptic.judged(problem, asked.there(prior, where), prior, asked.samples, asked.seed, asked.steps))
                answers.append(answer)
            except Diverged as error:
                console.print(f"{prior} is left out: {error}", soft_wrap=True)
    if not answers:
        leave("every prior diverged, each as said above; give more --steps, or check --problem, --noise and --condition", FAILED)
    written = {answer.prior: restoring.write_answer(asked, answer, folder) for answer in answers}
    share = sceptic.measured_share(grey, asked.noise.sigma)
    arrived = replace(asked, priors=tuple(written))
    return restored.build(arrived, answers, judged, share, written, circumstances(command()), folder)
