"""What every instrument promises, checked against scipy and dense matrices; kernels, masks and simulated problems."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.ndimage
import torch
from PIL import Image

import problems
from problems import Blur, Identity, Inpainting, SuperResolution, kernels, masks
from problems.operator import Operator, circulant, conjugate_gradients

KERNEL = np.random.default_rng(5).random((3, 4))  # asymmetric, odd and even
WIDE = np.random.default_rng(6).random((9, 10))  # larger than the images below
HOLES = np.random.default_rng(7).random((6, 9)) < 0.5


def blurred(kernel: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda plane: scipy.ndimage.convolve(plane, kernel, mode="wrap")


# name: (operator, the same instrument written with numpy and scipy for one plane)
OPERATORS: dict[str, tuple[Operator, Callable[[np.ndarray], np.ndarray]]] = {
    "identity": (Identity((1, 6, 9)), lambda plane: plane),
    "blur": (Blur(KERNEL, (3, 6, 9)), blurred(KERNEL)),
    "blur, odd": (Blur(KERNEL, (1, 7, 5)), blurred(KERNEL)),
    "blur, wide kernel": (Blur(WIDE, (1, 6, 7)), blurred(WIDE)),
    "x2": (SuperResolution(KERNEL, 2, (3, 6, 8)), lambda plane: blurred(KERNEL)(plane)[::2, ::2]),
    "x3": (SuperResolution(KERNEL, 3, (1, 6, 9)), lambda plane: blurred(KERNEL)(plane)[1::3, 1::3]),
    "x3, odd": (SuperResolution(KERNEL, 3, (1, 9, 9), offset=2), lambda plane: blurred(KERNEL)(plane)[2::3, 2::3]),
    "x2, not dividing": (SuperResolution(KERNEL, 2, (1, 7, 6)), lambda plane: blurred(KERNEL)(plane)[::2, ::2]),
    "x3, not dividing": (SuperResolution(KERNEL, 3, (3, 7, 5)), lambda plane: blurred(KERNEL)(plane)[1::3, 1::3]),
    "inpainting": (Inpainting(HOLES, (3, 6, 9)), lambda plane: plane[HOLES]),
}


@pytest.fixture(params=OPERATORS, name="case")
def every_operator(request: pytest.FixtureRequest) -> tuple[Operator, torch.Tensor]:
    """An operator and its dense matrix [data, pixels], made without it."""
    operator, plane = OPERATORS[request.param]
    channels, height, width = operator.image_shape
    basis = np.eye(height * width).reshape(-1, height, width)
    matrix = np.stack([plane(b).ravel() for b in basis], 1)
    return operator, torch.from_numpy(np.kron(np.eye(channels), matrix))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def even_spectrum(shape: tuple[int, int, int]) -> torch.Tensor:
    """A positive circulant C that differs between channels, [C, H, W // 2 + 1]."""
    return torch.fft.rfft2(normal(*shape, seed=9)).abs() ** 2 / 9 + 0.03


def test_forward_and_adjoint_are_the_matrix_and_its_transpose(case: tuple[Operator, torch.Tensor]) -> None:
    operator, matrix = case
    x, y = normal(2, *operator.image_shape), normal(2, *operator.data_shape, seed=1)
    torch.testing.assert_close(operator.forward(x).flatten(1), x.flatten(1) @ matrix.T, rtol=0, atol=1e-12)
    torch.testing.assert_close(operator.adjoint(y).flatten(1), y.flatten(1) @ matrix, rtol=0, atol=1e-12)
    assert abs(float((operator.forward(x) * y).sum() - (x * operator.adjoint(y)).sum())) < 1e-10


@pytest.mark.parametrize("c", [1e-4, 0.3, 50.0])
def test_solve_inverts_the_dense_quadratic(case: tuple[Operator, torch.Tensor], c: float) -> None:
    operator, matrix = case
    b = normal(2, *operator.image_shape, seed=2)
    exact = torch.linalg.solve(matrix.T @ matrix + c * torch.eye(matrix.shape[1], dtype=torch.float64), b.flatten(1).T).T
    torch.testing.assert_close(operator.solve(b, c).flatten(1), exact, rtol=1e-7, atol=1e-7 / c)
    torch.testing.assert_close(operator.solve(b, torch.tensor(c, dtype=torch.float64)), operator.solve(b, c))


def test_solve_takes_a_weight_for_each_frequency(case: tuple[Operator, torch.Tensor]) -> None:
    operator, matrix = case
    c = even_spectrum(operator.image_shape)
    basis = torch.eye(matrix.shape[1], dtype=torch.float64).view(-1, *operator.image_shape)
    b = normal(2, *operator.image_shape, seed=2)
    exact = torch.linalg.solve(matrix.T @ matrix + circulant(basis, c).flatten(1), b.flatten(1).T).T
    torch.testing.assert_close(operator.solve(b, c).flatten(1), exact, rtol=1e-7, atol=1e-7)


def test_single_precision_and_batches_agree(case: tuple[Operator, torch.Tensor]) -> None:
    operator, _ = case
    x, y = normal(3, *operator.image_shape), normal(3, *operator.data_shape)
    for act, argument in ((operator.forward, x), (operator.adjoint, y), (lambda b: operator.solve(b, 0.1), x), (operator.as_image, y)):
        double, single = act(argument), act(argument.float())
        assert (double.dtype, single.dtype) == (torch.float64, torch.float32)
        torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=2e-5, equal_nan=True)
        torch.testing.assert_close(act(argument[1:2]), double[1:2], rtol=1e-8, atol=1e-9, equal_nan=True)


def test_gains_and_masks_follow_the_image_to_its_device(case: tuple[Operator, torch.Tensor]) -> None:
    """On the device "meta", which has shapes but no values, mixing with the CPU raises as on any accelerator."""
    operator, _ = case
    x, y = torch.empty(2, *operator.image_shape, device="meta"), torch.empty(2, *operator.data_shape, device="meta")
    assert (operator.forward(x).shape, operator.forward(x).device) == (y.shape, y.device)
    assert (operator.adjoint(y).shape, operator.adjoint(y).device) == (x.shape, x.device)
    assert operator.as_image(y).device == y.device
    if "not dividing" not in next(name for name, (known, _) in OPERATORS.items() if known is operator):  # these look at values
        assert operator.solve(x, 0.1).device == x.device


@pytest.mark.parametrize("size", [(7, 7), (8, 6), (5, 8)])
@pytest.mark.parametrize("kernel_size", [(1, 1), (1, 2), (2, 2), (3, 3), (3, 4), (4, 5), (7, 8), (11, 17)])
def test_blur_is_scipys_convolution(size: tuple[int, int], kernel_size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    kernel, image = rng.random(kernel_size), rng.random(size)
    ours = Blur(torch.from_numpy(kernel), (1, *size)).forward(torch.from_numpy(image)[None, None])
    np.testing.assert_allclose(ours[0, 0].numpy(), scipy.ndimage.convolve(image, kernel, mode="wrap"), atol=1e-11)


def test_transfer_is_the_response_to_a_point() -> None:
    point = torch.zeros(1, 1, 6, 7, dtype=torch.float64)
    point[..., 0, 0] = 1
    for operator in (Identity((1, 6, 7)), Blur(KERNEL, (1, 6, 7))):
        assert operator.transfer.dtype == torch.complex128
        torch.testing.assert_close(torch.fft.rfft2(operator.forward(point))[0, 0], operator.transfer)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5])
def test_area_average_is_the_mean_of_each_block(factor: int) -> None:
    x = normal(2, 3, 3 * factor, 2 * factor)
    blocks = x.unflatten(-1, (2, factor)).unflatten(-3, (3, factor)).mean((-3, -1))
    for kernel in (None, kernels.uniform(factor)):
        torch.testing.assert_close(SuperResolution(kernel, factor, x.shape[1:]).forward(x), blocks)


def test_low_noise_super_resolution_meets_the_data_in_single_precision() -> None:
    """c = (1e-3 / 2.5)^2: the terms of Woodbury's identity cancel to a ten-millionth."""
    operator = SuperResolution("gaussian:1.2", 2, (1, 32, 32))
    residual = normal(1, *operator.data_shape).float()
    step = operator.solve(operator.adjoint(residual), 1.6e-7)
    assert float((operator.forward(step) - residual).abs().max()) < 1e-2


def test_missing_pixels_are_shown_as_nan() -> None:
    operator, x = Inpainting(HOLES, (3, 6, 9)), normal(1, 3, 6, 9)
    shown = operator.as_image(operator.forward(x))
    torch.testing.assert_close(shown, torch.where(torch.from_numpy(HOLES), x, torch.nan), equal_nan=True)
    assert operator.forward(x).numel() == 3 * HOLES.sum()


def test_operators_say_what_they_are() -> None:
    assert repr(Identity((1, 4, 5))) == "Identity(1x4x5 -> 1x4x5)"
    assert repr(Blur(KERNEL, (3, 4, 5))) == "Blur(3x4 kernel, 3x4x5)"
    assert repr(SuperResolution(None, 2, (1, 4, 6))) == "SuperResolution(x2, 2x2 kernel, 1x4x6 -> 1x2x3)"
    assert repr(Inpainting(masks.box((8, 8), 0.5), (1, 8, 8))) == "Inpainting(75.0% measured, 1x8x8)"


def test_conjugate_gradients_serve_each_image_of_a_batch_at_its_own_scale() -> None:
    weights, scale = torch.linspace(0.01, 3, 20, dtype=torch.float64).view(1, 1, 4, 5), torch.tensor([1e-6, 0, 1e6]).double()
    b = normal(3, 1, 4, 5) * scale[:, None, None, None]
    torch.testing.assert_close(conjugate_gradients(lambda x: weights * x, b), b / weights, rtol=1e-7, atol=0)


# kernels


def moments(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre of mass (x, y) from the middle of the array, y upwards, and covariance."""
    rows, columns = np.indices(kernel.shape)
    points = np.stack([columns - (kernel.shape[1] - 1) / 2, (kernel.shape[0] - 1) / 2 - rows]).reshape(2, -1)
    return points @ kernel.ravel(), np.cov(points, aweights=kernel.ravel(), ddof=0)


TEXTS = ("gaussian:0.4", "gaussian:2.3", "uniform:4", "disk:0.5", "disk:4.2", "motion:1", "motion:8.5:70", "shake:3", "shake:24:5")


@pytest.mark.parametrize("text", TEXTS)
def test_kernels_are_positive_and_sum_to_one(text: str) -> None:
    kernel = kernels.named(text)
    assert kernel.dtype == np.float64
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(moments(kernel)[0], 0, atol=1e-9)


def test_gaussian_is_scipys() -> None:
    image = np.random.default_rng(0).random((20, 21))
    ours = Blur("gaussian:1.7", (1, 20, 21)).forward(torch.from_numpy(image)[None, None])
    np.testing.assert_allclose(ours[0, 0].numpy(), scipy.ndimage.gaussian_filter(image, 1.7, mode="wrap"), atol=1e-12)


@pytest.mark.parametrize("radius", [0.8, 1.0, 3.0, 4.7])
def test_disk_covers_the_pixels_of_a_disk(radius: float) -> None:
    covered = kernels.disk(radius) / kernels.disk(radius).max()
    assert covered.sum() == pytest.approx(np.pi * radius**2, rel=0.01)
    np.testing.assert_array_equal(covered, covered.T)
    distance = np.hypot(*(np.indices(covered.shape) - covered.shape[0] // 2))
    np.testing.assert_array_equal(covered[distance < radius - 0.8], 1)
    np.testing.assert_array_equal(covered[distance > radius + 0.8], 0)


def test_motion_is_a_line_of_its_length_and_angle() -> None:
    np.testing.assert_allclose(kernels.motion(15, 0)[7], 1 / 15)
    np.testing.assert_allclose(kernels.motion(15, 90), kernels.motion(15, 0).T, atol=1e-12)
    np.testing.assert_allclose(kernels.motion(9, -30), kernels.motion(9, 30)[::-1], atol=1e-12)
    variance, axes = np.linalg.eigh(moments(kernels.motion(15, 30))[1])
    assert np.rad2deg(np.arctan2(*axes[::-1, 1])) % 180 == pytest.approx(30, abs=0.5)
    assert variance[1] == pytest.approx(15**2 / 12, rel=0.05)


def test_shake_follows_its_seed() -> None:
    assert kernels.shake(25).shape == (25, 25)
    np.testing.assert_array_equal(kernels.named("shake:25:3"), kernels.shake(25, np.random.default_rng(3)))
    assert np.abs(kernels.shake(25, 0) - kernels.shake(25, 1)).sum() > 0.5


def write_hdf5(path: Path, cells: list[np.ndarray]) -> None:
    """As MATLAB writes -v7.3: HDF5 with the axes reversed, a cell array as references into a group."""
    with h5py.File(path, "w", userblock_size=512) as file:
        stored = [file.create_dataset(f"#refs#/{k}", data=cell.T) for k, cell in enumerate(cells)]
        file.create_dataset("kernels", data=np.array([[s.ref] for s in stored], dtype=h5py.ref_dtype))
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def test_kernels_come_from_files(tmp_path: Path) -> None:
    one, two = np.random.default_rng(0).random((3, 5)), np.random.default_rng(1).random((4, 4))
    np.save(tmp_path / "k.npy", 3 * one)
    Image.fromarray(np.uint8(255 * one / one.max())).save(tmp_path / "k.png")
    cells = np.empty((2, 2), dtype=object)
    cells[:, 0], cells[:, 1] = (one, two), (KERNEL, WIDE)  # MATLAB counts down the columns
    scipy.io.savemat(tmp_path / "old.mat", {"kernels": cells})
    scipy.io.savemat(tmp_path / "single.mat", {"k": one})
    write_hdf5(tmp_path / "new.mat", [one, two])
    expected = {"k.npy": one, "old.mat:0": one, "old.mat:1": two, "old.mat:2": KERNEL, "single.mat": one}
    expected |= {"new.mat:0": one, "new.mat:1": two}
    for text, kernel in expected.items():
        np.testing.assert_allclose(kernels.as_kernel(tmp_path / text), kernel / kernel.sum(), rtol=1e-12)
    for name in ("k.png", "k.tif", "k.bmp"):
        Image.fromarray(np.uint8(255 * one / one.max())).save(tmp_path / name)
        np.testing.assert_allclose(kernels.named(str(tmp_path / name)), one / one.sum(), atol=0.003)


def test_own_kernels_are_not_rescaled() -> None:
    for kernel in (2 * KERNEL, torch.from_numpy(2 * KERNEL).float(), (2 * KERNEL).tolist()):
        np.testing.assert_allclose(kernels.as_kernel(kernel), 2 * KERNEL, rtol=1e-6)


# masks


def test_random_masks_keep_an_exact_share() -> None:
    mask = masks.random((20, 30), keep=0.3, rng=0)
    assert mask.sum() == 180
    assert 0.2 < mask[:, :15].mean() < 0.4
    assert (mask != masks.random((20, 30), keep=0.3, rng=1)).any()
    assert masks.random((4, 4), keep=1e-9).sum() == 1


def test_box_is_a_centred_hole() -> None:
    mask = masks.named("box:0.5", (8, 12))
    assert not mask[2:6, 4:8].any()
    assert (~mask).sum() == 16


def test_text_covers_some_of_the_image() -> None:
    mask = masks.text((64, 96), rng=0)
    assert mask.shape == (64, 96)
    assert 0.6 < mask.mean() < 0.95
    assert (mask != masks.named("text", (64, 96), rng=1)).any()


def test_masks_come_from_pictures(tmp_path: Path) -> None:
    Image.fromarray(np.where(HOLES, 200, 30).astype(np.uint8)).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(masks.named(str(tmp_path / "mask.png"), (6, 9)), HOLES)
    problem = problems.inpaint(np.full((6, 9), 0.5), mask=tmp_path / "mask.png")
    assert isinstance(problem.operator, Inpainting)
    torch.testing.assert_close(problem.operator.mask, torch.from_numpy(HOLES))


# simulated problems


PHOTO = np.random.default_rng(3).random((24, 20, 3))


@pytest.mark.parametrize("name", problems.CATALOGUE)
def test_problems_are_what_they_say(name: str) -> None:
    problem = problems.load(name, PHOTO, noise_sigma=0.05)
    assert (problem.name, problem.noise_sigma) == (name, 0.05)
    torch.testing.assert_close(problem.truth, torch.from_numpy(PHOTO).permute(2, 0, 1)[None])
    assert problem.truth is not None
    noise = (problem.y - problem.operator.forward(problem.truth)) / 0.05
    assert abs(float(noise.mean())) < 4 / noise.numel() ** 0.5
    assert float(noise.std()) == pytest.approx(1, abs=4 / (2 * noise.numel()) ** 0.5)
    assert problem.operator.as_image(problem.y).shape[1] == 3


@pytest.mark.parametrize("name", problems.CATALOGUE)
def test_randomness_follows_rng(name: str) -> None:
    def y(rng: Any) -> torch.Tensor:
        return problems.load(name, PHOTO, rng=rng).y

    torch.testing.assert_close(y(0), y(0), rtol=0, atol=0)
    torch.testing.assert_close(y(4), y(np.random.default_rng(4)), rtol=0, atol=0)
    generator = np.random.default_rng(0)
    for other in (y(1), y(None), [y(generator), y(generator)][1]):
        assert not torch.equal(y(0), other)


def test_noise_is_the_same_in_both_precisions() -> None:
    single = problems.denoise(PHOTO.astype(np.float32), rng=0).y
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), problems.denoise(PHOTO, rng=0).y, rtol=0, atol=1e-6)


def test_noise_is_no_other_stream_of_the_same_seed() -> None:
    """A truth drawn with default_rng(0) must not meet its own numbers again as noise, nor the mask those of the noise."""
    white = np.random.default_rng(0).standard_normal((1, 1, 64, 64))
    problem = problems.denoise(np.full((64, 64), 0.5), noise_sigma=0.1, rng=0)
    noise = (problem.y.numpy() - 0.5) / 0.1
    assert abs(np.mean(noise * white)) < 4 / 64
    drawn = problems.inpaint(PHOTO, mask="random:0.5", rng=0)
    assert isinstance(drawn.operator, Inpainting)
    torch.testing.assert_close(problems.inpaint(PHOTO, mask=drawn.operator.mask, rng=0).y, drawn.y, rtol=0, atol=0)
    order = np.random.default_rng(0).spawn(2)[0].permutation(480) < 240
    assert (drawn.operator.mask.numpy().ravel() != order).mean() > 0.3


def test_kernels_may_be_text_arrays_or_tensors() -> None:
    kernel = kernels.motion(5, 45)
    expected = problems.deblur(PHOTO, kernel="motion:5:45").y
    for same in (kernel, torch.from_numpy(kernel)):
        torch.testing.assert_close(problems.deblur(PHOTO, kernel=same).y, expected)


# bad input: each sentence names the thing and the remedy


def problem_of(**changes: Any) -> problems.Problem:
    given: dict[str, Any] = {"name": "own", "operator": Identity((1, 4, 4)), "y": torch.full((1, 1, 4, 4), 0.5), "noise_sigma": 0.1}
    return problems.Problem(**given | changes)


BAD = [
    (lambda: Identity((2, 4, 4)), ValueError, r"1 or 3 channels, not \(2, 4, 4\)"),
    (lambda: Identity((4, 4)), ValueError, r"\(channels, height, width\)"),
    (lambda: Blur(np.zeros((0, 3)), (1, 4, 4)), ValueError, r"at least one value, not one of shape \[0, 3\]"),
    (lambda: Blur(np.ones(3), (1, 4, 4)), ValueError, r"\[height, width\]"),
    (lambda: Blur([[1.0, np.nan]], (1, 4, 4)), ValueError, "kernel holds NaN .* replace"),
    (lambda: Blur([[1.0, -1.0]], (1, 4, 4)), ValueError, "sums to 0; it needs a positive sum"),
    (lambda: Blur("gausian:2", (1, 4, 4)), ValueError, "unknown kernel 'gausian'; did you mean 'gaussian'"),
    (lambda: Blur("xyz", (1, 4, 4)), ValueError, "known: gaussian, uniform, disk"),
    (lambda: kernels.named("motion:a"), ValueError, "not of the form motion:length:angle; write for example 'motion:15:30'"),
    (lambda: kernels.named("uniform:3:4"), ValueError, "not of the form uniform:size"),
    (lambda: kernels.named("uniform:2.5"), ValueError, "whole number from 1 on, not 2.5"),
    (lambda: kernels.named("uniform:0"), ValueError, "whole number from 1 on, not 0"),
    (lambda: kernels.gaussian(-1), ValueError, "std of the gaussian kernel must be"),
    (lambda: kernels.gaussian(float("nan")), ValueError, "not nan"),
    (lambda: kernels.disk(0.1), ValueError, "radius of the disk must be a number from 0.5 on"),
    (lambda: kernels.motion(0.5), ValueError, "length of the motion"),
    (lambda: kernels.shake(2), ValueError, "size of the shake"),
    (lambda: kernels.named("nowhere/k.mat:3"), FileNotFoundError, "no kernel file .*k.mat; check the path"),
    (lambda: kernels.load("k.txt"), ValueError, "not .npy, .png or .mat; save it"),
    (lambda: kernels.named("k.csv:1"), ValueError, "kernel file k.csv is not .npy, .png or .mat; save it"),
    (lambda: kernels.named("./k"), ValueError, "kernel file k is not .npy, .png or .mat; save it"),
    (lambda: Blur(np.full((3, 3), 1e308), (1, 4, 4)), ValueError, "as large as 1e.308, .* divide it by its sum"),
    (lambda: SuperResolution(None, 0, (1, 4, 4)), ValueError, "factor must be a whole number from 1 to 4, .* not 0"),
    (lambda: problems.load("super_resolution", PHOTO, factor=1.5), ValueError, "factor must be a whole number"),
    (lambda: SuperResolution(None, "2", (1, 4, 4)), ValueError, "factor must be a whole number from 1 to 4, .* not 2"),
    (lambda: SuperResolution(None, None, (1, 4, 4)), ValueError, "factor must be a whole number from 1 to 4, .* not None"),
    (lambda: SuperResolution(None, 5, (1, 4, 4)), ValueError, "factor must be a whole number from 1 to 4"),
    (lambda: SuperResolution(None, 2, (1, 4, 4), offset=2), ValueError, "offset must lie from 0 to 1"),
    (lambda: Inpainting(np.zeros((4, 4), bool), (1, 4, 4)), ValueError, "measures no pixel; at least one"),
    (lambda: Inpainting(np.ones((4, 5), bool), (1, 4, 4)), ValueError, "mask is 4x5, but the image 4x4; crop or resize"),
    (lambda: Inpainting(np.ones((1, 4, 4), bool), (1, 4, 4)), ValueError, r"\[height, width\], not one of shape \[1, 4, 4\]"),
    (lambda: Inpainting(torch.ones(4, 4), (1, 4, 4)), TypeError, "bools, .* not float32; compare"),
    (lambda: problems.inpaint(PHOTO, mask="randon:0.5"), ValueError, "unknown mask 'randon'; did you mean 'random'"),
    (lambda: problems.inpaint(PHOTO, mask="random:2"), ValueError, "keep, .* not 2"),
    (lambda: problems.inpaint(PHOTO, mask="random:0.5:1"), ValueError, "not of the form random:keep"),
    (lambda: problems.inpaint(PHOTO, mask="box:1"), ValueError, "side, .* between 0 and 1, not 1"),
    (lambda: problems.inpaint(PHOTO, mask="nowhere.png"), FileNotFoundError, "no image file nowhere.png"),
    (lambda: problems.load("debluring", PHOTO), ValueError, "unknown problem 'debluring'; did you mean 'deblur'"),
    (lambda: problems.load("deblur", PHOTO, kernl="disk"), ValueError, "problem 'deblur': 'kernl'; did you mean 'kernel'"),
    (lambda: problems.load("denoise", PHOTO, factor=2), ValueError, "known: noise_sigma, rng"),
    (lambda: problems.denoise(PHOTO, noise_sigma=0), ValueError, "noise_sigma must be a positive number, not 0"),
    (lambda: problems.denoise(PHOTO, noise_sigma=float("nan")), ValueError, "noise_sigma must be a positive number"),
    (lambda: problem_of(y=torch.zeros(1, 1, 4, 5)), ValueError, r"measurement y has shape \[1, 1, 4, 5\]"),
    (lambda: problem_of(y=torch.full((1, 1, 4, 4), torch.nan)), ValueError, "measurement y holds NaN .* inpainting mask"),
    (lambda: problem_of(y=np.zeros((1, 1, 4, 4))), TypeError, "float64 tensor, not ndarray; .* problems.as_tensor"),
    (lambda: problem_of(y=torch.zeros(1, 1, 4, 4, dtype=torch.uint8)), TypeError, "measurement y must be .* not torch.uint8"),
    (lambda: problem_of(truth=torch.zeros(1, 3, 4, 4)), ValueError, "truth has shape"),
    (lambda: problem_of(truth=torch.zeros(2, 1, 4, 4)), ValueError, "1 measurements cannot belong to 2 true images"),
]


@pytest.mark.parametrize(("call", "error", "sentence"), BAD, ids=[sentence for _, _, sentence in BAD])
def test_bad_input_gets_one_clear_sentence(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_kernel_files_that_do_not_serve(tmp_path: Path) -> None:
    write_hdf5(tmp_path / "two.mat", [KERNEL, WIDE])
    np.save(tmp_path / "line.npy", np.ones(3))
    (tmp_path / "broken.mat").write_bytes(b"no kernel at all")
    (tmp_path / "broken.npy").write_bytes(b"no kernel at all")
    np.save(tmp_path / "objects.npy", np.array([[print]], dtype=object))
    sentences = {
        "two.mat": "holds 2 kernels; pick one by its number, two.mat:0 to two.mat:1",
        "two.mat:2": "holds 2 kernels",
        "line.npy": "holds no kernel; a kernel is a two-dimensional array",
        "broken.mat": "cannot be read as a kernel",
        "broken.npy": "cannot be read as a kernel .it is no array",
        "objects.npy": "cannot be read as a kernel .it is no array",
    }
    for name, sentence in sentences.items():
        with pytest.raises(ValueError, match=sentence):
            kernels.named(str(tmp_path / name))


def test_matlab_files_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_hdf5(tmp_path / "new.mat", [KERNEL])
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match="needs h5py; pip install h5py"):
        kernels.load(tmp_path / "new.mat")


def test_every_public_name_is_there() -> None:
    assert all(getattr(problems, name) is not None for name in problems.__all__)
    with pytest.raises(AttributeError, match="no attribute 'blurr'"):
        problems.blurr  # noqa: B018


def test_the_catalogue_loads_without_torch() -> None:
    code = "import sys, problems as p; from problems import kernels, masks; print(len(p.CATALOGUE), len(p.TEST), 'torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["9", "6", "False"]
