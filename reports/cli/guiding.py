"""What a label does to a class-conditional prior: guidance, label-table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from reports.cli.endings import FAILED, finishing, input_checked, leave
from reports.cli.options import PLACE, command, names, numbers

ASKED = ("inpaint[mask=box:0.5]", "super_resolution[factor=4]", "deblur[kernel=gaussian:2.5,noise_sigma=0.1]")


@click.command("guidance")
@click.option("--prior", "-p", default="digits28", show_default=True, help="A prior with labels, such as digits28[weights=FILE].")
@click.option("--guidance", "-g", default="0,1,2,3,5", show_default=True, help="Weights of the label; 1 is the conditional prior.")
@click.option("--by", default="label", show_default=True, help="label, classifier or label,classifier: what guides.")
@click.option("--samples", "-n", type=click.IntRange(min=2), default=6, show_default=True, help="Samples of each class.")
@click.option("--steps", type=click.IntRange(min=2), default=18, show_default=True, help="Heun's steps, two calls each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", type=PLACE, default="out/guidance", show_default=True, help="Folder of page, figure and numbers.")
def guide(prior: str, guidance: str, by: str, samples: int, steps: int, seed: int, out: str) -> None:
    """Fidelity against diversity as guidance grows: class accuracy, spread and saturation of the samples, and what a label is worth.

    Writes a page on which guidance is chosen by a slider, the figure and the numbers.
    """
    from priors.conditional import Conditional
    from reports.experiments import guidance as experiment
    from reports.figures import guidance as guidance_figure
    from reports.page import guidance as guidance_page
    from reports.runs.loading import load_prior
    from reports.runs.provenance import circumstances
    from reports.runs.selectors import known, split
    from reports.runs.store import Store

    with input_checked():
        ways = [known("way to guide", way, experiment.WAYS) for way in split([by]) or [""]]
        if not (weights := numbers(guidance)):
            raise ValueError("no guidance to draw at; name at least one weight of the label, such as -g 0,1,2")
        loaded = load_prior(prior, 1)
        if not isinstance(loaded, Conditional):
            raise ValueError(f"prior {prior!r} takes no label; give digits28 or clothing")
        shape = loaded.card.get("shape", [loaded.channels, 28, 28])
        for way in ways:
            for weight in weights:
                loaded.given(0, weight, way == "classifier")
        assert loaded.judge
        Store(out).prepare()
    with finishing(out):
        drawn = tuple(experiment.draw(loaded, ways, weights, shape, samples, steps, seed, click.echo))
        if not drawn:
            leave("every guidance diverged; give smaller ones, or more steps", FAILED)
        curves = loaded.card.get("label_curve", {})
        pictures, judge = loaded.card.get("spread", {}), loaded.judge.accuracy
        found = experiment.Guidance(loaded.card["name"], loaded.labels, drawn, pictures, curves, judge)
        exact = experiment.save(found, Path(out))
        paths = guidance_figure.save(found, Path(out))
        page = guidance_page.build(found, exact, circumstances(command()), Path(out))
    for line in experiment.exact_words(exact):
        click.echo(line)
    click.echo(f"figure: {paths[0]}, .pdf, numbers: {out}/guidance.json")
    click.echo(f"report: {page}")


@click.command("label-table")
@click.option("--labels", "-l", "source", type=PLACE, required=True, help="Pictures: a .npz file, or a folder with one folder a class.")
@click.option("--prior", "-p", default="digits28", show_default=True, help="A prior with labels.")
@names("--problems", "-P", default=ASKED, text="Problems: name[option=value]; by commas or repeated.")
@click.option("--guidance", "-g", default=1.0, show_default=True, help="Weight of the label.")
@click.option("--pictures", type=click.IntRange(min=1), default=10, show_default=True, help="Test pictures, of all classes alike.")
@click.option("--samples", "-n", type=click.IntRange(min=2), default=9, show_default=True, help="Answers to each measurement.")
@click.option("--steps", type=click.IntRange(min=2), show_default="the sampler's own", help="Noise levels.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", type=PLACE, default="out/labels", show_default=True, help="Folder of labels.json and labels.md.")
def label_table(
    source: str, prior: str, problems: Sequence[str], guidance: float, pictures: int, samples: int, steps: int | None, seed: int, out: str
) -> None:
    """Restore test pictures with the right label, a wrong one and none: scores with the truth, and those that do without."""
    from priors.conditional import Conditional
    from reports.cli import terminal
    from reports.experiments import labels as experiment
    from reports.runs.loading import load_prior
    from reports.runs.selectors import split
    from reports.runs.store import Store
    from reports.tables import labels as tables

    with input_checked():
        loaded = load_prior(prior, 1)
        if not isinstance(loaded, Conditional):
            raise ValueError(f"prior {prior!r} takes no label; give digits28 or clothing")
        loaded = loaded.given(None)
        loaded.given(0, guidance)
        cases = experiment.cases(Path(source), loaded, split(problems), pictures)
        assert loaded.judge
        Store(out).prepare()
    with finishing(out):
        rows = list(experiment.run(loaded, cases, samples, steps, guidance, seed, click.echo))
        if not rows:
            leave("every prior diverged, each as said above; nothing was written", FAILED)
        experiment.save(rows, Path(out))
        tables.export(rows, Path(out))
    terminal.labels(terminal.console(), rows)
    click.echo(f"table: {out}/labels.md, .json; by class: priorbench trust {out}")
