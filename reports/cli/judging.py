"""Commands that check samplers and samples: prove, trust."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from reports.cli.endings import finishing, input_checked
from reports.cli.options import PLACE, command, names, whole


@click.command()
@names("--methods", "-m", shown="all that sample", text="Methods that sample; by commas or repeated.")
@click.option("--budgets", default="10,20,50,100,200", show_default=True, help="Denoiser calls for each sample, by commas.")
@click.option("--samples", "-n", default=39, show_default=True, help="Answers drawn to each measurement.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the truths, the noise and the samples.")
@click.option("--out", "-o", type=PLACE, default="out/prove", show_default=True, help="Folder of the page, the tables and the figure.")
def prove(methods: Sequence[str], budgets: str, samples: int, seed: int, out: str) -> None:
    """Hold the samplers against posteriors that are known exactly: page, tables and figure."""
    from reports.cli import terminal
    from reports.experiments import guidance, posteriors
    from reports.figures import guidance as guidance_figure
    from reports.figures import posteriors as proof_figure
    from reports.page import posteriors as proof_page
    from reports.runs.selectors import split
    from reports.runs.store import Store
    from reports.tables import posteriors as proof_table

    with input_checked():
        chosen, calls = split(methods) or posteriors.samplers(), whole(budgets)
        posteriors.check(chosen, calls, samples)
        Store(out).prepare()
    console = terminal.console()
    with finishing(out):
        rows = []
        for row in posteriors.prove(chosen, calls, samples, seed, posteriors.CASES):
            rows.append(row)
            terminal.proven(console, row, len(rows), len(posteriors.CASES) * (1 + len(chosen) * len(calls)))
        fields, laws = tuple(posteriors.gradient_fields()), tuple(guidance.laws())
        made = proof_table.Proof(tuple(rows), fields, samples, command(), laws)
        proof_table.export(made, Path(out))
        paths = proof_figure.save(made, Path(out)) + guidance_figure.save_laws(laws, Path(out))
        page = proof_page.build(made, Path(out))
    terminal.proof(console, made)
    console.print(f"table: {out}/proof.md, .csv, .json", f"figures: {paths[0]}, {paths[2]}, .pdf", sep="\n", soft_wrap=True)
    console.print(f"page: {page}", soft_wrap=True)


@click.command()
@click.argument("run", type=PLACE)
@click.option("--simulate-back", is_flag=True, help="Also take one sample of each as the truth, measure it and sample again.")
def trust(run: str, simulate_back: bool) -> None:
    """Judge the samples of the finished cells in the folder RUN: is their spread right, and what was measured at all?

    In a folder of label-table they are judged class by class, by the label that the prior was told.
    """
    from reports.cli import terminal
    from reports.experiments import labels
    from reports.figures import trust as trust_figure
    from reports.judging import trust as judging
    from reports.runs.stored import Run
    from reports.tables import trust as trust_table

    console = terminal.console()
    with input_checked():
        if (Path(run) / "labels.json").is_file():
            if simulate_back:
                raise ValueError(f"{run} holds restored pictures whose labels are known, not a run of compare; leave out --simulate-back")
            return terminal.labels(console, labels.load(Path(run)), by_class=True)
        found = judging.judge(Run.load(run))
    with finishing(run):
        if simulate_back:
            found = judging.with_simulated_back(found, lambda cell: console.print(f"simulating back: {cell}", soft_wrap=True))
        trust_table.export(found, command())
        paths = trust_figure.save(found)
    terminal.trust(console, found)
    console.print(f"table: {run}/trust.md, .csv, .json", f"figures: {paths[0]}, {paths[2]}, .pdf", sep="\n", soft_wrap=True)
