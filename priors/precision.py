"""In which precision a network computes: float32, or bfloat16 where this machine computes it faster."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

PRECISIONS = ("auto", "float32", "bfloat16")
GAIN = 1.0  # how many times faster bfloat16 must be for "auto": hardware with it reaches 2.5 to 3, hardware without it 0.1
TRIES = 8  # of each precision
DECIDED: dict[str, str] = {}  # kind of device -> the faster precision, once it is known
HOPELESS = 4  # times slower than float32: a processor that emulates bfloat16, not worth a second trial


def resolve(precision: str, device: torch.device) -> str:
    """ "float32" or "bfloat16": as asked for, or for "auto" the one that this machine computes faster.

    Raises:
        ValueError: none of the three.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"{precision!r} is no precision; give one of {', '.join(PRECISIONS)}")
    return fastest(device.type) if precision == "auto" else precision


def fastest(device: str) -> str:
    """The faster precision of a kind of device, measured once per process unless ``DECIDED`` tells it."""
    if device not in DECIDED:
        DECIDED[device] = measured(device)
    return DECIDED[device]


def measured(device: str) -> str:
    """``fastest``, on a few convolutions."""
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device != "cpu":
        return "float32"
    layers = torch.nn.Sequential(*(torch.nn.Conv2d(96, 96, 3, padding=1) for _ in range(4)))
    x = torch.zeros(1, 96, 64, 64).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), one_thread():
        return "bfloat16" if gains(lambda: layers(x), device, GAIN) else "float32"


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Other processes on the machine disturb several threads, which wait for each other, more than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def gains(compute: Callable[[], Any], device: str, gain: float = 1.0) -> bool:
    """Whether ``compute`` is more than ``gain`` times faster in bfloat16, by processor time: the best of TRIES runs each.

    The two take turns, so that another process slows both: a run that is gone on with must decide as it did before.
    """

    def seconds(half: bool) -> float:
        start = time.process_time()
        with autocast(device, half):
            compute()
        return time.process_time() - start

    full, half = min(seconds(False), seconds(False)), math.inf
    for _ in range(TRIES):
        half = min(half, seconds(True))
        if half > HOPELESS * full:
            return False
        full = min(full, seconds(False))
    return half * gain < full


def autocast(device: str | torch.device, half: bool) -> contextlib.AbstractContextManager:
    """Convolutions and matrix products in bfloat16 if ``half``."""
    return torch.autocast(torch.device(device).type, torch.bfloat16) if half else contextlib.nullcontext()
