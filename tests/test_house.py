"""The house keeps its rules: who may import whom, that no circle exists, what stands at the top level, what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("priors", "problems", "solvers", "reports")
MAY_IMPORT = {"priors": set(), "problems": set(), "solvers": {"priors", "problems"}, "reports": {"priors", "problems", "solvers"}}
# All that solvers may know of the others.
PROTOCOLS = {"priors.slot", "priors.gaussian", "problems.operator", "problems.problem", "problems.names", "problems.seeds"}
FLOORS = (  # of reports, from the ground up: a room imports only from floors below its own
    {"scores"},
    {"runs"},
    {"judging"},
    {"experiments"},
    {"figures", "tables"},
    {"page"},
    {"report"},  # a stored run that can be drawn
    {"labs"},  # they make pages of their own
    {"cli"},
    {"__main__"},
)


def sources() -> list[Path]:
    return [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(file): file for file in sources()}


def imported(file: Path) -> set[str]:
    """Every module that a file imports, at its top, within a function or for types only."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} has a relative import; write the whole name"
            assert node.module
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= inner & set(MODULES) | ({node.module} if inner - set(MODULES) else set())
    return names


GRAPH = {name: imported(file) & set(MODULES) for name, file in MODULES.items()}


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_follow_the_house_rules(file: Path) -> None:
    room = file.relative_to(ROOT).parts[0]
    for name in imported(file):
        other = name.split(".")[0]
        if other in ROOMS and other != room:
            assert other in MAY_IMPORT[room], f"{room} must not import {name}"
            assert room != "solvers" or name in PROTOCOLS, f"solvers may know protocols only, not {name}"


def test_no_import_circle() -> None:
    """Neither at the top of files nor hidden in a function or under TYPE_CHECKING."""
    try:
        list(TopologicalSorter(GRAPH).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def floor(room: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("reports.")])
def test_reports_import_downwards_only(name: str) -> None:
    room = name.split(".")[1]
    for other in GRAPH[name]:
        if other.startswith("reports.") and other.split(".")[1] != room:
            assert floor(other.split(".")[1]) < floor(room), f"{name} must not import {other}: it stands on a floor above or beside"


def test_a_circle_and_an_arrow_upwards_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two tests above fail where they must."""
    with monkeypatch.context() as patch:
        patch.setitem(GRAPH, "reports.scores.intervals", {"reports.scores.ensemble"})
        with pytest.raises(pytest.fail.Exception, match="a circle"):
            test_no_import_circle()
    with monkeypatch.context() as patch:
        patch.setitem(GRAPH, "reports.runs.store", {"reports.page.report"})
        with pytest.raises(AssertionError, match=r"must not import reports\.page"):
            test_reports_import_downwards_only("reports.runs.store")
    hidden = tmp_path / "hidden.py"
    lines = ["from typing import TYPE_CHECKING", "if TYPE_CHECKING:", "    import priors.tv", "def f():"]
    lines += ["    from reports.runs import store"]
    hidden.write_text("\n".join(lines))
    assert imported(hidden) == {"typing", "priors.tv", "reports.runs.store"}


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
