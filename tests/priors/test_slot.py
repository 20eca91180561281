"""The slot's contract, on the side of the question: what the shipped priors take, and what they refuse in one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import priors
from priors import slot
from tests.helpers import run

every = pytest.mark.parametrize("name", priors.CATALOGUE)


@cache
def made(name: str) -> priors.Denoiser:
    return priors.load(name, **({"processes": 1} if name == "bm3d" else {}))


def grey(name: str) -> int:
    """Channels of the plainest image that a prior takes."""
    return 3 if name in ("clothing", "pictured") else 1


def images(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return 0.5 + 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@every
@pytest.mark.parametrize("channels", [1, 3])
def test_one_sigma_per_image_is_each_image_with_its_own(name: str, channels: int) -> None:
    x, sigmas = images(3, max(channels, grey(name)), 16, 17), (0.05, 0.2, 0.1)
    told = torch.tensor(sigmas, dtype=torch.float64)
    alone = [made(name).denoise(x[i : i + 1], sigma) for i, sigma in enumerate(sigmas)]
    assert torch.equal(made(name).denoise(x, told), torch.cat(alone))
    assert torch.equal(made(name).denoise(x, told[0]), made(name).denoise(x, 0.05))  # a tensor of one number is a number


@every
def test_a_belief_about_a_batch_joins_those_about_its_images(name: str) -> None:
    x, sigmas = images(2, grey(name), 16, 17), (0.05, 0.2)
    found = slot.belief(made(name), x, torch.tensor(sigmas, dtype=torch.float64))
    alone = [slot.belief(made(name), x[i : i + 1], sigma) for i, sigma in enumerate(sigmas)]
    assert torch.equal(found.mean, torch.cat([each.mean for each in alone]))
    assert found.spectrum.shape == (2, len(found.spectrum[1]), 16, 9)
    assert torch.equal(found.spectrum[1], alone[1].spectrum.view(-1, 16, 9))
    if alone[0].pixel is not None:
        assert torch.equal(found.pixel, torch.cat([each.pixel for each in alone]))
    if alone[0].rmse is not None:
        assert found.rmse == pytest.approx(math.sqrt((alone[0].rmse ** 2 + alone[1].rmse ** 2) / 2))


@every
def test_the_belief_has_the_answer_for_its_mean_and_tells_widths_of_the_right_size(name: str) -> None:
    x = images(2, grey(name), 16, 17)
    found = slot.belief(made(name), x, 0.1)
    assert torch.allclose(found.mean, made(name).denoise(x, 0.1), atol=1e-5)
    assert slot.sound_belief(name, found, x, 0.1).spectrum is not None


def test_what_tells_one_error_or_none_has_a_belief_all_the_same() -> None:
    class Bare:
        def denoise(self, x: Tensor, sigma: float) -> Tensor:
            return x

    class Told(Bare):
        def rmse(self, sigma: float) -> float:
            return sigma / 2

    x = images(1, 1, 4, 4)
    assert slot.belief(Bare(), x, 0.1) == priors.Belief(x)
    assert slot.belief(Told(), x, 0.1) == priors.Belief(x, rmse=0.05)


WRONG = {
    "no batch axis, grey": (images(1, 8, 8), 0.1, r"add the batch axis, such as x\[None\]"),
    "no batch axis, colour": (images(3, 8, 8), 0.1, r"add the batch axis, such as x\[None\]"),
    "no axis but the image's": (images(8, 8), 0.1, r"add the batch axis, such as x\[None, None\]"),
    "two channels": (images(1, 2, 8, 8), 0.1, "1 or 3 channels"),
    "channels last": (images(1, 8, 8, 3), 0.1, "1 or 3 channels"),
    "no image": (images(0, 1, 8, 8), 0.1, "1 or 3 channels"),
    "video": (images(1, 1, 1, 8, 8), 0.1, "1 or 3 channels"),
    "numpy": (np.full((1, 1, 8, 8), 0.5), 0.1, "not ndarray"),
    "integers": (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), 0.1, "not torch.uint8"),
    "half precision": (images(1, 1, 8, 8).half(), 0.1, "not torch.float16"),
    "negative": (images(1, 1, 8, 8), -0.1, "sigma from 0 on, not -0.1"),
    "nan": (images(1, 1, 8, 8), math.nan, "sigma from 0 on, not nan"),
    "infinite": (images(1, 1, 8, 8), math.inf, "sigma from 0 on, not inf"),
    "one negative": (images(2, 1, 8, 8), torch.tensor([0.1, -0.1]), "sigma from 0 on, not -0.1"),
    "one nan": (images(2, 1, 8, 8), torch.tensor([0.1, math.nan]), "sigma from 0 on, not nan"),
    "too few": (images(3, 1, 8, 8), torch.tensor([0.1, 0.2]), r"one per image, \[3\], not \[2\]"),
    "sigma as an image": (images(2, 1, 8, 8), torch.full((2, 1, 1, 1), 0.1), r"one per image, \[2\], not \[2, 1, 1, 1\]"),
    "sigma as a text": (images(1, 1, 8, 8), "0.1", "not str"),
    "no sigma": (images(1, 1, 8, 8), None, "not NoneType"),
    "truth for sigma": (images(1, 1, 8, 8), True, "not bool"),
}


@every
@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_question_is_refused_in_one_sentence(name: str, what: str) -> None:
    x, sigma, sentence = WRONG[what]
    for prior in (made(name), slot.checked(made(name))):
        for ask in (prior.denoise, prior.belief):
            with pytest.raises((TypeError, ValueError), match=sentence) as caught:
                ask(x, sigma)
            assert f"prior {name!r}" in str(caught.value)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["gaussian", "tv", "nlm", "mixture", "digits", "cnn", "diffusion"]),
    st.lists(st.integers(0, 5), min_size=0, max_size=5),
    st.one_of(st.floats(), st.lists(st.floats(width=32), max_size=4).map(lambda sigmas: torch.tensor(sigmas))),
)
def test_any_question_is_answered_in_its_shape_or_refused_by_name(name: str, shape: list[int], sigma: float | Tensor) -> None:
    x = images(*shape)
    try:
        found: object = made(name).denoise(x, sigma)
    except ValueError as error:
        found = str(error)
    assert f"prior {name!r}" in found if isinstance(found, str) else found.shape == x.shape


@pytest.fixture(params=[torch.float64, torch.float16, torch.bfloat16], ids=str)
def default(request) -> Iterator[torch.dtype]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)


@every
def test_the_default_dtype_of_torch_changes_no_answer(name: str, default: torch.dtype) -> None:
    """The prior is made anew under it; what was made before is asked too."""
    x = images(1, grey(name), 16, 16)
    anew = priors.load(name, **({"processes": 1} if name == "bm3d" else {}))
    found, known = anew.denoise(x, 0.1), slot.belief(anew, x, 0.1)
    torch.set_default_dtype(torch.float32)
    expected = made(name).denoise(x, 0.1)
    assert found.dtype == known.mean.dtype == torch.float32
    assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
@pytest.mark.parametrize("device", ["cpu", "cpu:0", torch.device("cpu")])
def test_the_processor_is_a_device(name: str, device: str | torch.device) -> None:
    x = images(1, 1, 8, 8)
    assert torch.equal(priors.load(name, device=device).denoise(x, 0.1), made(name).denoise(x, 0.1))


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "meta", 0, None, "cpu cuda"])
def test_what_is_no_device_is_refused(name: str, device: object) -> None:
    with pytest.raises(ValueError, match="is no device here; give cpu, cuda, cuda:0 or mps"):
        priors.load(name, device=device)


ABSENT = ["cuda:99"] + ["cuda", "cuda:0"] * (not torch.cuda.is_available()) + ["mps"] * (not torch.backends.mps.is_available())


@pytest.mark.parametrize("device", ABSENT)
def test_a_device_that_is_not_there_is_refused(device: str, tmp_path, capsys) -> None:
    with pytest.raises(ValueError, match=rf"device '{device}' is not there; give a device of this machine, such as cpu"):
        priors.load("cnn", device=device)
    prior, task = ("-p", f"cnn[device={device}]"), ("-i", "camera", "--size", "16", "-P", "denoise", "-m", "hqs[steps=1]")
    assert run("compare", *task, *prior, "-o", tmp_path) == 2
    assert "is not there" in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every
def test_answers_come_back_on_the_device_of_the_question(name: str) -> None:
    learned = name in ("cnn", "diffusion", "digits28", "clothing", "pictured", "edges")
    options = {"device": "cuda:0"} if learned else {"processes": 1} if name == "bm3d" else {}
    x = images(2, grey(name), 16, 16)
    found = slot.checked(priors.load(name, **options))
    for ask in (found.denoise, lambda x, sigma: found.belief(x, sigma).mean):
        answer = ask(x.cuda(), 0.1)
        assert answer.is_cuda
        assert torch.allclose(answer.cpu(), made(name).denoise(x, 0.1), atol=2e-3)
