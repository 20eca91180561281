"""BM3D: similar blocks are stacked and their transform coefficients shrunk together. The strongest of the classical denoisers."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from priors.error import ErrorCurve, KnowsItsError, stored
from priors.gaussian import turn
from priors.slot import checks_question

SMALLEST = 16  # the compiled library crashes on 8x8 pixels and refuses less


class BM3D(KnowsItsError):
    """Block matching and 3-D filtering (Dabov et al. 2007) by the authors' package ``bm3d``, the images of a batch in parallel.

    Colour images are turned to orthonormal opponent colours, blocks matched on brightness: as good as ``bm3d_rgb`` up to
    50/255, better above, and defined for flat colours too. Images with a side below 16 are continued by reflection.

    Args:
        processes: how many images are filtered at a time, by default one per core; 1 stays in this process.

    Raises:
        ImportError: the package ``bm3d`` is not installed.
        ValueError: ``processes`` below 1.
    """

    name, family, mmse = "bm3d", "classical", False
    sigma_range = (0.0001, 2.5)  # below, the library's single precision weighs as much as the noise
    licence = "BM3D software: copyright Tampere University, nonprofit non-commercial use only; published results must refer to its authors."

    def __init__(self, processes: int | None = None):
        try:
            import bm3d
        except ImportError:
            raise ImportError("prior 'bm3d' needs a package with a non-commercial licence: pip install bm3d") from None
        if processes is not None and processes < 1:
            raise ValueError(f"processes must be at least 1, not {processes}")
        self.processes, self.filter = processes, bm3d.bm3d
        self.profile = bm3d.BM3DProfile()
        self.profile.nf = 16  # grid for the variances of coloured noise; half the default costs white noise 0.02 dB and saves half the time
        self.profile.num_threads = 1  # more would sum in varying order: two calls would differ

    @property
    def error(self) -> ErrorCurve:
        return stored(self.name)

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        height, width = x.shape[-2:]
        images = turn(x.detach().double()).permute(0, 2, 3, 1).cpu().numpy()
        margins = ((0, 0), (0, max(0, SMALLEST - height)), (0, max(0, SMALLEST - width)), (0, 0))
        images = np.pad(images, margins, mode="symmetric")
        rough = [k for k, image in enumerate(images) if sigma > 0 and np.ptp(image[..., 0]) > 0]  # nothing to match in flat ones
        for k, found in zip(rough, self.filter_all(images[rough], sigma), strict=True):
            images[k] = found.reshape(images[k].shape)
        found = x.new_tensor(images[:, :height, :width]).permute(0, 3, 1, 2)
        return turn(found, back=True).contiguous()

    def filter_all(self, images: np.ndarray, sigma: float) -> list[Any]:
        """Images [N, H, W, C] one by one, in as many processes as there is work for."""
        if len(images) < 2 or self.processes == 1:
            return [self.filter(image, sigma, self.profile) for image in images]
        from joblib import Parallel, cpu_count, delayed

        workers = Parallel(min(self.processes or cpu_count(), len(images)), max_nbytes=None)
        return workers(delayed(self.filter)(image, sigma, self.profile) for image in images)
