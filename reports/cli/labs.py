"""Teaching labs: lab list, start, check, report, grade."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.cli.endings import FAILED, finishing, input_checked, resumable
from reports.cli.options import PLACE, command

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
    click.echo("begin with: priorbench lab start NUMBER --student ID")


@lab.command()
@click.argument("number", type=int)
@click.option("--student", "-s", required=True, help="Any id, such as a matriculation number: pictures, kernels and noise belong to it.")
@click.option("--out", "-o", type=PLACE, show_default="labNN_ID.py", help="File or folder for the script.")
def start(number: int, student: str, out: str | None) -> None:
    """Write the script of lab NUMBER for a student to fill in."""
    from reports.labs import catalogue, cells
    from reports.runs import files

    with input_checked():
        text = cells.of_student(catalogue.template(number), student)
        name = f"lab{number:02}_{cells.in_file_name(student)}.py"
        path = Path(out or name)
        path = path / name if path.is_dir() else path
        if path.exists():
            raise ValueError(f"{path} is there already, perhaps with your answers in it; name another file by --out")
        files.write(path, lambda file: file.write(text.encode()))
    click.echo(f"lab: {path} (open it as a notebook, or run it: python {path})")
    click.echo(f"check yourself as often as you like: priorbench lab check {path}")


seconds = click.option("--seconds", type=float, default=180.0, show_default=True, help="Time limit for all; one cell may take 40.")
memory = click.option("--memory", type=int, default=1000, show_default=True, help="Megabytes it may take beside the libraries.")


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


@lab.command()
@click.argument("file", type=PLACE)
@click.option("--out", "-o", type=PLACE, show_default="FILE with the ending .html", help="The page.")
@seconds
@memory
def report(file: str, out: str | None, seconds: float, memory: int) -> None:
    """Check FILE and write the hand-in: one HTML page with code, pictures, the answer in words, verdicts and a checksum."""
    from reports.labs import checking, handin
    from reports.labs.process import Limits

    with input_checked():
        limits, path = Limits(seconds, megabytes=memory), Path(out or Path(file).with_suffix(".html"))
        if path.suffix.lower() != ".html" or path.is_dir():
            raise ValueError(f"the hand-in is a page; name it with the ending .html, not {path}")
        click.echo(f"running {file} (at most {seconds:g} s) ...", err=True)
        found = checking.check(Path(file), limits)
    with finishing(str(path)):
        handin.build(found, path, command())
    tell(found)
    click.echo(f"hand in: {path}")


@lab.command()
@click.argument("folder", type=PLACE)
@click.option("--out", "-o", type=PLACE, show_default="FOLDER/grades", help="Folder for grades.csv and pages; finished ones are kept.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), show_default="the cores", help="Submissions run at once.")
@click.option("--wrap", default="", help="A command that starts the student's process, such as that of a sandbox.")
@seconds
@memory
def grade(folder: str, out: str | None, jobs: int | None, wrap: str, seconds: float, memory: int) -> None:
    """Run and judge every submission in FOLDER: scripts, notebooks and hand-in pages, in it or in a folder for each student.

    Each is run in a process of its own, which is ended with all that it started when its time or memory is up. That is no sandbox:
    student code runs as you, can change your files, and reaches the network. Run this as a user of its own or in a container
    without a network (docker run --network none ...), or put a sandbox around each process, here bubblewrap, in which files can be
    read but not written:

    \b
    --wrap "bwrap --ro-bind / / --tmpfs /tmp --dev /dev --proc /proc --unshare-all --die-with-parent"

    What ended is kept: the same command goes on, and runs a submission again only if it or the rules of its lab changed.
    """
    from reports.experiments.jobs import cores
    from reports.labs import grading, process
    from reports.labs.process import Limits

    with input_checked():
        limits, around, results = Limits(seconds, megabytes=memory), process.words(wrap), Path(out or Path(folder) / "grades")
        process.check_wrap(around)
        found = grading.submissions(Path(folder), results)
    if not around:
        click.echo("student code is run as you, with your files and network; priorbench lab grade --help tells how to isolate it", err=True)

    def hear(done: int, made: grading.Grade, kept: bool) -> None:
        outcome = f"{made.right} of {made.of} in {made.seconds:g} s{', kept from before' * kept}" if made.of else made.remark
        click.echo(f"[{done:{len(str(len(found)))}}/{len(found)}] {made.file}: {outcome}")

    with resumable(f"every finished submission in {results}"):
        grades = grading.grade(found, results, limits, jobs or cores(), around, command(), hear)
    for made in grades:
        if made.remark and made.of:
            click.echo(f"{made.student}, lab {made.lab}: {made.remark}")
    click.echo(f"grades: {results / 'grades.csv'}")


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
        click.echo(f"  {found.remark}")
    words = len(script.words.split())
    click.echo(f"  question: {f'{words} words, for your teacher to read' if words else 'not answered yet: write into ANSWER at the end'}")
    click.echo(f"{found.passed} of {len(found.verdicts)} tasks are right")
