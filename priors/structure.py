"""A side branch that tells a frozen network where the edges are (Zhang, Rao, Agrawala 2023, "ControlNet").

The branch reads the map of edges beside the noisy image, by copies of the first block of every scale of the network; what it
finds joins the network's skips through 1x1 convolutions that are zero to begin with. The network stays as it is: without a
map it answers to the last bit as before, and only the branch is trained and stored.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from priors import learned
from priors.learned import SHIPPED, read_card, read_state
from priors.network import Block, Denoiser, UNet
from priors.pictured import Pictured, opened

PARTS = ("blocks", "down", "variance", "look", "joins")  # of the network: all that is trained and stored
CANNY = 1.5  # pixels: standard deviation of the Gaussian before edges are looked for
NEAR = 1  # pixels that an edge may be off and still count as found


class Steered(nn.Module):
    """A frozen U-Net with a branch beside its way down; in the place of ``UNet`` within a ``Denoiser``."""

    def __init__(self, net: UNet, condition: int = 1):
        super().__init__()
        self.frozen, self.stride, self.labels = net.requires_grad_(False), net.stride, 0
        stages = [*net.encoder, net.bottom]
        self.blocks = nn.ModuleList(copy.deepcopy(stage[0]) for stage in stages).requires_grad_()
        self.down = copy.deepcopy(net.down).requires_grad_()
        self.variance = copy.deepcopy(net.variance).requires_grad_()
        widths = [block.second.out_channels for block in self.blocks if isinstance(block, Block)]
        self.look = nn.Conv2d(condition, widths[0], 3, padding=1, bias=False)
        self.joins = nn.ModuleList(nn.Conv2d(width, width, 1) for width in widths)
        for parameter in self.joins.parameters():
            nn.init.zeros_(parameter)

    def embedded(self, level: Tensor, label: Tensor | None = None) -> Tensor:
        return self.frozen.embedded(level)

    def tail(self, h: Tensor) -> Tensor:
        return self.frozen.tail(h)

    def forward(self, x: Tensor, level: Tensor, label: Tensor | None = None, picture: Tensor | None = None) -> Tensor:
        return self.tail(self.features(x, self.embedded(level), picture))

    def features(self, x: Tensor, level: Tensor, picture: Tensor | None = None) -> Tensor:
        return self.frozen.features(x, level, added=() if picture is None else self.beside(x, level, picture))

    def beside(self, x: Tensor, level: Tensor, picture: Tensor) -> list[Tensor]:
        """What joins each scale, from the finest on."""
        h, found = self.frozen.head(x) + self.look(picture), []
        for i, (block, join) in enumerate(zip(self.blocks, self.joins, strict=True)):
            h = self.down[i - 1](h) if i else h
            h = block(h, level)
            found.append(join(h))
        return found

    def branch(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self.state_dict().items() if name.startswith(PARTS)}


def steered(base: Denoiser) -> Denoiser:
    """A trained denoiser with a new branch."""
    return Denoiser(Steered(base.net), base.mean, base.std).to(memory_format=torch.channels_last)  # type: ignore[arg-type, call-overload]


def edges(picture: np.ndarray) -> np.ndarray:
    """Edges of a grey picture [H, W] by Canny (1986): [H, W], 1 on an edge and 0 elsewhere."""
    from skimage.feature import canny

    return canny(picture.astype(np.float64), CANNY).astype(np.float32)


def edge_maps(clean: Tensor) -> Tensor:
    """Those of pictures [B, 1, H, W]."""
    return torch.stack([torch.from_numpy(edges(each[0].cpu().numpy()))[None] for each in clean]).to(clean)


def f_score(found: np.ndarray, wanted: np.ndarray) -> float:
    """Harmonic mean of the share of found edges that are wanted, and of wanted edges that are found, NEAR pixels off at most; [H, W]."""
    from scipy.ndimage import binary_dilation

    window = np.ones((2 * NEAR + 1, 2 * NEAR + 1), bool)
    one, other = found > 0.5, wanted > 0.5
    if not (one.any() and other.any()):
        return float(one.any() == other.any())
    precision = (one & binary_dilation(other, window)).sum() / one.sum()
    recall = (other & binary_dilation(one, window)).sum() / other.sum()
    return float(2 * precision * recall / max(precision + recall, 1e-12))


def structured(
    picture: str | Path | None = None, guidance: float = 1.0, weights: str | Path | None = None,
    device: str | torch.device = "cpu", precision: str = "auto",
) -> Pictured:  # fmt: skip
    """Photographs in grey that have the edges of ``picture``, a file: a map, white on an edge, or a photograph, whose edges are taken."""
    prior = read(Path(weights or SHIPPED / "edges-grey.safetensors"), device, precision)
    return prior.given(None if picture is None else map_of(opened(Path(picture))), None, guidance)


def map_of(picture: Tensor) -> Tensor:
    """A picture [1, 3, H, W] that is black and white already, as it is; otherwise its edges; [1, 1, H, W]."""
    grey = picture.mean(1, keepdim=True)
    return (grey > 0.5).float() if bool(((grey < 0.1) | (grey > 0.9)).all()) else edge_maps(grey)


def read(weights: Path, device: str | torch.device = "cpu", precision: str = "auto") -> Pictured:
    """The shipped diffusion prior with a branch from its .safetensors file and the card beside it: ``given`` takes maps [B, 1, H, W].

    Raises:
        FileNotFoundError, ValueError: weights or card missing, damaged, or of a branch for another network.
    """
    card = read_card(weights)
    base = learned.read(SHIPPED / "diffusion-grey.safetensors", device, precision)
    if card.get("base") != base.card["sha256"]:
        raise ValueError(f"{weights} is no branch for the diffusion prior that is here; train it again with priorbench train edges")
    net = steered(base.net)
    net.net.load_state_dict(read_state(weights, net.net.branch()), strict=False)  # type: ignore[operator]
    return Pictured(net, card, device, precision)
