"""What guidance does to a class-conditional prior: guidance."""

from __future__ import annotations

from pathlib import Path

import click

from reports.cli.endings import FAILED, finishing, input_checked, leave
from reports.cli.options import PLACE, numbers


@click.command("guidance")
@click.option("--prior", "-p", default="digits28", show_default=True, help="A prior with labels, such as digits28[weights=FILE].")
@click.option("--guidance", "-g", default="0,1,2,3,5", show_default=True, help="Weights of the label; 1 is the conditional prior.")
@click.option("--by", default="label", show_default=True, help="label, classifier or label,classifier: what guides.")
@click.option("--samples", "-n", type=click.IntRange(min=2), default=10, show_default=True, help="Samples of each class.")
@click.option("--steps", type=click.IntRange(min=2), default=18, show_default=True, help="Heun's steps, two calls each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", type=PLACE, default="out/guidance", show_default=True, help="Folder of figure and numbers.")
def guide(prior: str, guidance: str, by: str, samples: int, steps: int, seed: int, out: str) -> None:
    """Fidelity against diversity as guidance grows: class accuracy, spread and saturation of the samples, and what a label is worth."""
    from priors.conditional import Conditional
    from reports.experiments import guidance as experiment
    from reports.figures import guidance as guidance_figure
    from reports.runs.loading import load_prior
    from reports.runs.selectors import known, split

    with input_checked():
        ways = [known("way to guide", way, experiment.WAYS) for way in split([by])]
        weights = numbers(guidance)
        loaded = load_prior(prior, 1)
        if not isinstance(loaded, Conditional):
            raise ValueError(f"prior {prior!r} takes no label; give digits28 or clothing")
        shape = loaded.card.get("shape", [loaded.channels, 28, 28])
        for way in ways:
            for weight in weights:
                loaded.given(0, weight, way == "classifier")
        assert loaded.judge
    with finishing(out):
        drawn = tuple(experiment.draw(loaded, ways, weights, shape, samples, steps, seed, click.echo))
        if not drawn:
            leave("every guidance diverged; give smaller ones, or more steps", FAILED)
        curves = loaded.card.get("label_curve", {})
        found = experiment.Guidance(loaded.card["name"], loaded.labels, drawn, loaded.card.get("spread", {}), curves)
        experiment.save(found, Path(out))
        paths = guidance_figure.save(found, Path(out))
    click.echo(f"figure: {paths[0]}, .pdf, numbers: {out}/guidance.json")
