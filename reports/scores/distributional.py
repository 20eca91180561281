"""Is the picture of the right kind? Its patches and its spectrum against the truth's, wherever in the picture they are.

A blurred answer can be near the truth pixel by pixel and have the texture of no photograph; a sample can be far from it and have the right
one. Both numbers here compare distributions, not pixels: numpy in, clipped to [0, 1] as a screen would.
"""

from __future__ import annotations

import functools

import numpy as np

PATCH = 7  # pixels; all patches count: with every third along each axis, a moved scene seems three times as far
DIRECTIONS = 32  # 512 change a distance by 2 % on average
LEVELS = 2  # bands of an octave each, from the finest
EIGHT_BIT = 1 / 255**2 / 12  # power that rounding to 8 bits leaves in every Fourier coefficient: what lies below is no content
BANDS_PER_OCTAVE = 2


def swd(pictures: np.ndarray, truth: np.ndarray) -> float:
    """Sliced Wasserstein distance of the patches of a picture from those of ``truth``, in pixel units, mean over ``pictures`` [n, H, W, C].

    0 for the same patches, wherever they are. All patches of 7 x 7 pixels of the two finest bands of a Laplacian pyramid are
    projected on 32 fixed random directions of length 1, and the sorted projections compared (Rabin et al. 2011; on bands of a
    pyramid Karras et al. 2018, who normalise them: here contrast that is lost counts). Mean over patches, directions, bands.
    """
    real = [projections(band) for band in bands(truth)]
    return float(np.mean([np.abs(projections(band) - other).mean() for x in pictures for band, other in zip(bands(x), real, strict=True)]))


def projections(image: np.ndarray) -> np.ndarray:
    """Of all patches of [H, W, C] on the fixed directions, sorted along each: [directions, patches] float32."""
    side = min(PATCH, *image.shape[:2])
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(np.float32), (side, side), (0, 1))
    patches = windows.reshape(-1, windows[0, 0].size)
    # A matrix product would depend in its last digits on the number of threads, and so on how many cells are solved at once.
    return np.sort(np.einsum("dk,pk->dp", directions(patches.shape[-1]), patches), axis=-1)


@functools.cache
def directions(size: int) -> np.ndarray:
    """[directions, size] float32 of length 1, uniform on the sphere; always the same."""
    found = np.random.default_rng(0).standard_normal((DIRECTIONS, size))
    return (found / np.linalg.norm(found, axis=-1, keepdims=True)).astype(np.float32)


def bands(image: np.ndarray) -> list[np.ndarray]:
    """[H, W, C] and its half without their smooth parts: of a Laplacian pyramid (Burt, Adelson 1983) the finest bands."""
    from scipy.ndimage import correlate1d

    image, found = clipped(image), []
    for _ in range(LEVELS):
        smooth = image
        for axis in (0, 1):
            smooth = correlate1d(smooth, np.array((1, 4, 6, 4, 1)) / 16, axis, mode="mirror")
        found.append(image - smooth)
        image = smooth[::2, ::2]
    return found


def spectrum_db(pictures: np.ndarray, truth: np.ndarray) -> float:
    """Distance of the radial spectrum of a picture from that of ``truth`` in dB, mean over ``pictures`` [n, H, W, C].

    Root mean square over half octaves of the ratio of their powers; 0 where they agree. Power that is lost and power that is
    made up count alike. The power of 8-bit rounding is added to both: a picture cannot be wrong below what a file can hold.
    """
    real = octaves(truth)
    return float(np.mean([np.sqrt(np.mean(np.square(octaves(x) - real))) for x in pictures]))


def octaves(image: np.ndarray) -> np.ndarray:
    """Power of [H, W, C] in dB, in half octaves of radial frequency from the finest to the coarsest."""
    f, power = radial_power(np.moveaxis(clipped(image), -1, 0)[None])
    which = np.floor(BANDS_PER_OCTAVE * np.log2(0.5 / f)).astype(int)
    return np.array([10 * np.log10(power[which == k].mean() + EIGHT_BIT) for k in np.unique(which)])


def radial_power(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f in cycles per pixel, mean power of an orthonormal Fourier coefficient there) of images [N, C, H, W], means taken off.

    A Hann window keeps the jump at the border of a photograph out of the fine frequencies.
    """
    height, width = images.shape[-2:]
    window = np.hanning(height)[:, None] * np.hanning(width)
    centred = images - images.mean((-2, -1), keepdims=True)
    power = (np.abs(np.fft.fft2(centred * window, norm="ortho")) ** 2 / (window**2).mean()).mean((0, 1))
    rings = np.rint(np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) * min(height, width)).astype(int).ravel()
    inside = slice(1, min(height, width) // 2)
    sums, counts = np.bincount(rings, power.ravel()), np.bincount(rings)
    return np.arange(len(sums))[inside] / min(height, width), sums[inside] / counts[inside]


def clipped(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 1).astype(np.float64)
