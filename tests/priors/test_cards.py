"""Weights and cards that are damaged, incomplete or of another kind: one sentence names the file and the remedy."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import priors
from priors.error import BANDS
from priors.learned import write
from priors.network import build

NETWORK = {"channels": 1, "widths": [4, 8], "blocks": [1, 1], "mean": 0.45, "std": 0.25}
BAND = [[0.01] * len(BANDS)]
CARD: dict[str, Any] = {
    "name": "cnn", "family": "learned", "licence": "none", "sigma_range": [0.004, 0.4], "network": NETWORK,
    "error": {"sigma": [0.1, 0.2], "rmse": [0.05, 0.1], "spectrum": [BAND, BAND], "correlation": [BAND, BAND]},
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("cards") / "w.safetensors"
    write(build(**NETWORK), CARD, file)
    return file


def refused(file: Path, sentence: str | None = None) -> None:
    """By one line that names one of the two files and what to do."""
    with pytest.raises(ValueError, match=sentence) as caught:
        priors.load("cnn", weights=file)
    assert str(file.with_suffix("")) in str(caught.value)
    assert "; train again or copy" in str(caught.value) or "; copy" in str(caught.value)


def beside(weights: Path, folder: Path, card: object) -> Path:
    """The weights once more with another card."""
    file = folder / "w.safetensors"
    file.write_bytes(weights.read_bytes())
    file.with_suffix(".json").write_text(card if isinstance(card, str) else json.dumps(card))
    return file


def whole(weights: Path) -> dict[str, Any]:
    return json.loads(weights.with_suffix(".json").read_text())


def test_the_card_as_it_is_makes_a_prior(weights) -> None:
    prior = priors.load("cnn", weights=weights)
    x = torch.full((1, 1, 8, 8), 0.5)
    assert prior.belief(x, 0.1).pixel.shape == prior.denoise(x, 0.1).shape == x.shape


def test_a_card_without_the_correlation_knows_its_error_by_frequency(weights, tmp_path) -> None:
    card = whole(weights)
    del card["error"]["correlation"]
    known = priors.load("cnn", weights=beside(weights, tmp_path, card)).belief(torch.full((1, 1, 8, 8), 0.5), 0.1)
    assert known.pixel is None
    assert known.spectrum.shape == (1, 8, 5)


@pytest.mark.parametrize("entry", [*CARD, "sha256"])
def test_a_card_that_lacks_an_entry_says_which(entry: str, weights, tmp_path) -> None:
    refused(beside(weights, tmp_path, {k: v for k, v in whole(weights).items() if k != entry}), f"it lacks '{entry}'")


@pytest.mark.parametrize(("entry", "value", "sentence"), [
    ("sigma_range", "x", "'sigma_range' is not two rising noise levels"),
    ("sigma_range", [0.4, 0.004], "'sigma_range' is not two rising noise levels"),
    ("sigma_range", [True, 2], "'sigma_range' is not two rising noise levels"),
    ("sigma_range", [0.1, math.inf], "'sigma_range' is not two rising noise levels"),
    ("network", 3, "'network' does not hold channels"),
    ("network", NETWORK | {"depth": 3}, "'network' does not hold channels"),
    ("network", NETWORK | {"widths": [4, -8]}, "whole numbers from 1 to 4096 for widths"),
    ("network", NETWORK | {"widths": [4, 8, 8], "blocks": 1}, "does not hold the network that its card describes"),
    ("network", NETWORK | {"widths": [4096] * 12, "blocks": 1}, "does not hold the network that its card describes"),
    ("network", NETWORK | {"blocks": [1]}, "whole number of blocks for each of its widths"),
    ("network", NETWORK | {"std": 0}, "no positive one for std"),
    ("network", NETWORK | {"channels": 3}, "does not hold the network that its card describes"),
    ("name", 3, "'name' is no text"),
    ("family", "elephants", "'family' is none of smoother"),
    ("error", {}, "'error' is no measured error curve"),
    ("error", CARD["error"] | {"spectrum": [BAND]}, "'error' is no measured error curve"),
    ("error", CARD["error"] | {"rmse": ["a", "b"]}, "'error' is no measured error curve"),
    ("error", CARD["error"] | {"correlation": [[[0.1]], [[0.1]]]}, "'error' is no measured error curve"),
    ("sha256", 7, "'sha256' is no text"),
])  # fmt: skip
def test_an_entry_of_another_kind_is_named(entry: str, value: object, sentence: str, weights, tmp_path) -> None:
    refused(beside(weights, tmp_path, whole(weights) | {entry: value}), sentence)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=4,
)
WITHIN = [(key, inner) for key in ("network", "error") for inner in CARD[key]]
PLACES = [("sha256",), *((key,) for key in CARD), *WITHIN, ("sigma_range", 0)]


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_anywhere_makes_a_prior_or_one_sentence(place: tuple, value: object, weights, tmp_path) -> None:
    card = copy.deepcopy(whole(weights))
    inner = card if len(place) == 1 else card[place[0]]
    inner[place[-1]] = value
    file = beside(weights, tmp_path, card)
    try:
        prior = priors.load("cnn", weights=file)
    except ValueError:
        refused(file)
    else:
        assert prior.rmse(0.1) > 0
        assert prior.denoise(torch.full((1, 1, 8, 8), 0.5), prior.sigma_range[1]).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"card"', "[" * 100_000, "1" * 5000, "\x00"], ids=lambda text: repr(text[:9]))
def test_a_card_that_is_no_card(text: str, weights, tmp_path) -> None:
    refused(beside(weights, tmp_path, text), "is not a model card")


def test_a_card_in_bytes_that_are_no_text(weights, tmp_path) -> None:
    file = beside(weights, tmp_path, "{}")
    file.with_suffix(".json").write_bytes(b"\xff\xfe\x80")
    refused(file, "is not a model card")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_weights_that_are_damaged_are_refused_though_the_card_vouches_for_them(data: st.DataObject, weights, tmp_path) -> None:
    """Cut short, or with a byte of the header changed; the card has the sha256 of just these bytes."""
    content = bytearray(weights.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    if data.draw(st.booleans(), "cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1), "length")]
    else:
        content[data.draw(st.integers(0, header - 1), "place")] ^= data.draw(st.integers(1, 255), "bits")
    file = beside(weights, tmp_path, whole(weights) | {"sha256": hashlib.sha256(content).hexdigest()})
    file.write_bytes(content)
    try:
        prior = priors.load("cnn", weights=file)
    except ValueError:
        refused(file)
    else:
        assert prior.denoise(torch.full((1, 1, 8, 8), 0.5), 0.1).shape == (1, 1, 8, 8)
