"""What we believe an image looks like: every prior is a denoiser in one slot, ``denoise(x, sigma)``."""

from priors.catalogue import CATALOGUE, FOREIGN, load
from priors.foreign import adapt
from priors.slot import FAMILIES, Belief, Denoiser, Prior

__all__ = ["CATALOGUE", "FAMILIES", "FOREIGN", "Belief", "Denoiser", "Prior", "adapt", "load"]
