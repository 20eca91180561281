"""Measuring the own error of a denoiser of another library: calibrate."""

from __future__ import annotations

from pathlib import Path

import click

from reports.cli.endings import finishing, input_checked
from reports.cli.options import PLACE


@click.command()
@click.argument("prior")
@click.option("--images", "-i", "folder", type=PLACE, required=True, help="Folder of pictures that the network was not trained on.")
@click.option("--size", default=96, show_default=True, help="Their centres of size x size pixels are used.")
@click.option("--limit", default=24, show_default=True, help="Of at most so many pictures, evenly picked.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise.")
@click.option("--out", "-o", type=PLACE, show_default="beside the network: net.error.json for net.pt", help="File for the error.")
def calibrate(prior: str, folder: str, size: int, limit: int, seed: int, out: str | None) -> None:
    """Measure how far the foreign PRIOR errs at its noise levels, so that samples drawn with it have the right spread.

    PRIOR is a selector such as torch[file=net.pt,call=residual,levels=25/255]. The error is read by itself from then on.
    """
    from priors.foreign import calibration
    from reports.cli import terminal
    from reports.runs.limits import check_limits
    from reports.runs.loading import uncalibrated

    with input_checked():
        check_limits(size=size, limit=limit, seed=seed)
        chosen = uncalibrated(prior)
        file = calibration.place_of(chosen, out)
        images = calibration.crops(chosen, Path(folder), size, limit)
        click.echo(f"measuring {chosen.name} on {len(images)} pictures at {len(calibration.levels_of(chosen))} levels", err=True)
        curve = calibration.calibrate(chosen, images, seed)
    with finishing(str(file)):
        measured_on = f"{len(images)} pictures of {Path(folder).resolve().name}, central {size}x{size} pixels"
        calibration.store(chosen, curve, file, measured_on, seed)
    console = terminal.console()
    terminal.calibrated(console, curve)
    console.print(f"error: {file}", soft_wrap=True)
