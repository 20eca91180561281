"""The real package: its denoisers as priors, and a prior as its denoiser."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import priors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    deepinv = pytest.importorskip("deepinv")

X = torch.rand(2, 1, 16, 24, generator=torch.Generator().manual_seed(0))


def drunet(channels: int) -> Any:
    torch.manual_seed(0)
    return deepinv.models.DRUNet(in_channels=channels, out_channels=channels, pretrained=None, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_a_denoiser_of_deepinv_and_its_weights_by_name(channels: int, tmp_path: Path) -> None:
    model, x = drunet(channels), X.expand(2, channels, 16, 24).contiguous()
    prior = priors.adapt(model, levels="0:50/255")
    assert (prior.name, prior.family, prior.takes.channels, prior.sigma_range[1]) == ("DRUNet", "learned", channels, 50 / 255)
    with torch.no_grad():
        expected = torch.cat([model(image, 0.1) for image in x.split(1)])
    assert torch.equal(prior.denoise(x, 0.1), expected)
    assert prior.denoise(x[..., :13, :21], 0.1).shape == (2, channels, 13, 21)
    torch.save(model.state_dict(), tmp_path / "drunet.pth")
    named = priors.load("deepinv", model="DRUNet", weights=str(tmp_path / "drunet.pth"), channels=channels)
    assert torch.allclose(named.denoise(x, 0.1), expected, atol=1e-5)
    assert named.name == "drunet.pth"
    with pytest.raises(ValueError, match=r"deepinv's DRUNet of . channels cannot be made with"):
        priors.load("deepinv", model="DRUNet", weights=str(tmp_path / "drunet.pth"), channels=4 - channels)


def test_a_classical_denoiser_by_name() -> None:
    with torch.no_grad():
        expected = torch.cat([deepinv.models.MedianFilter(kernel_size=3)(image) for image in X.split(1)])
    assert torch.equal(priors.adapt(deepinv.models.MedianFilter(kernel_size=3), levels=0.1, mmse=False).denoise(X, 0.1), expected)
    assert priors.load("deepinv", model="TVDenoiser", mmse=False).denoise(X, 0.1).shape == X.shape


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "DRUNet"}, "deepinv's DRUNet needs its weights; download them once and give weights=FILE"),
        ({"model": "DnCNN"}, "deepinv's DnCNN needs its weights"),
        ({"model": "Dencoder"}, "deepinv.models has no denoiser 'Dencoder'"),
        ({"model": "Denoiser.forward"}, "has no denoiser"),
        ({"model": "MedianFilter"}, "MedianFilter leaves sigma unused; name what it was trained for"),
    ],
)
def test_bad_input(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        priors.load("deepinv", **options)


def test_a_prior_as_a_denoiser_of_deepinv() -> None:
    class Slot(deepinv.models.Denoiser):
        def __init__(self, prior: Any) -> None:
            super().__init__()
            self.prior = prior

        def forward(self, x: Any, sigma: Any, **options: Any) -> Any:
            return self.prior.denoise(x, sigma)

    prior = priors.load("tv")
    assert torch.equal(Slot(prior)(X, 0.1), prior.denoise(X, 0.1))
    assert torch.allclose(Slot(prior)(X, torch.tensor([0.1, 0.2]))[:1], prior.denoise(X[:1], 0.1), atol=1e-6)
