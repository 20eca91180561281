"""Pictures without contrast and terminals without Unicode: every command ends as usual."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from reports.cli import main
from reports.cli.terminal import console, scores
from reports.experiments.comparison import compare, plan
from reports.page import report
from reports.runs.stored import Run


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_is_reported(tmp_path: Path, level: int) -> None:
    file = tmp_path / "flat.png"
    Image.new("L", (24, 24), level).save(file)
    cells = plan(("gaussian",), ("denoise",), (str(file),), ("hqs", "annealed"), samples=2, steps=3, size=24)
    page = report.build(compare(cells, tmp_path / "run", "test"))
    assert page.is_file()
    for judged in (tmp_path / "run" / "judged").glob("*.json"):
        json.loads(judged.read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932"])
def test_the_catalogue_is_printed_in_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, encoding=encoding))
    main(["list"])
    print("\u2028 · é")  # none of the three encodings has all of these characters
    sys.stdout.flush()
    assert "gaussian" in kept.getvalue().decode(encoding)


def test_mixed_versions_of_the_code_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = plan(("gaussian", "tv"), ("denoise",), ("camera",), ("hqs",), steps=3, size=24)
    found = compare(cells, tmp_path, "test")
    assert not found.mixed_code
    mixed = Run(found.folder, (found.rows[0], replace(found.rows[1], code="")), found.provenance)
    scores(console(), mixed)
    assert "1 by unknown" in capsys.readouterr().out
    assert "1 by unknown" in report.build(mixed).read_text("utf-8")
