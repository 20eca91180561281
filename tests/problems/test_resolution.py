"""Measured or conjured, against dense matrices and closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import priors
from problems import Colorization, Compressed, Demosaicing, Fourier, Tomography, masks
from problems.frequencies import lines
from problems.operator import Operator, circulant, turn
from problems.operators import Blur, Identity, Inpainting, SuperResolution
from problems.resolution import LABELS, hidden, label, resolution, twin

NOISE = 0.05


def power(*shape: int) -> Tensor:
    return priors.load("gaussian").density(shape)


def instruments(*shape: int) -> dict[str, Operator]:
    return {
        "identity": Identity(shape),
        "blur": Blur("gaussian:1.2", shape),
        "skewed blur": Blur(torch.tensor([[0.1, 0.4], [0.3, 0.2]]), shape),
        "super-resolution": SuperResolution(None, 2, shape),
        "super-resolution of odd sizes": SuperResolution("gaussian:1", 3, shape),
        "missing pixels": Inpainting(masks.random(shape[1:], 0.5), shape),
        "hole": Inpainting(masks.box(shape[1:], 0.4), shape),
        "frequencies": Fourier(lines(shape[1:], 0.4), shape),
        "rays": Tomography((0, 40, 110), shape),
        "combinations": Compressed(0.4, shape),
        **({"grey of colours": Colorization("luminance", shape), "Bayer": Demosaicing(shape)} if shape[0] == 3 else {}),
    }


def dense(operator: Operator, spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """(R, C) as matrices, from the other form of the same R: C A^T (A C A^T + s^2)^-1 A."""
    size = spectrum.new_ones(operator.image_shape).numel()
    identity = torch.eye(size, dtype=torch.float64).view(size, *operator.image_shape)
    a, cov = operator.forward(identity).flatten(1).T, circulant(identity, spectrum).flatten(1)
    gain = torch.linalg.solve(a @ cov @ a.T + NOISE**2 * torch.eye(len(a), dtype=torch.float64), a)
    return cov @ a.T @ gain, cov


@pytest.mark.parametrize("mask", ["random:0.5", "box:0.3", "text"])
@pytest.mark.parametrize("channels", [1, 3])
def test_single_precision_is_enough_for_missing_pixels(mask: str, channels: int) -> None:
    """Scattered or in a hole, against the general solver in double precision; the first is solved in a way of its own."""
    operator = Inpainting(masks.named(mask, (48, 48)), (channels, 48, 48))
    assert operator.has_holes == (mask == "box:0.3")
    c = NOISE**2 / power(channels, 48, 48)
    x = torch.randn(2, channels, 48, 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = Operator.unmeasured(operator, x, c)
    assert float((operator.unmeasured(x.float(), c.float()) - exact).square().mean().sqrt()) < 2e-3  # probes leave 5e-3
    assert operator.unmeasured(x, c) == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize(("channels", "name"), [(channels, name) for channels in (1, 3) for name in instruments(channels, 8, 8)])
def test_against_dense_matrices(name: str, channels: int) -> None:
    shape = (channels, 8, 7 if "odd" in name else 8)
    operator, spectrum = instruments(*shape)[name], power(*shape)
    found, (r, cov) = resolution(operator, NOISE, spectrum), dense(operator, spectrum)
    opponents = turn(torch.eye(len(r), dtype=torch.float64).view(-1, *shape)).flatten(1) if channels == 3 else torch.eye(len(r)).double()
    assert found.pixel == pytest.approx((opponents.T @ r @ opponents).diagonal().view(shape), abs=1e-6)
    assert found.share == pytest.approx(float(r.trace()) / len(r), abs=1e-6)
    assert found.spectrum.shape == spectrum.shape
    if channels == 1:
        waves = torch.fft.fft2(torch.eye(len(r), dtype=torch.float64).view(-1, *shape), norm="ortho").flatten(1)
        gains = (waves.conj() @ (r + 0j) @ waves).diagonal().real.view(shape)
        assert found.spectrum == pytest.approx(gains[..., : shape[2] // 2 + 1], abs=1e-6)
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    measured, conjured = found.split(x)
    assert measured.flatten(1) == pytest.approx(x.flatten(1) @ r.T, abs=1e-6)
    assert measured + conjured == pytest.approx(x, abs=1e-12)
    white = torch.linalg.solve(cov, x.flatten(1).T).T
    shares = (white * measured.flatten(1)).sum(1) / (white * x.flatten(1)).sum(1)
    assert found.energy(x)[0] == pytest.approx(shares, abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_blur_has_the_gain_of_wiener(channels: int) -> None:
    """At any size and spacing, because R is a convolution."""
    operator, spectrum = Blur("gaussian:1.6", (channels, 24, 20)), power(channels, 24, 20)
    wiener = operator.power * spectrum / (operator.power * spectrum + NOISE**2)
    assert resolution(operator, NOISE, spectrum, spacing=4).spectrum == pytest.approx(wiener, abs=1e-6)


@pytest.mark.parametrize(("name", "rms"), [("super-resolution", 1e-3), ("missing pixels", 5e-3), ("hole", 1e-2), ("blur", 2e-3)])
def test_probing_is_near_where_it_is_not_exact(name: str, rms: float) -> None:
    operator, spectrum = instruments(1, 24, 24)[name], power(1, 24, 24)
    found, r = resolution(operator, NOISE, spectrum), dense(operator, spectrum)[0]
    assert float((found.pixel.flatten() - r.diagonal()).square().mean().sqrt()) < rms
    assert found.share == pytest.approx(float(r.trace()) / len(r), abs=0.005)


def test_what_no_pixel_saw_is_not_measured() -> None:
    operator = instruments(1, 24, 24)["hole"]
    found = resolution(operator, NOISE, power(1, 24, 24)).pixel
    assert float(found[0][~operator.mask].abs().max()) < 0.1
    assert float(found[0][operator.mask].min()) > 0.2


@pytest.mark.parametrize("name", instruments(1, 8, 8))
def test_energies_sum_to_one_and_average_to_the_share(name: str) -> None:
    """For draws from the prior."""
    shape = (1, 8, 8)
    found = resolution(instruments(*shape)[name], NOISE, power(*shape))
    white = torch.randn(4000, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    measured, conjured = found.energy(circulant(white, found.power.sqrt()))
    assert measured + conjured == pytest.approx(torch.ones(4000), abs=1e-12)
    assert float(torch.minimum(measured, conjured).min()) >= -1e-9
    assert float(measured.mean()) == pytest.approx(found.share, abs=0.01)


def test_less_noise_measures_more() -> None:
    for operator in instruments(1, 8, 8).values():
        shares = [resolution(operator, noise, power(1, 8, 8)).share for noise in (1e-3, 0.02, 0.1, 1.0)]
        assert shares == sorted(shares, reverse=True)
        assert 0 < shares[-1] < 0.1 < shares[0] <= 1


def test_labels() -> None:
    measured, std = torch.tensor([0.9, 0.6, 0.4, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.1, 0.1, 0.2])
    assert [LABELS[i] for i in label(measured, std, 0.3)] == ["measured", "measured", "inferred", "inferred", "conjured"]
    assert LABELS[int(label(measured, std, torch.full((5,), 0.1))[2])] == "conjured"


@pytest.mark.parametrize("name", ["super-resolution", "missing pixels", "hole"])
def test_two_truths_share_one_measurement_to_rounding(name: str) -> None:
    operator = instruments(3, 16, 16)[name]
    x, other = torch.rand(2, 1, 3, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    second = twin(operator, x, other)
    assert operator.forward(second) == pytest.approx(operator.forward(x), abs=1e-12)
    assert float((second - x).square().mean().sqrt()) > 0.15
    if isinstance(operator, Inpainting):
        assert torch.allclose(second[..., ~operator.mask], other[..., ~operator.mask], atol=1e-12)


def test_two_truths_share_one_blurred_measurement_below_any_noise() -> None:
    operator = Blur("gaussian:1.6", (1, 32, 32))
    x, other = torch.rand(2, 1, 1, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    second = twin(operator, x, other)
    trace = (operator.forward(second) - operator.forward(x)).square().mean().sqrt()
    assert float(trace) < 4e-3
    assert float(trace) < 0.0125 * float((other - x).square().mean().sqrt())
    assert float((second - x).square().mean().sqrt()) > 0.2
    assert float(hidden(operator, torch.ones(1, 1, 32, 32, dtype=torch.float64)).abs().max()) < 1e-12, "brightness is always seen"


@pytest.mark.parametrize(("noise", "shape", "words"), [(0.0, (1, 8, 8), "positive"), (NOISE, (1, 8, 9), "power has shape")])
def test_bad_input(noise: float, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        resolution(Identity((1, 8, 8)), noise, power(*shape).expand(1 if words == "positive" else 2, *power(*shape).shape[1:]))


def test_a_prior_that_excludes_a_frequency_is_refused() -> None:
    with pytest.raises(ValueError, match="power must be positive"):
        resolution(Identity((1, 8, 8)), NOISE, torch.zeros(1, 8, 5))
