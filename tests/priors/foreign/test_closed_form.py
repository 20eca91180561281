"""Every convention is converted exactly: a network that answers as the Gaussian prior in it becomes the Wiener filter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import priors
from priors.foreign.schedule import Schedule, betas
from tests.priors.foreign.fakes import GAUSSIAN, Diffusers, one, wiener

EXACT = 1e-5
SIGMAS = (0.02, 0.1, 0.7)


def noisy(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    white = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (GAUSSIAN.mean + GAUSSIAN.colour(white) + 0.1 * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype)


def check(prior: Any, sigma: float, x: Tensor | None = None, tolerance: float = EXACT) -> None:
    x = noisy(2, 1, 16, 24) if x is None else x
    found, expected = prior.denoise(x, sigma), GAUSSIAN.denoise(x, sigma)
    assert float((expected - x).abs().max()) > 1e3 * tolerance, "an identity would pass"
    assert found.dtype == x.dtype
    assert torch.allclose(found, expected, rtol=0, atol=tolerance)


# Torch modules: a range of pixels x a way of asking x an answer.
RANGES = {"0:1": (0, 1), "-1:1": (-1, 1), "0:255": (0, 255), "-0.5:1.5": (-0.5, 1.5)}


def answering(x: Tensor, clean: Tensor, sigma: float, answer: str) -> Tensor:
    return {"clean": clean, "noise": x - clean, "epsilon": (x - clean) / sigma}[answer]


@pytest.mark.parametrize("answer", ["clean", "noise", "epsilon"])
@pytest.mark.parametrize("ends", RANGES)
@pytest.mark.parametrize("told", ["batch", "image", "number"])
def test_net_of_x_and_sigma(ends: str, answer: str, told: str) -> None:
    def net(x: Tensor, sigma: Any) -> Tensor:
        assert getattr(sigma, "shape", None) == {"batch": (1,), "image": (1, 1, 1, 1), "number": None}[told]
        return answering(x, wiener(*RANGES[ends])(x, one(sigma)), one(sigma), answer)

    for sigma in SIGMAS:
        check(priors.adapt(net, call="sigma", answer=answer, range=ends, told=told), sigma)


@pytest.mark.parametrize("ends", RANGES)
@pytest.mark.parametrize("answer", ["clean", "noise"])
def test_sigma_as_a_channel(ends: str, answer: str) -> None:
    def net(both: Tensor) -> Tensor:
        x, level = both[:, :-1], both[:, -1:]
        assert float(level.std()) == pytest.approx(0, abs=1e-6)
        return answering(x, wiener(*RANGES[ends])(x, one(level)), one(level), answer)

    for sigma in SIGMAS:
        check(priors.adapt(net, call="map", answer=answer, range=ends), sigma)


@pytest.mark.parametrize("ends", RANGES)
@pytest.mark.parametrize("call", ["blind", "residual"])
def test_noise_blind_nets_at_the_level_they_were_trained_for(call: str, ends: str) -> None:
    black, white = RANGES[ends]

    def net(x: Tensor) -> Tensor:
        clean = wiener(black, white)(x, 25 / 255 * (white - black))
        return x - clean if call == "residual" else clean

    prior = priors.adapt(net, call=call, range=ends, levels="25/255")
    assert prior.sigma_range == pytest.approx((25 / 255, 25 / 255))
    check(prior, 25 / 255)
    below = prior.denoise(noisy(1, 1, 16, 16), 0.02)  # by the score of the level
    x = noisy(1, 1, 16, 16)
    assert torch.allclose(below, x + (0.02 * 255 / 25) ** 2 * (GAUSSIAN.denoise(x, 25 / 255) - x))
    with pytest.raises(ValueError, match=r"was trained for sigma up to 0\.0980392, the nearest level, not 0\.2"):
        prior.denoise(x, 0.2)


def test_of_several_noise_blind_nets_the_nearest_in_ratio_answers() -> None:
    asked = []

    def net(level: float) -> Callable[[Tensor], Tensor]:
        return lambda x: asked.append(level) or wiener(-1, 1)(x, 2 * level)

    prior = priors.adapt({level: net(level) for level in (0.2, 0.05, 0.1)}, call="blind", range="-1:1")
    assert prior.sigma_range == (0.05, 0.2)
    x = noisy(1, 1, 16, 16)
    for sigma, level in [(0.05, 0.05), (0.07, 0.05), (0.072, 0.1), (0.14, 0.1), (0.142, 0.2), (0.2, 0.2)]:
        asked.clear()
        found = prior.denoise(x, sigma)
        assert asked == [level]
        assert torch.allclose(found, x + (sigma / level) ** 2 * (GAUSSIAN.denoise(x, level) - x))
    check(prior, 0.1)


def test_a_unit_of_its_own_for_sigma() -> None:
    """FFDNet of KAIR on [0, 1] that is told the noise in /255."""
    check(priors.adapt(lambda x, sigma: wiener()(x, one(sigma) / 255), call="sigma", unit=255), 0.1)


def test_float32_is_exact_to_its_rounding_and_colour_goes_channel_by_channel_through_a_grey_net() -> None:
    def grey(x: Tensor, sigma: Tensor) -> Tensor:
        assert x.shape[1] == 1
        return wiener(-1, 1)(x, one(sigma))

    prior = priors.adapt(grey, call="sigma", range="-1:1")
    assert prior.takes.channels == 1
    check(prior, 0.1, noisy(2, 1, 16, 24, dtype=torch.float32))
    x = noisy(2, 3, 16, 24)
    expected = torch.cat([GAUSSIAN.denoise(x[:, k : k + 1], 0.1) for k in range(3)], 1)
    assert torch.allclose(prior.denoise(x, 0.1), expected, atol=EXACT)


def test_a_colour_net_sees_colours() -> None:
    def colour(x: Tensor, sigma: Tensor) -> Tensor:
        assert x.shape[1] == 3
        return wiener(0, 255)(x, one(sigma))

    prior = priors.adapt(colour, call="sigma", range="0:255")
    assert prior.takes.channels == 3
    check(prior, 0.1, noisy(2, 3, 16, 24))
    with pytest.raises(ValueError, match=r"takes 3 channels, the image has 1"):
        prior.denoise(noisy(1, 1, 8, 8), 0.1)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (9, 23), (3, 40)])
def test_padding_makes_any_size_a_multiple_and_leaves_the_image_in_place(size: tuple[int, int]) -> None:
    """Independent pixels with variance 0.04 about 0.5: shrunk alike wherever they are, and padding must not show."""
    shapes = []

    def net(x: Tensor, sigma: Tensor) -> Tensor:
        shapes.append(x.shape)
        assert x.shape[-2] % 8 == x.shape[-1] % 8 == 0
        return 0.04 / (0.04 + sigma**2) * (x - 0.5) + 0.5

    prior, x = priors.adapt(net, call="sigma", multiple=8), noisy(1, 1, *size)
    assert torch.allclose(prior.denoise(x, 0.1), 0.8 * (x - 0.5) + 0.5, atol=1e-12)
    assert shapes[-1][-2:] == tuple(math.ceil(s / 8) * 8 for s in size)


def test_padding_continues_by_reflection() -> None:
    prior = priors.adapt(lambda x, sigma: x.cumsum(-1).flip(-1), call="sigma", multiple=8)  # shows what was padded
    x = torch.arange(5.0).view(1, 1, 1, 5)
    assert prior.takes.padded(x).tolist()[0][0] == [[0, 1, 2, 3, 4, 3, 2, 1]] * 8


# Diffusion in discrete steps.
SCHEDULES: dict[str, dict[str, Any]] = {
    "linear": {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02},
    "scaled linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    "squared cosine": {"beta_schedule": "squaredcos_cap_v2"},
    "sigmoid": {"beta_schedule": "sigmoid", "beta_start": 1e-4, "beta_end": 0.02},
    "zero terminal": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "rescale_betas_zero_snr": True},
    "few steps": {"beta_schedule": "linear", "beta_start": 1e-3, "beta_end": 0.2, "num_train_timesteps": 100},
    "trained": {"trained_betas": np.linspace(1e-3, 0.3, 50).tolist()},
}


def levels_of(entries: dict[str, Any]) -> Tensor:
    """sigma_t by the definition, step by step; infinite where the signal has gone."""
    count = entries.get("num_train_timesteps", 1000)
    first, last = entries.get("beta_start", 1e-4), entries.get("beta_end", 0.02)
    kept, rates = 1.0, []
    for i in range(len(entries["trained_betas"]) if "trained_betas" in entries else count):
        share = i / (count - 1)
        if "trained_betas" in entries:
            beta = entries["trained_betas"][i]
        elif entries["beta_schedule"] == "squaredcos_cap_v2":
            before, after = (math.cos((k / count + 0.008) / 1.008 * math.pi / 2) for k in (i, i + 1))
            beta = min(1 - (after / before) ** 2, 0.999)
        elif entries["beta_schedule"] == "scaled_linear":
            beta = (math.sqrt(first) + share * (math.sqrt(last) - math.sqrt(first))) ** 2
        elif entries["beta_schedule"] == "sigmoid":
            beta = first + (last - first) / (1 + math.exp(6 - 12 * share))
        else:
            beta = first + share * (last - first)
        kept *= 1 - beta
        rates.append(math.sqrt(kept))
    if entries.get("rescale_betas_zero_snr"):
        rates = [(r - rates[-1]) * rates[0] / (rates[0] - rates[-1]) for r in rates]
    return torch.tensor([math.sqrt(1 / r**2 - 1) if r > 0 else math.inf for r in rates], dtype=torch.float64)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("variance", [False, True])
def test_steps_of_diffusers(name: str, prediction: str, variance: bool) -> None:
    entries = SCHEDULES[name] | {"prediction_type": prediction, "clip_sample": False}
    sigmas = levels_of(entries)
    net = Diffusers(sigmas[sigmas.isfinite()], prediction, variance)
    prior = priors.adapt(net, "diffusers", scheduler=entries)
    finite = sigmas[sigmas.isfinite()]
    assert prior.sigma_range == pytest.approx((float(finite[0]) / 2, float(finite[-1]) / 2), rel=1e-6)
    for t in (0, 3, len(finite) // 3, len(finite) - 1):  # at the steps themselves
        sigma = float(finite[t]) / 2
        if sigma > 0.01:
            check(prior, sigma)
            assert net.asked[-1] == pytest.approx(t, abs=1e-4)
    for sigma in SIGMAS:  # between them
        check(prior, sigma)


def test_the_nearest_step_answers_by_its_score() -> None:
    entries = SCHEDULES["few steps"] | {"clip_sample": False}
    sigmas = levels_of(entries)
    net = Diffusers(sigmas, "epsilon")
    prior, x = priors.adapt(net, "diffusers", scheduler=entries, time="nearest"), noisy(1, 1, 16, 16)
    for sigma in SIGMAS:
        t = int((sigmas.log() - math.log(2 * sigma)).abs().argmin())
        level = float(sigmas[t]) / 2
        assert torch.allclose(prior.denoise(x, sigma), x + (sigma / level) ** 2 * (GAUSSIAN.denoise(x, level) - x), atol=EXACT)
        assert net.asked[-1] == t
    check(prior, float(sigmas[40]) / 2)


def test_a_table_of_steps_is_asked_for_whole_ones() -> None:
    entries = SCHEDULES["few steps"] | {"clip_sample": False}
    net = Diffusers(levels_of(entries), "epsilon", config={"time_embedding_type": "learned"})
    prior = priors.adapt(net, "diffusers", scheduler=entries)
    prior.denoise(noisy(1, 1, 16, 16), 0.1)
    assert net.asked[-1] == int(net.asked[-1])


def test_clip_sample_bounds_the_clean_image() -> None:
    """On an image that leaves [0, 1]: the filter, clipped; with another bound, less."""
    entries = SCHEDULES["linear"]
    x = noisy(1, 1, 16, 16)
    x = 3 * (x - x.mean()) + 0.5
    free = GAUSSIAN.denoise(x, 0.1)
    assert float(free.max()) > 1.1
    for told, expected in [
        ({"clip_sample": True}, free.clamp(0, 1)),
        ({"clip_sample": True, "clip_sample_range": 1.1}, free.clamp(-0.05, 1.05)),
        ({"_class_name": "DDIMScheduler"}, free.clamp(0, 1)),  # clips unless told otherwise
        ({"_class_name": "PNDMScheduler"}, free),
        ({"clip_sample": False}, free),
    ]:
        prior = priors.adapt(Diffusers(levels_of(entries), "epsilon"), "diffusers", scheduler=entries | told)
        assert torch.allclose(prior.denoise(x, 0.1), expected, atol=EXACT)


def test_odd_sizes_are_padded_for_a_unet() -> None:
    entries = SCHEDULES["linear"] | {"clip_sample": False}
    prior = priors.adapt(Diffusers(levels_of(entries), "epsilon"), "diffusers", scheduler=entries)
    assert prior.denoise(noisy(1, 1, 13, 21), 0.1).shape == (1, 1, 13, 21)


def test_below_its_first_step_a_unet_answers_by_the_score_of_that() -> None:
    entries = SCHEDULES["linear"] | {"clip_sample": False}
    prior, x = priors.adapt(Diffusers(levels_of(entries), "epsilon"), "diffusers", scheduler=entries), noisy(1, 1, 16, 16)
    low = prior.sigma_range[0]
    assert torch.allclose(prior.denoise(x, low / 2), x + 0.25 * (GAUSSIAN.denoise(x, low) - x), atol=EXACT)
    assert torch.equal(prior.denoise(x, 0), x)


def test_of_a_network_with_classes_one_is_asked() -> None:
    entries = SCHEDULES["linear"] | {"clip_sample": False}

    class Classes(Diffusers):
        def __call__(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Any:
            assert label is not None
            assert label.tolist() == [3]
            return super().__call__(x, t)

    net = Classes(levels_of(entries), "epsilon", config={"num_class_embeds": 10})
    check(priors.adapt(net, "diffusers", scheduler=entries, label=3), 0.1)
    with pytest.raises(ValueError, match="trained with classes; give the one to denoise as, such as label=0"):
        priors.adapt(net, "diffusers", scheduler=entries)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"_class_name": "ScoreSdeVeScheduler"}, "ScoreSdeVeScheduler is no variance-preserving"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "no variance-preserving"),
        ({"_class_name": "EDMEulerScheduler"}, "no variance-preserving"),
        ({"prediction_type": "flow_prediction"}, "'flow_prediction' of DDPMScheduler is not known; known: epsilon"),
        ({"beta_schedule": "cubic"}, "'cubic' is not known; known: linear"),
        ({"thresholding": True}, "set thresholding to false"),
        ({"beta_start": -1}, "no rising list of variances"),
        ({"num_train_timesteps": 1}, "no rising list of variances"),
        ({"trained_betas": [[0.1]]}, "no rising list of variances"),
    ],
)
def test_a_scheduler_of_another_process_is_refused(entries: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Schedule.read({"_class_name": "DDPMScheduler"} | entries)


def test_entries_without_betas_are_refused() -> None:
    with pytest.raises(ValueError, match="of no scheduler with betas"):
        Schedule.read({"sigma_data": 0.5, "sigma_max": 80.0})


def test_betas_stay_below_one() -> None:
    assert betas(SCHEDULES["squared cosine"]).max() == 0.999


# Variance exploding: EDM, k-diffusion, smalldiffusion.
def exact(x: Tensor, sigma: Tensor) -> Tensor:
    return wiener(-1, 1)(x, one(sigma))


@pytest.mark.parametrize("sigma_data", [0.5, 0.3])
@pytest.mark.parametrize("label", [None, 2])
def test_edm_raw_and_preconditioned(sigma_data: float, label: int | None) -> None:
    def preconditioned(x: Tensor, sigma: Tensor, labels: Tensor | None = None) -> Tensor:
        assert sigma.shape == (1,)
        assert labels is None if label is None else labels.tolist() == [[0, 0, 1, 0]]
        return exact(x, sigma)

    def raw(scaled: Tensor, c_noise: Tensor, labels: Tensor | None) -> Tensor:
        assert labels is None if label is None else labels.tolist() == [[0, 0, 1, 0]]
        s, d = math.exp(4 * one(c_noise)), sigma_data
        x = scaled * math.sqrt(s**2 + d**2)
        return (exact(x, torch.tensor(s)) - d**2 / (s**2 + d**2) * x) / (s * d / math.sqrt(s**2 + d**2))

    options = {"label": label, "classes": 4, "sigma_data": sigma_data}
    for sigma in (0.002, *SIGMAS, 5.0):
        check(priors.adapt(preconditioned, "edm", **options), sigma, tolerance=EXACT if sigma > 0.01 else 1e-7)
        check(priors.adapt(raw, "edm", form="raw", **options), sigma, tolerance=EXACT if sigma > 0.01 else 1e-7)


def test_what_an_edm_network_tells_of_itself_is_read() -> None:
    class Net(torch.nn.Module):
        sigma_min, sigma_max, img_channels, label_dim = 0.02, 100.0, 1, 0

        def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
            return exact(x, sigma)

    prior = priors.adapt(Net(), "edm")
    assert prior.sigma_range == (0.01, 50.0)
    assert prior.takes.channels == 1
    Net.sigma_min, Net.sigma_max = 0.0, math.inf
    assert priors.adapt(Net(), "edm").sigma_range == (0.001, 40.0)
    with pytest.raises(ValueError, match="knows 0 classes, not one numbered 3"):
        priors.adapt(Net(), "edm", label=3)


def test_k_diffusion() -> None:
    def denoiser(x: Tensor, sigma: Tensor, **extra: Any) -> Tensor:
        assert sigma.shape == (1,)
        return exact(x, sigma)

    for sigma in SIGMAS:
        check(priors.adapt(denoiser, "k-diffusion"), sigma)


class Small:
    """smalldiffusion's models: sigma is a tensor [], the answer the noise in units of sigma, on inputs scaled or not."""

    def __call__(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        assert sigma.shape == ()
        return (x - exact(x, sigma)) / sigma


class SmallV(Small):
    """With its decorator PredV: the model answers v, and predict_eps turns it into the noise."""

    def __call__(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        clean, scale = exact(x, sigma), 1 / (1 + sigma**2).sqrt()
        return scale * (x - clean) / sigma - sigma * scale * clean

    def predict_eps(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        scale = 1 / (1 + sigma**2).sqrt()
        return scale * self(x, sigma) + sigma * scale**2 * x


@pytest.mark.parametrize("model", [Small(), SmallV()])
def test_smalldiffusion(model: Any) -> None:
    prior = priors.adapt(model, "smalldiffusion")
    assert not hasattr(prior, "sigma_range")  # a model does not tell its levels
    for sigma in SIGMAS:
        check(prior, sigma)
    assert priors.adapt(model, "smalldiffusion", levels="0.01:10").sigma_range == (0.01, 10.0)


def test_deepinv() -> None:
    def model(x: Tensor, sigma: float | Tensor) -> Tensor:
        return wiener()(x, one(sigma))

    for sigma in SIGMAS:
        check(priors.adapt(model, "deepinv"), sigma)


def test_a_deepinv_model_that_leaves_sigma_unused_must_be_given_its_level() -> None:
    class DnCNN(torch.nn.Module):
        def forward(self, x: Tensor, sigma: Any = None) -> Tensor:
            return wiener()(x, 0.1)

    with pytest.raises(ValueError, match="DnCNN leaves sigma unused; name what it was trained for"):
        priors.adapt(DnCNN(), "deepinv")
    check(priors.adapt(DnCNN(), "deepinv", levels=0.1), 0.1)
