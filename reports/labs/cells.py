"""Percent-format scripts: cells that begin with ``# %%``, as editors and notebooks read them; lab and id of the student in them."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(r"# ?%%(?P<kind>.*)")
LARGEST = 1_000_000  # bytes of a script
NOBODY = "nobody"  # the id in a template
OWN_FILE = re.compile(r"lab(\d\d)_YOUR_ID\.py")  # the script itself, in the commands that a template tells
STUDENT = re.compile(r"\w[\w .@+-]{0,59}")


@dataclass(frozen=True)
class Cell:
    """A part of a script: its text, the number of its first line, and whether it is prose in comments."""

    text: str
    line: int
    prose: bool


@dataclass(frozen=True)
class Script:
    """A student's file: whose it is, of which lab, the answer in words, and all its text."""

    text: str
    lab: int
    student: str
    words: str

    @property
    def cells(self) -> list[Cell]:
        return list(split(self.text))


def split(text: str) -> Iterator[Cell]:
    """The cells of a script, without their marks."""
    lines, begin, prose = text.splitlines(), 0, False
    for i, line in enumerate([*lines, "# %%"]):
        if found := MARK.fullmatch(line.rstrip()):
            if any(each.strip() for each in lines[begin:i]):
                yield Cell("\n".join(lines[begin:i]), begin + 1, prose)
            begin, prose = i + 1, "[markdown]" in found["kind"]


def read(path: Path) -> Script:
    """A student's file; nothing of it is run.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, too large, or does not tell its lab and its student.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the script in it, or grade the folder: priorbench lab grade {path}")
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; check the path, or begin with priorbench lab start")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size} bytes, more than a script can; is it the file of a lab?")
    try:
        text = path.read_text("utf-8-sig")
        return parse(of_notebook(text) if path.suffix.lower() == ".ipynb" else text)
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8; save it again as a Python script") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def of_notebook(text: str) -> str:
    """A Jupyter notebook as a script of cells.

    Raises:
        ValueError: it is no notebook.
    """
    try:
        found = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
    except (ValueError, KeyError, TypeError):
        raise ValueError("it is no notebook; save it as a script in percent format") from None
    code = [f"# %%\n{source}" if kind == "code" else "# %% [markdown]\n# " + "\n# ".join(source.split("\n")) for kind, source in found]
    return "\n\n".join(code) + "\n"


def parse(text: str) -> Script:
    """
    Raises:
        ValueError: the text does not tell its lab and its student.
    """
    found = constants(text)
    lab, student, words = found.get("LAB"), found.get("STUDENT"), found.get("ANSWER")
    if not isinstance(lab, int) or isinstance(lab, bool):
        raise ValueError("no line LAB = 3 tells which lab it is; take it back from a fresh copy: priorbench lab start")
    if not isinstance(student, str) or student == NOBODY:
        raise ValueError('no line STUDENT = "..." tells whose it is; write your id there, or begin with priorbench lab start')
    return Script(text, lab, checked_student(student), words.strip() if isinstance(words, str) else "")


def checked_student(student: str) -> str:
    """An id that may stand in a file name, a table and a page.

    Raises:
        ValueError: it is empty, too long, or holds other signs.
    """
    if not STUDENT.fullmatch(student) or student != student.strip():
        raise ValueError(f"the id {student[:80]!r} cannot be; give letters and digits, with . _ - + @ or spaces between, 60 at most")
    return student


def constants(text: str) -> dict[str, object]:
    """The values of ``NAME = value`` at the top level, from all cells that can be read; a later one counts."""
    found: dict[str, object] = {}
    for cell in split(text):
        try:
            nodes = ast.parse(cell.text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in nodes:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant):
                found[node.targets[0].id] = node.value.value
    return found


def bound(text: str) -> set[str]:
    """Names that a cell gives a value to at its top level; of a cell that cannot be parsed its functions and classes."""
    try:
        nodes = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^(?:def|class)\s+(\w+)", text, re.MULTILINE))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    within = (each for node in nodes if not isinstance(node, ast.FunctionDef | ast.ClassDef) for each in ast.walk(node))
    return defined | {each.id for each in within if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def of_student(template: str, student: str, file: str | None = None) -> str:
    """A template with an id in it, and in its commands the name of the ``file`` that it is written to, by default as ``file_name``."""
    text = template.replace(f'STUDENT = "{NOBODY}"', f'STUDENT = "{checked_student(student)}"', 1)
    return OWN_FILE.sub(lambda found: shlex.quote(file or file_name(int(found[1]), student)), text)


def file_name(lab: int, student: str) -> str:
    """What the script of a student is called unless another name is given."""
    return f"lab{lab:02}_{in_file_name(student)}.py"


def in_file_name(student: str) -> str:
    """An id as a part of a file name."""
    return re.sub(r"[ @+]", "-", student)
