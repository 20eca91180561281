"""The optimiser of the training: Muon for the kernels between features, Adam for all that is thin.

Muon (Jordan et al. 2024) replaces the momentum of each weight matrix by the nearest orthogonal matrix, so that all directions
learn at the same pace.  With it 200 core-seconds of training give 0.5 to 0.6 dB more than with Adam alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Optimiser:
    """Both parts behind one ``step``. A kernel [out, in, h, w] is one matrix [out, h w in]; Muon's step has Adam's usual size."""

    def __init__(self, model: nn.Module, rate: float):
        self.kernels = [p for p in model.parameters() if between_features(p)]
        self.matrices = [nn.Parameter(matrix(p.detach())) for p in self.kernels]  # views: a step on them moves the kernels
        muon = torch.optim.Muon(self.matrices, rate, weight_decay=0, adjust_lr_fn="match_rms_adamw")
        thin = [p for p in model.parameters() if not between_features(p)]
        self.parts = (muon, torch.optim.AdamW(thin, rate, (0.9, 0.99), weight_decay=0, fused=True))

    def step(self, rate: float) -> None:
        """Descend along the gradients of the last backward pass, then forget them."""
        for view, kernel in zip(self.matrices, self.kernels, strict=True):
            view.grad = None if kernel.grad is None else matrix(kernel.grad)
            kernel.grad = None
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for part, held in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(held)


def between_features(p: Tensor) -> bool:
    """Convolution kernels that neither read nor write an image."""
    return p.ndim == 4 and min(p.shape[:2]) > 3


def matrix(kernel: Tensor) -> Tensor:
    """[out, in, h, w] to [out, h w in]; in channels_last layout that is a view."""
    return kernel.permute(0, 2, 3, 1).flatten(1)
