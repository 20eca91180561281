"""A class: every submission in a folder is run and judged again, several at once; what has ended is kept and not run again."""

from __future__ import annotations

import ast
import csv
import hashlib
import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from priors import precision
from reports.labs import catalogue, cells, checking, handin
from reports.labs.cells import Script
from reports.labs.checking import Checked
from reports.labs.process import Limits
from reports.runs import files
from reports.runs.keys import numerics

PEEK = re.compile(r"checkers|catalogue|labs\.load|\.expected|_getframe")  # the checker is no secret: who asks it is remarked upon
KINDS = (".py", ".ipynb", ".html")
RULES = Path(__file__).parent


@dataclass(frozen=True)
class Submission:
    """A file of a student as it was found, by its ``name`` within the folder; ``trouble`` says why it cannot be run."""

    path: Path
    name: str
    script: Script | None = None
    trouble: str = ""
    remark: str = ""


@dataclass
class Grade:
    """One line of the table."""

    student: str
    lab: int | None
    file: str
    right: int = 0
    of: int = 0
    tasks: list[bool] = field(default_factory=list)
    words: int = 0
    seconds: float = 0.0
    remark: str = ""
    page: str = ""


def submissions(folder: Path, out: Path) -> list[Submission]:
    """What was handed in: files in the folder, and in folders within it, such as those of a learning platform; ``out`` is left out.

    Of a page beside the script that it was made from only the script counts. Files in a folder of a student that are no labs are
    taken for helpers.

    Raises:
        OSError, ValueError: no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the one that holds the submissions")
    found = [opened(path, folder) for path in sorted(folder.iterdir()) if path.is_file() and path.suffix.lower() in KINDS]
    for own in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._" and path.resolve() != out.resolve()):
        inside = [opened(path, folder) for path in sorted(own.rglob("*")) if path.is_file() and path.suffix.lower() in KINDS]
        labs = [each for each in inside if each.script]
        found += labs or inside[:1] or [Submission(own, own.name, trouble="no script, notebook or page in it")]
    if not found:
        raise ValueError(f"{folder} holds no submission: no .py, .ipynb or .html file, and no folder with one")
    scripts = {each.script.text for each in found if each.script and each.path.suffix.lower() != ".html"}
    return [each for each in found if not (each.script and each.path.suffix.lower() == ".html" and each.script.text in scripts)]


def opened(path: Path, folder: Path) -> Submission:
    """A submission, read but not run."""
    name = str(path.relative_to(folder))
    try:
        if path.suffix.lower() == ".html":
            script, intact = handin.read(path)
            remark = "" if intact else "the page was changed by hand: its checksum is wrong"
        else:
            script, remark = cells.read(path), ""
        catalogue.load(script.lab)
    except (OSError, ValueError) as error:
        return Submission(path, name, trouble=" ".join(str(error).split()))
    if PEEK.search(script.text):
        remark = "; ".join(filter(None, (remark, "it may ask the checker for the truth: read its code")))
    return Submission(path, name, script, remark=remark)


def key(script: Script, limits: Limits) -> str:
    """Name of what is kept of a submission: it changes with its text, the lab's rules, the limits and the numerical packages."""
    rules = [RULES / "checkers" / f"lab{script.lab:02}.py", RULES / "judge.py", RULES / "hints.py"]
    told = [script.text, repr(limits), repr(sorted(numerics().items())), *(file.read_text("utf-8") for file in rules)]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:24]


def grade(
    found: Sequence[Submission], out: Path, limits: Limits, jobs: int, wrap: Sequence[str], command: str,
    tell: Callable[[int, Grade, bool], None],
) -> list[Grade]:  # fmt: skip
    """Run and judge all, ``jobs`` at once; ``tell`` hears of each as it ends, and whether it was kept from before.

    Raises:
        KeyboardInterrupt: all that ended is kept; what was running is ended.
        OSError: the folder cannot be written.
    """
    grades: dict[Path, Grade] = {}
    stop = threading.Event()
    pool = ThreadPoolExecutor(jobs)
    try:
        with precision.one_thread():
            running = {pool.submit(graded, each, out, limits, wrap, stop, command) for each in found}
            while running:
                ended, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in ended:
                    submission, made, kept = future.result()
                    grades[submission.path] = made
                    tell(len(grades), made, kept)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    listed = [grades[each.path] for each in found]
    compare(found, listed)
    write_table(listed, out / "grades.csv")
    return listed


def graded(
    each: Submission, out: Path, limits: Limits, wrap: Sequence[str], stop: threading.Event, command: str
) -> tuple[Submission, Grade, bool]:  # fmt: skip
    """The grade of one submission, and whether it was kept from before."""
    if each.script is None:
        return each, Grade("", None, each.name, remark=each.trouble), False
    kept = out / "kept" / f"{key(each.script, limits)}.json"
    page = out / "pages" / f"lab{each.script.lab:02}_{cells.in_file_name(each.script.student)}_{kept.stem[:6]}.html"
    try:
        stored = files.read_json(kept)
        made, known = Grade(**stored), page.is_file()
    except (OSError, ValueError, TypeError):
        known = False
    if not known:
        checked = checking.check_script(each.script, each.path, limits, wrap, stop)
        handin.build(checked, page, command)
        made = of_checked(checked, page)
        files.write_json(kept, asdict(made))
    made.file, made.remark = each.name, "; ".join(filter(None, (made.remark, each.remark)))
    return each, made, known


def of_checked(checked: Checked, page: Path) -> Grade:
    script, wrong = checked.script, [each for each in checked.verdicts if not each.passed]
    said = [f"{each.function}: {each.cause or each.said}" for each in wrong]
    remark = "; ".join(filter(None, (checked.remark, *checked.troubles[:1], *said)))
    tasks = [each.passed for each in checked.verdicts]
    return Grade(
        script.student, script.lab, "", checked.passed, len(tasks), tasks, len(script.words.split()), round(checked.seconds, 1), remark,
        f"pages/{page.name}",
    )  # fmt: skip


def compare(found: Sequence[Submission], grades: Sequence[Grade]) -> None:
    """Remark on ids that were handed in twice, and on functions that two students share letter for letter."""
    ids = Counter((grade.student, grade.lab) for grade in grades)
    prints = [fingerprint(each.script) if each.script and grade.right else "" for each, grade in zip(found, grades, strict=True)]
    for i, grade in enumerate(grades):
        if grade.lab is not None and ids[grade.student, grade.lab] > 1:
            add(grade, f"{ids[grade.student, grade.lab]} files have this id")
        same = [other.file for j, other in enumerate(grades) if j != i and prints[i] and prints[i] == prints[j]]
        if same:
            add(grade, f"its functions are those of {', '.join(same)}, but for comments")


def add(grade: Grade, remark: str) -> None:
    grade.remark = "; ".join(filter(None, (grade.remark, remark)))


def fingerprint(script: Script) -> str:
    """The functions that a lab asks for, without comments, docstrings and layout."""
    asked = {task.function for task in catalogue.load(script.lab).tasks}
    return "\n".join(sorted(bodies(script, asked)))


def bodies(script: Script, names: set[str]) -> Iterator[str]:
    for cell in script.cells:
        try:
            nodes = ast.parse(cell.text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in nodes:
            if isinstance(node, ast.FunctionDef) and node.name in names:
                node.body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                yield ast.dump(node)


def write_table(grades: Sequence[Grade], path: Path) -> None:
    """One row a submission: task columns hold 1 for right and 0 for wrong, and are empty where the lab has fewer."""
    tasks = max((len(grade.tasks) for grade in grades), default=0)
    asked = [f"task {i + 1}" for i in range(tasks)]
    heads = ["student", "lab", *asked, "right", "of", "score", "words", "seconds", "remark", "file", "page"]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(heads)
    for grade in grades:
        table.writerow(row(grade, tasks))
    files.write(path, lambda file: file.write(text.getvalue().encode("utf-8-sig")))  # the mark without which Excel spoils names


def row(grade: Grade, tasks: int) -> list[Any]:
    done = [int(passed) for passed in grade.tasks]
    score = f"{grade.right / grade.of:.2f}" if grade.of else ""
    numbers = [*done, *[""] * (tasks - len(done)), grade.right, grade.of, score, grade.words, grade.seconds]
    remark = "'" + grade.remark if grade.remark[:1] in ("=", "+", "-", "@") else grade.remark  # a spreadsheet would compute it
    return [grade.student, grade.lab or "", *numbers, remark, grade.file, grade.page]
