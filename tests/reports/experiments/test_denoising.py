"""The denoising table: numbers against an independent computation, one noise for all, and nothing half written."""

from __future__ import annotations

import csv
import io
import json
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

import priors
import problems
from reports.experiments import denoising
from reports.figures import denoising as denoising_figure
from reports.figures import style
from reports.runs.loading import load_prior, made
from reports.tables import denoising as denoising_table
from tests.helpers import COUNT
from tests.helpers import run as command

COUNTING = "tests.helpers:Counting"
FILES = {f"denoise-table.{suffix}" for suffix in ("csv", "json", "md", "png", "pdf")}
SHAPES = ((24, 30), (20, 32), (17, 17))


def save(folder: Path, shapes: tuple[tuple[int, int], ...] = SHAPES) -> Path:
    """Slopes with an edge, as 8-bit pictures."""
    folder.mkdir()
    for k, (height, width) in enumerate(shapes):
        pixels = np.add.outer(np.linspace(20, 90, height), np.linspace(0, 60, width))
        pixels[height // 3 :, width // 2 :] += 20 * (k % 4 + 1)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{k:02}.png")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "pictures")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the figure."""
    monkeypatch.setattr(denoising_figure, "save", lambda table: [table.folder / "undrawn.png"])


def measured(tmp_path: Path, names: tuple[str, ...], sigmas: tuple[float, ...], scene: denoising.Scene) -> denoising.Table:
    levels = denoising.plan(names, sigmas, scene)
    denoising.prepare(levels, tmp_path / "out")
    table = denoising.measure(levels, tmp_path / "out")
    denoising_table.export(table)
    return table


run = partial(command, "denoise-table")


def overheard(monkeypatch: pytest.MonkeyPatch, hear: Callable[[Tensor, float], Tensor]) -> None:
    """Let ``hear`` answer in place of the prior ``COUNTING``."""
    monkeypatch.setattr(load_prior(COUNTING), "denoise", hear, raising=False)


def test_numbers_are_those_of_an_independent_computation(tmp_path: Path, folder: Path) -> None:
    table = measured(tmp_path, ("tv", "gaussian"), (30, 15), denoising.scene(folder, seed=7))
    assert [(row.level.sigma, row.level.prior) for row in table.rows] == [(15, "gaussian"), (15, "tv"), (30, "gaussian"), (30, "tv")]
    for row in table.rows:
        expected = []
        for k, score in enumerate(row.scores):
            clean = np.asarray(Image.open(folder / f"{k:02}.png"), np.float32) / 255
            noise = np.random.default_rng([7, k]).standard_normal((1, 1, *clean.shape), np.float32)
            y = torch.from_numpy(clean[None, None] + row.level.sigma / 255 * noise).float()
            x = priors.load(row.level.prior).denoise(y, row.level.sigma / 255)[0, 0].numpy().clip(0, 1)
            expected.append(peak_signal_noise_ratio(clean, x, data_range=1))
            window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
            assert score.ssim == pytest.approx(structural_similarity(clean, x, **window), abs=1e-4)
        assert row.values("psnr") == pytest.approx(expected, abs=1e-3)
        assert row.metrics["psnr"] == pytest.approx(np.mean(expected), abs=1e-3)
        low, high = scipy.stats.t.interval(0.95, 2, np.mean(expected), scipy.stats.sem(expected))
        assert denoising_table.interval(row.values("psnr")) == pytest.approx((high - low) / 2, abs=1e-2)


def test_every_prior_meets_the_same_noise(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, list[Tensor]] = {COUNTING: [], "gaussian": []}
    for name, inputs in heard.items():
        monkeypatch.setattr(load_prior(name), "denoise", lambda x, sigma, inputs=inputs: inputs.append(x) or x, raising=False)
    measured(tmp_path, tuple(heard), (10, 40), denoising.scene(folder))
    met = {name: [x for x in inputs if x.shape[-1] > denoising.SMALLEST] for name, inputs in heard.items()}  # the rest are trials
    assert len(met["gaussian"]) == 2 * len(SHAPES)
    for own, other in zip(met["gaussian"], met[COUNTING], strict=True):
        torch.testing.assert_close(own, other, rtol=0, atol=0)
    scene = denoising.scene(folder)
    weak, strong = (met["gaussian"][i] - scene.clean(0) for i in (0, len(SHAPES)))
    torch.testing.assert_close(4 * weak, strong, rtol=0, atol=1e-6)


def test_noise_is_white_of_the_stated_width_and_new_for_each_picture() -> None:
    scene = denoising.scene()
    noise = [(scene.noisy(k, 0.1) - scene.clean(k)).flatten() for k in range(3)]
    correlation = torch.corrcoef(torch.stack(noise))
    assert [float(n.std()) for n in noise] == pytest.approx([0.1] * 3, rel=0.03)
    assert float((correlation - torch.eye(3)).abs().max()) < 0.03


def test_scores_are_clipped_as_a_screen_would(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overheard(monkeypatch, lambda x, sigma: x + 5)
    (row,) = measured(tmp_path, (COUNTING,), (15,), denoising.scene(folder, limit=1)).rows
    clean = np.asarray(Image.open(folder / "00.png")) / 255
    assert row.metrics["psnr"] == pytest.approx(-10 * np.log10(np.mean((1 - clean) ** 2)), abs=1e-4)


def test_size_cuts_the_centre_and_limit_takes_the_first(folder: Path) -> None:
    scene = denoising.scene(folder, size=16, limit=2)
    assert [Path(name).name for name in scene.pictures] == ["00.png", "01.png"]
    whole = np.asarray(Image.open(folder / "01.png"))
    np.testing.assert_allclose(scene.clean(1)[0, 0], whole[2:18, 8:24] / np.float32(255))
    assert denoising.scene(folder, channels=3).clean(0).shape == (1, 3, *SHAPES[0])


def test_without_a_folder_the_bundled_test_images_are_taken() -> None:
    scene = denoising.scene()
    assert scene.pictures == problems.TEST
    torch.testing.assert_close(scene.clean(1), problems.load_image(problems.TEST[1], size=128))


@pytest.mark.usefixtures("undrawn")
def test_out_of_range_is_an_empty_cell_told_once(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("-i", folder, "-p", "nlm,gaussian", "--sigmas", "25,150,200", "-o", out) == 0
    shown = capsys.readouterr().out
    assert shown.count("nlm is made for sigma 0 to 128 (in /255): no value at 150 and 200.") == 1
    rows = list(csv.DictReader(io.StringIO((out / "denoise-table.csv").read_text())))
    empty = [(row["prior"], row["sigma"]) for row in rows if not row["psnr"]]
    assert empty == [("nlm", "150.0"), ("nlm", "200.0")]
    assert {row["status"] for row in rows if not row["psnr"]} == {"out of range"}
    lines = [line for line in (out / "denoise-table.md").read_text().splitlines() if line.startswith("| nlm |")]
    assert [line.endswith("| - | - |") for line in lines] == [True] * 4


def test_the_table_is_told_and_kept(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    given = ("-i", folder, "-p", f"gaussian,{COUNTING},cnn", "--sigmas", "50,15", "-o", out)
    assert run(*given) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = [line for line in shown.out.splitlines() if line.startswith("[")]
    assert [line.split(" ...")[0] for line in lines[:2]] == ["[1/6] gaussian at 15/255", f"[2/6] {COUNTING} at 15/255"]
    assert {path.name for path in out.iterdir()} == {*FILES, "cells"}
    stored = json.loads((out / "denoise-table.json").read_text())
    assert stored["provenance"]["command"].startswith("priorbench denoise-table -i ")
    assert stored["provenance"]["weights"]["cnn"]["sha256"] == load_prior("cnn").card["sha256"]
    assert {"torch", "python"} <= set(stored["provenance"]["versions"])
    scores = [score["psnr"] for score in stored["rows"][0]["scores"]]
    assert stored["rows"][0]["psnr"] == pytest.approx(np.mean(scores))
    assert f"{np.mean(scores):.2f} ± " in shown.out
    tables = {name: (out / name).read_bytes() for name in ("denoise-table.csv", "denoise-table.md")}
    COUNT["images"] = 0
    assert run(*given) == 0
    assert COUNT["images"] == 1  # the trial
    assert capsys.readouterr().out.count("kept from before") == 6
    assert tables == {name: (out / name).read_bytes() for name in tables}


def test_what_was_measured_depends_on_the_pixels(tmp_path: Path, folder: Path) -> None:
    measured(tmp_path, (COUNTING,), (25,), denoising.scene(folder))
    Image.fromarray(np.full((20, 20), 99, np.uint8)).save(folder / "01.png")
    COUNT["images"] = 0
    measured(tmp_path, (COUNTING,), (25,), denoising.scene(folder))
    assert COUNT["images"] == 1 + 1  # the trial and the new picture


@pytest.mark.usefixtures("undrawn")
def test_ctrl_c_keeps_what_is_finished(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, given = tmp_path / "out", ("-i", folder, "-p", COUNTING, "--sigmas", "25", "-o", tmp_path / "out")

    def stop(x: Tensor, sigma: float) -> Tensor:
        if x.shape[-1] == SHAPES[2][1]:
            raise KeyboardInterrupt
        return x

    with monkeypatch.context() as patch:
        overheard(patch, stop)
        assert run(*given) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert {path.name for path in out.iterdir()} == {"cells"}
    assert all(json.loads(path.read_text()) for path in out.rglob("*.*"))
    COUNT["images"] = 0
    assert run(*given) == 0
    assert COUNT["images"] == 1 + 1  # the trial and the one picture that was missing


def test_shipped_weights_are_those_for_the_channels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colour = types.SimpleNamespace(card={"sha256": "of colour"}, sigma_range=(0.0, 0.05), denoise=lambda x, sigma: x)
    monkeypatch.setitem(made("cnn").loaded, 3, colour)
    grey, coloured = (denoising.plan(("cnn",), (25,), denoising.scene(folder, channels=channels))[0] for channels in (1, 3))
    assert (grey.in_range, coloured.in_range) == (True, False)
    found = [denoising.provenance([level], "")["weights"]["cnn"]["sha256"] for level in (grey, coloured)]
    assert found == [load_prior("cnn").card["sha256"], "of colour"]


def test_a_damaged_score_is_measured_again(tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = measured(tmp_path, ("gaussian",), (25,), denoising.scene(folder))
    next((tmp_path / "out" / "cells").rglob("*.json")).write_text('{"psnr": 1')
    again = measured(tmp_path, ("gaussian",), (25,), denoising.scene(folder))
    assert again.rows[0].values("psnr") == table.rows[0].values("psnr")
    assert "is damaged" in caplog.text


@pytest.mark.usefixtures("undrawn")
def test_a_prior_that_fails_does_not_stop_the_others(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    overheard(monkeypatch, lambda x, sigma: x / 0 if x.shape[-1] == SHAPES[1][1] else x)
    out = tmp_path / "out"
    assert run("-i", folder, "-p", f"{COUNTING},gaussian", "--sigmas", "15,25", "-o", out) == 1
    errors = capsys.readouterr().err.splitlines()
    why = "prior 'counting' answers with NaN or infinite values at sigma 0.0588235; mend denoise, or give levels it bears"
    assert errors[0] == f"priorbench: failed: {COUNTING} at 15/255: 01.png: ValueError: {why}"
    rows = json.loads((out / "denoise-table.json").read_text())["rows"]
    assert [(row["prior"], row["status"]) for row in rows] == [("gaussian", "done"), (COUNTING, "failed")] * 2


BAD = {
    "unknown prior": (("-p", "gausian"), "unknown prior 'gausian'; did you mean 'gaussian'?"),
    "prior that raises": (("-p", "tests.helpers:Broken"), "cannot denoise these pictures: out of luck"),
    "no such folder": (("-i", "nowhere"), "no images below nowhere"),
    "negative sigma": (("--sigmas", "15,-5"), "every sigma must be a positive number (in /255), not -5"),
    "sigma zero": (("--sigmas", "0"), "every sigma must be a positive number"),
    "sigma not a number": (("--sigmas", "15;25"), "cannot read the numbers '15;25'"),
    "no sigma": (("--sigmas", ","), "name at least one prior and one sigma"),
    "nothing in range": (("-p", "nlm", "--sigmas", "200"), "nothing to measure; nlm is made for sigma 0 to 128"),
    "channels": (("--channels", "2"), "channels must be 1 (grey) or 3 (colour), not 2"),
    "size too large": (("--size", "32"), "fewer than 32 on a side"),
    "size too small": (("--size", "4"), "size must be at least 16, not 4"),
    "limit": (("--limit", "0"), "limit must be at least 1, not 0"),
    "seed": (("--seed", "-1"), "'--seed': -1 is not in the range x>=0"),
    "unknown anchors": (("--anchors", "set13"), "did you mean 'set12'?"),
    "anchors of another set": (("--anchors", "set12"), "published values of set12 hold for its 12 whole grey pictures"),
}


@pytest.mark.parametrize(("wrong", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    wrong: tuple[str, ...], sentence: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = () if "-p" in wrong else ("-p", "gaussian")
    assert run("-i", folder, *chosen, *wrong, "-o", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_bad_files_are_one_sentence(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (folder / "notes.png").write_text("no picture")
    cases = ((tmp_path / "empty", "out", "no images below"), (folder, "out", "notes.png cannot be read as an image"))
    for pictures, out, sentence in (*cases, (save(tmp_path / "good"), "empty/../pictures/notes.png", "cannot write to the folder")):
        assert run("-i", pictures, "-p", "gaussian", "-o", tmp_path / out) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_figure_names_every_prior_and_the_levels(tmp_path: Path, folder: Path) -> None:
    names = ("gaussian", "tv", "nlm", COUNTING)
    table = measured(tmp_path, names, (15, 150), denoising.scene(folder))
    figure = denoising_figure.strength(table)
    assert isinstance(figure, Figure)
    left, right = figure.axes
    found = [text.get_text() for text in figure.findobj(Text)]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["gaussian", "tv", "nlm", "Counting"]
    assert [label.get_text() for label in left.get_xticklabels()] == ["15", "150"]
    assert any("no value at 150" in text for text in found)
    curves = {line.get_label(): line for line in left.lines}
    for name in names:
        gains = [np.mean(table.gains(row)) for row in table.rows if row.level.prior == name and row.scores]
        np.testing.assert_allclose(curves[name].get_ydata(), gains)
        assert curves[name].get_color() == style.look(load_prior(name).family).colour
        (point,) = [line for line in right.lines if line.get_label() == name]
        row = table.row(name, 15)
        assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx((row.seconds / 3, gains[0]))
    assert len({(line.get_color(), line.get_linestyle()) for line in left.lines}) == len(names)
    for text in [found.get_text() for found in legend.get_texts()]:
        assert "20" not in text, "published values are drawn only when asked for"


def test_published_values_are_lines_when_the_folder_is_that_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(denoising.SIDES, "set12", {(18, 18): 12})
    pictures = save(tmp_path / "set12", ((18, 18),) * 12)
    table = measured(tmp_path, ("gaussian", "tv"), (15, 20, 25), denoising.scene(pictures, anchors="set12"))
    figure = denoising_figure.strength(table)
    left, right = figure.axes
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    published = {line.get_label(): line for line in left.lines if "20" in line.get_label()}
    means = {sigma: table.row("gaussian", sigma).metrics["psnr"] for sigma in (15, 25)}
    for label, given in (("BM3D 2007", (32.37, 29.97)), ("DnCNN-S 2017", (32.86, 30.44)), ("DRUNet 2021", (33.25, 30.94))):
        assert list(published[label].get_xdata()) == [15, 25]
        expected = [value - mean for value, mean in zip(given, means.values(), strict=True)]
        assert list(published[label].get_ydata()) == pytest.approx(expected)
        (line,) = [line for line in right.lines if line.get_label() == label]
        assert line.get_ydata()[0] == pytest.approx(expected[1])
        assert named.count(label) == 1
    assert "| DRUNet 2021, published | 33.25 | - | 30.94 |" in denoising_table.markdown(table)


def made_up(tmp_path: Path, found: dict[str, tuple[float, float]]) -> denoising.Table:
    """A table of one picture with PSNR and seconds as given, at two levels."""
    levels = denoising.plan(found, (25, 50), denoising.Scene(("camera",)))
    scores = {prior: denoising.Score("camera", psnr, 0.5, seconds) for prior, (psnr, seconds) in found.items()}
    rows = [denoising.Row(level, "done", (scores[level.prior],)) for level in levels]
    return denoising.Table(tmp_path, tuple(rows), {})


@pytest.mark.parametrize("behind", [-0.1, 0.0, 0.1])
def test_no_label_covers_another(tmp_path: Path, behind: float) -> None:
    """Two networks and BM3D are close, in strength or in cost: the usual case."""
    found = {"gaussian": (26.3, 3e-4), "tv": (28.1, 6e-3), "nlm": (28.2, 1.7e-2), "bm3d": (30.0 + behind, 0.4)}
    networks = {"tests.helpers:Broken": (30.1, 0.06), "tests.helpers:Amplifier": (30.0, 0.06)}
    figure = denoising_figure.strength(made_up(tmp_path, found | networks))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(axes.get_tightbbox()) for axes in figure.axes)
    entries = [text.get_window_extent() for text in figure.legends[0].get_texts()]
    assert len(entries) == len(found | networks)
    assert all(box.count_overlaps(entries) == 1 for box in entries)  # itself


def test_a_single_picture_has_no_interval(tmp_path: Path, folder: Path) -> None:
    table = measured(tmp_path, ("gaussian", "tv"), (15,), denoising.scene(folder, limit=1))
    assert denoising_table.entries(table)[0]["psnr_95"] is None
    assert "±" not in "".join(line[1] for section in denoising_table.sections(table) for line in section.lines)


def test_the_best_of_a_level_is_named_and_the_others_are_behind(tmp_path: Path, folder: Path) -> None:
    table = measured(tmp_path, ("gaussian", "nlm"), (15, 150), denoising.scene(folder))
    psnr = {(row.level.prior, row.level.sigma): row.values("psnr") for row in table.rows}
    lines = {line[0]: line[1:] for line in denoising_table.sections(table)[1].lines}
    best, other = sorted(("gaussian", "nlm"), key=lambda name: -np.mean(psnr[name, 15]))
    gap = np.subtract(psnr[other, 15], psnr[best, 15])
    assert lines[best][0] == "best"
    assert lines[other][0].startswith(f"{gap.mean():.2f} ± ")
    assert (lines["gaussian"][1], lines["nlm"][1]) == ("best", "-")
