"""Commands that run and show a comparison: compare, report, list, tune."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.cli.endings import FAILED, input_checked, resumable
from reports.cli.options import CONDITION, PLACE, PRIORS, command, names, pictures

if TYPE_CHECKING:
    from reports.runs.stored import Run

PROBLEMS = ("deblur", "super_resolution", "inpaint")
METHODS = ("admm", "mean", "annealed")
SEVERAL = 4  # cells taken to run at once by a scheduler, for the time that is left


@click.command()
@names("--priors", "-p", default=PRIORS, text="Priors: name[option=value] or module:callable; by commas or repeated.")
@names("--problems", "-P", default=PROBLEMS, text="Problems, such as deblur[kernel=motion:15:30].")
@CONDITION
@names("--images", "-i", shown="the first two test images", text="Bundled images by name, own ones by path.")
@names("--methods", "-m", default=METHODS, text="Methods, such as annealed[steps=40]; priorbench list shows them.")
@click.option("--samples", "-n", default=5, show_default=True, help="Answers drawn by each method that samples.")
@click.option("--steps", type=int, show_default="each method's own", help="Levels of every method.")
@click.option("--size", default=128, show_default=True, help="Images are size x size pixels.")
@click.option("--channels", default=1, show_default=True, help="1 for grey, 3 for colour.")
@click.option("--noise", type=float, show_default="each problem's own", help="noise_sigma of the measurements, pixels in [0, 1].")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the measurements' noise and of the samples.")
@click.option("--out", "-o", type=PLACE, default="out/compare", show_default=True, help="Folder of the run; finished cells in it are kept.")
@click.option("--strengths", "file", type=PLACE, show_default="1 for all", help="File of strengths that tune wrote.")
@click.option("--jobs", "-j", type=int, show_default="the cores, where it pays", help="Cells solved at once, each in a process of its own.")
@click.option("--scheduler", show_default="none", help="Address of a Dask scheduler, tcp://host:port, to send the cells to.")
@click.option("--lpips", type=PLACE, show_default="not measured", help="File of LPIPS weights (AlexNet, state dict); none are shipped.")
def compare(
    priors: Sequence[str], problems: Sequence[str], condition: str | None, images: Sequence[str], methods: Sequence[str], samples: int,
    steps: int | None, size: int, channels: int, noise: float | None, seed: int, out: str, file: str | None, jobs: int | None,
    scheduler: str | None, lpips: str | None,
) -> None:  # fmt: skip
    """Run priors x problems x images x methods and write the report."""
    from problems import TEST
    from reports.cli import terminal
    from reports.experiments import comparison
    from reports.experiments.jobs import check_jobs, worthwhile
    from reports.runs.loading import conditioned
    from reports.runs.selectors import split
    from reports.runs.strengths import Strengths

    with input_checked():
        strengths = Strengths.load(file) if file else Strengths.none()
        chosen = pictures(images) or list(TEST[:2])
        if condition and len(chosen) > 1:
            raise ValueError(f"a condition picture belongs to one image, not to {len(chosen)}; name that image, such as -i photo.png")
        named = conditioned(split(priors), condition)
        cells = comparison.plan(
            named, split(problems), chosen, split(methods), samples, steps, size, channels, noise, seed, strengths, lpips
        )  # fmt: skip
        check_jobs(jobs, scheduler)
        comparison.prepare(cells, out)
    console = terminal.console()
    terminal.understood(console, cells)
    terminal.notices(console, cells)
    at_once = jobs or (SEVERAL if scheduler else worthwhile(cells))
    with resumable(f"every finished cell in {out}"), terminal.Progress(console, cells, at_once) as progress:
        finished = comparison.compare(cells, out, command(), strengths, progress.tell, jobs, scheduler)
    draw(finished)
    failed = [row for row in finished.rows if row.status == "failed"]
    for row in failed:
        click.echo(f"priorbench: failed: {row.cell}: {row.message}", err=True)
    sys.exit(FAILED if failed else 0)


def draw(finished: Run) -> None:
    from reports.cli import terminal
    from reports.figures import catalogue
    from reports.page import report

    console = terminal.console()
    terminal.scores(console, finished)
    console.print("drawing figures and page ...")
    catalogue.save_all(finished)
    console.print(f"report: {report.build(finished)}", soft_wrap=True)


@click.command()
@click.argument("run", type=PLACE)
def report(run: str) -> None:
    """Draw the report and figures of the finished cells in the folder RUN; nothing is solved."""
    from reports.runs.flat import export
    from reports.runs.stored import Run

    with input_checked():
        stored = Run.load(run)
        export(stored)
    draw(stored)


@click.command(name="list")
def list_all() -> None:
    """Show the priors, problems, methods and images there are."""
    from reports.cli import terminal

    terminal.catalogues(terminal.console())


@click.command()
@names("--priors", "-p", default=PRIORS, text="Priors to tune.")
@names("--problems", "-P", default=PROBLEMS, text="Problems by name; each is tuned over several kernels, noises, factors or masks.")
@names("--methods", "-m", default=("admm",), text="Methods that estimate and have a strength.")
@click.option("--size", default=128, show_default=True, help="Images are size x size pixels.")
@click.option("--channels", default=1, show_default=True, help="1 for grey, 3 for colour.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the measurements' noise.")
@click.option("--out", "-o", type=PLACE, default="out/strengths.json", show_default=True, help="File for the strengths; others in it stay.")
def tune(
    priors: Sequence[str], problems: Sequence[str], methods: Sequence[str], size: int, channels: int, seed: int, out: str
) -> None:
    """Search the strength of every prior with the same effort, on the tuning images only."""
    from reports.cli import terminal
    from reports.experiments import tuning
    from reports.runs.selectors import split

    file = Path(out)
    with input_checked():
        cells = tuning.plan(split(priors), split(problems), split(methods), size, channels, seed)
        tuning.prepare(cells, file)
    console = terminal.console()
    with resumable(f"every tuned strength in {file}"):
        tuning.tune(cells, file, lambda what, strength, psnr: console.print(f"{what}: strength {strength:.3g}, {psnr:.2f} dB"))
    console.print(f"strengths: {file}", soft_wrap=True)
