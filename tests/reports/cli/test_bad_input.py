"""Bad input: one clear sentence, exit code 2, nothing solved and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports.cli import main
from reports.experiments import jobs, tuning

Make = Callable[[Path], list[str]]
PROVENANCE = {"command": "test", "date": "today", "platform": "any", "cores": 2, "seed": 0, "size": 24, "channels": 1, "samples": 0}
PROVENANCE |= {"versions": {}, "licences": {}, "weights": {}, "tuning_images_reported": [], "strengths": []}
EMPTY_RUN = json.dumps({"provenance": PROVENANCE, "cells": []})


def picture(name: str, pixels: np.ndarray | bytes) -> Make:
    """A file with these pixels or bytes, as the image of a comparison."""

    def make(folder: Path) -> list[str]:
        file = folder / name
        if isinstance(pixels, bytes):
            file.write_bytes(pixels)
        else:
            Image.fromarray(pixels).save(file)
        return ["-i", str(file)]

    return make


def array(name: str, values: np.ndarray, option: str) -> Make:
    def make(folder: Path) -> list[str]:
        np.save(folder / name, values)
        return ["-P", option.format(folder / name)]

    return make


def text(name: str, content: str, *option: str) -> Make:
    def make(folder: Path) -> list[str]:
        (folder / name).write_text(content)
        return [*option, str(folder / name)]

    return make


def words(*arguments: str) -> Make:
    return lambda folder: [argument.format(folder) for argument in arguments]


def nan_picture(folder: Path) -> list[str]:
    values = np.full((32, 32), 0.5, np.float32)
    values[3, 4] = np.nan
    Image.fromarray(values).save(folder / "nan.tiff")
    return ["-i", str(folder / "nan.tiff")]


# What is given -> words that the sentence must hold.
COMPARE: dict[str, tuple[Make, tuple[str, ...]]] = {
    "unknown prior": (words("-p", "gausian"), ("gausian", "did you mean 'gaussian'")),
    "unknown prior, nothing near": (words("-p", "zzz"), ("zzz", "known:")),
    "unknown option of a prior": (words("-p", "gaussian[power=3]"), ("power", "gaussian")),
    "module of a prior missing": (words("-p", "no_such_module:make"), ("no_such_module", "install")),
    "callable of a prior missing": (words("-p", "tests.helpers:Nothing"), ("Nothing", "tests.helpers")),
    "not a prior": (words("-p", "collections:Counter"), ("Counter", "denoise(x, sigma)")),
    "word for a number of a prior": (words("-p", "gaussian[mean=high]"), ("mean", "high", "a number")),
    "weights missing": (words("-p", "cnn[weights={}/none.safetensors]"), ("none.safetensors",)),
    "selector not closed": (words("-p", "tv[a=1"), ("tv[a=1", "name[option=value")),
    "no prior": (words("-p", ","), ("at least one prior",)),
    "unknown problem": (words("-P", "deblurr"), ("deblurr", "did you mean 'deblur'")),
    "unknown option of a problem": (words("-P", "deblur[kernal=disk]"), ("kernal", "kernel")),
    "unknown kernel": (words("-P", "deblur[kernel=motoin:15:30]"), ("motoin", "motion")),
    "kernel file missing": (words("-P", "deblur[kernel={}/k.npy]"), ("k.npy",)),
    "kernel of wrong shape": (array("k.npy", np.ones((3, 3, 3, 3)), "deblur[kernel={}]"), ("kernel",)),
    "kernel with NaN": (array("k.npy", np.full((3, 3), np.nan), "deblur[kernel={}]"), ("kernel",)),
    "factor out of range": (words("-P", "super_resolution[factor=0]"), ("factor",)),
    "factor not a number": (words("-P", "super_resolution[factor=two]"), ("factor", "two")),
    "noise not a number": (words("-P", "deblur[noise_sigma=loud]"), ("noise_sigma", "loud")),
    "unknown mask": (words("-P", "inpaint[mask=bocks:0.3]"), ("bocks", "box")),
    "mask out of range": (words("-P", "inpaint[mask=box:7]"), ("between 0 and 1",)),
    "truth for a number": (words("-P", "deblur[noise_sigma=true]"), ("noise_sigma", "a number")),
    "own seed": (words("-P", "deblur[rng=3]"), ("rng", "seed")),
    "unknown image": (words("-i", "camra"), ("camra", "did you mean 'camera'")),
    "image missing": (words("-i", "{}/none.png"), ("none.png", "check the path")),
    "image corrupt": (picture("broken.png", b"\x89PNG\r\n\x1a\n and then nothing"), ("broken.png", "cannot be read")),
    "image that is a text": (picture("text.png", b"hello"), ("text.png", "cannot be read")),
    "image too small": (picture("small.png", np.zeros((20, 20), np.uint8)), ("20", "small.png")),
    "image with NaN": (nan_picture, ("NaN",)),
    "image is a folder": (words("-i", "{}"), ("is a folder", "name the pictures in it")),
    "unknown method": (words("-m", "hsq"), ("hsq", "did you mean 'hqs'")),
    "no samples": (words("-n", "0"), ("samples must be at least 1",)),
    "no steps": (words("--steps", "0"), ("steps must be at least 1",)),
    "too small": (words("--size", "3"), ("size must be at least 16",)),
    "larger than the image": (words("--size", "4000"), ("size must lie from 1 to 512",)),
    "noise of 8 bits": (words("--noise", "25"), ("noise_sigma", "25/255 = 0.098")),
    "no noise": (words("--noise", "0"), ("noise_sigma", "positive")),
    "noise not finite": (words("--noise", "nan"), ("noise_sigma", "positive")),
    "two channels": (words("--channels", "2"), ("channels must be 1 (grey) or 3 (colour)",)),
    "word for a number": (words("--size", "big"), ("big", "--size")),
    "unknown option": (words("--sise", "24"), ("--sise", "--size")),
    "folder that is a file": (text("taken", "", "-o"), ("taken", "cannot write")),
    "folder below a file": (words("-o", "{}/file/run"), ("cannot write", "--out")),
    "folder that is read-only": (words("-o", "/proc/run"), ("/proc/run", "cannot write")),
    "strengths missing": (words("--strengths", "{}/none.json"), ("none.json", "priorbench tune")),
    "strengths of another kind": (text("s.json", '{"a": 1}', "--strengths"), ("s.json", "priorbench tune")),
    "strengths damaged": (text("s.json", "[{", "--strengths"), ("s.json", "priorbench tune")),
    "strengths that are a folder": (words("--strengths", "{}"), ("is a folder", "strengths.json")),
    "more samples than anybody can wait for": (words("-n", "999999999"), ("samples must be at most",)),
    "more steps than anybody can wait for": (words("--steps", "9" * 20), ("steps must be at most",)),
    "images too large": (words("--size", "9" * 20), ("size must be at most",)),
}
OTHER: dict[str, tuple[Make, tuple[str, ...]]] = {
    "unknown command": (words("compair"), ("compair", "--help")),
    "report without a run": (words("report", "{}"), ("no run in", "priorbench compare")),
    "report of a run without a past": (
        lambda folder: ["report", str(text("run.json", '{"cells": [], "provenance": {}}', "")(folder) and folder)],
        ("run.json", "lacks command"),
    ),
    "report of a damaged run": (lambda folder: ["report", str(text("run.json", "[", "")(folder) and folder)], ("run.json", "damaged")),
    "report without a finished cell": (
        lambda folder: ["report", str(text("run.json", EMPTY_RUN, "")(folder) and folder)],
        ("no finished cell", "priorbench compare"),
    ),
    "tune an unknown problem": (words("tune", "-P", "deblurr"), ("did you mean 'deblur'",)),
    "tune a sampler": (words("tune", "-m", "annealed"), ("tunable method", "annealed")),
    "tune into a missing disk": (words("tune", "-p", "gaussian", "-o", "/proc/run/s.json"), ("cannot write",)),
    "train an unknown network": (words("train", "cnnn", "-i", "{}"), ("cnnn", "'cnn'")),
    "train on nothing": (words("train", "cnn"), ("--images",)),
    "train on a folder without pictures": (words("train", "cnn", "-i", "{}"), ("no images below",)),
    "train backwards": (words("train", "cnn", "-i", "{}", "--sigma-min", "2"), ("sigma must run", "from 2 to 0.4")),
    "train without time": (words("train", "cnn", "-i", "{}", "--budget", "0"), ("budget", "positive")),
    "train elsewhere": (words("train", "cnn", "-i", "{}", "--device", "abacus"), ("abacus", "'cpu'")),
    "gate without Set12": (words("train", "--smoke", "-i", "{}"), ("--smoke", "--tests")),
    "gate on other pictures": (words("train", "--smoke", "-i", "{}", "-t", "{}"), ("01, 03, 04, 07", "Set12")),
    "fine-tune from nothing": (words("train", "cnn", "-i", "{}", "--start", "no.safetensors"), ("no images below",)),
    "train on from nothing": (words("train", "cnn", "-i", "{}", "--resume", "-o", "{}/w.safetensors"), ("no checkpoint", "--resume")),
    "tune nothing": (words("tune", "-m", ","), ("nothing to tune",)),
    "tune into a folder": (words("tune", "-p", "gaussian", "-o", "{}"), ("is a folder", "strengths.json")),
    "tune in four channels": (words("tune", "-p", "gaussian", "--channels", "4", "-o", "{}/s.json"), ("channels must be 1 (grey) or 3",)),
    "tune on images too large": (words("tune", "-p", "gaussian", "--size", "9" * 20, "-o", "{}/s.json"), ("size must lie from 1 to",)),
    "train at no rate": (words("train", "cnn", "-i", "{}", "--rate", "nan"), ("learning rate", "positive")),
    "train at any rate": (words("train", "cnn", "-i", "{}", "--rate", "inf"), ("learning rate", "positive")),
    "train on noise without end": (words("train", "cnn", "-i", "{}", "--sigma-max", "inf"), ("sigma must run", "to inf")),
    "train into a folder": (words("train", "cnn", "-i", "{}", "-o", "."), (".safetensors", "--out")),
    "train without a seed": (words("train", "cnn", "-i", "{}", "--seed", "-1"), ("--seed",)),
    "table of a text": (text("a.png", "hello", "denoise-table", "-p", "gaussian", "-i"), ("a.png", "folder")),
    "table of a broken picture": (
        lambda folder: ["denoise-table", "-p", "gaussian", "-i", str(text("a.png", "hello", "")(folder) and folder), "-o", f"{folder}/t"],
        ("a.png cannot be read",),
    ),
    "table without noise": (words("denoise-table", "-p", "gaussian", "--sigmas", "0"), ("every sigma must be a positive number",)),
    "table of infinite noise": (words("denoise-table", "-p", "gaussian", "--sigmas", "1e9"), ("at most 25500",)),
    "table without a number": (words("denoise-table", "-p", "gaussian", "--sigmas", "loud"), ("loud", "15,25,50")),
    "table of nothing": (words("denoise-table", "-p", "gaussian", "--sigmas", ""), ("nothing to measure",)),
    "table of no picture": (words("denoise-table", "-p", "gaussian", "--limit", "0"), ("limit must be at least 1",)),
    "table of small pictures": (words("denoise-table", "-p", "gaussian", "--size", "3"), ("size must be at least 16",)),
    "sample in one step": (words("sample", "-p", "gaussian", "--steps", "1"), ("steps must be at least 2",)),
    "sample by an estimate": (words("sample", "-p", "gaussian", "-m", "hqs"), ("hqs",)),
    "sample nothing": (words("sample", "-m", ","), ("nothing to draw",)),
    "sample in two channels": (words("sample", "-p", "gaussian", "--channels", "2"), ("channels must be 1 (grey) or 3",)),
    "sample too large": (words("sample", "-p", "gaussian", "--size", "9" * 20), ("size must be at most",)),
    "prove without a budget": (words("prove", "--budgets", ""), ("nothing to prove",)),
    "prove for no calls": (words("prove", "--budgets", "0"), ("nothing to prove",)),
    "prove for ever": (words("prove", "--budgets", "9" * 20), ("calls must be at most",)),
    "prove for half a call": (words("prove", "--budgets", "10.5"), ("whole numbers", "10.5")),
    "prove with too few samples": (words("prove", "-n", "2"), ("at least", "samples, not 2")),
    "prove with an estimate": (words("prove", "-m", "hqs"), ("hqs",)),
    "watch a folder without a run": (words("watch", "{}"), ("no run in", "priorbench compare")),
    "watch a file": (text("run", "hello", "watch"), ("no run in",)),
    "watch a damaged run": (lambda folder: ["watch", str(text("run.json", "[", "")(folder) and folder)], ("run.json", "damaged")),
    "film of nothing": (words("watch", "--format", "gif"), ("name its folder",)),
    "watch a prior of no run": (words("watch", "-p", "tv"), ("name its folder",)),
    "film of the live page": (words("watch", "--live", "--format", "gif"), ("name its folder",)),
    "watch in another form": (words("watch", "--format", "avi"), ("avi", "html")),
    "watch into a missing disk": (words("watch", "-o", "/proc/watch"), ("/proc/watch", "cannot write", "--out")),
    "watch into a file": (text("taken", "", "watch", "-o"), ("taken", "cannot write")),
    "tune into another file": (text("s.json", "{}", "tune", "-p", "gaussian", "-o"), ("s.json", "does not hold tuned strengths")),
}


# Every option and argument that takes a path.
PATHS = [
    *(["compare", option] for option in ("-o", "--strengths", "--lpips")), ["report"], ["trust"], ["table"], ["table", "{}", "-o"],
    ["figure", "{}", "spectrum", "-o"], ["tune", "-o"], ["prove", "-o"], ["sample", "-o"], ["sample", "-i"],
    ["watch"], ["watch", "-o"], ["denoise-table", "-o"], ["denoise-table", "-i"],
    *(["train", "-i", "{}", option] for option in ("-i", "-o", "-t", "--start")),
]  # fmt: skip


def refused(arguments: list[str], hints: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(folder)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    shown = capsys.readouterr()
    assert stop.value.code == 2
    assert shown.err.startswith("priorbench: ")
    assert shown.err.count("\n") == 1, "one line"
    for hint in hints:
        assert hint in shown.err
    assert contents(folder) == before, "nothing written"


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(file): file.read_bytes() if file.is_file() else None for file in sorted(folder.rglob("*"))}


@pytest.fixture(autouse=True)
def nothing_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in jobs, tuning:
        monkeypatch.setattr(module, "run_cell", lambda cell: pytest.fail(f"{cell} was run"))


@pytest.mark.parametrize("case", COMPARE)
def test_compare_refuses(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, hints = COMPARE[case]
    (tmp_path / "file").touch()
    given = make(tmp_path)
    defaults = {"-p": "gaussian", "-P": "deblur", "-i": "camera", "-m": "hqs", "--size": "24", "-o": str(tmp_path / "run")}
    rest = [word for flag, value in defaults.items() if flag not in given for word in (flag, value)]
    refused(["compare", *rest, *given], hints, tmp_path, capsys)


@pytest.mark.parametrize("case", OTHER)
def test_other_commands_refuse(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, hints = OTHER[case]
    refused(make(tmp_path), hints, tmp_path, capsys)


@pytest.mark.parametrize("command", PATHS, ids=" ".join)
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_path_is_not_the_working_folder(
    command: list[str], blank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused([*(word.format(tmp_path) for word in command), blank], ("the name is empty",), tmp_path, capsys)


def test_a_folder_that_was_removed_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    refused(["list"], ("removed", "change to one"), tmp_path, capsys)
