"""A picture without a truth: read and written as it came, restored tile by tile, and judged."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import priors
import problems
import solvers
from problems.images import to_array
from problems.problem import Problem
from reports.cli import main
from reports.experiments import restoring
from reports.experiments.restoring import Tile
from reports.figures import residual
from reports.judging import sceptic
from reports.page import restored
from reports.runs import photograph
from solvers.streams import Place, Placed
from tests.helpers import run


def saved(x: Tensor, path: Path, bits: int = 8, **options) -> Path:
    values = (to_array(x.clamp(0, 1)).astype(np.float64) * (2**bits - 1)).round().astype(np.uint16 if bits == 16 else np.uint8)
    Image.fromarray(values).save(path, **options)
    return path


@pytest.fixture
def blurred(tmp_path: Path) -> tuple[Path, Tensor]:
    """A grey picture blurred by linear convolution, and the scene behind it."""
    problem = problems.deblur(problems.load_image("camera", size=72), "gaussian:1.2", 0.02, rng=0, boundary="unknown")
    inside = problem.truth[problem.operator.scene]
    return saved(problem.y, tmp_path / "photo.png", 16), inside


# Files


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "I;16"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_picture_is_written_as_it_was_read(tmp_path: Path, mode: str, suffix: str) -> None:
    channels = {"L": (), "RGB": (3,), "RGBA": (4,), "LA": (2,), "I;16": ()}[mode]
    kind = np.uint16 if mode == "I;16" else np.uint8
    values = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (12, 10, *channels), dtype=kind)
    Image.fromarray(values, mode=None if mode != "LA" else "LA").save(tmp_path / f"in{suffix}")
    read = photograph.read(tmp_path / f"in{suffix}")
    photograph.write(tmp_path / f"out{read.suffix}", read.with_answer(read.pixels))
    again = photograph.read(tmp_path / f"out{read.suffix}")
    assert torch.equal(again.pixels, read.pixels)
    assert again.bits == read.bits == (16 if mode == "I;16" else 8)
    assert (again.alpha is None) == (mode not in ("RGBA", "LA"))
    if again.alpha is not None:
        assert torch.equal(again.alpha, read.alpha)


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_sixteen_bits_keep_them(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65535, (9, 8, channels), dtype=np.uint16)
    photograph.write(tmp_path / f"in{suffix}", values)
    read = photograph.read(tmp_path / f"in{suffix}")
    assert read.bits == 16
    assert np.array_equal(read.with_answer(read.pixels), values)


def test_the_error_of_jpeg_is_that_of_its_steps(tmp_path: Path) -> None:
    noise = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    for quality in (50, 90):
        file = saved(noise, tmp_path / f"{quality}.jpg", quality=quality)
        found = photograph.read(file)
        assert found.quantisation == pytest.approx(float((found.pixels - noise).square().mean().sqrt()), rel=0.25)
    assert photograph.read(saved(noise, tmp_path / "a.png")).quantisation == 0


# Tiles


def test_tiles_cover_the_picture_and_share_what_they_must(tmp_path: Path) -> None:
    file = saved(torch.rand(1, 1, 300, 170, generator=torch.Generator().manual_seed(0)), tmp_path / "a.png")
    asked = restoring.plan(str(file), "deblur[kernel=motion:15:30]", ["gaussian"], 0.02, tile=128)
    tiles = list(restoring.tiles(asked))
    seen = np.zeros((300, 170), int)
    for tile in tiles:
        seen[tile.part] += 1
    assert seen.min() >= 1
    rows = sorted({tile.corner[0] for tile in tiles})
    assert all(below - above + restoring.CONTEXT <= 128 for above, below in pairwise(rows))
    assert max(tile.size[0] for tile in tiles) <= 128


def test_the_noise_of_a_tile_is_that_of_its_place() -> None:
    def noise(shape: tuple[int, int], image: tuple[int, int], data: tuple[int, int]) -> tuple[Tensor, Tensor]:
        operator = problems.Blur("gaussian:1", boundary="unknown").fitted((1, *shape))
        placed = Placed(Place(3, operator, image, data), 2)
        y = torch.zeros(2, *operator.data_shape)
        return placed.normal(operator.image_shape, torch.zeros(2, *operator.image_shape)), placed.normal(operator.data_shape, y)

    rim = problems.Blur("gaussian:1").margin[0]
    (whole, data), (part, seen) = noise((100, 90), (-rim, -rim), (0, 0)), noise((50, 60), (37 - rim, 17 - rim), (37, 17))
    assert torch.equal(part, whole[..., 37 : 37 + part.shape[-2], 17 : 17 + part.shape[-1]])
    assert torch.equal(seen, data[..., 37:87, 17:77])
    assert abs(float(whole.std()) - 1) < 0.03
    assert not torch.equal(whole[0], whole[1])


def test_tiles_are_joined_without_a_seam(tmp_path: Path) -> None:
    """Mean, samples and spread of a picture in tiles are those of the whole, but for what tiles cannot see."""
    problem = problems.deblur(problems.load_image("camera", size=160), "gaussian:1.2", 0.03, rng=0, boundary="unknown")
    file = saved(problem.y, tmp_path / "a.png", 16)
    found = []
    for tile in (384, 96):
        asked = restoring.plan(str(file), "deblur[kernel=gaussian:1.2]", ["gaussian"], 0.03, samples=4, tile=tile)
        found.append(restoring.answered(asked, "gaussian", tmp_path / str(tile), lambda step, kept: None))
    whole, tiled = found
    assert len(list(restoring.tiles(asked))) > 1
    spread = float(whole.std.square().mean().sqrt())
    assert float((whole.mean - tiled.mean).square().mean().sqrt()) < 0.15 * spread
    assert float((whole.samples - tiled.samples).square().mean().sqrt()) < 0.3 * spread
    assert float(tiled.std.square().mean().sqrt()) == pytest.approx(spread, rel=0.02)


def test_a_finished_tile_is_not_solved_again(blurred, tmp_path: Path) -> None:
    asked = restoring.plan(str(blurred[0]), "deblur[kernel=gaussian:1.2]", ["gaussian"], 0.02, samples=2, tile=64)
    told: list[bool] = []
    for _ in range(2):
        first = restoring.answered(asked, "gaussian", tmp_path, lambda step, kept: told.append(kept))
    assert told == [False] * (len(told) // 2) + [True] * (len(told) // 2)
    file = next((tmp_path / "tiles").glob("*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    told.clear()
    again = restoring.answered(asked, "gaussian", tmp_path, lambda step, kept: told.append(kept))
    assert told.count(False) == 1
    assert torch.equal(again.mean, first.mean)


# Judged


@pytest.mark.slow
def test_the_residual_of_a_right_model_is_white_and_of_a_wrong_one_not() -> None:
    y = problems.deblur(problems.load_image("camera", size=128), "gaussian:1.6", 0.01, rng=0, boundary="unknown").y
    found = {}
    for kernel in ("gaussian:1.6", "gaussian:2.2"):
        problem = problems.measured(y, problems.Blur(kernel, boundary="unknown"), 0.01)
        drawn = solvers.sample(problem, priors.load("cnn"), n=4, rng=0).drawn()
        found[kernel] = sceptic.whiteness(torch.cat([sceptic.residual(problem, x) for x in drawn]))
    assert found["gaussian:1.6"].white
    assert found["gaussian:1.6"].explained
    assert not (found["gaussian:2.2"].white and found["gaussian:2.2"].explained)


def test_noise_is_white_and_its_mean_square_is_one() -> None:
    noise = torch.randn(3, 1, 40, 50, generator=torch.Generator().manual_seed(0))
    found = sceptic.whiteness(noise)
    assert found.white
    assert found.misfit == pytest.approx(1, abs=0.05)
    assert not sceptic.whiteness(noise + noise.roll(1, -1)).white
    holes = torch.where(torch.rand(1, 1, 40, 50, generator=torch.Generator().manual_seed(1)) < 0.5, noise, torch.nan)
    assert sceptic.whiteness(holes).white
    assert sceptic.whiteness(holes).misfit == pytest.approx(1, abs=0.1)


def test_the_score_of_a_mixture_is_that_of_many_draws() -> None:
    rng = np.random.default_rng(0)
    centres, y = rng.normal(0, 2, (5, 3)), np.array([0.3, -1.0, 4.0])
    draws = centres[:, None] + rng.standard_normal((5, 4000, 3))
    first = np.abs(draws - y).mean((0, 1))
    pairs = np.mean([np.abs(draws[i] - np.roll(draws[j], 1, 0)).mean(0) for i in range(5) for j in range(5) if i != j], 0)
    assert sceptic.mixture_crps(centres, y) == pytest.approx(first - pairs / 2, abs=0.05)


def test_what_is_held_back_is_foretold_best_by_the_right_prior() -> None:
    """Half of the pixels missing: a network foretells the pixels held back better than a smoother does."""
    problem = problems.inpaint(problems.load_image("camera", size=64), "random:0.5", 0.02, rng=0)
    problem = Problem(problem.name, problem.operator, problem.y, 0.02)
    found = [sceptic.foretell(problem, priors.load(name), name, 4, 0, steps=10) for name in ("gaussian", "diffusion")]
    first, second = sceptic.ranking(found)
    assert first.prior == "diffusion"
    assert second.apart
    assert first.behind == 0
    assert 0 < found[1].covered <= 1


def test_no_value_is_held_back_twice() -> None:
    problem = problems.deblur(problems.load_image("camera", size=32), rng=0)
    parts = [~kept for kept in sceptic.folds(problem, 0)]
    assert torch.stack(parts).sum(0).max() == 1
    assert all(int(part.sum()) == round(sceptic.SHARE * 32 * 32) for part in parts)


# The command


def test_a_strangers_picture(blurred, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, truth = blurred
    out = tmp_path / "out"
    main(["restore", str(file), "-P", "deblur[kernel=gaussian:1.2]", "-p", "gaussian,tv", "-n", "3", "--steps", "6", "-o", str(out)])
    told = capsys.readouterr().out
    assert "noise: 0.02" in told
    page = (out / "report.html").read_text("utf-8")
    assert "What photo.png says" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    for prior in ("gaussian", "tv"):
        answer = photograph.read(out / f"photo-{prior}.png")
        assert answer.bits == 16
        assert answer.pixels.shape == truth.shape
        with np.load(out / f"photo-{prior}.npz") as arrays:
            assert np.abs(arrays["mean"].clip(0, 1) - answer.pixels[0].numpy()).max() < 1e-4
            spread = np.asarray(Image.open(out / f"photo-{prior}-spread.png")) / 65535
            assert np.abs(spread - arrays["std"][0]).max() < 1e-4
        assert float((answer.pixels - truth).square().mean()) < float((photograph.read(file).pixels - truth).square().mean())


@pytest.mark.parametrize("problem", ["super_resolution[factor=2]", "inpaint[mask=box:0.2]", "denoise"])
def test_other_instruments(problem: str, tmp_path: Path) -> None:
    file = saved(problems.denoise(problems.load_image("chelsea", size=48, channels=3), 0.05).y, tmp_path / "a.png")
    few = ("-n", "2", "--steps", "4", "--noise", "0.05")
    main(["restore", str(file), "-P", problem, "-p", "gaussian", *few, "-o", str(tmp_path / "o")])
    size = 96 if "super" in problem else 48
    assert photograph.read(tmp_path / "o" / "a-gaussian.png").pixels.shape == (1, 3, size, size)


@pytest.mark.parametrize(
    ("problem", "more", "words"),
    [
        ("deblur", (), "needs its kernel"),
        ("deblur[kernel=gaussian:30]", (), "larger than the picture"),
        ("deblur[kernel=nowhere.png]", (), "nowhere.png"),
        ("super_resolution", (), "needs its factor"),
        ("inpaint[mask=missing.png]", (), "missing.png"),
        ("tomography[angles=9]", (), "only simulated"),
        ("blur[kernel=disk:2]", (), "unknown problem"),
        ("deblur[kernel=disk:2,boundary=zero]", (), "unknown boundary"),
        ("deblur[kernel=disk:2,noise_sigma=loud]", (), "is a number"),
        ("deblur[kernel=disk:2]", ("--noise", "0"), "positive number"),
        ("deblur[kernel=disk:2]", ("-n", "1"), "at least 2 samples"),
        ("deblur[kernel=disk:2]", ("--tile", "10"), "too small"),
        ("deblur[kernel=disk:2,boundary=circular]", ("--tile", "70"), "only an unknown border"),
        ("deblur[kernel=disk:2]", ("-p", "nonsense"), "nonsense"),
    ],
)
def test_what_does_not_fit_is_one_sentence(problem: str, more: tuple, words: str, blurred, tmp_path: Path, capsys) -> None:
    file, _ = blurred
    big = saved(torch.rand(1, 1, 150, 150, generator=torch.Generator().manual_seed(0)), tmp_path / "big.png")
    picture = big if "--tile" in more else file
    assert run("restore", picture, "-P", problem, "-p", "gaussian", "-o", tmp_path / "out", *more) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


class Broken:
    """Answers with a picture that explains nothing."""

    name, family, mmse = "broken", "classical", False

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return torch.zeros_like(x)


@pytest.mark.parametrize(("chosen", "code"), [("gaussian,tests.reports.experiments.test_restoring:Broken", 0),
                                              ("tests.reports.experiments.test_restoring:Broken", 1)])  # fmt: skip
def test_a_prior_that_diverges_is_left_out(chosen: str, code: int, tmp_path: Path, capsys) -> None:
    bright = torch.full((1, 1, 32, 32), 0.9)
    bright[..., ::3] = 0.2
    file = saved(problems.denoise(bright, 0.05).y, tmp_path / "a.png", 16)
    assert run("restore", file, "-P", "denoise", "--noise", 0.05, "-p", chosen, "-n", 2, "--steps", 4, "-o", tmp_path / "out") == code
    told = capsys.readouterr()
    assert "Broken is left out:" in told.out
    assert ("every prior diverged" in told.err) == bool(code)
    assert (tmp_path / "out" / "report.html").is_file() == (not code)


def test_answers_of_priors_that_are_named_alike_have_files_of_their_own(blurred) -> None:
    chosen = tuple(f"edges[picture={folder}/x.png]" for folder in "ab")
    asked = dataclasses.replace(restoring.plan(str(blurred[0]), "denoise", ["tv"], 0.02), priors=("tv", *chosen))
    assert [restoring.plain_name(asked, each) for each in asked.priors] == ["tv", "edges-picture-x-png", "edges-picture-x-png-2"]


def test_a_missing_picture_is_one_sentence(tmp_path: Path, capsys) -> None:
    assert run("restore", tmp_path / "none.png", "-P", "denoise", "-o", tmp_path / "out") == 2
    assert "none.png" in capsys.readouterr().err


def test_the_key_of_a_tile_holds_what_decides_it(blurred) -> None:
    asked = restoring.plan(str(blurred[0]), "deblur[kernel=gaussian:1.2]", ["gaussian"], 0.02, samples=2)
    tile = Tile((0, 0), (64, 64))
    others = [("gaussian", tile), ("tv", tile), ("gaussian", Tile((1, 0), (64, 64)))]
    keys = {restoring.key(asked, *each) for each in others}
    louder = restoring.plan(str(blurred[0]), "deblur[kernel=gaussian:1.2]", ["gaussian"], 0.03, samples=2)
    assert len({*keys, restoring.key(louder, "gaussian", tile)}) == 4
    assert json.dumps(restoring.key(asked, "gaussian", tile)) == json.dumps(restoring.key(asked, "gaussian", tile))


def test_the_questions_know_of_labels_and_of_classes() -> None:
    """A card may count its pictures by class; a label that was told may be the reason why the data are not explained."""
    assert restored.counted({"mnist.npz": {"0": 2, "1": 3}, "photographs": 4, "source": "none"}) == 9
    far = sceptic.Whiteness(3.0, 0.0, (0, 1), 0.1)
    assert "the label that the prior was told, the kernel" in restored.explained(far, "the label that the prior was told")
    assert "label" not in restored.explained(far)


@pytest.mark.parametrize("side", [4, 7, 40])
def test_the_residual_of_a_picture_of_any_size_is_drawn(side: int) -> None:
    values = np.random.default_rng(0).standard_normal((3, side, side, 1))
    (axes,) = residual.residual_spectrum({"tv": values}, {"tv": "variational"}).axes
    f, power = axes.lines[1].get_data()
    assert len(f) == len(power) == max(0, side // 2 - 1)
    assert residual.smooth(np.array([1.0, 3.0, 5.0, 9.0, 7.0]))[2] == 5.0
