"""Blur kernels: float64 arrays [h, w] that sum to one, made or read from a file.

Wherever a kernel is asked for, a text will do ("gaussian:2.0", "motion:15:30", "levin.mat:3"), and so will an array or a tensor.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from problems.names import PICTURES, arguments
from problems.seeds import Seed, generator


def gaussian(std: float = 1.6) -> np.ndarray:
    """Gaussian of standard deviation ``std`` pixels, cut at four of them."""
    at_least("std of the gaussian kernel", std, 0.01)
    radius = int(4 * std + 0.5)
    row = np.exp(-0.5 * (np.arange(-radius, radius + 1) / std) ** 2)
    return unit(np.outer(row, row))


def uniform(size: int = 9) -> np.ndarray:
    """The mean of ``size`` x ``size`` pixels."""
    at_least("size of the uniform kernel", size, 1, whole=True)
    return unit(np.ones((int(size), int(size))))


def disk(radius: float = 3.0) -> np.ndarray:
    """Out of focus: a disk of ``radius`` pixels, antialiased by 32 x 32 points in each pixel."""
    at_least("radius of the disk", radius, 0.5)
    side, points = 2 * int(np.ceil(radius - 0.5)) + 1, 32
    axis = (np.arange(side * points) + 0.5) / points - side / 2
    inside = np.hypot(axis[:, None], axis) <= radius
    return unit(inside.reshape(side, points, side, points).mean((1, 3)))


def motion(length: float = 15, angle: float = 30) -> np.ndarray:
    """Straight motion over ``length`` pixels, ``angle`` in degrees anticlockwise from the horizontal.

    The weight of a pixel falls linearly to zero at a distance of one pixel from the path, as in MATLAB's fspecial.
    """
    at_least("length of the motion", length, 1)
    if not math.isfinite(angle):
        raise ValueError(f"angle of the motion must be a number of degrees, such as 30, not {angle}")
    half, x, y = (length - 1) / 2, np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    reach = int(np.ceil(half))
    rows, columns = np.mgrid[reach : -reach - 1 : -1, -reach : reach + 1]
    along = np.clip(columns * x + rows * y, -half, half)
    return unit(np.clip(1 - np.hypot(columns - along * x, rows - along * y), 0, 1))


def shake(size: int = 25, rng: Seed = 0) -> np.ndarray:
    """Camera shake in ``size`` x ``size`` pixels: the path of a point whose velocity drifts at random (cf. Boracchi, Foi 2012).

    The centre of mass lies on the middle of the array.
    """
    at_least("size of the shake", size, 3, whole=True)
    size = int(size)
    rng = generator(rng)
    velocity, path = np.zeros(2), np.zeros((2000, 2))
    for k in range(1, len(path)):
        velocity = 0.995 * velocity + rng.standard_normal(2)
        path[k] = path[k - 1] + velocity
    path -= path.mean(0)
    return unit(traced((size - 1) / 2 * (1 + path / np.abs(path).max()), size))


def traced(points: np.ndarray, size: int) -> np.ndarray:
    """Time that points [n, 2] = (row, column) spend in each pixel, shared between the nearest four."""
    corner = np.floor(points).astype(int)
    share = points - corner
    time = np.zeros((size + 1, size + 1))
    for step in np.ndindex(2, 2):
        weight = np.abs(1 - np.array(step) - share).prod(1)
        np.add.at(time, tuple((corner + step).T), weight)
    return time[:size, :size]


LARGEST = 1000  # pixels: a larger number is a slip of the keyboard, and its kernel would fill the memory
KERNELS: dict[str, Callable[..., np.ndarray]] = {"gaussian": gaussian, "uniform": uniform, "disk": disk, "motion": motion, "shake": shake}
# "kernel.png", "kernels.mat:3", "folder/kernel": a suffix begins with a letter, unlike that of "gaussian:1.6".
FILE = re.compile(r"(.+\.[a-z][a-z0-9]{2,3}|.*[/\\].*?)(?::(\d+))?", re.IGNORECASE)


def named(text: str) -> np.ndarray:
    """A kernel from a text: a name with numbers, "motion:15:30", or a file, "kernel.png", "kernels.mat:3".

    Raises:
        ValueError: unknown name, numbers that do not fit, a file without a kernel.
        FileNotFoundError: no such file.
    """
    if file := FILE.fullmatch(text):
        return load(file[1], None if file[2] is None else int(file[2]))
    name, values = arguments("kernel", text, KERNELS)
    try:
        return KERNELS[name](**values)
    except TypeError as error:  # a seed that is no whole number
        raise ValueError(f"kernel {text!r} cannot be made: {error}") from None


def load(path: str | Path, index: int | None = None) -> np.ndarray:
    """A kernel from a .npy or .mat file or a picture, scaled to sum to one; ``index`` from 0 picks one of several in a .mat file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no kernel or several in it, a damaged file.
        ImportError: a MATLAB v7.3 file, and h5py is not installed.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if path.is_dir() or reader is None:
        raise ValueError(f"kernel file {path} is not .npy, .png or .mat; save it as one of these")
    if not path.is_file():
        raise FileNotFoundError(f"no kernel file {path}; check the path")
    try:
        found = [array for array in reader(path) if array.ndim == 2 and array.dtype.kind in "fiu"]
    except ImportError:
        raise
    except Exception as error:  # a damaged file fails in its reader's own way
        raise ValueError(f"{path} cannot be read as a kernel ({error}); save it again") from None
    if not found:
        raise ValueError(f"{path} holds no kernel; a kernel is a two-dimensional array of numbers")
    if (index is None and len(found) > 1) or (index or 0) >= len(found):
        raise ValueError(f"{path.name} holds {len(found)} kernels; pick one by its number, {path.name}:0 to {path.name}:{len(found) - 1}")
    return unit(as_kernel(found[index or 0]))


def read_npy(path: Path) -> list[np.ndarray]:
    """
    Raises:
        ValueError: not a file that ``numpy.save`` wrote, or one of Python objects, which could run code when read.
    """
    try:
        return [np.load(path)]
    except (ValueError, EOFError, OSError):
        raise ValueError("it is no array of numbers that numpy.save wrote") from None


def read_picture(path: Path) -> list[np.ndarray]:
    """Brightness on a black ground; a kernel that only the alpha channel holds is read from there.

    Raises:
        ValueError: a kernel drawn dark on white.
    """
    import torch
    from PIL import Image

    from problems.images import in_channels, pixels

    with Image.open(path) as image:
        x = torch.from_numpy(np.moveaxis(pixels(image).reshape(image.height, image.width, -1), -1, 0).astype(np.float64))
    grey = in_channels(x[None, :3], 1)[0, 0].numpy()
    if len(x) == 4:
        alpha = x[3].numpy()
        grey = grey * alpha if (grey * alpha).any() else alpha
    if drawn_on_white(grey):
        raise ValueError("it is drawn on a white ground; invert it, so that the ground is black")
    return [grey]


def drawn_on_white(grey: np.ndarray) -> bool:
    """Whether all corners are as bright as anything while most of the darkness lies within."""
    corners = grey[[0, 0, -1, -1], [0, -1, 0, -1]]
    return bool(corners.min() > 0.9 * grey.max() > 0 and grey.min() < 0.5 * grey.max() and np.median(grey) > 0.9 * grey.max())


def read_mat(path: Path) -> list[np.ndarray]:
    """All arrays in a MATLAB file, cells opened, in MATLAB's order."""
    import scipy.io

    try:
        variables = scipy.io.loadmat(path)
    except NotImplementedError:  # v7.3 files are HDF5
        return read_hdf5(path)
    arrays = [value for key, value in variables.items() if not key.startswith("__")]
    return [item for a in arrays for item in (a.ravel(order="F") if a.dtype == object else [a])]


def read_hdf5(path: Path) -> list[np.ndarray]:
    """HDF5 lists the axes of a MATLAB array the other way round: all are transposed."""
    try:
        import h5py
    except ModuleNotFoundError:
        raise ImportError(f"{path} is a MATLAB v7.3 file and needs h5py; pip install h5py, or save it with -v7") from None
    with h5py.File(path) as file:
        sets = [file[key] for key in file if isinstance(file[key], h5py.Dataset)]
        return [np.array(item).T for s in sets for item in ([file[cell] for cell in s[()].flat] if s.dtype == object else [s])]


READERS: dict[str, Callable[[Path], list[np.ndarray]]] = {".npy": read_npy, ".mat": read_mat, **dict.fromkeys(PICTURES, read_picture)}


def as_kernel(kernel: Any) -> np.ndarray:
    """A kernel from a text, an array [h, w] or a tensor, as float64; arrays are not rescaled.

    Raises:
        ValueError: empty, not two-dimensional, not finite, or without a positive sum.
    """
    if isinstance(kernel, str | Path):
        return named(str(kernel))
    if hasattr(kernel, "detach"):
        kernel = kernel.detach().cpu().double().numpy()
    array = np.array(kernel, dtype=np.float64)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"a kernel is an array [height, width] with at least one value, not one of shape {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ValueError("the kernel holds NaN or infinite values; replace them by numbers")
    if np.abs(array).max() > np.finfo(np.float32).max:
        raise ValueError(f"the kernel holds values as large as {np.abs(array).max():.3g}, more than a picture can; divide it by its sum")
    if not array.sum() > 0:
        raise ValueError(f"the kernel sums to {array.sum():.3g}; it needs a positive sum, or the brightness of the image is not measured")
    return array


def unit(kernel: np.ndarray) -> np.ndarray:
    return kernel / kernel.sum()


def at_least(what: str, value: float, lowest: float, whole: bool = False) -> None:
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be {kind}, not {value!r}")
    if not (math.isfinite(value) and value >= lowest and (not whole or value == int(value))):
        raise ValueError(f"{what} must be {kind} from {lowest} on, not {value}")
    if value > LARGEST:
        raise ValueError(f"{what} must be {LARGEST} at most, not {value:g}: larger kernels hide every picture")
