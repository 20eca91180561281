"""Any file of a stored run damaged at random: it is refused in one line or left out, and nothing raises."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.experiments.comparison import compare, plan
from reports.figures import paper
from reports.runs.stored import Run
from tests.helpers import run

QUICK = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
THOROUGH = settings(QUICK, max_examples=25)
WRONG = [None, float("nan"), float("inf"), [], {}, 1e300, 10**400, -1, 0, 0.5, 7, True, "", "text", "deblur[", "\x00", [[1]], [None, "a"]]
TEXTS = ["", "[]", "{}", "null", "1", "hello", "[1, 2", "\x00", "[" * 100_000, '{"schema": 2}']
ARRAYS = {
    "integers": lambda x: np.nan_to_num(x).astype(int),
    "NaN": lambda x: np.full_like(x, np.nan),
    "infinity": lambda x: np.full_like(x, np.inf),
    "huge": lambda x: x.astype(float) * 1e200,
    "one axis more": lambda x: x[None],
    "cut": lambda x: x[..., :1].repeat(2, -1) if x.ndim else np.zeros(3),
    "empty": lambda x: np.zeros((0,) * x.ndim),
    "objects": lambda x: np.array([None, 1], dtype=object),
    "text": lambda x: np.array("a"),
    "the other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "long double": lambda x: x.astype(np.longdouble),
    "negative": lambda x: -x,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with everything that can be stored in one."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    compare(plan(("gaussian", "tv"), ("denoise",), ("camera", "coins"), ("hqs", "annealed"), samples=3, steps=3, size=24), folder, "test")
    assert run("sample", "-p", "gaussian", "-n", 2, "--size", 24, "--steps", 8, "-o", folder / "beliefs") == 0
    return folder


def stored(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in (".json", ".npz") and file.name != "results.json")


def places(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every entry of a JSON document."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in items:
        yield (*at, name)
        yield from places(value, (*at, name))


def damage_json(file: Path, data: st.DataObject) -> None:
    """Delete an entry or put another value in its place."""
    content = json.loads(file.read_text())
    depth = data.draw(st.sampled_from(sorted({len(at) for at in places(content)})), "depth")
    *at, last = data.draw(st.sampled_from([at for at in places(content) if len(at) == depth]), "entry")
    inner = content
    for name in at:
        inner = inner[name]
    if data.draw(st.booleans(), "delete"):
        del inner[last]
    else:
        inner[last] = data.draw(st.sampled_from(WRONG), "value")
    file.write_text(json.dumps(content))


def damage_npz(file: Path, data: st.DataObject) -> None:
    """Leave out an array, or store another in its place."""
    with np.load(file) as kept:
        arrays = {name: kept[name] for name in kept.files}
    name = data.draw(st.sampled_from(sorted(arrays)), "array")
    kind = data.draw(st.sampled_from(["missing", "another", *ARRAYS]), "kind")
    array = arrays.pop(name)
    if kind == "another":
        arrays[name] = arrays.get(data.draw(st.sampled_from(sorted(arrays) or [name]), "which"), array)
    elif kind != "missing":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arrays[name] = ARRAYS[kind](array)
    np.savez(file, **arrays)


def damage_bytes(file: Path, data: st.DataObject, others: list[Path]) -> None:
    kind = data.draw(st.sampled_from(["cut off", "overwritten", "another file", "text", "folder", "gone"]), "kind")
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1), "at")
    file.unlink()
    if kind == "cut off":
        file.write_bytes(content[:at])
    elif kind == "overwritten":
        content[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8), "bytes")
        file.write_bytes(content)
    elif kind == "another file":
        others = [other for other in others if other != file]
        file.write_bytes(data.draw(st.sampled_from(others), "other").read_bytes())
    elif kind == "text":
        file.write_text(data.draw(st.sampled_from(TEXTS), "text"))
    elif kind == "folder":
        file.mkdir()


def damaged(whole: Path, data: st.DataObject) -> Path:
    """A copy of the run with one file damaged."""
    folder = whole.with_name("damaged")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("figures", "results.*"))
    files = stored(folder)
    room = data.draw(st.sampled_from(sorted({(file.relative_to(folder).parts[0], file.suffix) for file in files})), "room")
    file = data.draw(st.sampled_from([file for file in files if (file.relative_to(folder).parts[0], file.suffix) == room]), "file")
    if data.draw(st.booleans(), "bytes"):
        damage_bytes(file, data, files)
    else:
        (damage_json if file.suffix == ".json" else damage_npz)(file, data)
    return folder


def ends_well(arguments: tuple[object, ...], folder: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, or 2 with a sentence on stderr that is one line; so is each warning about a file."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "priorbench"):
        code = run(*arguments)
    told = capsys.readouterr().err
    assert code in (0, 2)
    assert told.count("\n") == (code == 2)
    messages = [record.getMessage() for record in caplog.records]
    assert all("\n" not in message and str(folder) in message for message in messages)
    assert len(set(messages)) == len(messages)


@QUICK
@given(data=st.data())
def test_load_and_table(whole: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], data: st.DataObject) -> None:
    folder = damaged(whole, data)
    with contextlib.suppress(ValueError, FileNotFoundError):  # the index itself is damaged, or gone
        assert len(Run.load(folder).rows) >= 4  # a measurement is shared by four of the eight cells
    ends_well(("table", folder), folder, caplog, capsys)


@pytest.mark.slow
@THOROUGH
@given(data=st.data(), name=st.sampled_from(paper.names()))
def test_a_figure(
    whole: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], data: st.DataObject, name: str
) -> None:
    folder = damaged(whole, data)
    ends_well(("figure", folder, name, "--format", "svg"), folder, caplog, capsys)


@pytest.mark.slow
@THOROUGH
@given(data=st.data())
def test_trust(whole: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], data: st.DataObject) -> None:
    folder = damaged(whole, data)
    ends_well(("trust", folder), folder, caplog, capsys)


@pytest.mark.slow
@settings(THOROUGH, max_examples=12)
@given(data=st.data())
def test_the_report(whole: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], data: st.DataObject) -> None:
    folder = damaged(whole, data)
    ends_well(("report", folder), folder, caplog, capsys)
