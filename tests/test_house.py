"""The house keeps its rules: who may import whom, what stands at the top level, what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("priors", "problems", "solvers", "reports")
MAY_IMPORT = {"priors": set(), "problems": set(), "solvers": {"priors", "problems"}, "reports": {"priors", "problems", "solvers"}}
PROTOCOLS = {"priors.slot", "problems.operator", "problems.problem", "problems.seeds"}  # all that solvers may know of the others


def imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def sources() -> list[Path]:
    return [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_follow_the_house_rules(file: Path) -> None:
    room = file.relative_to(ROOT).parts[0]
    for name in imported(file):
        other = name.split(".")[0]
        if other in ROOMS and other != room:
            assert other in MAY_IMPORT[room], f"{room} must not import {name}"
            assert room != "solvers" or name in PROTOCOLS, f"solvers may know protocols only, not {name}"


def test_only_reports_read_the_truth() -> None:
    for file in sources():
        if file.relative_to(ROOT).parts[0] in ("priors", "solvers"):
            reads = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute) and node.attr == "truth"]
            assert not reads, f"{file} reads problem.truth"


def test_the_top_level_holds_only_the_rooms() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    kept = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    top = {line.split("/")[0] for line in kept.stdout.splitlines()}
    allowed = {*ROOMS, "tests", "pyproject.toml", "README.md", "LICENSE", "constraints.txt"}
    assert {name for name in top if not name.startswith(".")} <= allowed


def test_the_catalogues_are_light() -> None:
    """Listing what there is must not load torch: two seconds that every --help would pay."""
    code = "import sys, priors, problems; print(sorted({'torch', 'skimage', 'matplotlib', 'scipy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
