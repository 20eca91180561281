"""What a picture as the condition does: refinement, structure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from reports.cli.endings import FAILED, finishing, input_checked, leave
from reports.cli.options import PLACE, command, names, pictures

ASKED = (
    "super_resolution[factor=4]",
    "super_resolution[factor=4,noise_sigma=0.05]",
    "super_resolution[factor=2]",
    "deblur[kernel=gaussian:2]",
)


@click.command("refinement")
@click.option("--weights", "-w", type=PLACE, show_default="the shipped ones, for SR x4", help="What priorbench train refine made.")
@names("--problems", "-P", default=ASKED, text="Problems: name[option=value]; by commas or repeated.")
@names("--images", "-i", default=("camera", "chelsea"), text="Test pictures: bundled names or files.")
@click.option("--size", type=click.IntRange(min=32), default=64, show_default=True, help="Pixels on a side.")
@click.option("--samples", "-n", type=click.IntRange(min=2), default=9, show_default=True, help="Answers to each measurement.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", type=PLACE, default="out/refinement", show_default=True, help="Folder of page, figure, table and numbers.")
def refinement(weights: str | None, problems: Sequence[str], images: Sequence[str], size: int, samples: int, seed: int, out: str) -> None:
    """A trained regressor, diffusion and flow on the problem they know and on others, beside plug-and-play, which needs no training."""
    from priors.learned import SHIPPED
    from priors.pictured import read
    from reports.experiments import refinement as experiment
    from reports.figures import refinement as refinement_figure
    from reports.page.refinement import build
    from reports.runs.loading import load_prior
    from reports.runs.provenance import circumstances
    from reports.runs.selectors import split
    from reports.runs.store import Store

    with input_checked():
        network = read(Path(weights) if weights else SHIPPED / "refine-grey.safetensors")
        prior = load_prior("diffusion", network.channels)
        chosen = experiment.cases(split(problems), pictures(images), size, network.channels, seed)
        Store(out).prepare()
    with finishing(out):
        rows = list(experiment.run(network, prior, chosen, samples, seed, click.echo))
        if not rows:
            leave("every arm diverged; train longer", FAILED)
        found = experiment.gathered(network, chosen, rows, samples)
        experiment.save(found, Path(out))
        paths = refinement_figure.save(found, Path(out))
        page = build(found, circumstances(command()), Path(out))
    click.echo(experiment.markdown(found))
    for line in experiment.words(found):
        click.echo(line)
    click.echo(f"report: {page}, figure: {paths[0]}, .pdf, table: {out}/refinement.md, .json")


@click.command("structure")
@names("--images", "-i", default=("camera", "astronaut", "rocket"), text="Pictures whose edges are given: bundled names or files.")
@click.option("--weights", "-w", type=PLACE, show_default="the shipped ones", help="What priorbench train edges made.")
@click.option("--guidance", "-g", default=1.0, show_default=True, help="Weight of the map; 1 is the conditional prior.")
@click.option("--size", type=click.IntRange(min=32), default=96, show_default=True, help="Pixels on a side.")
@click.option("--samples", "-n", type=click.IntRange(min=1), default=3, show_default=True, help="Samples with each map, and without.")
@click.option("--steps", type=click.IntRange(min=2), default=18, show_default=True, help="Heun's steps, two calls each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", type=PLACE, default="out/structure", show_default=True, help="Folder of figure and numbers.")
def structure(
    images: Sequence[str], weights: str | None, guidance: float, size: int, samples: int, steps: int, seed: int, out: str
) -> None:
    """Samples that follow a map of edges: how well they do, with the map and without."""
    from priors import structure as branch
    from priors.guided import weight_of
    from priors.learned import SHIPPED
    from reports.experiments import structure as experiment
    from reports.figures import structure as structure_figure
    from reports.runs.store import Store

    with input_checked():
        prior = branch.read(Path(weights) if weights else SHIPPED / "edges-grey.safetensors")
        chosen = experiment.pictures(pictures(images), size)
        weight_of(prior.name, "picture", guidance, False)
        Store(out).prepare()
    with finishing(out):
        found = list(experiment.run(prior, chosen, samples, steps, guidance, seed, click.echo))
        if not found:
            leave("the samples of every picture diverged; give more --steps or less --guidance", FAILED)
        experiment.save(found, Path(out))
        paths = structure_figure.save(found, Path(out))
    click.echo(f"figure: {paths[0]}, .pdf, numbers: {out}/structure.json")
