"""What we believe an image looks like: every prior is a denoiser in one slot, ``denoise(x, sigma)``."""

from priors.catalogue import CATALOGUE, load
from priors.slot import FAMILIES, Belief, Denoiser, Prior

__all__ = ["CATALOGUE", "FAMILIES", "Belief", "Denoiser", "Prior", "load"]
