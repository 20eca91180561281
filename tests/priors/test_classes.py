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

import priors
import solvers
from priors import classes, conditional, guided, labelled
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


# The shipped weights
MNIST = Path(__file__).parents[3] / "shared" / "data" / "labelled" / "mnist.npz"


@pytest.fixture(scope="module")
def digits() -> conditional.Conditional:
    return priors.load("digits28", precision="float32")


@pytest.mark.parametrize("name", ["digits28", "clothing"])
def test_the_label_is_worth_more_the_louder_the_noise_until_nothing_is_left_of_the_picture(name: str) -> None:
    card = priors.load(name).card
    worth = [np.subtract(curve["labelled"], curve["unlabelled"]) for curve in card["label_curve"].values()]
    sigma = np.array(next(iter(card["label_curve"].values()))["sigma"])
    loud = {"digits28": 0.9, "clothing": 0.1}[name]
    for each in worth:
        assert (each[sigma > 1.5] > loud).all()
        assert (abs(each[sigma < 0.05]) < 0.02).all()


@pytest.mark.skipif(not MNIST.is_file(), reason="the labelled pictures are not beside the repository")
def test_the_shipped_judges_are_as_good_as_their_cards_say(digits) -> None:
    told = digits.judge.card["accuracy"]["test, 10000 pictures"]["0"]
    assert told > 0.99
    with np.load(MNIST) as file:
        held = labelled.Labelled(torch.from_numpy(file["test_images"][:300, None]), torch.from_numpy(file["test_labels"][:300].astype(int)))
    assert classes.accuracy(digits.judge, held) >= 0.98
    assert priors.load("clothing").judge.names[9] == "t-shirt"


def test_a_label_is_bound_by_name_or_number_and_leaves_the_prior_as_it_was(digits) -> None:
    x = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    free = digits.denoise(x, 0.8)
    three = digits.given(3)
    assert (three.name, digits.name) == ("digits28[label=3]", "digits28")
    assert torch.equal(three.denoise(x, 0.8), digits.given("3").denoise(x, 0.8))
    assert torch.equal(three.denoise(x, 0.8), priors.load("digits28", label=3, precision="float32").denoise(x, 0.8))
    assert torch.equal(three.given(None).denoise(x, 0.8), free)
    assert torch.equal(digits.denoise(x, 0.8), free)
    assert guided.number_of("years", 12, ("11", "12", "13")) == 1, "a name goes before a number"


@pytest.mark.parametrize(("given", "sentence"), [
    ({"label": "cat"}, "knows no label 'cat'; give one of 0, 1, 2"),
    ({"label": 10}, "knows no label 10; give one of"),
    ({"label": -1}, "knows no label -1"),
    ({"label": 2.0}, "knows no label 2.0"),
    ({"label": True}, "knows no label True"),
    ({"label": 3, "guidance": math.nan}, "guidance must be finite, not nan"),
    ({"label": 3, "guidance": math.inf}, "guidance must be finite, not inf"),
    ({"guidance": 2.0}, "has no effect without a label"),
])  # fmt: skip
def test_what_is_no_condition_is_refused(given: dict, sentence: str, digits) -> None:
    with pytest.raises(ValueError, match=sentence):
        digits.given(**given)


def test_guidance_that_is_no_number_is_refused(digits) -> None:
    for wrong in ("2", True, None):
        with pytest.raises(TypeError, match="guidance is a number"):
            digits.given(3, wrong)


def test_a_prior_that_takes_no_label_says_so() -> None:
    with pytest.raises(ValueError, match="'tv' has no option 'label'"):
        priors.load("tv", label=3)


@pytest.mark.slow
def test_samples_are_told_to_be_of_their_label_and_below_zero_guidance_avoids_it(digits) -> None:
    """20 of each at guidance 2; measured on 100 of each: 99.8 %. At -1 the samples are digits other than the label."""

    def share(label: int, guidance: float) -> float:
        found = solvers.generate(digits.given(label, guidance), (1, 28, 28), 20, rng=label, steps=12).samples
        return float((digits.judge.labels(found.clamp(0, 1)) == label).double().mean())

    assert np.mean([share(label, 2.0) for label in (1, 3, 8)]) >= 0.97
    assert share(3, -1.0) <= 0.1


# Guidance by the classifier
def test_classifier_guidance_is_the_gradient_of_the_judge(trained) -> None:
    """Against central differences of log p(label | x, sigma), at a level of the training and below all of them."""
    prior = conditional.read(trained, precision="float32")
    x, label = torch.rand(2, 1, 10, 10, generator=torch.Generator().manual_seed(0)), 1
    bound = prior.given("lying", 2.0, classifier=True)
    added = (bound.denoise(x, 0.5) - prior.denoise(x, 0.5)).flatten(1) / (2.0 * 0.5**2)
    step, along = 0.02, torch.nn.functional.normalize(added, dim=1).view_as(x)
    ahead, behind = (prior.judge.log_probabilities(x + way * step * along, 0.5)[:, label] for way in (1, -1))
    assert torch.allclose((ahead - behind) / (2 * step), added.norm(dim=1), rtol=0.02)
    torch.testing.assert_close(bound.belief(x, 0.5).mean, bound.denoise(x, 0.5))
    low = prior.sigma_range[0]
    torch.testing.assert_close(bound.denoise(x, low / 2) - x, (bound.denoise(x, low) - x) / 4, atol=1e-6, rtol=0)
    assert torch.equal(bound.given(None).denoise(x, 0.5), prior.denoise(x, 0.5))
    assert torch.equal(prior.given("lying", 0.0, classifier=True).denoise(x, 0.5), prior.denoise(x, 0.5))


def test_gradients_flow_through_a_guided_answer(trained) -> None:
    """dps and the like differentiate the denoiser; a gradient that is itself guided needs the second derivative of the judge."""
    prior = conditional.read(trained, precision="float32")
    for classifier in (False, True):
        bound = prior.given(0, 2.0, classifier)
        x = torch.rand(1, 1, 10, 10, generator=torch.Generator().manual_seed(1)).requires_grad_()
        (slope,) = torch.autograd.grad(bound.denoise(x, 0.5).square().sum(), x)
        along = torch.nn.functional.normalize(slope.flatten(), dim=0).view_as(x)
        with torch.no_grad():
            ahead, behind = (float(bound.denoise(x + way * along, 0.5).square().sum()) for way in (0.02, -0.02))
        assert (ahead - behind) / 0.04 == pytest.approx(float(slope.norm()), rel=0.03)


def test_a_prior_guided_by_its_classifier_is_another_cell_with_another_classifier(trained, tmp_path) -> None:
    alone = tmp_path / "tiny.safetensors"
    for suffix in (".safetensors", ".json"):
        alone.with_suffix(suffix).write_bytes(trained.with_suffix(suffix).read_bytes())
    with pytest.raises(FileNotFoundError, match="tiny-classifier"):
        conditional.read(alone).given(0, classifier=True)
    prior = conditional.read(trained)
    assert prior.given(0, classifier=True).card["classifier"] == prior.judge.card["sha256"]
    assert "classifier" not in prior.given(0, classifier=True).given(0).card


@pytest.mark.slow
def test_the_classifier_steers_weaker_than_the_label(digits) -> None:
    """At guidance 5 nearly as well as the label at 1; at 1 by far not, since its gradient is no exact D_c - D_u. 20 samples each."""
    told = {}
    for guidance in (1.0, 5.0):
        bound = digits.given(3, guidance, classifier=True)
        found = solvers.generate(bound, (1, 28, 28), 20, rng=3, steps=12).samples
        told[guidance] = float((digits.judge.labels(found.clamp(0, 1)) == 3).double().mean())
    assert told[5.0] >= 0.85
    assert told[1.0] <= 0.7
