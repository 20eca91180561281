"""Priors with a label: the data, the network, its training and classifier, and what binding a label does."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from priors import classes, conditional, labelled
from priors.network import build
from priors.recipe import CLASS_RECIPES

TINY = dataclasses.replace(
    CLASS_RECIPES["digits28"], widths=(8, 16), blocks=(1, 1), patch=10, batch=16, warmup=5, steps=400, embedding=16,
    judge_widths=(8, 16), judge_batch=32, core_seconds=math.inf, wall_seconds=math.inf, focus=(0.2, 2.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def bars(tmp_path_factory) -> Path:
    """Upright and lying bars of 10x10 pixels, not a multiple of the network's stride squared, at random places."""
    rng, images, labels = np.random.default_rng(0), np.zeros((240, 10, 10), np.uint8), np.arange(240) % 2
    for image, label, place in zip(images, labels, rng.integers(1, 8, 240), strict=True):
        (image if label else image.T)[place : place + 2] = 220
    file = tmp_path_factory.mktemp("bars") / "bars.npz"
    np.savez(file, train_images=images, train_labels=labels.astype(np.uint8), class_names=np.array(["upright", "lying"]))
    return file


@pytest.fixture(scope="module")
def trained(bars, tmp_path_factory) -> Path:
    weights = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    list(classes.train(bars, weights, TINY))
    list(classes.train_judge(bars, weights.with_name("tiny-classifier.safetensors"), dataclasses.replace(TINY, steps=60)))
    return weights


def test_no_picture_is_in_two_sets(bars) -> None:
    data = labelled.load(bars, 1, 10)
    assert [len(part) for part in (data.training, data.validation, data.test)] == [198, 18, 24]
    assert all(0.4 < float(part.labels.double().mean()) < 0.6 for part in (data.training, data.validation, data.test))


def test_a_folder_of_folders_is_read_and_fitted(tmp_path) -> None:
    for label, name in enumerate(("dark", "light")):
        (tmp_path / name).mkdir()
        for k in range(12):
            Image.new("RGB", (20, 10), (200 * label, k, 0)).save(tmp_path / name / f"{k}.png")
    data = labelled.load(tmp_path, 3, 8)
    assert data.names == ("dark", "light")
    assert data.training.images.shape[1:] == (3, 8, 8)
    assert all((each.images[each.labels == k, 0] == 200 * k).all() for each in (data.training, data.test) for k in (0, 1))


def test_a_network_without_labels_is_as_it_was() -> None:
    torch.manual_seed(0)
    before = build(1, (4, 8), 1, 0.45, 0.25)
    assert not any("label" in key for key in before.state_dict())


def test_the_label_helps_where_the_noise_hides_the_picture(trained) -> None:
    curve = next(iter(json.loads(trained.with_suffix(".json").read_text())["label_curve"].values()))
    worth = np.subtract(curve["labelled"], curve["unlabelled"])
    loud = [k for k, sigma in enumerate(curve["sigma"]) if 0.5 <= sigma <= 2]
    assert worth[loud].mean() > 0.3
    assert abs(worth[0]) < worth[loud].max()


def test_guidance_goes_along_the_difference_of_the_two_answers(trained) -> None:
    prior, x = conditional.read(trained, precision="float32"), torch.rand(3, 1, 10, 10)
    free, bound = prior.denoise(x, 0.5), prior.given("lying").denoise(x, 0.5)
    assert float((bound - free).abs().max()) > 1e-3
    for weight in (-1.0, 0.0, 1.0, 2.5):
        guided = prior.given(1, weight)
        torch.testing.assert_close(guided.denoise(x, 0.5), free + weight * (bound - free), atol=2e-6, rtol=0)
        torch.testing.assert_close(guided.belief(x, 0.5).mean, guided.denoise(x, 0.5))


def test_the_classifier_tells_bars_apart_and_is_unsure_in_noise(trained, bars) -> None:
    judge, held = conditional.read(trained).judge, labelled.load(bars, 1, 10).test
    assert classes.accuracy(judge, held) > 0.95
    assert classes.accuracy(judge, held, 5.0) < 0.9
    told = judge.log_probabilities(held.pictures(), 0.1)
    torch.testing.assert_close(told.exp().sum(1), torch.ones(len(held)))
