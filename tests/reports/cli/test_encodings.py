"""Pictures without contrast and terminals without Unicode: every command ends as usual."""

from __future__ import annotations

import io
import json
import os
import subprocess
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


COMMANDS = """
import sys
from reports.cli import main

picture, out = sys.argv[1:]
common = ["-p", "gaussian", "-i", picture]


def run(*words):
    try:
        main(words)
    except SystemExit as end:
        return end.code


run("list")
run("compare", *common, "-P", "denoise", "-m", "hqs,annealed", "-n", "2", "--steps", "3", "--size", "24", "-o", out)
run("table", out)
run("trust", out)
run("figure", out, "spectrum", "-o", out + "/spectrum.pdf")
run("tune", "-p", "gaussian", "-P", "denoise", "--size", "16", "-o", out + "/strengths.json")
run("denoise-table", "-p", "gaussian", "-i", picture.rpartition("/")[0], "--sigmas", "25", "-o", out + "/table")
run("sample", "-p", "gaussian", "-i", picture.rpartition("/")[0], "-n", "2", "--size", "16", "-o", out + "/sample")
sys.exit(run("compare", "-i", out + "/not there"))
"""


PROOF = "from reports.cli import main\nmain(['prove', '-m', 'annealed', '--budgets', '2', '-n', '19', '-o', __import__('sys').argv[2]])\n"
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def ended(code: str, *arguments: str | Path, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of Python code run elsewhere."""
    run = [sys.executable, "-c", code, *map(str, arguments)]
    found = subprocess.run(run, cwd=Path(__file__).parents[3], env={**os.environ, **environment}, capture_output=True)
    return found.returncode, found.stdout.decode(errors="replace"), found.stderr.decode(errors="replace")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932"])
def test_every_command_works_on_names_that_cannot_be_printed(tmp_path: Path, encoding: str) -> None:
    folder, out = tmp_path / "été 写真 ✓", tmp_path / "été 写真 ✓" / "out λ"
    folder.mkdir()
    Image.effect_noise((32, 32), 60).save(folder / "süß 猫.png")
    code, output, complaints = ended(COMMANDS, folder / "süß 猫.png", out, PYTHONIOENCODING=encoding)
    assert code == 2
    assert "not there; check the path" in complaints
    assert len(complaints.splitlines()) == 1
    assert "PSNR" in output
    for name in ("report.html", "spectrum.pdf", "trust.md", "strengths.json", "table/denoise-table.md", "sample/sample.json"):
        assert (out / name).is_file(), name


@pytest.mark.slow
def test_every_command_works_in_the_locale_c(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.effect_noise((32, 32), 60).save(tmp_path / "in" / "noise.png")
    code, output, complaints = ended(PROOF + COMMANDS, tmp_path / "in" / "noise.png", tmp_path / "out", **C_LOCALE)
    assert code == 2
    assert len(complaints.splitlines()) == 1
    assert "PSNR" in output


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "é").mkdir()
    code, _, complaints = ended(COMMANDS.partition('run("list")')[0] + "sys.exit(run('report', out))", "", tmp_path / "é", **C_LOCALE)
    assert code == 2
    assert "is not text in the encoding of this machine (ascii); give the file another name" in complaints
    with pytest.raises(ValueError, match="is not text"):
        plan(["gaussian"], ["denoise"], ["\udce9.png"], ["hqs"])


def test_mixed_versions_of_the_code_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = plan(("gaussian", "tv"), ("denoise",), ("camera",), ("hqs",), steps=3, size=24)
    found = compare(cells, tmp_path, "test")
    assert not found.mixed_code
    mixed = Run(found.folder, (found.rows[0], replace(found.rows[1], code="")), found.provenance)
    scores(console(), mixed)
    assert "1 by unknown" in capsys.readouterr().out
    assert "1 by unknown" in report.build(mixed).read_text("utf-8")
