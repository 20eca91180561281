"""Training of the learned priors as a user's feature: any folder of pictures, any budget, stop and go on at will.

The recipe was measured, not guessed: small batches of small crops first (steps are scarce on a CPU, not pixels), larger crops
in the end, learning rate annealed against the budget consumed so that it always lands, a loss that counts every crop in
units of the error expected of it, and an exponential moving average of the weights.
"""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from priors.card import draft, finish, psnr_table
from priors.learned import Learned, read
from priors.network import Denoiser, build
from priors.optimiser import Optimiser
from priors.photographs import Bank, centre_crops, listing, split
from priors.precision import autocast, gains
from priors.recipe import PairRecipe, Recipe, Spent


class Clock:
    """Processor and wall seconds since the last reading."""

    def __init__(self, device: str):
        self.device = device
        self.last = self.read()

    def read(self) -> tuple[float, float]:
        wall = time.monotonic()
        return (time.process_time() if self.device == "cpu" else wall), wall

    def charge(self, spent: Spent) -> None:
        now = self.read()
        spent.core_seconds += now[0] - self.last[0]
        spent.wall_seconds += now[1] - self.last[1]
        self.last = now


class Trainer:
    """Network, optimiser, moving average, validation curve: the state that a checkpoint holds."""

    def __init__(self, recipe: Recipe, device: str = "cpu"):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, device
        self.model = self.built().to(device)
        self.average = self.built().to(device).requires_grad_(False)
        self.average.load_state_dict(self.model.state_dict())
        self.optimiser = Optimiser(self.model, recipe.rate)
        self.generator = torch.Generator(device).manual_seed(recipe.seed)
        self.spent, self.origin, self.curve = Spent(), dict[str, Any](), list[dict[str, Any]]()
        self.half = gains_from_bf16(self.model, recipe, device)

    def built(self) -> Denoiser:
        """The network before its training."""
        return build(**self.recipe.network)

    def prior(self) -> Learned:
        """The average so far, in the slot."""
        return Learned(self.average, self.draft("none yet"), self.device, "float32")

    def draft(self, licence: str) -> dict[str, Any]:
        """The model card as far as the run itself can fill it."""
        return draft(self.recipe, self.spent, licence, self.device) | self.origin | {"curve": self.curve}

    def sigmas(self, count: int) -> Tensor:
        """Half of the levels log-uniform over the whole range, half over the focus, each stratified within the batch."""
        recipe = self.recipe
        spans = [(recipe.sigma_min, recipe.sigma_max), recipe.focus]
        levels = []
        for (low, high), part in zip(spans, (count - count // 2, count // 2), strict=True):
            u = (torch.arange(part, device=self.device) + torch.rand(part, device=self.device, generator=self.generator)) / part
            levels.append(math.log(low) + u * math.log(high / low))
        return torch.cat(levels).exp()

    def learn(self, bank: Any) -> tuple[float, int]:
        """One step on crops of the bank; returns the loss and how many pixels were seen."""
        crops = bank.crops(self.recipe.batch, patch_size(self), self.generator)
        return self.step(crops), crops.numel() // self.recipe.channels

    def validated(self, held: Any) -> dict[str, float]:
        """PSNR of the average so far on what is held back, by sigma in /255."""
        return psnr_table(self.prior(), list(held.split(1)))

    def step(self, clean: Tensor, label: Tensor | None = None) -> float:
        """One optimiser step on clean crops [B, C, H, W], with their labels [B] where the network takes any; returns the loss."""
        sigma = self.sigmas(len(clean))
        return self.fit(clean, sigma, torch.randn(clean.shape, device=self.device, generator=self.generator), label)

    def fit(self, clean: Tensor, sigma: Tensor, noise: Tensor, label: Tensor | None = None, picture: Tensor | None = None) -> float:
        """One step on clean + sigma x noise, with the label [B] and the condition [B, K, H, W] where the network takes them."""
        c_skip, c_out, c_in = (c[:, None, None, None] for c in self.model.coefficients(sigma))
        z = clean - self.model.mean + sigma[:, None, None, None] * noise
        target = (clean - self.model.mean - c_skip * z) / c_out
        scaled = (c_in * z).contiguous(memory_format=torch.channels_last)
        with autocast(self.device, self.half):
            guess, log_std = self.model.residual_and_error(scaled, sigma, label, picture)
        loss = weighted(guess.float() - target, log_std.float())
        self.descend(loss)
        return loss.item() if self.spent.steps % 50 == 0 else math.nan

    def descend(self, loss: Tensor) -> None:
        """One step, the rate annealed against the budget consumed; the average spans the last tenth of the run at most."""
        share, recipe = self.spent.share(self.recipe), self.recipe
        warm = min(1.0, (self.spent.steps + 1) / recipe.warmup)
        loss.backward()
        if not torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0).isfinite():  # one such step would end the run
            self.spent.skipped += 1
            return self.model.zero_grad()
        self.optimiser.step(recipe.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share))))
        keep = min(recipe.ema, 1 - 10 / (self.spent.steps + 10))
        torch._foreach_lerp_(list(self.average.parameters()), [now.detach() for now in self.model.parameters()], 1 - keep)

    def begin_from(self, *weights: Path) -> None:
        """Fine-tuning: take every tensor of the same name and shape from trained weights, of any range and channel count.

        Of several weights, which must be of one network, the mean: trainings that share their past lie in one valley, and the
        middle of it knows what each learned (Wortsman et al. 2022, model soups).
        """
        starts = [read(file) for file in weights]
        if len({str(start.card["network"]) for start in starts}) > 1:
            raise ValueError(f"{' and '.join(map(str, weights))} are not of one network and have no mean; give one of them as --start")
        states = [start.net.state_dict() for start in starts]
        own = self.model.state_dict()
        mean = {key: torch.stack([state[key] for state in states]).mean(0) for key in states[0]}
        fitting = {key: value for key, value in mean.items() if key in own and value.shape == own[key].shape}
        for network in (self.model, self.average):
            network.load_state_dict(fitting, strict=False)
        self.origin = ancestry([start.card for start in starts])

    def save(self, path: Path) -> None:
        """Checkpoint with optimiser state; written beside and renamed, so a kill never leaves half a file."""
        state = {
            "recipe": asdict(self.recipe), "spent": asdict(self.spent), "model": self.model.state_dict(),
            "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(), "half": self.half, "origin": self.origin, "curve": self.curve,
        } | self.extra()  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def extra(self) -> dict[str, Any]:
        """What a special training keeps in its checkpoint beside this."""
        return {}

    @classmethod
    def resume(cls, path: Path, recipe: Recipe, device: str = "cpu") -> Self:
        """Go on from a checkpoint; ``recipe`` may change the budget, not the name, network or noise levels. The focus stays."""
        try:
            state = torch.load(path, map_location=device, weights_only=True)
            begun = type(recipe)(**state["recipe"])
        except Exception as error:  # torch raises a dozen kinds for a damaged file
            raise ValueError(f"{path} is not a readable checkpoint ({type(error).__name__}); start again without --resume") from None
        if (begun.name, begun.network, begun.sigma_range) != (recipe.name, recipe.network, recipe.sigma_range):
            raise ValueError(f"{path} holds another training; go on with the name, --channels and noise levels it was begun with")
        trainer = cls(replace(recipe, focus=begun.focus), device)
        try:
            trainer.load(state)
        except Exception as error:
            raise ValueError(f"{path} lacks a part of a checkpoint ({type(error).__name__}); start again without --resume") from None
        return trainer

    def load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"].cpu())
        self.spent, self.half = Spent(**state["spent"]), state["half"]
        self.origin, self.curve = state["origin"], state["curve"]


def ancestry(cards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a card tells of the trainings that another began from. One that was itself begun from another holds its seconds."""
    told = [f"{c['name']}, {c['network']['channels']} channels, sha256 {c['sha256'][:12]}" for c in cards]
    last = [c for c in cards if not any(c["sha256"][:12] in other.get("start", "") for other in cards)]
    seconds = sum(c["core_seconds"] + c.get("core_seconds_before", 0) for c in last)
    return {"start": " and ".join(told), "core_seconds_before": seconds}


def weighted(error: Tensor, log_std: Tensor) -> Tensor:
    """Loss of an error [B, C, H, W] of which the standard deviation exp(log_std) [B, 1, H, W] was expected: two terms, two teachers.

    The denoiser learns from squared errors, each crop in units of the mean square that was expected of it. That weight sees
    the noisy crop alone, so that E[clean | noisy] stays the best answer (weighted least squares, Aitken 1936), and smooth
    crops and low levels have their say (Karras et al. 2024 weigh by the level alone). The standard deviation learns from
    the Gaussian likelihood of the error (Nix, Weigend 1994; Kendall, Gal 2017).
    """
    expected = (2 * log_std.detach()).exp().mean((1, 2, 3), keepdim=True)
    likelihood = 0.5 * error.detach().square() * (-2 * log_std).exp() + log_std
    return (error.square() / expected).mean() + likelihood.mean()


def gains_from_bf16(model: Denoiser, recipe: Recipe, device: str) -> bool:
    """Whether this machine runs a training step faster in bfloat16: tried, since no flag tells it everywhere."""
    if device != "cpu":
        return torch.cuda.is_bf16_supported()
    x = torch.rand(recipe.batch, recipe.channels, recipe.patch, recipe.patch).contiguous(memory_format=torch.channels_last)
    sigma = torch.full((recipe.batch,), 0.1)
    picture = x if isinstance(recipe, PairRecipe) else None
    found = gains(lambda: model.residual(x, sigma, None, picture).float().square().mean().backward(), device)
    model.zero_grad()
    return found


@dataclass(frozen=True)
class Progress:
    """What a running training tells: consumed budget, seconds left, smoothed loss, validation PSNR by sigma in /255."""

    spent: Spent
    share: float
    loss: float
    psnr: dict[str, float]

    @property
    def seconds_left(self) -> float | None:
        """By the clock; None before any of the budget is consumed, since the pace is not known then."""
        return self.spent.wall_seconds * (1 - self.share) / self.share if self.share else None

    def describe(self) -> str:
        scores = ", ".join(f"{psnr:.2f} dB at {level}" for level, psnr in self.psnr.items())
        return f"{self.spent.steps} steps, loss {self.loss:.3f}, held-back pictures {scores}"


def patch_size(trainer: Trainer) -> int:
    """Small crops first; every other step of the last 60 %, every step of fine-tuning, sees twice the context.

    Many steps help at first; in the end more pixels do, of which large crops give twice as many a second.
    """
    late = trainer.spent.share(trainer.recipe) > 0.4 and trainer.spent.steps % 2
    return trainer.recipe.patch * (2 if trainer.origin or late else 1)


def run(trainer: Trainer, bank: Any, held: Any, checkpoint: Path, every: float = 180.0) -> Iterator[Progress]:
    """Train until the budget is consumed; yields progress and writes a checkpoint at the start, then every ``every`` seconds.

    A stop signal (SIGTERM, SIGINT) ends the run after the current step with a last checkpoint.
    """
    clock, due, losses, recipe = Clock(trainer.device), time.monotonic() + every, [0.0], trainer.recipe
    yield report(trainer, held, losses, checkpoint)
    with stop_signal() as stopped:
        while trainer.spent.share(recipe) < 1 and not stopped():
            loss, pixels = trainer.learn(bank)
            trainer.spent.steps += 1
            trainer.spent.pixels += pixels
            losses = [*losses[-49:], loss] if not math.isnan(loss) else losses
            clock.charge(trainer.spent)
            if time.monotonic() > due:
                yield report(trainer, held, losses, checkpoint)
                due = time.monotonic() + every
    yield report(trainer, held, losses, checkpoint)


def report(trainer: Trainer, held: Any, losses: Sequence[float], checkpoint: Path) -> Progress:
    psnr = trainer.validated(held)
    trainer.curve.append({"core_seconds": round(trainer.spent.core_seconds), "steps": trainer.spent.steps, "psnr": psnr})
    trainer.save(checkpoint)
    return Progress(trainer.spent, trainer.spent.share(trainer.recipe), sum(losses) / len(losses), psnr)


def prepared(folders: Sequence[Path], recipe: Recipe, device: str) -> tuple[Bank, Tensor]:
    """The photographs to train on, and crops [N, C, 96, 96] of those held back."""
    training, held = split(listing(folders))
    return Bank.load(training, recipe.channels, 2 * recipe.patch, device), centre_crops(held, recipe.channels, 96, 24).to(device)


@contextlib.contextmanager
def stop_signal() -> Iterator[Callable[[], bool]]:
    """Turn SIGTERM and SIGINT into a flag for the time of a run, so that training stops between two steps."""
    caught: list[int] = []
    before = {s: signal.signal(s, lambda number, frame: caught.append(number)) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train(
    folders: Sequence[Path],
    weights: Path,
    recipe: Recipe,
    device: str = "cpu",
    resume: bool = False,
    start: Sequence[Path] = (),
    licence: str = "unknown: ask whoever trained these weights",
    tests: Sequence[Path] = (),
    every: float = 180.0,
) -> Iterator[Progress]:
    """Train a learned prior on folders of photographs and store it as ``weights`` (.safetensors) with its card beside it.

    The checkpoint lies beside the weights (.pt). A run that is stopped before its budget is consumed leaves the checkpoint
    alone; the same call with ``resume`` goes on from it. ``start`` names trained weights to begin from
    (fine-tuning), of several their mean.

    Raises:
        FileNotFoundError, ValueError: no pictures to train or test on, unreadable ones, no checkpoint to go on from, no such device.
        OSError: the folder of ``weights`` cannot be written.
    """
    checkpoint = check_places(weights, resume, start)
    check_device(device)
    listing(tests)  # a missing folder is told now, not after the training
    bank, held = prepared(folders, recipe, device)
    trainer = Trainer.resume(checkpoint, recipe, device) if resume else Trainer(recipe, device)
    if start:
        trainer.begin_from(*start)
    yield from run(trainer, bank, held, checkpoint, every)
    if trainer.spent.share(recipe) >= 1:
        finish(trainer.average, trainer.draft(licence), folders, weights, tests)


def check_device(device: str) -> None:
    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise ValueError(f"device {device!r} cannot be used here; train on 'cpu'" + (" or 'cuda'" if torch.cuda.is_available() else ""))


def check_places(weights: Path, resume: bool, start: Sequence[Path]) -> Path:
    """The checkpoint's place. Nothing that was trained may be lost for a flag forgotten or a name mistyped."""
    if weights.suffix != ".safetensors" or weights.is_dir():
        raise ValueError(f"weights are a .safetensors file, and {weights} is none; give its name with --out")
    checkpoint = weights.with_suffix(".pt")
    if resume and start:
        raise ValueError("--start begins anew and --resume goes on; give one of them")
    if resume and not checkpoint.is_file():
        raise FileNotFoundError(f"there is no checkpoint {checkpoint} to go on from; leave out --resume")
    try:
        weights.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make the folder {weights.parent} ({error.strerror}); give another one with --out") from None
    if not resume and checkpoint.exists():
        raise FileExistsError(f"{checkpoint} holds a training that was begun; go on with --resume, or give another --out")
    return checkpoint
