"""Teaching labs: lab list, start, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.cli.endings import FAILED, input_checked
from reports.cli.options import PLACE

if TYPE_CHECKING:
    from reports.labs.checking import Checked


@click.group()
def lab() -> None:
    """Teaching labs: scripts to fill in, checked against a truth that is computed anew for every student's id."""


@lab.command("list")
def list_labs() -> None:
    """Show the labs there are."""
    from reports.labs import LABS

    for number, title in LABS.items():
        click.echo(f"{number:3}  {title}")


@lab.command()
@click.argument("number", type=int)
@click.option("--student", "-s", required=True, help="Any id, such as a matriculation number: pictures, kernels and noise belong to it.")
@click.option("--out", "-o", type=PLACE, show_default="labNN_ID.py", help="File for the script; one that is there is left as it is.")
def start(number: int, student: str, out: str | None) -> None:
    """Write the script of lab NUMBER for a student to fill in."""
    from reports.labs import catalogue, cells
    from reports.runs import files

    with input_checked():
        text = cells.of_student(catalogue.template(number), student)
        path = Path(out or f"lab{number:02}_{cells.in_file_name(student)}.py")
        if path.exists():
            raise ValueError(f"{path} is there already, perhaps with your answers in it; name another file by --out")
        files.write(path, lambda file: file.write(text.encode()))
    click.echo(f"lab: {path} (open it as a notebook, or run it: python {path})")
    click.echo(f"check yourself as often as you like: priorbench lab check {path}")


seconds = click.option("--seconds", type=float, default=180.0, show_default=True, help="Time limit for the whole script.")
memory = click.option("--memory", type=int, default=2000, show_default=True, help="Megabytes it may take beside the libraries.")


@lab.command()
@click.argument("file", type=PLACE)
@seconds
@memory
def check(file: str, seconds: float, memory: int) -> None:
    """Run the script FILE and tell, task by task, what is right, how far off the rest is, and the likely cause.

    The exit code is 0 if all tasks are right, and 1 if not.
    """
    from reports.labs import checking
    from reports.labs.process import Limits

    with input_checked():
        limits = Limits(seconds, megabytes=memory)
        click.echo(f"running {file} (at most {seconds:g} s) ...", err=True)
        found = checking.check(Path(file), limits)
    tell(found)
    sys.exit(0 if found.complete else FAILED)


def tell(found: Checked) -> None:
    """The verdicts, a line each, then the question."""
    script = found.script
    click.echo(f"lab {script.lab}, {found.title}; student {script.student}; {found.seconds:.0f} s")
    for i, each in enumerate(found.verdicts, start=1):
        click.echo(f"  task {i}, {each.function}: {each.said}")
        if each.cause:
            click.echo(f"    likely cause: {each.cause}")
    for trouble in found.troubles:
        click.echo(f"  {trouble}")
    if found.remark:
        click.echo(f"  the script was {found.remark}" if found.remark.startswith("stopped") else f"  {found.remark}")
    words = len(script.words.split())
    click.echo(f"  question: {f'{words} words, for your teacher to read' if words else 'not answered yet: write into ANSWER at the end'}")
    click.echo(f"{found.passed} of {len(found.verdicts)} tasks are right")
