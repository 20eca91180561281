"""One small denoising network: a residual U-Net that is told the noise level, in EDM preconditioning.

Every level works at full channel width of its scale, the full-resolution level is thin (24 channels by default), the coarse
ones are deep, and each residual block is modulated by the noise level (FiLM).  Fully convolutional: any height and width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


class Modulated(nn.Module):
    """Two convolutions; between them the noise level scales and shifts the features (FiLM, Perez 2018). Zero to begin with.

    ``dropout`` is the share of features left out in training, none unless it is set.
    """

    dropout = 0.0

    def __init__(self, inputs: int, hidden: int, outputs: int, embedding: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, outputs, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * hidden)
        for layer in (self.film, self.second):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, h: Tensor, level: Tensor) -> Tensor:
        h = self.first(h)
        with exact(level):
            scale, shift = self.film(level)[:, :, None, None].chunk(2, dim=1)
            modulated = torch.addcmul(shift.to(h.dtype), h, (1 + scale).to(h.dtype))
        h = functional.relu(modulated, inplace=True)
        return self.second(functional.dropout(h, self.dropout, self.training) if self.dropout else h)


def exact(level: Tensor) -> torch.autocast:
    """The noise level is computed in float32 also where the network is in bfloat16: rounded to 8 bits it costs 0.01 dB."""
    return torch.autocast(level.device.type, enabled=False)


class Block(Modulated):
    """Residual block. A new one changes nothing: a deeper network begins as a shallower one."""

    def __init__(self, channels: int, embedding: int):
        super().__init__(channels, channels, channels, embedding)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        return x + super().forward(x, level)


ERROR_FEATURES = 32  # of the head that tells the error of each pixel
# Bounds of the std, in units of what not looking at the image would leave: beyond the upper one an image is none and a chain
# would run away; below the lower one, which flat white may reach, a likelihood explodes at the first edge.
LEAST, MOST = math.log(1 / 200), math.log(4)


class UNet(nn.Module):
    """F(x, c): [B, C, H, W] and [B] to [B, C, H, W]; strided 2x2 down, transposed 2x2 up, additive skips, zero tail.

    ``widths`` and ``blocks`` go from the finest level to the coarsest; ``blocks`` on the way down, and as many on the way up.
    With ``labels`` the network is conditional: a vector for each label, and one for none (Ho, Salimans 2022), joins the noise
    level on its way to every block. With ``condition`` channels it is shown a second picture of the size of x. The kernels that
    read that picture are zero to begin with, so that a network trained without one begins as what it was.
    """

    def __init__(
        self, channels: int, widths: Sequence[int], blocks: Sequence[int], embedding: int = 64, labels: int = 0, condition: int = 0
    ):
        super().__init__()
        self.labels = labels
        self.stride = 2 ** (len(widths) - 1)
        self.embed = nn.Sequential(nn.Linear(1, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU())
        self.head = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.tail = nn.Conv2d(widths[0], channels, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

        def stage(width: int, depth: int) -> nn.ModuleList:
            return nn.ModuleList(Block(width, embedding) for _ in range(depth))

        steps, levels = list(pairwise(widths)), list(zip(widths, blocks, strict=True))
        self.encoder = nn.ModuleList(stage(*level) for level in levels[:-1])
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in steps)
        self.bottom = stage(*levels[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in reversed(steps))
        self.decoder = nn.ModuleList(stage(*level) for level in reversed(levels[:-1]))
        self.variance = Modulated(widths[0], ERROR_FEATURES, 1, embedding)  # the log of a standard deviation (Nix, Weigend 1994)
        if labels:
            self.label = nn.Embedding(labels + 1, embedding)  # the last is "no label"
            nn.init.normal_(self.label.weight, std=0.0 if condition else 0.5)
        if condition:
            self.look = nn.Conv2d(condition, widths[0], 3, padding=1, bias=False)
            nn.init.zeros_(self.look.weight)

    def forward(self, x: Tensor, level: Tensor, label: Tensor | None = None, picture: Tensor | None = None) -> Tensor:
        return self.tail(self.features(x, self.embedded(level, label), picture))

    def embedded(self, level: Tensor, label: Tensor | None = None) -> Tensor:
        """Noise levels [B], and labels [B] (whole numbers; None: no label) where the network has any, to [B, embedding]."""
        with exact(level):
            if not self.labels:
                return self.embed(level[:, None])
            if label is None:
                label = torch.full(level.shape, self.labels, device=level.device)
            return self.embed[2:](self.embed[:2](level[:, None]) + self.label(label))

    def features(self, x: Tensor, level: Tensor, picture: Tensor | None = None, added: Sequence[Tensor] = ()) -> Tensor:
        """What the tail and the variance head read: [B, widths[0], H, W] from an embedded level [B, embedding].

        ``added``, where a side branch has any, joins the skips from the finest on, and then the coarsest level.
        """
        h, skips = self.head(x), []
        h = h if picture is None else h + self.look(picture)
        for blocks, down in zip(self.encoder, self.down, strict=True):
            h = through(blocks, h, level)
            skips.append(h)
            h = down(h)
        h = through(self.bottom, h, level)
        if added:
            *beside, coarsest = added
            h, skips = h + coarsest, [skip + more for skip, more in zip(skips, beside, strict=True)]
        for up, blocks in zip(self.up, self.decoder, strict=True):
            h = through(blocks, up(h) + skips.pop(), level)
        return h


def through(blocks: nn.Module, h: Tensor, level: Tensor) -> Tensor:
    for block in blocks:  # type: ignore[attr-defined]
        h = block(h, level)
    return h


class Denoiser(nn.Module):
    """D(x, sigma) = mean + c_skip z + c_out F(c_in z, ln(sigma) / 4), z = x - mean (Karras et al. 2022, table 1).

    The coefficients keep input and target of F at unit variance for every sigma, so one network serves from 8-bit rounding
    to pure noise.  ``sigma`` is a standard deviation in pixel units, one per image: [B].
    """

    def __init__(self, net: UNet, mean: float = 0.45, std: float = 0.25):
        super().__init__()
        self.net, self.mean, self.std = net, mean, std

    def coefficients(self, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        total = (sigma**2 + self.std**2).sqrt()
        return self.std**2 / total**2, sigma * self.std / total, 1 / total

    def forward(self, x: Tensor, sigma: Tensor, label: Tensor | None = None, picture: Tensor | None = None) -> Tensor:
        c_skip, c_out, c_in = (c[:, None, None, None] for c in self.coefficients(sigma))
        z = x - self.mean
        return self.mean + c_skip * z + c_out * self.residual(c_in * z, sigma, label, picture)

    def residual(self, scaled: Tensor, sigma: Tensor, label: Tensor | None = None, picture: Tensor | None = None) -> Tensor:
        """F at any size."""
        return cut(self.net(self.padded(scaled), sigma.log() / 4, label, self.seen(picture)), scaled)

    def conditional(
        self, x: Tensor, sigma: Tensor, label: Tensor | None = None, picture: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """D and the standard deviation of each pixel of the clean image about it, [B, C, H, W] and [B, 1, H, W], in one pass."""
        c_skip, c_out, c_in = (c[:, None, None, None] for c in self.coefficients(sigma))
        z = x - self.mean
        residual, log_std = self.residual_and_error(c_in * z, sigma, label, picture)
        return self.mean + c_skip * z + c_out * residual, c_out * log_std.exp()

    def residual_and_error(
        self, scaled: Tensor, sigma: Tensor, label: Tensor | None = None, picture: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """F and the log of the standard deviation of its error: [B, C, H, W] and [B, 1, H, W].

        The second reads the features and, in training, leaves them as they are.
        """
        level = self.net.embedded(sigma.log() / 4, label)
        h = self.net.features(self.padded(scaled), level, self.seen(picture))
        log_std = self.net.variance(h.detach(), level.detach())
        return cut(self.net.tail(h), scaled), cut(log_std, scaled).float().clamp(LEAST, MOST)

    def seen(self, picture: Tensor | None) -> Tensor | None:
        """A condition [B, K, H, W] in [0, 1] as the network reads it."""
        return None if picture is None else self.padded((picture - self.mean) / self.std)

    def padded(self, x: Tensor) -> Tensor:
        """Extended at the right and the bottom to a multiple of the network's stride."""
        return pad(x, (-x.shape[-1] % self.net.stride, -x.shape[-2] % self.net.stride))


def pad(x: Tensor, extra: tuple[int, int]) -> Tensor:
    """Extend right and bottom by reflection, or by the last pixel where the image is too small to reflect."""
    if extra == (0, 0):
        return x
    reflects = extra[0] < x.shape[-1] and extra[1] < x.shape[-2]
    return functional.pad(x, (0, extra[0], 0, extra[1]), mode="reflect" if reflects else "replicate")


def cut(x: Tensor, like: Tensor) -> Tensor:
    return x[..., : like.shape[-2], : like.shape[-1]]


def build(
    channels: int, widths: Sequence[int], blocks: int | Sequence[int], mean: float, std: float, embedding: int = 64, labels: int = 0,
    condition: int = 0,
) -> Denoiser:  # fmt: skip
    """The network that a model card describes, in channels_last layout (faster on CPU and GPU alike)."""
    net = UNet(channels, widths, [blocks] * len(widths) if isinstance(blocks, int) else blocks, embedding, labels, condition)
    return Denoiser(net, mean=mean, std=std).to(dtype=torch.float32, memory_format=torch.channels_last)  # type: ignore[call-overload]
