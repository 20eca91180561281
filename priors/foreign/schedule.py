"""The noise of a discrete variance-preserving diffusion: from the file of a scheduler of diffusers to its levels and its answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

PREDICTIONS = ("epsilon", "v_prediction", "sample")
CLIPS = ("DDPM", "DDIM")  # schedulers that clip unless told otherwise
PRESERVING = (
    "DDPM", "DDIM", "PNDM", "DPMSolver", "DEIS", "UniPC", "Euler", "Heun", "LMS", "KDPM2", "SASolver", "LCM", "TCD", "IPNDM",
)  # fmt: skip


@dataclass(frozen=True)
class Schedule:
    """x_t = sqrt(alpha_bar_t) (clean + sigma_t epsilon), t = 0, 1, .. (Ho, Jain, Abbeel 2020), and what the network predicts of it.

    ``sigma`` [T] is sqrt(1 / alpha_bar - 1), rising, only as far as it is finite: with zero terminal SNR the last step tells
    nothing. ``clip`` bounds the clean image, None where it does not.
    """

    sigma: np.ndarray
    prediction: str
    clip: float | None

    @staticmethod
    def read(config: Mapping[str, Any]) -> Schedule:
        """From the entries of scheduler_config.json.

        Raises:
            ValueError: another process or prediction, or an unknown schedule.
        """
        if not {"_class_name", "beta_schedule", "trained_betas"} & set(config):
            raise ValueError("these entries are of no scheduler with betas; give those of one, such as the file of a DDPMScheduler")
        name = str(config.get("_class_name", "DDPMScheduler"))
        if not name.startswith(PRESERVING) or "Flow" in name or config.get("use_flow_sigmas"):
            raise ValueError(f"the scheduler {name} is no variance-preserving diffusion; give a model with one such as DDPMScheduler")
        prediction = config.get("prediction_type", "epsilon")
        if prediction not in PREDICTIONS:
            raise ValueError(f"the prediction {prediction!r} of {name} is not known; known: {', '.join(PREDICTIONS)}")
        if config.get("thresholding"):
            raise ValueError(f"{name} has dynamic thresholding, which rescales every answer; set thresholding to false in its file")
        alpha_bar = np.cumprod(1 - betas(config))
        if config.get("rescale_betas_zero_snr"):
            alpha_bar = zero_terminal(alpha_bar)
        known = alpha_bar[alpha_bar > 1e-12]
        sigma = np.sqrt(1 / known - 1)
        if len(sigma) < 2 or not (sigma[0] > 0 and (np.diff(sigma) > 0).all()):
            raise ValueError(f"the levels of {name} do not rise; correct its file")
        clips = config.get("clip_sample", name.startswith(CLIPS))
        return Schedule(sigma, prediction, float(config.get("clip_sample_range", 1.0)) if clips else None)

    def step(self, sigma: float, nearest: bool) -> tuple[float, float]:
        """(t, sigma_t) of the nearest step, or of the place between two that has this sigma, linear in log sigma."""
        logs = np.log(self.sigma)
        t = float(np.interp(math.log(sigma), logs, np.arange(len(logs))))
        if nearest:
            below, above = math.floor(t), math.ceil(t)
            t = float(min((below, above), key=lambda k: abs(logs[k] - math.log(sigma))))
        return t, float(np.exp(np.interp(t, np.arange(len(logs)), logs)))

    def clean(self, net: Callable[[Tensor, float], Tensor], x: Tensor, sigma: float, nearest: bool) -> Tensor:
        """E[clean | x] for x with noise of sigma, both in the network's pixels; net(x_t, t) answers its prediction.

        Of the nearest step the score is taken (Tweedie).
        """
        t, level = self.step(sigma, nearest)
        alpha_bar = 1 / (1 + level**2)
        found = net(math.sqrt(alpha_bar) * x, t)
        if self.prediction == "epsilon":
            found = x - level * found
        elif self.prediction == "v_prediction":  # v = sqrt(alpha_bar) epsilon - sqrt(1 - alpha_bar) clean (Salimans, Ho 2022)
            found = alpha_bar * x - level * math.sqrt(alpha_bar) * found
        if self.clip is not None:
            found = found.clamp(-self.clip, self.clip)
        return x + (sigma / level) ** 2 * (found - x) if nearest else found


def betas(config: Mapping[str, Any]) -> np.ndarray:
    """Variances that the steps add, [T].

    Raises:
        ValueError: an unknown schedule, or numbers that are no variances.
    """
    try:
        found = named_betas(config)
    except (TypeError, OverflowError):
        found = None
    if found is None or found.ndim != 1 or len(found) < 2 or not ((found > 0) & (found <= 1)).all():
        raise ValueError("the betas of the scheduler are no rising list of variances in (0, 1]; correct its file")
    return found


def named_betas(config: Mapping[str, Any]) -> np.ndarray:
    if config.get("trained_betas") is not None:
        return np.asarray(config["trained_betas"], float)
    name, count = config.get("beta_schedule", "linear"), int(config.get("num_train_timesteps", 1000))
    first, last = float(config.get("beta_start", 1e-4)), float(config.get("beta_end", 0.02))
    if name == "linear":
        return np.linspace(first, last, count)
    if name == "scaled_linear":  # of latent diffusion (Rombach et al. 2022)
        return np.linspace(math.sqrt(first), math.sqrt(last), count) ** 2
    if name == "squaredcos_cap_v2":  # Nichol, Dhariwal 2021
        remaining = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * math.pi / 2) ** 2
        return np.minimum(1 - remaining[1:] / remaining[:-1], 0.999)
    if name == "sigmoid":  # GeoDiff
        return first + (last - first) / (1 + np.exp(-np.linspace(-6, 6, count)))
    raise ValueError(f"the schedule {name!r} is not known; known: linear, scaled_linear, squaredcos_cap_v2, sigmoid")


def zero_terminal(alpha_bar: np.ndarray) -> np.ndarray:
    """Shifted and scaled to end in pure noise (Lin et al. 2024, algorithm 1)."""
    root = np.sqrt(alpha_bar)
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
