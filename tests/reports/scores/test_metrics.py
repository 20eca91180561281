"""Scores beside PSNR and SSIM: structure against other implementations, kind against what it promises, LPIPS with made-up weights."""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve, gaussian_filter
from scipy.stats import wasserstein_distance
from torch import Tensor

import problems
from reports.cli import main
from reports.runs import loading
from reports.runs.cell import Cell
from reports.runs.flat import flat_rows
from reports.runs.keys import key
from reports.runs.loading import load_problem
from reports.runs.solving import JUDGED, run_cell, score
from reports.runs.store import Store
from reports.runs.stored import Run
from reports.scores import distributional, ensemble, lpips, pixelwise

ESTIMATE = Cell("deblur", "camera", "gaussian", "hqs", size=24)
SAMPLES = Cell("inpaint", "camera", "gaussian", "annealed", samples=4, steps=5, size=24)
SHARED = {"psnr", "ssim", "misfit", "gmsd", "haarpsi", "swd", "spectrum_db"}


def pixels(name: str, height: int, width: int, channels: int = 1) -> np.ndarray:
    """From the middle of a bundled picture, at its own resolution: [height, width, channels] in double."""
    whole = problems.load_image(name, channels=channels)[0].movedim(0, -1).numpy().astype(float)
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    return whole[top : top + height, left : left + width]


def blurred(truth: np.ndarray) -> np.ndarray:
    return gaussian_filter(truth, (1.5, 1.5, 0))


def noisy(truth: np.ndarray) -> np.ndarray:
    return truth + 0.1 * np.random.default_rng(0).standard_normal(truth.shape)


def posterised(truth: np.ndarray) -> np.ndarray:
    return np.round(8 * (0.6 * truth + 0.1)) / 8


# Structure

CAMERA, BRICK, COINS, CHELSEA = ("camera", 96, 96), ("brick", 97, 97), ("coins", 64, 128), ("chelsea", 96, 96, 3)
FROZEN = [
    (CAMERA, blurred, 0.08914970, 0.71129968),
    (CAMERA, noisy, 0.15485828, 0.60427602),
    (CAMERA, posterised, 0.15086609, 0.60680946),
    (BRICK, blurred, 0.09396418, 0.77607878),
    (BRICK, noisy, 0.22557822, 0.45332086),
    (BRICK, posterised, 0.14676395, 0.55441387),
    (COINS, blurred, 0.10460013, 0.65695260),
    (COINS, noisy, 0.19524933, 0.56204060),
    (COINS, posterised, 0.10038439, 0.62098119),
    (CHELSEA, blurred, 0.05460631, 0.87146982),
    (CHELSEA, noisy, 0.08774568, 0.72848266),
    (CHELSEA, posterised, 0.12159119, 0.67629753),
]


@pytest.mark.parametrize(("picture", "distorted", "gmsd", "haarpsi"), FROZEN)
def test_structure_is_scored_as_by_others(picture: tuple, distorted: Callable, gmsd: float, haarpsi: float) -> None:
    """Values of piq 0.8.0 in double, from which ours differed by 6e-17 (GMSD) and 1e-14 (HaarPSI) at most.

    In colour piq has four digits of the axes of chroma where the authors have three, which moves HaarPSI by 1e-4: there the
    frozen values are those of piq with the authors' axes.
    """
    truth = pixels(*picture)
    assert pixelwise.gmsd(distorted(truth), truth) == pytest.approx(gmsd, abs=1e-6)
    assert pixelwise.haarpsi(distorted(truth), truth) == pytest.approx(haarpsi, abs=1e-6)


@pytest.mark.parametrize("shape", [(16, 16, 1), (17, 24, 3), (3, 20, 1)])
def test_structure_of_equal_and_of_black_pictures(shape: tuple[int, ...]) -> None:
    truth, black = np.random.default_rng(0).random(shape), np.zeros(shape)
    assert pixelwise.gmsd(truth, truth) == pixelwise.gmsd(black - 0.3, black) == 0
    assert pixelwise.haarpsi(truth, truth) == pytest.approx(1)
    assert pixelwise.haarpsi(black - 0.3, black) == 1
    assert pixelwise.haarpsi(1 - truth, truth) < pixelwise.haarpsi(truth + 0.02, truth) < 1


# Kind


def test_what_is_moved_stays_of_its_kind_and_what_is_blurred_does_not() -> None:
    """By pixels it is the other way round."""
    whole = pixels("brick", 100, 100)
    truth, moved = whole[:96, :96], whole[4:, 4:]
    soft = gaussian_filter(truth, (0.7, 0.7, 0))
    assert pixelwise.psnr(moved, truth) < pixelwise.psnr(soft, truth) - 5
    assert 2 * distributional.swd(moved[None], truth) < distributional.swd(soft[None], truth)
    assert 2 * distributional.spectrum_db(moved[None], truth) < distributional.spectrum_db(soft[None], truth)


@pytest.mark.parametrize("channels", [1, 3])
def test_swd_is_wasserstein_distance_along_each_direction(channels: int) -> None:
    """Against scipy, patch by patch, on bands made by a two-dimensional window."""
    rng = np.random.default_rng(0)
    x, truth = rng.random((14, 17, channels)), 0.8 * rng.random((14, 17, channels)) ** 2
    window = np.outer((1, 4, 6, 4, 1), (1, 4, 6, 4, 1))[..., None] / 256

    def laws(image: np.ndarray, side: int) -> np.ndarray:
        band = image - convolve(image, window, mode="mirror")
        places = [(i, j) for i in range(band.shape[0] - side + 1) for j in range(band.shape[1] - side + 1)]
        return np.array([band[i : i + side, j : j + side].transpose(2, 0, 1).ravel() for i, j in places])

    def half(image: np.ndarray) -> np.ndarray:
        return convolve(image, window, mode="mirror")[::2, ::2]

    expected = []
    for one, other in ((x, truth), (half(x), half(truth))):
        law, real = laws(one, 7), laws(other, 7)
        expected += [wasserstein_distance(law @ d, real @ d) for d in distributional.directions(49 * channels).astype(float)]
    assert distributional.swd(x[None], truth) == pytest.approx(np.mean(expected), rel=1e-4)


def test_lost_contrast_counts_in_proportion() -> None:
    detail = 0.4 * np.random.default_rng(0).uniform(-1, 1, (64, 64, 1))
    whole, half, flat = 0.5 + detail, 0.5 + detail / 2, 0.5 + 0 * detail
    assert distributional.swd(half[None], whole) == pytest.approx(distributional.swd(flat[None], whole) / 2, rel=1e-4)
    assert distributional.spectrum_db(half[None], whole) == pytest.approx(20 * np.log10(2), abs=0.01)
    assert distributional.spectrum_db(whole[None], half) == pytest.approx(20 * np.log10(2), abs=0.01)


def test_no_spectrum_is_wrong_below_eight_bits() -> None:
    rng = np.random.default_rng(0)
    flat, smooth = np.full((64, 64, 1), 0.5), gaussian_filter(rng.random((64, 64, 1)), (3, 3, 0))
    assert distributional.spectrum_db(flat[None], flat) == 0
    assert distributional.spectrum_db(np.round(255 * smooth)[None] / 255, smooth) < 10 * np.log10(2)
    assert distributional.spectrum_db(noisy(smooth)[None], smooth) > 10


def test_the_kind_of_several_is_the_mean_of_each() -> None:
    truth = pixels(*CAMERA)
    both = np.stack([blurred(truth), noisy(truth)])
    for measure in (distributional.swd, distributional.spectrum_db):
        assert measure(both, truth) == pytest.approx(np.mean([measure(x[None], truth) for x in both]))
        assert measure(truth[None], truth) == 0


# In a cell


def test_a_cell_has_every_score() -> None:
    estimate, drawn = run_cell(ESTIMATE), run_cell(SAMPLES)
    assert set(estimate.metrics) == SHARED | {"mae", "crps"}
    sampled = {"spread", "rms_error", "coverage", "coverage_nominal"}
    assert set(drawn.metrics) == SHARED | {f"{name}_sample" for name in SHARED} | {"mae", "crps"} | sampled
    assert set(run_cell(replace(SAMPLES, samples=1)).metrics) == set(drawn.metrics) - sampled


def test_crps_of_samples_is_fair_and_that_of_one_answer_its_mean_error() -> None:
    estimate, drawn = run_cell(ESTIMATE), run_cell(SAMPLES)
    assert estimate.metrics["crps"] == estimate.metrics["mae"] == pytest.approx(np.abs(estimate.x - estimate.arrays["truth"]).mean())
    expected = ensemble.crps(drawn.samples.astype(float), drawn.arrays["truth"]).mean()
    assert drawn.metrics["crps"] == pytest.approx(expected, rel=1e-3)  # samples are kept in half precision
    assert drawn.metrics["crps"] < drawn.metrics["mae"]


def test_only_the_first_samples_are_scored_for_structure_and_kind() -> None:
    problem = load_problem(replace(SAMPLES, problem="denoise"))
    rng = torch.Generator().manual_seed(0)
    samples = problem.truth + 0.05 * torch.randn(JUDGED + 3, 1, *problem.truth.shape[1:], generator=rng)
    few, many = (
        score(problem, types.SimpleNamespace(x=chosen.mean(0), samples=chosen, std=chosen.std(0))) for chosen in (samples[:JUDGED], samples)
    )
    same = {name for name in few if name.endswith("_sample") and few[name] == many[name]}
    assert same == {"gmsd_sample", "haarpsi_sample", "swd_sample", "spectrum_db_sample"}


def test_records_from_before_a_metric_are_read_and_told_beside_new_ones(tmp_path: Path) -> None:
    record, store = run_cell(ESTIMATE), Store(tmp_path)
    store.save(record)
    path = store.cell_path(key(ESTIMATE))
    entry = json.loads(path.read_text())
    del entry["cell"]["lpips_file"]
    entry["metrics"] = {name: entry["metrics"][name] for name in ("psnr", "ssim", "misfit")}
    path.write_text(json.dumps(entry))
    old = store.load(key(ESTIMATE))
    assert old is not None
    assert old.cell == ESTIMATE
    first, second = flat_rows(Run(tmp_path, (old, record), {}))
    assert (first["swd"], first["psnr"]) == (None, second["psnr"])
    assert second["swd"] == record.metrics["swd"]


# LPIPS


def wave(*shape: int) -> Tensor:
    """Weights without a random generator, which may change: a sine, of the size that keeps features near 1."""
    size = int(np.prod(shape))
    return (torch.sin(torch.arange(1, size + 1, dtype=torch.float64) ** 1.5) * (2 / np.prod(shape[1:])) ** 0.5).float().reshape(shape)


def made_up() -> dict[str, Tensor]:
    """As ``lpips.LPIPS(net="alex").state_dict()`` names them."""
    weights = {}
    for k, (place, (shape, _, _)) in enumerate(lpips.LAYERS.items()):
        weights[f"net.slice{k + 1}.{place}.weight"] = wave(*shape)
        weights[f"net.slice{k + 1}.{place}.bias"] = 0.01 * wave(shape[0])
        weights[f"lin{k}.model.1.weight"] = wave(1, shape[0], 1, 1).abs()
    return weights


def by_torchvision(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"features.{name.split('.', 2)[2]}" if name.startswith("net.") else name: value for name, value in weights.items()}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("lpips") / "alex.pth"
    torch.save(made_up(), path)
    return str(path)


def test_lpips_is_that_of_its_authors(file: str) -> None:
    """Values of the package lpips 0.1.4 with these made-up weights in torchvision's AlexNet; ours differed by 2e-9 at most."""
    grey, colour = pixels(*CAMERA), pixels(*CHELSEA)
    distance = lpips.load(file)
    assert distance(noisy(grey)[None], grey) == pytest.approx(0.0169225, abs=1e-5)
    assert distance(blurred(colour)[None], colour) == pytest.approx(0.0176177, abs=1e-5)
    assert distance(posterised(colour)[None], colour) == pytest.approx(0.1054479, abs=1e-5)
    assert distance(colour[None], colour) == 0
    both = np.stack([blurred(colour), posterised(colour)])
    assert distance(both, colour) == pytest.approx((0.0176177 + 0.1054479) / 2, abs=1e-5)


def test_lpips_weights_go_by_both_names_and_kinds_of_file(file: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(by_torchvision(made_up()), tmp_path / "w.safetensors")
    truth = pixels("camera", 40, 40)
    assert lpips.load(str(tmp_path / "w.safetensors"))(noisy(truth)[None], truth) == lpips.load(file)(noisy(truth)[None], truth)


def broken(**changes: Tensor | None) -> Callable[[Path], None]:
    weights = {name: value for name, value in (made_up() | changes).items() if value is not None}
    return lambda path: torch.save(weights, path)


BAD_WEIGHTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "check the path given to --lpips"),
    "no weights at all": (lambda path: path.write_bytes(b"hello"), "cannot be read as LPIPS weights"),
    "cut off": (lambda path: (torch.save(made_up(), path), path.write_bytes(path.read_bytes()[:5000])), "cannot be read as LPIPS weights"),
    "another object": (lambda path: torch.save([1, 2], path), "holds list, not a state dict"),
    "no rows": (broken(**{"lin3.model.1.weight": None}), "no entry lin3.model.1.weight"),
    "another network": (broken(**{"net.slice1.0.weight": wave(64, 3, 3, 3)}), "other shapes than AlexNet"),
    "not finite": (broken(**{"net.slice2.3.bias": torch.full((192,), torch.nan)}), "not finite"),
}


@pytest.mark.parametrize("what", BAD_WEIGHTS)
def test_bad_weights_end_in_one_sentence(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = BAD_WEIGHTS[what]
    make(tmp_path / "bad.pth")
    command = ["compare", "-p", "gaussian", "-P", "denoise", "-m", "hqs", "--size", "32", "-o", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as left:
        main([*command, "--lpips", str(tmp_path / "bad.pth")])
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert told.count("\n") == 1
    assert words in told
    assert "bad.pth" in told
    assert not (tmp_path / "run").exists()


def test_pictures_too_small_for_lpips_are_refused(file: str) -> None:
    with pytest.raises(ValueError, match="at least 31 pixels on a side, not 30"):
        loading.check([replace(ESTIMATE, size=30, lpips_file=file)])
    truth = pixels("camera", 31, 31)
    assert lpips.load(file)(noisy(truth)[None], truth) > 0


def test_lpips_is_measured_where_weights_are_given(file: str) -> None:
    measured = run_cell(replace(SAMPLES, size=32, lpips_file=file)).metrics
    assert 0 < measured["lpips"] < measured["lpips_sample"]
    assert measured == {**run_cell(replace(SAMPLES, size=32)).metrics, **{name: measured[name] for name in ("lpips", "lpips_sample")}}


def test_other_weights_make_another_cell(file: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save(by_torchvision(made_up()), other)
    first = key(replace(ESTIMATE, lpips_file=str(other)))
    torch.save(made_up(), other)
    assert len({key(ESTIMATE), first, key(replace(ESTIMATE, lpips_file=str(other)))}) == 3
