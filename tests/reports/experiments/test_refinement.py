"""priorbench refinement and structure: the table, what is said of it, files, pages, and what is refused."""

from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import priors
import solvers
from priors import pairs
from priors.pictured import read
from priors.recipe import PAIR_RECIPES
from reports.experiments import refinement
from reports.experiments.pairs import showing
from reports.experiments.refinement import MEAN, Refinement, Row
from reports.runs.loading import conditioned, load_prior
from tests.helpers import run

TINY = dataclasses.replace(
    PAIR_RECIPES["refine"], widths=(8, 16), blocks=(1, 1), patch=16, batch=4, warmup=5, steps=20, core_seconds=math.inf,
    arms=tuple(arm.name for arm in pairs.ARMS), problem="super_resolution[factor=4]",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("refine"), np.random.default_rng(0)
    for k in range(26):
        Image.fromarray(rng.integers(0, 255, (40, 40), dtype=np.uint8)).save(folder / f"{k}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "SIDE", 32)
        list(pairs.train([folder], folder / "tiny.safetensors", TINY, [showing(TINY.problem, 1, 32)] * 5))
    return folder / "tiny.safetensors"


def made(problem: str, entrant: str, psnr: float, one: float, misfit: float) -> Row:
    picture = np.zeros((8, 8, 1), np.float32)
    scores = dict.fromkeys(refinement.SCORES, 1.0) | {"psnr": psnr, "psnr_sample": one, "misfit": misfit, "coverage": None}
    return Row(problem, "camera", entrant, scores, picture, picture)


def test_sentences_tell_the_numbers_of_the_table() -> None:
    rows = [made("denoise", "regression", 30, 30, 1.0), made("denoise", "flow-regression", 28, 27, 1.5), made("denoise", MEAN, 31, 31, 0.9)]
    rows += [made("inpaint", "regression", 15, 15, 40.0), made("inpaint", "flow-regression", 16, 14, 30.0)]
    rows += [made("inpaint", MEAN, 29, 29, 1.0)]
    found = Refinement("denoise", 4, tuple(rows), {})
    told = list(refinement.words(found))
    assert "regression has 30.00 dB" in told[0]
    assert "27.00 dB" in told[0]
    assert "the best of the trained arms (flow-regression) has 16.00 dB at a misfit of 30" in told[2]
    assert "29.00 dB at 1" in told[2]
    assert found.means("inpaint")["regression"]["coverage"] is None
    assert "| regression | 15.00 | 15.00 |" in refinement.markdown(found)


@pytest.mark.slow
def test_the_command_leaves_page_figure_table_and_what_can_be_read_again(trained, tmp_path, capsys) -> None:
    folder = tmp_path / "found"
    told = ("-w", trained, "-P", "super_resolution[factor=4],inpaint", "-i", "camera", "--size", 32, "-n", 3, "-o", folder)
    assert run("refinement", *told) == 0
    assert "plug-and-play samples" in capsys.readouterr().out
    assert {"report.html", "refinement.png", "refinement.pdf", "refinement.md", "refinement.json"} <= {f.name for f in folder.iterdir()}
    found = refinement.load(folder)
    assert len(found.rows) == 14
    assert set(found.means("inpaint")) == {*TINY.arms, MEAN, refinement.SAMPLES}
    assert found.means("inpaint")["flow"]["coverage"] is None
    page = (folder / "report.html").read_text()
    assert page.count("<img") == 18
    assert "http" not in page.replace("http://www.w3.org", "")


@pytest.mark.slow
def test_structure_leaves_its_figure_and_scores(tmp_path, capsys) -> None:
    assert run("structure", "-i", "camera,rocket", "--size", 32, "-n", 1, "--steps", 8, "-o", tmp_path / "s") == 0
    assert "F-score" in capsys.readouterr().out
    assert (tmp_path / "s" / "structure.png").is_file()


def test_structure_whose_samples_diverge_says_so_and_writes_nothing(tmp_path, capsys) -> None:
    assert run("structure", "-i", "camera", "--size", 32, "-n", 1, "--steps", 3, "-g", 1e6, "-o", tmp_path / "s") == 1
    told = capsys.readouterr()
    assert "camera is left out: heun with prior" in told.out
    assert "every picture diverged" in told.err
    assert not list((tmp_path / "s").iterdir())


@pytest.mark.parametrize(("arguments", "words"), [
    (("refinement", "-w", "nowhere.safetensors"), "nowhere.safetensors does not exist"),
    (("refinement", "-P", "tea"), "unknown problem 'tea'"),
    (("refinement", "-P", "inpaint[rng=3]"), "rng is no option of 'inpaint[rng=3]' here"),
    (("train", "refine", "-i", "nowhere", "-P", "inpaint[rng=3]"), "rng is no option"),
    (("refinement", "-i", "nowhere.png"), "nowhere.png"),
    (("structure", "-i", "nowhere.png"), "nowhere.png"),
    (("structure", "-g", "nan"), "guidance must be finite"),
    (("structure", "-i", ","), "no pictures; name at least one"),
    (("refinement", "-i", ","), "nothing to measure; name at least one problem and one picture"),
    (("refinement", "-P", ","), "nothing to measure"),
    (("compare", "-p", "edges", "--condition", "a.png", "-i", "camera,rocket"), "a condition picture belongs to one image, not to 2"),
    (("sample", "-p", "edges[label=all]"), "'edges' takes no label"),
    (("sample", "-p", "edges", "--condition", "a,b.png"), "has a comma or a bracket in its name"),
    (("sample", "-p", "edges", "--condition", "a[b].png"), "has a comma or a bracket in its name"),
    (("sample", "-p", "edges", "--condition", "1e3"), "or is a number"),
    (("sample", "-p", "edges", "--condition", "."), "is a folder; name a picture in it"),
    (("train", "refine", "-i", "nowhere"), "no images below nowhere"),
    (("train", "refine", "-i", "nowhere", "-P", "tea"), "unknown problem 'tea'"),
    (("train", "pictured", "-i", "nowhere", "-t", "tea"), "unknown task 'tea'"),
    (("train", "edges", "-i", "nowhere", "--start", "a.safetensors"), "leave out --start"),
    (("sample", "-p", "diffusion", "--condition", "a.png"), "none of the priors is shown a condition picture"),
    (("sample", "-p", "pictured", "--condition", "nowhere.png"), "the condition picture nowhere.png does not exist"),
])  # fmt: skip
def test_bad_input_is_one_sentence(arguments, words, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize("command", ["refinement", "structure", "guidance"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_drawn(command, tmp_path, capsys) -> None:
    (tmp_path / "taken").write_text("a file")
    assert run(command, "-o", tmp_path / "taken") == 2
    assert "cannot write to the folder" in capsys.readouterr().err


def test_a_prior_is_made_anew_when_its_condition_picture_has_changed(tmp_path) -> None:
    file = tmp_path / "a.png"
    shown = []
    for grey, changed in ((50, 1), (200, 2)):
        Image.new("RGB", (4, 4), (grey, grey, grey)).save(file)
        os.utime(file, (changed, changed))
        shown.append(float(load_prior(f"pictured[picture={file}]", 3).picture.mean()))  # type: ignore[attr-defined]
    assert shown == pytest.approx([50 / 255, 200 / 255])


def test_plug_and_play_that_diverges_is_left_out(trained, monkeypatch) -> None:
    def diverging(*_: object, **__: object) -> None:
        raise solvers.Diverged("it left all bounds", [])

    monkeypatch.setattr(refinement.solvers, "solve", diverging)
    told: list[str] = []
    found = refinement.cases(["denoise"], ["camera"], 16, 1, 0)
    rows = list(refinement.run(read(trained, precision="float32"), priors.load("tv"), found, 2, 0, told.append))
    assert MEAN not in {row.entrant for row in rows}
    assert "  plug-and-play is left out: it left all bounds" in told


SIZED = [("compare", "-i", "camera", "--size", 64), ("restore", "x.png", "--problem", "denoise", "--noise", 0.1)]


@pytest.mark.parametrize("command", SIZED)
def test_a_condition_of_another_size_is_told_before_anything_is_solved(command, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (64, 64), 100).save("x.png")
    Image.new("L", (50, 64), 100).save("y.png")
    assert run(*command, "-p", "edges", "--condition", "y.png", "-o", "out") == 2
    assert "the condition picture is 64x50 and the image 64x64" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_condition_goes_to_the_priors_that_take_one() -> None:
    assert conditioned(["tv", "pictured[task=jpeg]", "edges[picture=b.png]"], "a.png") == [
        "tv", "pictured[picture=a.png,task=jpeg]", "edges[picture=b.png]",
    ]  # fmt: skip
    assert conditioned(["tv"], None) == ["tv"]


def test_what_a_problem_shows_depends_on_the_picture_and_the_random_numbers() -> None:
    show, clean = showing("super_resolution[factor=4]", 1, 32), torch.rand(2, 1, 32, 32)
    one, again, other = (show(clean, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
