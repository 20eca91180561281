"""Total variation, non-local means and BM3D: what each promises, as a table; what each is, against independent solvers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.optimize import NonlinearConstraint, minimize
from skimage import color, data
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

import priors
from priors.error import BANDS, ErrorCurve, main, measure
from priors.tv import divergence, enough, gradient, prox, weight

NAMES = ("tv", "nlm", "bm3d")
PSNR = [  # dB, a part of camera, 255 sigma
    ("tv", 15, 30.42), ("tv", 25, 28.07), ("tv", 50, 25.27),
    ("nlm", 15, 30.29), ("nlm", 25, 28.03), ("nlm", 50, 25.10),
    ("bm3d", 25, 28.78),
]  # fmt: skip
SHAPES = [
    ((2, 1, 17, 22), torch.float32),
    ((1, 3, 7, 5), torch.float64),
    ((1, 1, 8, 8), torch.float32),
    ((1, 1, 1, 1), torch.float64),
]
every = pytest.mark.parametrize("name", NAMES)


@cache
def made(name: str) -> priors.Prior:
    return priors.load(name, **({"processes": 1} if name == "bm3d" else {}))


def noise(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def crop(name: str, size: int, top: int | None = None, left: int | None = None) -> Tensor:
    """Part of a picture that scikit-image brings along, its centre by default: [1, C, size, size], float64."""
    image = getattr(data, name)() / 255.0
    pixels = torch.from_numpy(image).reshape(*image.shape[:2], -1).permute(2, 0, 1)[None]
    top = (pixels.shape[2] - size) // 2 if top is None else top
    left = (pixels.shape[3] - size) // 2 if left is None else left
    return pixels[:, :, top : top + size, left : left + size]


def grey(name: str, size: int) -> Tensor:
    image = crop(name, size)
    return image if image.shape[1] == 1 else torch.from_numpy(color.rgb2gray(image[0].permute(1, 2, 0).numpy()))[None, None]


def psnr(found: Tensor, truth: Tensor) -> float:
    return float(-10 * (found.clamp(0, 1) - truth).square().mean().log10())


@every
def test_is_what_the_catalogue_says(name) -> None:
    prior = made(name)
    assert isinstance(prior, priors.Prior)
    assert (prior.name, prior.family, prior.mmse) == (name, priors.CATALOGUE[name].family, False)
    low, high = prior.sigma_range
    assert 0 <= low < 0.004
    assert high > 75 / 255


@every
@pytest.mark.parametrize(("shape", "dtype"), SHAPES, ids=str)
def test_keeps_shape_dtype_device_and_its_input(name, shape, dtype) -> None:
    x = (0.5 + 0.2 * noise(shape)).to(dtype)
    before = x.clone()
    found = made(name).denoise(x, 0.1)
    assert (found.shape, found.dtype, found.device) == (x.shape, dtype, x.device)
    assert torch.isfinite(found).all()
    assert torch.equal(x, before)
    assert found.data_ptr() != x.data_ptr()


@pytest.mark.parametrize(("name", "channels"), [("tv", 1), ("tv", 3), ("nlm", 1), ("nlm", 3), ("bm3d", 3)])
def test_an_image_does_not_depend_on_its_batch_nor_on_earlier_calls(name, channels) -> None:
    x = 0.5 + torch.tensor([1.0, 0.1]).view(2, 1, 1, 1) * noise((2, channels, 18, 20))
    prior = made(name)
    together = prior.denoise(x, 0.1)
    prior.denoise(noise((1, 1, 16, 16), 5), 0.7)
    assert torch.allclose(prior.denoise(x[1:], 0.1), together[1:], rtol=0, atol=1e-14)


@every
@pytest.mark.parametrize("values", [(0.3,), (0.0,), (0.2, 0.5, 0.7), (0.0, 0.0, 0.0)], ids=str)
def test_a_constant_stays(name, values) -> None:
    x = torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1).expand(1, len(values), 20, 21)
    assert torch.allclose(made(name).denoise(x, 0.1), x, atol=1e-12)


@every
@pytest.mark.parametrize(("sigma", "most"), [(0.0, 1e-12), (1e-4, 5e-4)])
def test_no_noise_told_nothing_changed(name, sigma, most) -> None:
    x = 0.5 + 0.2 * noise((1, 3, 16, 20))
    assert float((made(name).denoise(x, sigma) - x).abs().max()) <= most


@pytest.mark.parametrize(("name", "level", "expected"), PSNR)
def test_sigma_is_the_standard_deviation_of_the_noise(name, level, expected) -> None:
    """The truth told removes more noise than two thirds or one and a half times the truth, and as much as ever measured."""
    clean, sigma = crop("camera", 64, 96, 200), level / 255
    noisy = clean + sigma * noise(clean.shape)
    low, right, high = (psnr(made(name).denoise(noisy, f * sigma), clean) for f in (1 / 1.5, 1, 1.5))
    assert right > max(low, high) + 0.3
    assert right == pytest.approx(expected, abs=0.4)


@every
def test_colours_help_each_other(name) -> None:
    clean, sigma = crop("astronaut", 48, 68, 188), 25 / 255
    noisy = clean + sigma * noise(clean.shape)
    alone = torch.cat([made(name).denoise(noisy[:, k : k + 1], sigma) for k in range(3)], 1)
    assert psnr(made(name).denoise(noisy, sigma), clean) > psnr(alone, clean) + 0.4


# The prior's own error
@every
def test_stored_error_falls_with_the_noise(name) -> None:
    curve = made(name).error
    assert len(curve.sigma) == 16
    assert np.all(np.diff(curve.rmse) > 0)
    assert all(e < s for s, e in zip(curve.sigma, curve.rmse, strict=True))
    assert np.all(np.diff(np.divide(curve.rmse, curve.sigma)) < 0)


@pytest.mark.parametrize("name", ["tv", "nlm", pytest.param("bm3d", marks=pytest.mark.slow)])
def test_stored_error_is_met_on_other_pictures(name) -> None:
    """Measured on pictures that nothing was fitted to nor stored from: the curve is about photographs, not about its own 24."""
    pictures = torch.cat([grey(p, 96) for p in ("camera", "astronaut", "coffee", "chelsea", "rocket", "grass")])
    fresh = measure(made(name), pictures, (0.1,) if name == "bm3d" else (0.02, 0.05, 0.1, 0.3))
    for sigma, rmse in zip(fresh.sigma, fresh.rmse, strict=True):
        assert rmse == pytest.approx(made(name).rmse(sigma), rel=0.2)


class Scale:
    """Its error at any sigma is known: (factor - 1) x + factor sigma n."""

    def __init__(self, factor: float):
        self.factor = factor

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.factor * x


class Blind:
    """Its error is the same in all three channels: nothing but brightness."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        generator = torch.Generator().manual_seed(5)
        return x + 2 * sigma * torch.randn(len(x), 1, *x.shape[2:], generator=generator, dtype=x.dtype) - self.noise(x, sigma)

    def noise(self, x: Tensor, sigma: float) -> Tensor:
        return sigma * x.new_tensor(np.random.default_rng(0).standard_normal(x.shape))


def test_measured_error_of_denoisers_whose_error_is_known() -> None:
    images = noise((8, 1, 96, 96), 3)
    kept, dropped = (measure(Scale(f), images, (0.1, 0.5)) for f in (1.0, 0.0))
    assert kept.rmse == pytest.approx((0.1, 0.5), rel=0.01)
    assert np.asarray(kept.spectrum) == pytest.approx(np.repeat([[[0.1]], [[0.5]]], len(BANDS), 2), rel=0.6)
    assert np.asarray(kept.spectrum)[..., 5:] == pytest.approx(np.repeat([[[0.1]], [[0.5]]], len(BANDS) - 5, 2), rel=0.1)
    assert dropped.rmse == pytest.approx((float(images.square().mean().sqrt()),) * 2, rel=1e-12)
    colours = np.asarray(measure(Blind(), noise((8, 3, 96, 96), 4), (0.1,)).spectrum)[0, :, 5:]
    assert colours == pytest.approx(np.repeat([[0.2 * 3**0.5], [0.0], [0.0]], len(BANDS) - 5, 1), rel=0.1, abs=1e-12)
    assert measure(Scale(1.0), images, (0.1,), rng=1) != measure(Scale(1.0), images, (0.1,), rng=0)


def test_curve_between_below_and_above_its_levels() -> None:
    law = ErrorCurve((0.1, 0.4), (0.1**0.5, 0.4**0.5), (((1.0,) * len(BANDS),), ((4.0,) * len(BANDS),)))
    assert law(0.1) == pytest.approx(0.1**0.5)
    assert law(0.2) == pytest.approx(0.2**0.5)  # a power law is a line in log-log
    assert law(0.01) == pytest.approx(0.1**0.5 / 10)  # proportional to sigma
    assert law(7.0) == pytest.approx(0.4**0.5)  # constant
    assert law.spectrum_at(0.2, (1, 6, 9)).shape == (1, 6, 5)
    assert torch.allclose(law.spectrum_at(0.2, (1, 6, 9)), torch.tensor(2.0, dtype=torch.float64))
    assert ErrorCurve.from_dict(json.loads(json.dumps(law.to_dict()))).rmse == pytest.approx(law.rmse, rel=1e-3)


@pytest.mark.parametrize(
    ("sigma", "rmse"), [((0.1, 0.2), (0.1,)), ((0.2, 0.1), (0.1, 0.1)), ((0.0, 0.1), (0.1, 0.1)), ((0.1, 0.2), (0.1, 0.0))]
)
def test_curve_refuses_what_is_none(sigma, rmse) -> None:
    with pytest.raises(ValueError, match="error curve needs"):
        ErrorCurve(sigma, rmse, (((1.0,) * len(BANDS),),) * len(sigma))


def test_measurement_can_be_repeated(tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    for k in range(2):
        pixels = (255 * crop("camera", 100, 100 * k, 200)[0, 0].numpy()).round().astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{k}.png")
    main(["tv", "--images", str(tmp_path / "photos"), "--to", str(tmp_path)])
    card = json.loads((tmp_path / "tv.json").read_text())
    held = crop("camera", 96, 102, 202)
    assert card["rmse"] == pytest.approx(measure(made("tv"), held.float()).rmse, rel=1e-3)
    assert "1 held-back photographs of photos" in card["images"]


def test_measurement_names_what_is_wrong(tmp_path, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["tv", "--images", str(tmp_path / "missing"), "--to", str(tmp_path)])
    assert stop.value.code == 2
    assert "no images below" in capsys.readouterr().err


# Total variation
@pytest.mark.parametrize("w", [0.02, 0.1])
def test_prox_agrees_with_scikit_image(w) -> None:
    x = crop("camera", 24, 110, 220) + 0.1 * noise((1, 1, 24, 24))
    theirs = denoise_tv_chambolle(x[0, 0].numpy(), weight=w, eps=1e-13, max_num_iter=20000)
    assert np.abs(prox(x, w, 1500)[0, 0].numpy() - theirs).max() < 1e-4


def differences(height: int, width: int) -> np.ndarray:
    """Down and right differences of a flattened image as a matrix [2, pixels, pixels], written entry by entry."""
    matrix = np.zeros((2, height * width, height * width))
    for i in range(height):
        for j in range(width):
            for axis, (a, b) in enumerate([(i + 1, j), (i, j + 1)]):
                if a < height and b < width:
                    matrix[axis, i * width + j, a * width + b] += 1
                    matrix[axis, i * width + j, i * width + j] -= 1
    return matrix


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 3, 3)], ids=str)
@pytest.mark.parametrize("w", [0.05, 0.3])
def test_prox_solves_the_dual_programme(shape, w) -> None:
    """min over p of |x - w D^T p|^2 / 2 with |p| <= 1 at every pixel, by a general solver; vectorial over the channels."""
    x = 0.5 + 0.3 * noise((1, *shape), 2)
    channels, pixels = shape[0], shape[1] * shape[2]
    d, flat = differences(*shape[1:]), x.numpy().reshape(channels, pixels)

    def primal(p: np.ndarray) -> np.ndarray:
        return flat - w * np.einsum("aqr,acq->cr", d, p.reshape(2, channels, pixels))

    def slope(p: np.ndarray) -> np.ndarray:
        return -w * np.einsum("aqr,cr->acq", d, primal(p)).ravel()

    def lengths(p: np.ndarray) -> np.ndarray:
        return (p.reshape(2 * channels, pixels) ** 2).sum(0)

    def lengths_slope(p: np.ndarray) -> np.ndarray:
        return np.concatenate([np.diag(2 * row) for row in p.reshape(2 * channels, pixels)], 1)

    ball = NonlinearConstraint(lengths, -np.inf, 1, lengths_slope)
    start, options = np.zeros(2 * channels * pixels), {"ftol": 1e-14, "maxiter": 500}
    best = minimize(lambda p: 0.5 * (primal(p) ** 2).sum(), start, jac=slope, constraints=ball, method="SLSQP", options=options)
    assert np.abs(prox(x, w, 3000).numpy().reshape(channels, pixels) - primal(best.x)).max() < 1e-5


def test_gradient_and_divergence_are_adjoint() -> None:
    u, p = noise((2, 3, 6, 7)), gradient(noise((2, 3, 6, 7), 1))
    assert float((gradient(u) * p).sum()) == pytest.approx(float(-(u * divergence(p)).sum()), rel=1e-12)


def test_energy_in_closed_form() -> None:
    """A step of height 0.4 and 6 pixels' length; a diagonal ramp, whose gradient has length sqrt(2) / 10; three equal channels."""
    step, ramp = torch.zeros(1, 1, 6, 8, dtype=torch.float64), torch.arange(6)[:, None] + torch.arange(8)
    step[..., 3:] = 0.4
    slopes = 5 * 7 * math.sqrt(2) / 10 + (5 + 7) / 10  # inner pixels; last column and last row see one difference only
    tv = made("tv")
    found = tv.energy(torch.cat([step, ramp[None, None] / 10]))
    assert found.tolist() == pytest.approx([6 * 0.4, slopes])
    assert tv.energy(step.expand(1, 3, 6, 8)).tolist() == pytest.approx([math.sqrt(3) * 6 * 0.4])


@pytest.mark.parametrize("channels", [1, 3])
def test_denoising_is_the_prox_of_the_energy(channels) -> None:
    """It keeps the mean, is never beaten in its own objective, and stops within 3 % of its own error of the limit."""
    tv, x = made("tv"), 0.5 + 0.2 * noise((1, channels, 24, 24))
    for sigma in (0.05, 0.5, 2.5):
        found, w = tv.denoise(x, sigma), weight(sigma, channels)
        limit = prox(x, w, 10 * enough(w))
        assert torch.allclose(found.mean((2, 3)), x.mean((2, 3)), atol=1e-12)
        assert float((found - limit).square().mean().sqrt()) < 0.03 * tv.rmse(sigma)

        def objective(u: Tensor, w: float = w) -> float:
            return float(0.5 * (u - x).square().sum() + w * tv.energy(u).sum())

        for seed in range(3):
            assert objective(limit) < objective(limit + 0.01 * noise(x.shape, seed))


# BM3D
def test_bm3d_is_the_authors_filter() -> None:
    import bm3d

    y = crop("camera", 32, 110, 220) + 0.1 * noise((1, 1, 32, 32))
    profile = bm3d.BM3DProfile()
    profile.num_threads, profile.nf = 1, 16
    assert np.array_equal(made("bm3d").denoise(y, 0.1)[0, 0].numpy(), bm3d.bm3d(y[0, 0].numpy(), 0.1, profile))


@pytest.mark.slow
def test_bm3d_in_colour_is_as_good_as_the_authors() -> None:
    import bm3d

    clean, sigma = crop("astronaut", 48, 68, 188), 25 / 255
    noisy = clean + sigma * noise(clean.shape)
    theirs = torch.from_numpy(bm3d.bm3d_rgb(noisy[0].permute(1, 2, 0).numpy(), sigma)).permute(2, 0, 1)[None]
    assert psnr(made("bm3d").denoise(noisy, sigma), clean) > psnr(theirs, clean) - 0.1


def test_bm3d_tells_its_licence_and_prints_nothing(capfd) -> None:
    made("bm3d").denoise(0.5 + 0.1 * noise((1, 1, 16, 16)), 0.1)
    assert capfd.readouterr() == ("", "")
    assert "non-commercial" in made("bm3d").licence
    assert "Tampere University" in made("bm3d").licence


def test_bm3d_names_what_is_wrong(monkeypatch) -> None:
    with pytest.raises(ValueError, match="processes must be at least 1"):
        priors.load("bm3d", processes=0)
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(ImportError, match="pip install bm3d"):
        priors.load("bm3d")


@pytest.mark.slow
def test_bm3d_in_parallel_from_a_plain_script(tmp_path, pytestconfig) -> None:
    """Two processes give what one gives, in a script without a main guard, and leave no output behind."""
    script = tmp_path / "plain.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(pytestconfig.rootpath)!r})\n"
        "import priors, torch\n"
        "x = torch.rand(3, 3, 20, 20, dtype=torch.float64)\n"
        "one, two = (priors.load('bm3d', processes=n).denoise(x, 0.1) for n in (1, 2))\n"
        "assert torch.equal(one, two)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
