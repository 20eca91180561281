"""The command line. Heavy imports stand inside the commands, so that --help answers at once."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import click

from reports.cli.calibrating import calibrate
from reports.cli.classes import on_classes
from reports.cli.comparing import compare, list_all, report, tune
from reports.cli.denoising import denoise_table, sample
from reports.cli.endings import BAD_INPUT, INTERRUPTED, input_checked, leave
from reports.cli.guiding import guide, label_table
from reports.cli.judging import prove, trust
from reports.cli.labs import lab
from reports.cli.pairing import on_edges, on_problem, on_tasks
from reports.cli.publishing import figure, table
from reports.cli.refining import refinement, structure
from reports.cli.restoring import restore
from reports.cli.training import train
from reports.cli.watching import watch
from reports.runs.limits import check_text


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: every complaint is one line on stderr, and bad input ends with exit code 2.

    Characters that the encoding of the terminal lacks are printed as question marks, those that matplotlib's font lacks as boxes.
    Modules in the folder one stands in can be named as priors, as with ``python -m``; a script's path would leave it out.
    Threads that wait for each other sleep, unless the user says otherwise: beside another busy process those that spin take
    1.5 times as long, since they burn the time that the thread they wait for needs. OpenMP reads this when torch is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not a stream that a caller put in its place
            stream.reconfigure(errors="replace")
    warnings.filterwarnings("ignore", "Glyph .* missing from font")
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        leave("the folder you stand in was removed; change to one that is there", BAD_INPUT)
    if not {"", here} & set(sys.path):
        sys.path.append(here)
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        with input_checked():
            check_text(given)
        cli(args=given, prog_name="priorbench", standalone_mode=False, obj=tuple(given))
    except click.ClickException as error:
        leave(f"{error.format_message()} Try priorbench --help.", BAD_INPUT)
    except click.Abort:
        leave("interrupted", INTERRUPTED)


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """What was measured and what was conjured: every prior in one slot, every method one loop, one report."""


COMMANDS = (
    compare, restore, report, list_all, tune, denoise_table, sample, prove, trust, train, calibrate, guide, label_table, refinement,
    structure, figure, table, lab, watch,
)  # fmt: skip
for each in COMMANDS:
    cli.add_command(each)
train.add_command(on_classes)
train.add_command(on_problem)
train.add_command(on_tasks)
train.add_command(on_edges)
