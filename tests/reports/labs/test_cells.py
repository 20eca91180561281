"""Scripts are read without being run: cells, lab, id and answer; scripts, notebooks, and what is neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.labs import LABS, catalogue, cells

SCRIPT = """# %% [markdown]
# # Title
# Text.

# %%
LAB = 3
STUDENT = "ana"

# %%

# %%
def f(x):
    return x


ANSWER = \"\"\" Because.
\"\"\"
"""


def test_cells_of_a_script() -> None:
    found = list(cells.split(SCRIPT))
    assert [(cell.line, cell.prose) for cell in found] == [(2, True), (6, False), (12, False)]
    assert found[2].text.startswith("def f(x):")
    assert SCRIPT.splitlines()[found[2].line - 1] == "def f(x):"


def test_a_script_tells_whose_it_is() -> None:
    script = cells.parse(SCRIPT)
    assert (script.lab, script.student, script.words) == (3, "ana", "Because.")


def test_a_broken_cell_hides_no_other() -> None:
    script = cells.parse(SCRIPT.replace("def f(x):", "def f(x:"))
    assert (script.lab, script.student, script.words) == (3, "ana", "")


def test_nothing_is_run_when_a_script_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(SCRIPT + f"\n# %%\nopen({str(tmp_path / 'made')!r}, 'w')\n")
    cells.read(file)
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]


def test_a_notebook_is_a_script_of_cells(tmp_path: Path) -> None:
    sources = [("markdown", "# Title\nText."), ("code", 'LAB = 3\nSTUDENT = "ana"'), ("code", "def f(x):\n    return x")]
    file = tmp_path / "a.ipynb"
    file.write_text(json.dumps({"cells": [{"cell_type": kind, "source": text.splitlines(True)} for kind, text in sources]}))
    script = cells.read(file)
    assert (script.lab, script.student) == (3, "ana")
    assert [cell.text.strip() for cell in script.cells] == ["# # Title\n# Text.", 'LAB = 3\nSTUDENT = "ana"', "def f(x):\n    return x"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"print(1)", "no line LAB = 3"),
        (b"LAB = True\nSTUDENT = 'a'", "no line LAB = 3"),
        (b"LAB = 3", "no line STUDENT"),
        (b"LAB = 3\nSTUDENT = 'nobody'", "begin with priorbench lab start"),
        (b"LAB = 3\nSTUDENT = '=cmd()'", "the id '=cmd\\(\\)' cannot be"),
        (b"LAB = 3\nSTUDENT = ''", "cannot be"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"#" * (cells.LARGEST + 1), "more than a script can"),
    ],
)
def test_what_is_no_script_of_a_lab(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        cells.read(file)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="check the path"):
        cells.read(tmp_path / "none.py")
    with pytest.raises(ValueError, match="lab grade"):
        cells.read(tmp_path)


@pytest.mark.parametrize("student", ["7", "ana", "Zoë Müller", "s12.34-x@uni", "a" * 60])
def test_an_id_may_be_any_name_or_number(student: str) -> None:
    script = cells.parse(cells.of_student(catalogue.template(3), student))
    assert script.student == student
    assert "/" not in cells.in_file_name(student)


@pytest.mark.parametrize("student", ["", " ana", "a/b", 'a"b', "a\nb", "-a", "../a", "a" * 61, "=1"])
def test_ids_that_cannot_stand_in_files_and_tables(student: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        cells.of_student(catalogue.template(3), student)


@pytest.mark.parametrize("number", LABS)
def test_templates_are_read_from_the_package(number: int) -> None:
    assert catalogue.template(number).count('STUDENT = "nobody"') == 1


def test_no_such_lab() -> None:
    with pytest.raises(ValueError, match="there is no lab 99"):
        catalogue.template(99)
