"""Priors that are shown a picture: the network, the training in arms, binding a picture, and the branch that reads edges."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import priors
from priors import degraded, learned, pairs, pictured, structure
from priors.network import build
from priors.recipe import PAIR_RECIPES

TINY = dataclasses.replace(
    PAIR_RECIPES["refine"], widths=(8, 16), blocks=(1, 1), patch=16, batch=4, warmup=5, steps=100, core_seconds=math.inf,
    arms=tuple(arm.name for arm in pairs.ARMS), problem="blocks", focus=(0.1, 1.0),
)  # fmt: skip


def blocks(clean: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Means of 4 x 4 pixels."""
    small = torch.nn.functional.avg_pool2d(clean, 4)
    return small.repeat_interleave(4, -2).repeat_interleave(4, -1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Thirty pictures of black and white stripes in all directions."""
    where, rng = tmp_path_factory.mktemp("stripes"), np.random.default_rng(0)
    i, j = np.mgrid[:64, :64]
    for k in range(30):
        a, b = rng.uniform(-0.8, 0.8, 2)
        Image.fromarray((255 * (np.sin(a * i + b * j) > 0)).astype(np.uint8)).save(where / f"{k}.png")
    return where


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory) -> Path:
    weights = tmp_path_factory.mktemp("pairs") / "tiny.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "SIDE", 32)
        list(pairs.train([folder], weights, TINY, [blocks] * 5))
    return weights


@pytest.fixture(scope="module")
def shipped() -> pictured.Pictured:
    return pictured.read(learned.SHIPPED / "pictured-colour.safetensors", precision="float32")


def test_what_reads_the_picture_is_nothing_to_begin_with() -> None:
    torch.manual_seed(0)
    net = build(1, (4, 8), 1, 0.45, 0.25, labels=2, condition=1).requires_grad_(False)
    torch.nn.init.normal_(net.net.tail.weight)
    x, sigma = torch.rand(2, 1, 12, 10), torch.tensor([0.1, 0.5])
    free = net(x, sigma)
    assert torch.equal(net(x, sigma, torch.tensor([0, 1]), torch.rand(2, 1, 12, 10)), free)
    torch.nn.init.normal_(net.net.look.weight)
    assert float((net(x, sigma, None, torch.rand(2, 1, 12, 10)) - free).abs().max()) > 0.01
    torch.testing.assert_close(net(x, sigma, None, torch.full_like(x, 0.45)), free)  # the mean picture is no picture


def test_each_arm_is_asked_what_its_line_in_the_table_says() -> None:
    trainer = pairs.PairTrainer(dataclasses.replace(TINY, reach=0.2))
    clean, shown = torch.rand(2, 4, 1, 16, 16)
    answer = trainer.regressed(shown)
    for arm in trainer.arms:
        sigma, noise, seen = trainer.asked(arm, clean, shown)
        start, point = clean + 0.2 * noise, clean + sigma[:, None, None, None] * noise
        assert torch.equal(seen, answer if arm.from_regression else shown)
        if arm.kind == "diffusion":
            assert abs(float(noise.std()) - 1) < 0.1
            continue
        if arm.kind == "regression":
            torch.testing.assert_close(point, shown)
        assert float(sigma.max()) <= 0.2 * (1 + 1e-6)
        torch.testing.assert_close(start, seen, atol=1e-6, rtol=0) if not arm.from_regression else None
        spread = float((start - seen).std())
        assert spread == pytest.approx(TINY.jitter if arm.from_regression else 0, abs=0.01)


def test_a_training_learns_to_use_the_picture_and_writes_a_curve_for_each_arm(trained) -> None:
    card = json.loads(trained.with_suffix(".json").read_text())
    assert list(card["arms"]) == list(TINY.arms)
    assert all(len(arm["error"]["sigma"]) == len(arm["error"]["rmse"]) for arm in card["arms"].values())
    curve = card["arms"]["diffusion"]["error"]
    loud = [rmse for sigma, rmse in zip(curve["sigma"], curve["rmse"], strict=True) if sigma > 1]
    assert max(loud) < 0.48  # stripes vary by 0.5: without the picture nothing is left of them at such levels


def test_a_training_goes_on_where_it_stopped(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pairs, "SIDE", 32)
    weights, half = tmp_path / "tiny.safetensors", dataclasses.replace(TINY, steps=8)
    run = pairs.train([folder], weights, dataclasses.replace(TINY, steps=4), [blocks] * 5, every=0)
    assert [told.spent.steps for told in run][-1] == 4
    steps = [told.spent.steps for told in pairs.train([folder], weights, half, [blocks] * 5, resume=True, every=0)]
    assert (steps[0], steps[-1]) == (4, 8)
    with pytest.raises(ValueError, match="holds another training"):
        list(pairs.train([folder], weights, dataclasses.replace(TINY, arms=("regression",)), [blocks], resume=True))


def test_a_bound_picture_makes_a_prior_of_the_slot(trained) -> None:
    prior, picture, x = pictured.read(trained, precision="float32"), torch.rand(1, 1, 24, 20), torch.rand(3, 1, 24, 20)
    bound = prior.given(picture, "diffusion")
    assert (bound.name, bound.mmse, bound.sigma_range) == ("refine[task=diffusion]", True, TINY.sigma_range)
    assert not prior.given(picture, "flow").mmse
    whole = bound.denoise(x, 0.5)
    torch.testing.assert_close(bound.denoise(x[1:2], 0.5), whole[1:2])
    torch.testing.assert_close(bound.belief(x, 0.5).mean, whole)
    one_each = prior.given(torch.cat([picture, 1 - picture]), "diffusion").denoise(x[:2], 0.5)
    torch.testing.assert_close(one_each[:1], whole[:1])
    assert float((one_each[1] - whole[1]).abs().max()) > 1e-4


def test_smaller_pictures_are_enlarged_and_parts_are_cut(shipped) -> None:
    small, x = torch.rand(1, 3, 6, 5), torch.rand(1, 3, 24, 20)
    large = small.repeat_interleave(4, -2).repeat_interleave(4, -1)
    bound, reduced = (shipped.given(picture, "super_resolution") for picture in (large, small))
    torch.testing.assert_close(reduced.denoise(x, 0.5), bound.denoise(x, 0.5))
    assert reduced.shape == (3, 24, 20)
    part = bound.part((-2, 4), (12, 16), (24, 20))
    assert part.picture is not None
    assert torch.equal(part.picture[0, 0, 2:], large[0, 0, :10, 4:])
    assert torch.equal(part.picture[0, 0, 0], large[0, 0, 0, 4:])


def test_each_image_is_shown_its_own_picture_in_every_channel(trained) -> None:
    """A grey network denoises a colour image channel by channel: the three rows that it sees belong to one picture."""
    prior, shown, x = pictured.read(trained, precision="float32"), torch.rand(2, 1, 8, 8), torch.rand(4, 3, 8, 8)
    both = prior.given(shown, "diffusion").denoise(x, 0.5)
    for i in range(4):
        torch.testing.assert_close(prior.given(shown[i % 2 :][:1], "diffusion").denoise(x[i : i + 1], 0.5), both[i : i + 1])
    with pytest.raises(ValueError, match="1 images cannot belong to 3 condition pictures"):
        prior.given(torch.rand(3, 1, 8, 8), "diffusion").denoise(x[:1], 0.5)


def test_at_guidance_0_the_picture_counts_for_nothing(shipped) -> None:
    """Neither for the answer nor for how far off that may be: a density stands behind it, that of the prior without a picture."""
    x = torch.rand(1, 3, 12, 12)
    told, free = shipped.given(x, "super_resolution", 0).belief(x, 0.7), shipped.belief(x, 0.7)
    for name in ("mean", "pixel", "spectrum", "rmse"):
        assert np.array_equal(getattr(told, name), getattr(free, name)), name


@pytest.mark.parametrize(("ask", "words"), [
    (lambda prior: prior.given(torch.full((1, 1, 8, 8), 255.0)), r"reaches 255, far outside \[0, 1\]"),
    (lambda prior: prior.given(torch.rand(1, 1, 0, 8)), "holds no pixels"),
    (lambda prior: prior.given(torch.rand(1, 3, 8, 8)), "'refine' is shown grey pictures, not colours"),
    (lambda prior: prior.given(torch.rand(1, 1, 4, 4)).denoise(torch.rand(1, 1, 8, 8), 0.1), "is 4x4 and the image 8x8; give a picture of"),
    (lambda prior: prior.given(torch.rand(1, 1, 8, 8), "tea"), "knows no task 'tea'; give one of regression, diffusion"),
    (lambda prior: prior.given(torch.rand(8, 8)), "a condition is a float tensor"),
    (lambda prior: prior.given(torch.full((1, 1, 8, 8), math.nan)), "holds no pixels, or NaN or infinite values"),
    (lambda prior: prior.given(torch.rand(1, 1, 8, 8), "diffusion", math.nan), "guidance must be finite"),
    (lambda prior: prior.given(None), "was never trained without its picture"),
    (lambda prior: prior.given(torch.rand(1, 1, 8, 8), "diffusion", 2.0), "was never trained without its picture"),
    (lambda prior: prior.given(None, "diffusion"), "has no effect without a picture"),
    (lambda prior: prior.given(None, None, 2.0), "has no effect without a picture"),
    (lambda prior: prior.given(torch.rand(1, 1, 7, 8), "diffusion").denoise(torch.rand(1, 1, 8, 8), 0.5), "is 7x8 and the image 8x8"),
    (lambda prior: prior.given(torch.rand(2, 1, 8, 8), "diffusion").denoise(torch.rand(3, 1, 8, 8), 0.5), "3 images cannot belong to 2"),
])  # fmt: skip
def test_what_is_no_condition_is_refused_in_one_sentence(trained, ask, words) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        ask(pictured.read(trained))


def test_a_network_that_is_shown_nothing_is_no_such_prior() -> None:
    with pytest.raises(ValueError, match="is no prior that is shown a picture"):
        pictured.read(learned.SHIPPED / "cnn-grey.safetensors")
    with pytest.raises(FileNotFoundError, match=r"condition picture nowhere\.png does not exist"):
        priors.load("pictured", task="colorize", picture="nowhere.png")
    with pytest.raises(FileNotFoundError, match=r"is a folder; name a picture in it"):
        priors.load("pictured", task="colorize", picture=learned.SHIPPED)


# What pictures lack
def test_degraded_pictures_lack_what_they_should() -> None:
    clean, random = torch.rand(2, 3, 16, 16), np.random.default_rng(0)
    grey = degraded.colorize(clean, random)
    assert torch.equal(grey[:, 0], grey[:, 2])
    torch.testing.assert_close(grey[:, 0], 0.299 * clean[:, 0] + 0.587 * clean[:, 1] + 0.114 * clean[:, 2])
    reduced = degraded.super_resolution(clean, random)
    assert torch.equal(reduced[..., ::4, ::4].repeat_interleave(4, -2).repeat_interleave(4, -1), reduced)
    assert float((reduced[..., 0, 0] - clean[..., :4, :4].mean((-2, -1))).abs().max()) < 0.5 / 255 + 1e-6
    smooth = torch.linspace(0, 1, 16).expand(2, 3, 16, 16)
    low, high = (float((degraded.compressed(smooth[0], quality) - smooth[0]).abs().mean()) for quality in (5, 90))
    assert high < 0.01 < low


# The shipped weights
def test_shipped_priors_answer_better_with_their_picture() -> None:
    card = priors.load("pictured").card
    for name, arm in card["arms"].items():
        free, told = (dict(zip(each["sigma"], each["rmse"], strict=True)) for each in (card["error"], arm["error"]))
        loud = [sigma for sigma in told if sigma > 0.5]
        assert all(told[sigma] < 0.8 * free[sigma] for sigma in loud), name


# Edges
def test_without_a_map_the_branch_changes_nothing_and_a_new_one_never_does() -> None:
    base = learned.read(learned.SHIPPED / "diffusion-grey.safetensors", precision="float32")
    x = torch.rand(1, 1, 20, 28)
    edges = priors.load("edges", precision="float32")
    assert torch.equal(edges.denoise(x, 0.7), base.denoise(x, 0.7))
    new = structure.steered(learned.read(learned.SHIPPED / "diffusion-grey.safetensors").net)
    told = new.conditional(x, torch.tensor([0.7]), None, torch.ones_like(x))[0]
    torch.testing.assert_close(told, base.denoise(x, 0.7), atol=1e-5, rtol=0)
    assert [name for name, p in new.named_parameters() if p.requires_grad and "frozen" in name] == []


def test_f_score_of_known_maps() -> None:
    line = np.zeros((12, 12))
    line[5] = 1
    assert structure.f_score(line, line) == structure.f_score(np.roll(line, 1, 0), line) == 1
    assert structure.f_score(np.roll(line, 3, 0), line) == 0
    both = line + np.roll(line, 4, 0)
    assert structure.f_score(both, line) == pytest.approx(2 / 3)
    assert structure.f_score(0 * line, 0 * line) == 1
    assert structure.f_score(0 * line, line) == 0


def test_a_photograph_as_condition_is_turned_into_its_edges_and_a_map_is_not() -> None:
    disc = torch.tensor(np.hypot(*(np.mgrid[:32, :32] - 15.5)) < 9).float()
    photograph, drawn = (0.3 + 0.4 * disc).expand(1, 3, 32, 32), structure.edge_maps(disc[None, None])
    found = structure.map_of(photograph)
    assert structure.f_score(found[0, 0].numpy(), drawn[0, 0].numpy()) > 0.95
    assert torch.equal(structure.map_of(drawn.expand(1, 3, 32, 32)), drawn)


def test_what_is_no_map_of_edges_is_refused() -> None:
    prior, drawn = priors.load("edges"), torch.eye(12)[None, None]
    assert prior.given(drawn).arm == "edges"
    with pytest.raises(ValueError, match="a map of edges is 1 on an edge and 0 elsewhere"):
        prior.given(0.5 * drawn)
    with pytest.raises(ValueError, match=r"white in 92% of its pixels.* invert it"):
        prior.given(1 - drawn)
