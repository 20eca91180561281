"""Chains as films: every level a picture, the answer held, and what is missing told."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports.experiments.chains import Chain
from reports.figures import film
from reports.runs.cell import Cell


def chain(levels: int = 5, size: int = 16, channels: int = 1, prior: str = "tv") -> Chain:
    """Pictures of one grey each, that tell which level and panel they are."""
    cell = Cell("deblur", "camera", prior, "annealed", 1.0, 2, None, size, channels)
    greys = np.linspace(0.1, 0.9, levels)[:, None, None, None, None] * np.ones((levels, 2, size, size, channels))
    sigmas = tuple(float(sigma) for sigma in np.geomspace(2, 0.01, levels))
    return Chain(cell, 20, tuple(range(levels)), sigmas, 0.5 + 0 * greys, greys, 1 - greys, None, True)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_gif_shows_every_level_and_holds_the_answer(tmp_path: Path, channels: int) -> None:
    film.save(chain(channels=channels), tmp_path / "a.gif", "gif")
    with Image.open(tmp_path / "a.gif") as found:
        assert found.n_frames == 5
        assert found.info["loop"] == 0
        durations = []
        for k in range(5):
            found.seek(k)
            durations.append(found.info["duration"])
            picture = np.asarray(found.convert("L"), dtype=float) / 255
            middle = film.LINE + film.SIDE // 2
            seen = [picture[middle, film.GAP + i * (film.SIDE + film.GAP) + film.SIDE // 2] for i in range(3)]
            grey = 0.1 + 0.2 * k
            np.testing.assert_allclose(seen, [0.5, grey, 1 - grey], atol=0.02)
    assert durations == [180, 180, 180, 180, 2000]


def test_words_never_overlap() -> None:
    """A prior of a long name is cut before the level; the ends of the line stay empty."""
    shown = film.frames(chain(prior=f"torch[file={'x' * 200}.pt]"))[0]
    line = np.asarray(shown.convert("L"))[-film.LINE :]
    inked = np.flatnonzero((line < 200).any(0))
    assert inked[0] >= film.GAP - 1
    assert inked[-1] <= shown.width - film.GAP + 1
    assert np.diff(inked).max() >= film.GAP, "a gap between who and where"
    assert (np.asarray(film.frames(chain())[0].convert("L"))[-film.LINE :] < 200).any()


def test_even_sides_for_video() -> None:
    shown = film.frame({"a": np.zeros((15, 17, 1)), "b": np.ones((15, 17, 1)), "c": np.zeros((15, 17, 1))}, "who", "where")
    assert shown.width % 2 == shown.height % 2 == 0


def test_mp4_without_ffmpeg_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    film.check("gif")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    film.check("gif")
    with pytest.raises(ValueError, match=r"mp4 needs the program ffmpeg.*--format gif"):
        film.check("mp4")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_an_mp4_can_be_read_back(tmp_path: Path) -> None:
    film.save(chain(), tmp_path / "a.mp4", "mp4")
    command = ["ffmpeg", "-loglevel", "error", "-i", str(tmp_path / "a.mp4"), "-f", "image2pipe", "-vcodec", "png", "-frames:v", "1", "-"]
    first = Image.open(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
    assert first.size == film.frames(chain())[0].size
    assert np.asarray(first.convert("L"))[film.LINE + 100, film.GAP + 100] == pytest.approx(128, abs=4)


def test_what_ffmpeg_says_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "ffmpeg"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\ncat > /dev/null\necho a first word >&2\necho the disk is full >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    with pytest.raises(OSError, match="ffmpeg could not write the film: the disk is full; take --format gif"):
        film.save(chain(), tmp_path / "a.mp4", "mp4")
    assert not list(tmp_path.glob("*.mp4"))
