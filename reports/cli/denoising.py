"""Commands about the priors alone: denoise-table, sample."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from reports.cli.endings import FAILED, finishing, input_checked, leave, resumable
from reports.cli.options import CONDITION, PLACE, command, names, numbers

SPECTRUM = ("gaussian", "tv", "nlm", "bm3d", "cnn", "diffusion")
BELIEVED = ("gaussian", "tv", "bm3d", "diffusion")


@click.command(name="denoise-table")
@click.option("--images", "-i", "folder", type=PLACE, show_default="the bundled test images", help="Folder of pictures.")
@names("--priors", "-p", default=SPECTRUM, text="Priors: name[option=value] or module:callable; by commas or repeated.")
@click.option("--sigmas", default="5,10,15,25,50,75", show_default=True, help="Noise levels in /255, by commas.")
@click.option("--channels", default=1, show_default=True, help="1 for grey, 3 for colour.")
@click.option("--size", type=int, show_default="whole; bundled ones 128", help="Pixels on a side: centre crop; bundled ones are shrunk.")
@click.option("--limit", type=int, show_default="all", help="Only the first pictures, in the order of their names.")
@click.option("--anchors", show_default="none", help="Published values to show: set12 or bsd68, if the folder is that set.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", type=PLACE, default="out/denoise-table", show_default=True, help="Folder of the table; scores in it are kept.")
def denoise_table(
    folder: str | None, priors: Sequence[str], sigmas: str, channels: int, size: int | None, limit: int | None, anchors: str | None,
    seed: int, out: str,
) -> None:  # fmt: skip
    """Denoise once with every prior: PSNR, SSIM and seconds by noise level, as tables and a figure."""
    from reports.cli import terminal
    from reports.experiments import denoising
    from reports.figures import denoising as denoising_figure
    from reports.runs.selectors import split
    from reports.tables import denoising as denoising_table

    with input_checked():
        scene = denoising.scene(folder, size, channels, limit, seed, anchors)
        levels = denoising.plan(split(priors), numbers(sigmas), scene)
        denoising.prepare(levels, out)
    console = terminal.console()
    terminal.notices(console, levels)
    for sentence in denoising.out_of_range(levels):
        console.print(sentence, soft_wrap=True)
    with resumable(f"every score in {out}"), terminal.Progress(console, [level for level in levels if level.in_range]) as progress:
        table = denoising.measure(levels, out, command(), progress.tell)
        denoising_table.export(table)
    terminal.denoising(console, table)
    with resumable(f"every score in {out}"):
        paths = denoising_figure.save(table)
    console.print(f"table: {out}/denoise-table.md, .csv, .json", f"figure: {paths[0]}, .pdf", sep="\n", soft_wrap=True)
    failed = [row for row in table.rows if row.status == "failed"]
    for row in failed:
        click.echo(f"priorbench: failed: {row.level}: {row.message}", err=True)
    sys.exit(FAILED if failed else 0)


@click.command()
@names("--priors", "-p", default=BELIEVED, text="Priors: name[option=value] or module:callable; by commas or repeated.")
@CONDITION
@names("--methods", "-m", default=("heun",), text="Unconditional samplers: ddpm, ddim, heun, dpm++.")
@click.option("--size", type=int, show_default="what the prior was trained on, or 64", help="Samples are size x size pixels.")
@click.option("--channels", type=int, show_default="the same, or 1", help="1 for grey, 3 for colour.")
@click.option("--samples", "-n", default=6, show_default=True, help="Samples of each prior by each method.")
@click.option("--steps", type=int, show_default="each method's own", help="Noise levels.")
@click.option("--images", "-i", "folder", type=PLACE, show_default="those of the gaussian prior", help="Photographs to compare with.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise; the same for every prior.")
@click.option("--out", "-o", type=PLACE, default="out/sample", show_default=True, help="Folder; RUN/beliefs: in that run's report.")
def sample(
    priors: Sequence[str], condition: str | None, methods: Sequence[str], size: int | None, channels: int | None, samples: int,
    steps: int | None, folder: str | None, seed: int, out: str,
) -> None:  # fmt: skip
    """Draw what each prior believes an image looks like: nothing is measured. With label=all a prior shows every class.

    What lies in the folder beliefs of a run stands in its report: priorbench sample -o RUN/beliefs, then priorbench report RUN.
    """
    from reports.cli import terminal
    from reports.experiments import unconditional
    from reports.figures import unconditional as belief_figure
    from reports.runs.loading import conditioned
    from reports.runs.selectors import split
    from reports.runs.store import Store

    with input_checked():
        named = tuple(each for text in conditioned(split(priors), condition) for each in unconditional.by_label(text))
        usual = unconditional.natural_shape(named)
        shape = (usual[0] if channels is None else channels, *(usual[1:] if size is None else (size, size)))
        plan = unconditional.checked(unconditional.Plan(named, tuple(split(methods)), shape, samples, steps, seed))
        real = unconditional.photographs(Path(folder) if folder else None, min(shape[1:]), shape[0])
        Store(out).prepare()
    console = terminal.console()
    drawn = list(unconditional.draw(plan, lambda what: console.print(what, soft_wrap=True)))
    if not drawn:
        leave("every prior diverged, each as said above; nothing was written", FAILED)
    terminal.beliefs(console, unconditional.rows(drawn, real))
    with finishing(out):
        source = f"photographs of {Path(folder).name}" if folder else "law fitted to photographs"
        unconditional.save(drawn, real, source, Path(out))
        paths = belief_figure.save(drawn, real, source, Path(out))
    console.print(f"figure: {paths[0]}, .pdf, numbers: {out}/sample.json", soft_wrap=True)
