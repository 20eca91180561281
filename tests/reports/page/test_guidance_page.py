"""The page about guidance: it needs no other file, its words are its numbers, and guidance is chosen by keys."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch

from reports.experiments.guidance import Guidance, Guided
from reports.page import guidance as page
from reports.runs.provenance import circumstances
from tests.reports.page.test_page import Reader

LABELS = ("0", "1", "<2>")
EXACT = [{"guidance": w, "mean": 0.6, "std": 0.15, "tilted_mean": 0.6, "tilted_std": 0.15, "tilted_covered": 0.9, "label_covered": c}
         for w, c in ((1.0, 0.9), (3.0, 0.57))]  # fmt: skip
CURVES = {"training, 8 pictures": {"sigma": [0.1, 1.0, 5.0], "unlabelled": [30.0, 20.0, 10.0], "labelled": [30.0, 20.5, 12.0]},
          "test, 8 pictures": {"sigma": [0.1, 1.0, 5.0], "unlabelled": [30.0, 20.0, 10.0], "labelled": [30.01, 20.3, 11.5]}}  # fmt: skip


def guided(way: str, weight: float, wrong: int, width: float, bright: float = 0.0) -> Guided:
    """Twelve samples of which ``wrong`` are told to be of another label."""
    noise = torch.Generator().manual_seed(0)
    samples = 0.5 + width * torch.randn(3, 4, 1, 8, 6, generator=noise)
    samples = samples.clamp(0, 1)
    samples[..., : int(8 * bright), :] = 1.5
    told = torch.arange(3)[:, None].repeat(1, 4)
    told.view(-1)[:wrong] += 1
    return Guided.of(way, weight, samples, told)


def found(ways: tuple[str, ...] = ("label",)) -> Guidance:
    every = [guided(way, *each) for way in ways for each in ((0.0, 8, 0.2), (1.0, 1, 0.1), (2.0, 0, 0.095), (5.0, 0, 0.05, 0.5))]
    return Guidance("made up", LABELS, tuple(every), dict.fromkeys(LABELS, 0.1), CURVES, 0.997)


def built(folder: Path, ways: tuple[str, ...] = ("label",)) -> Path:
    return page.build(found(ways), EXACT, circumstances("priorbench guidance"), folder)


def test_the_page_needs_nothing_else_and_is_whole(tmp_path: Path) -> None:
    path = built(tmp_path, ("label", "classifier"))
    reader, text = Reader(path), path.read_text("utf-8")
    assert reader.open == []
    assert "&lt;2&gt;" in text
    assert "<2>" not in text
    sources = [value for _, each in reader.tags for name, value in each.items() if name in ("src", "href")]
    assert all(str(source).startswith(("data:image/", "#")) for source in sources)
    assert not re.findall(r"https?://(?!www\.w3\.org)", text)
    ids = {each["id"] for _, each in reader.tags if "id" in each}
    assert {str(each["href"])[1:] for each in reader.of("a")} <= ids
    told = [str(each["alt"]) for each in reader.of("img")]
    assert len(told) == len(set(told)) == 2 * 4 * len(LABELS)
    assert "4 samples of <2> at w = 5, by a classifier" in told
    assert all(each.get("aria-label") for each in reader.of("svg"))


def test_its_words_are_its_numbers(tmp_path: Path) -> None:
    text = Reader(built(tmp_path)).text
    assert "at w = 1 91.7% of the samples are of their label, at 5 100.0%" in text
    assert "gains 1.50 dB at σ = 5 and 0.01 dB at σ = 0.1 (test, 8 pictures). It helps by 0.1 dB from σ = 1 on." in text
    assert "hold 57% of the pictures of the label" in text
    assert "the prior of this label itself" in text
    assert "priorbench guidance" in text


def test_a_sceptic_is_answered(tmp_path: Path) -> None:
    doubts = {line.asked: line for line in page.doubts(found(("label", "classifier")), EXACT)}
    assert doubts["Are samples at w = 1 of their label?"].number.startswith("91.7% ± ")
    assert doubts["Are samples at w = 1 of their label?"].well is False
    assert doubts["How much may one ask, by the label?"].number == "w = 2"
    assert doubts["Do samples stay pictures up to w = 5?"].well is False
    assert doubts["Does the judge judge itself?"].well is False
    assert doubts["How good is that judge?"].number == "99.70%"
    alone = Guidance("made up", LABELS, (guided("label", 3.0, 0, 0.1),), {}, {}, None)
    asked = {line.asked: line for line in page.doubts(alone, EXACT)}
    assert asked["How good is that judge?"].number == "not told"
    assert not any(each.startswith(("How much", "Is a class", "Does the judge")) for each in asked)
    assert "no such curve" in Reader(page.build(alone, EXACT, circumstances(""), tmp_path)).text


def test_a_column_is_its_samples_with_a_line_between() -> None:
    import base64
    import io

    from PIL import Image

    samples = np.linspace(0, 1, 3, dtype=np.float16)[:, None, None, None] * np.ones((1, 1, 4, 5), np.float16)
    with Image.open(io.BytesIO(base64.b64decode(page.column(samples).partition(",")[2]))) as picture:
        shown = np.asarray(picture)
    assert shown.shape == (14, 5)
    assert shown[:, 0].tolist() == [0] * 4 + [128] + [128] * 4 + [128] + [255] * 4
