"""The command watch: where its page and films lie, and what it says when a chain cannot be gone through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from reports.cli.watching import stems
from reports.experiments import chains
from reports.experiments.comparison import compare, plan
from reports.page import watching
from reports.runs.cell import Record
from reports.runs.stored import Run
from tests import helpers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run")
    compare(plan(("gaussian", "tv"), ("super_resolution",), ("camera",), ("hqs", "annealed"), samples=2, size=16, channels=3), place)
    return place


def test_without_a_run_the_page_computes_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert helpers.run("watch") == 0
    assert capsys.readouterr().out == "page: out/watch/index.html\n"
    text = (tmp_path / "out/watch/index.html").read_text()
    assert 'id="facts"' in text
    assert 'id="chains"' not in text
    assert "http" not in text.replace("http-equiv", ""), "nothing is asked of any host"


def test_with_a_run_its_chains_are_played(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of colour images too."""
    assert helpers.run("watch", folder) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in told[:2]] == [
        f"chain: super_resolution · camera · {prior} · annealed" for prior in ("gaussian", "tv")
    ]
    assert told[2:] == [f"page: {folder}/watch/index.html"]
    assert 'id="chains"' in (folder / "watch/index.html").read_text()


def test_films_are_named_by_their_cells(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert helpers.run("watch", folder, "-p", "tv", "-m", "hqs,annealed", "--format", "gif", "-o", tmp_path) == 0
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["super_resolution-camera-tv-annealed.gif", "super_resolution-camera-tv-hqs.gif"]
    assert capsys.readouterr().out.count("film: ") == 2
    with Image.open(tmp_path / names[0]) as film:
        assert getattr(film, "n_frames", 1) == 20


def test_a_chain_that_fails_is_told_and_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    play = chains.play

    def breaking(row: Record, frames: int) -> chains.Chain:
        if row.cell.prior == "tv":
            raise RuntimeError("out of\nluck")
        return play(row, frames)

    monkeypatch.setattr(chains, "play", breaking)
    assert helpers.run("watch", folder) == 1
    shown = capsys.readouterr()
    assert shown.err == "priorbench: failed: super_resolution · camera · tv · annealed: out of luck\n"
    assert "page: " in shown.out
    assert helpers.run("watch", folder, "-p", "tv") == 1
    assert "no chain could be gone through again" in capsys.readouterr().err


def test_an_interrupted_page_is_not_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(row: Record, frames: int) -> chains.Chain:
        raise KeyboardInterrupt

    monkeypatch.setattr(chains, "play", interrupted)
    assert helpers.run("watch", folder, "-o", tmp_path) == 130
    assert f"nothing was written to {tmp_path}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_chains_that_end_elsewhere_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    play = chains.play
    monkeypatch.setattr(chains, "play", lambda row, frames: replace(play(row, frames), repeated=False))
    assert helpers.run("watch", folder, "-p", "tv") == 0
    assert "it ends elsewhere than the stored answer" in capsys.readouterr().out


def test_films_never_overwrite_each_other(folder: Path) -> None:
    row = Run.load(folder).rows[0]
    images = ("a/me.png", "b/me.png", "x" * 300 + ".png")
    found = stems([replace(row, cell=replace(row.cell, image=image, problem="inpaint[mask=box:0.25]")) for image in images])
    assert found[0] == "inpaint_mask=box_0.25_-me-gaussian-hqs"
    assert len(set(found)) == 3
    assert max(map(len, found)) <= 130


def test_what_is_embedded_cannot_end_its_script() -> None:
    assert "</script>" not in watching.embedded({"prior": "</script><script>alert(1)"})
