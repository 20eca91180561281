"""Templates filled in: a student's file, with right functions or with a wrong one among them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import matplotlib

from reports.labs import catalogue, cells, child, judge
from reports.labs.answers import Answer
from reports.labs.checking import Checked

HERE = Path(__file__).parent


def functions(text: str) -> dict[str, str]:
    """The functions and classes at the top level of a text, by name."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: ast.get_source_segment(text, node) for node in ast.parse(text).body if isinstance(node, kinds)}


def solutions(number: int) -> dict[str, str]:
    return functions((HERE / "solutions" / f"lab{number:02}.py").read_text("utf-8"))


def filled(number: int, student: str, written: dict[str, str] | None = None, words: str = "Because.") -> str:
    """The template of a lab with the solutions in it, and with what was ``written`` in their place."""
    text = cells.of_student(catalogue.template(number), student).replace('ANSWER = """"""', f'ANSWER = """{words}"""')
    theirs = functions(text)
    for name, body in {**solutions(number), **(written or {})}.items():
        text = text.replace(theirs[name], body)
    return text


def here(text: str) -> Checked:
    """A script that is run in this process, where no process of its own is what is tested; it may write into the current folder."""
    matplotlib.use("Agg")
    script, ran, answers = cells.parse(text), [], []
    asked = {"text": text, "file": "lab.py", "lab": script.lab, "student": script.student, "skip": [], "cell_seconds": 60.0}

    def tell(event: str, **what: Any) -> None:
        if event != "begin":
            (ran if event == "cell" else answers).append(what if event == "cell" else Answer.parse(what))

    child.work({**asked, "call_seconds": 60.0}, tell)
    lab = catalogue.load(script.lab)
    return Checked(script, lab.title, lab.question, judge.verdicts(lab, script.student, answers), ran, 0.0, "")
