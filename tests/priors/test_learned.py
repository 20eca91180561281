"""The learned priors: the network, its training as a user runs it, the weights that ship, and the edges of their range."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import priors
import priors.smoke
import problems
from priors.learned import SHIPPED, read, write
from priors.network import build
from priors.optimiser import Muon, Optimiser
from priors.photographs import Bank, listing, split
from priors.recipe import RECIPES, Recipe, Spent
from priors.training import Progress, Trainer, patch_size, train, weighted
from reports.cli import main
from reports.cli.training import follow

TINY = Recipe(
    "cnn", widths=(4, 8), blocks=(1, 1), patch=16, batch=4, sigma_max=0.4, focus=(0.02, 0.2), warmup=5, steps=30, core_seconds=math.inf
)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    """Three smooth random pictures of different sizes, one of them held back."""
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for k, shape in enumerate([(100, 130), (120, 100), (97, 140)]):
        rough = Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8))
        rough.resize(shape[::-1], Image.Resampling.BICUBIC).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def trained(photographs, tmp_path_factory) -> Path:
    weights = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    told = list(train([photographs], weights, TINY))
    assert told[-1].share == 1
    return weights


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (16, 16), (13, 21)])
def test_the_network_takes_any_size(size) -> None:
    network = build(1, (4, 8, 8), (1, 2, 1), 0.45, 0.25)
    assert network(torch.rand(2, 1, *size), torch.tensor([0.1, 2.0])).shape == (2, 1, *size)


def test_an_untrained_network_is_the_best_linear_guess_pixel_by_pixel() -> None:
    """Zero tail: D = mean + c_skip (x - mean), the Wiener filter of independent pixels with variance std^2."""
    network, x = build(1, (4, 8), 1, 0.45, 0.25), torch.rand(1, 1, 8, 8)
    expected = 0.45 + 0.25**2 / (0.25**2 + 0.5**2) * (x - 0.45)
    assert torch.allclose(network(x, torch.tensor([0.5])), expected, atol=1e-6)


def test_preconditioning_keeps_the_target_at_unit_variance() -> None:
    network = build(1, (4, 8), 1, 0.45, 0.25)
    generator = torch.Generator().manual_seed(0)
    for sigma in (0.01, 0.25, 5.0):
        clean = 0.45 + 0.25 * torch.randn(10_000, generator=generator)
        z = clean - 0.45 + sigma * torch.randn(10_000, generator=generator)
        c_skip, c_out, c_in = network.coefficients(torch.tensor([sigma]))
        assert float(((clean - 0.45 - c_skip * z) / c_out).std()) == pytest.approx(1, rel=0.05)
        assert float((c_in * z).std()) == pytest.approx(1, rel=0.05)


def test_crops_come_from_the_pictures_as_they_are(photographs) -> None:
    """Every crop is found again in its picture, flipped or turned; both colours layouts are cut the same way."""
    path = listing([photographs])[:1]
    whole = np.asarray(Image.open(path[0]))
    bank = Bank.load(path, 1, smallest=90)
    for crop in bank.crops(6, 12, torch.Generator().manual_seed(0))[:, 0].mul(255).round().byte().numpy():
        windows = np.lib.stride_tricks.sliding_window_view(whole, (12, 12))
        turned = [np.rot90(c, k) for c in (crop, crop.T) for k in range(4)]
        assert any((windows == one).all((-2, -1)).any() for one in turned)
    colour = Bank.load(path, 3, smallest=90).crops(2, 12, torch.Generator().manual_seed(0))
    assert torch.equal(colour[:, 0], colour[:, 2])  # a grey picture read as RGB


def test_held_back_pictures_are_never_trained_on() -> None:
    training, held = split([Path(f"{k}.png") for k in range(100)])
    assert len(held) == 4
    assert not set(training) & set(held)
    assert len(training) + len(held) == 100


def test_training_improves_and_its_card_says_how(trained) -> None:
    card = json.loads(trained.with_suffix(".json").read_text())
    assert {"name", "data", "licence", "seed", "steps", "core_seconds", "sha256", "sigma_range", "psnr", "error", "date"} <= set(card)
    assert card["steps"] == 30
    assert [point["steps"] for point in card["curve"]] == [0, 30]
    scores = next(iter(card["psnr"].values()))
    assert scores["50"] > -20 * math.log10(50 / 255)  # better than the noisy picture itself
    prior = priors.load("cnn", weights=trained)
    assert prior.rmse(0.1) == pytest.approx(card["error"]["rmse"][np.argmin(np.abs(np.array(card["error"]["sigma"]) - 0.1))], rel=0.3)


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(photographs, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("priors.training.gains_from_bf16", lambda *given: False)  # it times this machine, which may waver
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    recipe = dataclasses.replace(TINY, steps=8, patch=12)
    list(train([photographs], whole, recipe))
    list(halved(photographs, parts, recipe))
    list(train([photographs], parts, recipe, resume=True))
    assert whole.read_bytes() == parts.read_bytes()


def test_a_run_that_goes_on_keeps_its_levels_though_the_recipe_has_others_by_now(tmp_path) -> None:
    Trainer(TINY).save(tmp_path / "w.pt")
    resumed = Trainer.resume(tmp_path / "w.pt", dataclasses.replace(TINY, focus=(0.1, 0.4), steps=60))
    assert (resumed.recipe.focus, resumed.recipe.steps) == (TINY.focus, 60)


def halved(photographs, weights, recipe):
    """The first four steps of a run of eight, ended by its own checkpoint."""
    bank = Bank.load(split(listing([photographs]))[0], 1, 2 * recipe.patch)
    trainer = Trainer(recipe)
    for _ in range(4):
        trainer.step(bank.crops(recipe.batch, recipe.patch, trainer.generator))
        trainer.spent.steps += 1
    trainer.save(weights.with_suffix(".pt"))
    yield trainer


def test_the_learning_rate_lands_with_the_budget() -> None:
    spent = Spent(steps=10, core_seconds=50.0, wall_seconds=30.0)
    recipe = dataclasses.replace(TINY, steps=40, core_seconds=100.0, wall_seconds=300.0)
    assert spent.share(recipe) == 0.5
    assert Spent(steps=80).share(recipe) == 1.0
    trainer = Trainer(recipe)
    trainer.spent = dataclasses.replace(spent, steps=39)
    trainer.descend(next(trainer.model.parameters()).square().sum())
    assert all(group["lr"] < 0.02 * recipe.rate for part in trainer.optimiser.parts for group in part.param_groups)


def test_crops_grow_when_steps_have_done_their_part() -> None:
    trainer = Trainer(dataclasses.replace(TINY, steps=10))
    sizes = []
    for trainer.spent.steps in range(10):
        sizes.append(patch_size(trainer) // TINY.patch)
    assert sizes == [1] * 5 + [2, 1, 2, 1, 2]
    trainer.origin = {"start": "trained weights"}
    trainer.spent.steps = 0
    assert patch_size(trainer) == 2 * TINY.patch


def test_a_step_without_a_finite_gradient_is_passed_over() -> None:
    trainer = Trainer(TINY)
    before = [p.clone() for p in trainer.model.parameters()]
    trainer.descend(sum(p.square().sum() for p in trainer.model.parameters()) * torch.tensor(math.inf))
    assert trainer.spent.skipped == trainer.draft("none")["steps_skipped"] == 1
    assert all(torch.equal(p, was) and p.grad is None for p, was in zip(trainer.model.parameters(), before, strict=True))


def test_every_kernel_moves_in_all_directions_alike() -> None:
    """Muon's step is a multiple of a (nearly) orthogonal matrix, whatever the gradient; the thin layers move by Adam."""
    network = build(1, (8, 16), 1, 0.45, 0.25)
    optimiser, before = Optimiser(network, 1.0), {name: p.detach().clone() for name, p in network.named_parameters()}
    generator = torch.Generator().manual_seed(0)
    for p in network.parameters():
        p.grad = torch.randn(p.shape, generator=generator) * torch.logspace(0, -1, len(p)).view(-1, *[1] * (p.ndim - 1))
    optimiser.step(0.01)
    for name, p in network.named_parameters():
        moved = p.detach() - before[name]
        assert p.grad is None
        assert float(moved.abs().min()) > 0, name
        if p.ndim == 4 and min(p.shape[:2]) > 1:
            size = 0.01 * 0.2 * math.sqrt(max(len(p), p[0].numel()))
            spread = torch.linalg.svdvals(moved.flatten(1)) / size
            assert float(spread.min()) > 0.5, name
            assert float(spread.max()) < 1.3, name


def test_muon_steps_as_torch_does() -> None:
    """torch's own Muon takes each matrix alone and in bfloat16; the steps agree to its three digits, and are as long."""
    generator, shapes = torch.Generator().manual_seed(0), [(8, 72), (8, 72), (16, 32), (40, 12)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    ours, theirs = ([torch.nn.Parameter(p.clone()) for p in start] for _ in range(2))
    optimisers = Muon(ours, 0.1), torch.optim.Muon(theirs, 0.1, weight_decay=0, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for p, q in zip(ours, theirs, strict=True):
            p.grad = torch.randn(p.shape, generator=generator) * torch.logspace(0, -2, len(p))[:, None]
            q.grad = p.grad.clone()
        for optimiser in optimisers:
            optimiser.step()
    for p, q, was in zip(ours, theirs, start, strict=True):
        assert float((p - q).detach().norm() / (q - was).detach().norm()) < 0.02


def test_fine_tuning_begins_from_the_weights_given(trained, tmp_path) -> None:
    """Same channels, and as deep or deeper: the same denoiser. Other channels: all but the layers that read and write the image."""
    start = read(trained, precision="float32")
    grey = Trainer(TINY)
    grey.begin_from(trained)
    x = torch.rand(1, 1, 8, 8)
    assert torch.allclose(grey.model.eval()(x, torch.tensor([0.1])), start.denoise(x, 0.1), atol=1e-6)
    colour = Trainer(dataclasses.replace(TINY, channels=3))
    colour.begin_from(trained)
    assert torch.equal(colour.average.net.bottom[0].first.weight, start.net.net.bottom[0].first.weight)
    card = colour.draft("")
    assert start.card["sha256"][:12] in card["start"]
    assert card["core_seconds_before"] == start.card["core_seconds"]
    deeper = Trainer(dataclasses.replace(TINY, blocks=(2, 3)))
    deeper.begin_from(trained)
    assert torch.allclose(deeper.model.eval()(x, torch.tensor([0.1])), start.denoise(x, 0.1), atol=1e-6)


def test_a_card_counts_the_seconds_of_its_whole_past(trained, tmp_path) -> None:
    start = shutil.copy(trained, tmp_path / "start.safetensors")
    card = json.loads(trained.with_suffix(".json").read_text()) | {"core_seconds": 30, "core_seconds_before": 400}
    start.with_suffix(".json").write_text(json.dumps(card))
    trainer = Trainer(TINY)
    trainer.begin_from(start)
    assert trainer.draft("")["core_seconds_before"] == 430


def test_of_several_weights_training_begins_from_their_mean(trained, tmp_path) -> None:
    first = read(trained)
    later = Trainer(dataclasses.replace(TINY, seed=1))
    later.begin_from(trained)
    with torch.no_grad():
        later.model.net.bottom[0].first.weight += 0.5
    write(later.model, first.card | later.draft("") | {"core_seconds": 30}, tmp_path / "later.safetensors")
    both = Trainer(TINY)
    both.begin_from(trained, tmp_path / "later.safetensors")
    for network in (both.model, both.average):
        assert torch.allclose(network.net.bottom[0].first.weight, first.net.net.bottom[0].first.weight + 0.25, atol=1e-3)
    card = both.draft("")
    assert card["start"].count("sha256") == 2
    assert card["core_seconds_before"] == 30 + first.card["core_seconds"]  # the second run began from the first: not counted twice


def test_weights_of_different_networks_have_no_mean(trained) -> None:
    with pytest.raises(ValueError, match="not of one network"):
        Trainer(TINY).begin_from(trained, SHIPPED / "cnn-grey.safetensors")


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
@pytest.mark.parametrize("name", ["cnn", "diffusion"])
def test_shipped_weights_are_small_and_say_where_they_are_from(name, colour) -> None:
    file = SHIPPED / f"{name}-{'colour' if colour else 'grey'}.safetensors"
    card = read(file).card
    assert file.stat().st_size < 20e6
    assert card["sigma_range"] == list(RECIPES[name].sigma_range)
    assert set(card["data"]) == {"bsds500", "photos870"}
    assert "non-commercial" in card["licence"]
    assert card["network"]["channels"] == (3 if colour else 1)
    assert len(card["curve"]) > 5
    assert len(card["error"]["spectrum"][0]) == (3 if colour else 1)


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
def test_colour_weights_know_what_the_channels_share(name) -> None:
    """Two channels say something about the third: at least 1 dB over the grey weights channel by channel."""
    problem = problems.denoise(problems.load_image("astronaut", size=96, channels=3), noise_sigma=25 / 255, rng=0)
    both = priors.load(name), read(SHIPPED / f"{name}-grey.safetensors")
    errors = [prior.denoise(problem.y, 25 / 255) - problem.truth for prior in both]
    ours, grey = (-10 * math.log10(float(error.square().mean())) for error in errors)
    assert ours > grey + 1


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
@pytest.mark.parametrize(("sigma", "least"), [(25, 28.0), (50, 25.0)])
def test_shipped_weights_denoise_better_than_the_free_classic(name, sigma, least) -> None:
    problem = problems.denoise(problems.load_image("camera", size=96), noise_sigma=sigma / 255, rng=0)

    def psnr(prior: str) -> float:
        error = (priors.load(prior).denoise(problem.y, sigma / 255).clamp(0, 1) - problem.truth).square().mean()
        return -10 * math.log10(float(error))

    assert psnr(name) > max(least, psnr("nlm") + 0.5)


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
def test_the_stored_error_is_the_error_met(name) -> None:
    """On pictures that were not used to measure it, within what pictures differ; and its spectrum adds up to it."""
    prior = priors.load(name)
    images = torch.cat([problems.load_image(image, size=96) for image in ("camera", "astronaut", "chelsea", "coins")])
    for sigma in (0.02, 0.1, 0.35):
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
        met = float((prior.denoise(images + sigma * noise, sigma) - images).square().mean().sqrt())
        assert prior.rmse(sigma) == pytest.approx(met, rel=0.35)
        spectrum = prior.error_spectrum(sigma, (1, 128, 128))
        whole = torch.cat([spectrum, spectrum[..., 1:-1]], -1)
        assert float(whole.square().mean().sqrt()) == pytest.approx(prior.rmse(sigma), rel=0.1)


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
def test_the_error_is_known_pixel_by_pixel(name) -> None:
    """It says where: the likelihood, each side at its best scale, beats one standard deviation for all pixels."""
    prior = priors.load(name)
    images = torch.cat([problems.load_image(image, size=96) for image in ("camera", "astronaut", "chelsea", "coins")])
    for sigma in (0.02, 0.1, 0.35):
        x = images + sigma * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
        known = prior.belief(x, sigma)
        mean, std, correlation = known.mean, known.pixel, known.spectrum
        assert torch.allclose(mean, prior.denoise(x, sigma), atol=1e-5)
        assert std.shape == (4, 1, 96, 96)
        square = (mean - images).square()
        assert float((square / std**2).mean().log() + 2 * std.log().mean()) < float(square.mean().log()) - 0.1, sigma
        whole = torch.cat([correlation, correlation[..., 1:-1]], -1)
        assert float((square / std**2).mean()) == pytest.approx(float(whole.square().mean()), rel=0.5)


def test_each_part_of_the_network_learns_from_its_own_term() -> None:
    """The expected error weighs the crops and does not pull at the denoiser; the denoiser's error teaches what to expect."""
    network = Trainer(TINY).model
    torch.nn.init.ones_(network.net.tail.weight)
    x, sigma = torch.rand(2, 1, 16, 16), torch.tensor([0.1, 0.1])
    log_std = network.residual_and_error(x, sigma)[1]
    log_std.sum().backward()
    assert {name.split(".")[1] for name, p in network.named_parameters() if p.grad is not None} == {"variance"}
    error, spread = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1).requires_grad_(), torch.tensor([0.0, math.log(3)]).view(2, 1, 1, 1)
    weighted(error, spread.requires_grad_()).backward()
    assert error.grad.flatten() == pytest.approx(torch.tensor([1.0, 1 / 3]))  # d/de of e^2 / s^2, mean over two
    assert spread.grad.flatten() == pytest.approx(torch.zeros(2), abs=1e-6)  # as large as expected: nothing to learn


def test_the_weight_of_a_crop_leaves_the_best_answer_where_it_is() -> None:
    """Truths of 1 and 3 in equal number, whatever error is expected: the mean stays best."""
    guess = torch.tensor(2.0, requires_grad=True)
    weighted((guess - torch.tensor([1.0, 3.0])).view(2, 1, 1, 1), torch.full((2, 1, 1, 1), -0.7)).backward()
    assert float(guess.grad) == pytest.approx(0, abs=1e-6)


def test_edges_of_the_range() -> None:
    prior, x = priors.load("cnn"), problems.load_image("camera", size=24)
    with pytest.raises(ValueError, match=r"'cnn' was trained for sigma up to 0\.4, not 0\.5"):
        prior.denoise(x, 0.5)
    lowest = (prior.denoise(x, 0.004) - x).square().mean().sqrt()
    assert torch.allclose(prior.denoise(x, 0.002) - x, (prior.denoise(x, 0.004) - x) / 4, atol=1e-6)
    assert float((prior.denoise(x, 1e-5) - x).abs().max()) < 1e-4 < float(lowest)
    assert prior.rmse(0.001) == pytest.approx(prior.rmse(0.002) / 2, rel=1e-6)
    below, lowest = prior.belief(x, 0.002), prior.belief(x, 0.004)
    assert torch.allclose(below.mean, prior.denoise(x, 0.002), atol=1e-6)
    assert torch.allclose(below.pixel, lowest.pixel / 2)
    with pytest.raises(ValueError, match="trained for sigma up to"):
        prior.belief(x, 0.5)


def test_grey_weights_take_colour_images_channel_by_channel() -> None:
    prior, x = read(SHIPPED / "cnn-grey.safetensors"), problems.load_image("astronaut", size=24, channels=3).double()
    found = prior.denoise(x, 0.1)
    assert found.dtype == torch.float64
    assert torch.allclose(found[:, 1:2], prior.denoise(x[:, 1:2], 0.1), atol=1e-6)
    std, alone = prior.belief(x, 0.1).pixel, prior.belief(x[:, 1:2], 0.1).pixel
    assert std.shape == (1, 3, 24, 24)
    assert torch.allclose(std[:, 1:2], alone, atol=1e-6)


def test_gradients_pass_through_the_prior() -> None:
    """Guided samplers need them: the Jacobian along a direction, against a central difference in double precision."""
    prior, x = read(SHIPPED / "cnn-grey.safetensors"), problems.load_image("camera", size=16).requires_grad_()
    v, u = (torch.randn(x.shape, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in (0, 1))
    (slope,) = torch.autograd.grad((prior.denoise(x, 0.1) * u).sum(), x)
    exact, sigma = prior.net.double(), torch.tensor([0.1], dtype=torch.float64)
    with torch.no_grad():
        ahead, behind = (exact(x.double() + h * v, sigma) for h in (1e-6, -1e-6))
    assert float((slope * v).sum()) == pytest.approx(float(((ahead - behind) * u).sum() / 2e-6), rel=1e-3)


BROKEN = [
    ("card missing", lambda w: w.with_suffix(".json").unlink(), FileNotFoundError, "does not exist"),
    ("card torn", lambda w: w.with_suffix(".json").write_text("{"), ValueError, "is not a model card"),
    ("weights torn", lambda w: w.write_bytes(w.read_bytes()[:-100]), ValueError, "does not match the sha256"),
    ("weights missing", lambda w: w.unlink(), FileNotFoundError, "does not exist"),
]


@pytest.mark.parametrize(("what", "damage", "kind", "sentence"), BROKEN, ids=[b[0] for b in BROKEN])
def test_damaged_weights_are_refused(what, damage, kind, sentence, trained, tmp_path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(trained.read_bytes())
    copy.with_suffix(".json").write_bytes(trained.with_suffix(".json").read_bytes())
    damage(copy)
    with pytest.raises(kind, match=sentence):
        priors.load("cnn", weights=copy)


def test_training_refuses_bad_input(photographs, tmp_path) -> None:
    weights = tmp_path / "w.safetensors"
    with pytest.raises(FileNotFoundError, match="no images below"):
        list(train([tmp_path / "nothing"], weights, TINY))
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        list(train([photographs], weights, TINY, resume=True))
    Trainer(TINY).save(weights.with_suffix(".pt"))
    with pytest.raises(ValueError, match="holds another training"):
        list(train([photographs], weights, dataclasses.replace(TINY, channels=3), resume=True))
    with pytest.raises(ValueError, match="holds another training"):
        list(train([photographs], weights, dataclasses.replace(TINY, sigma_max=1.0), resume=True))
    with pytest.raises(ValueError, match="holds another training"):
        list(train([photographs], weights, dataclasses.replace(TINY, name="diffusion"), resume=True))
    with pytest.raises(FileExistsError, match="was begun; go on with --resume"):
        list(train([photographs], weights, TINY))
    with pytest.raises(ValueError, match="give one of them"):
        list(train([photographs], weights, TINY, resume=True, start=[weights]))
    for wrong in (tmp_path, tmp_path / "w.pt"):
        with pytest.raises(ValueError, match=r"weights are a \.safetensors file"):
            list(train([photographs], wrong, TINY))
    state = torch.load(weights.with_suffix(".pt"), weights_only=True)
    torch.save({key: value for key, value in state.items() if key != "spent"}, weights.with_suffix(".pt"))
    with pytest.raises(ValueError, match="lacks a part"):
        list(train([photographs], weights, TINY, resume=True))
    weights.with_suffix(".pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        list(train([photographs], weights, TINY, resume=True))
    assert not weights.exists()


def test_progress_tells_the_time_left_once_it_can_be_foretold(capsys) -> None:
    follow(iter(Progress(Spent(wall_seconds=60), share, 1.0, {"25": 28.5}) for share in (0.0, 0.25, 1.0)))
    begun, midway, ended = capsys.readouterr().out.splitlines()
    assert midway == " 25%  0 steps, held-back pictures 28.50 dB at 25/255, about 3 min left"
    assert "left" not in begun + ended


def test_the_smoke_gate_tells_what_was_reached_and_missed(tmp_path, monkeypatch, capsys) -> None:
    """Five steps of training on noise reach nothing, so the gate stays shut; the floor itself is met by who reaches it."""
    monkeypatch.setattr("priors.smoke.STEPS", 5)
    for folder, names in (("photographs", "ab"), ("set12", priors.smoke.PICTURES)):
        (tmp_path / folder).mkdir()
        for k, name in enumerate(names):
            pixels = np.random.default_rng(k).integers(0, 255, (136, 136), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    words = ["train", "--smoke", "-i", str(tmp_path / "photographs"), "-t", str(tmp_path / "set12"), "-o", str(tmp_path / "w.safetensors")]
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 1
    told = capsys.readouterr().out
    assert told.count("MISSED") == 3
    assert "5 steps in " in told
    assert "floor 31.5 dB" in told
    assert priors.smoke.missed({"15": 31.6, "25": 28.8, "50": 25.0}) == {"50": pytest.approx(0.3)}


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
def test_the_own_error_is_bounded_where_no_image_is(name: str) -> None:
    """Far from all it was trained on the second head knew no bound, and a long chain ran off to infinity."""
    x = 100 * torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert float(priors.load(name).belief(x, 0.01).pixel.max()) <= 4 * 0.01
