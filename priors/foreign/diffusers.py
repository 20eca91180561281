"""Networks of diffusers in the slot: a local folder with a UNet2DModel or a pipeline of one, or these themselves.

``diffusers[path=models/ddpm]``, or in Python ``priors.adapt(pipeline)`` or ``priors.adapt(unet, scheduler=scheduler)``. The
folder holds model_index.json with unet/ and scheduler/, or config.json with scheduler_config.json beside or below it. Nothing
is looked for on the network.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors.foreign import conventions
from priors.foreign.adapted import Adapted, Network, offered, ready, tensor
from priors.foreign.conventions import Takes
from priors.foreign.files import Source
from priors.foreign.schedule import Schedule
from priors.learned import device_of

TIMES = ("interpolated", "nearest")
INDEX, CONFIG, SCHEDULER = "model_index.json", "config.json", "scheduler_config.json"
OTHERS = {  # parts of a pipeline that tell what it works on
    "vae": "latents", "vqvae": "latents", "movq": "latents", "text_encoder": "text", "tokenizer": "text", "mel": "audio",
    "vocoder": "audio", "transformer": "tokens", "image_encoder": "other pictures",
}  # fmt: skip
UNETS = {"UNet1DModel": "audio", "UNet2DConditionModel": "text", "UNet3DConditionModel": "video", "UNetMotionModel": "video"}


def unet(
    path: Any,
    scheduler: Any = None,
    time: str | None = None,
    label: int | None = None,
    multiple: int | None = None,
    device: str | None = None,
    error: str | Path | None = None,
) -> Adapted:
    """A UNet2DModel of diffusers with the scheduler that it was trained with, on images in [-1, 1], as a prior.

    Args:
        path: the folder; or a pipeline, or the network, with ``scheduler``.
        scheduler: the file or folder of scheduler_config.json where it is not in the folder; or the scheduler or its entries.
        time: "interpolated", the place between two steps that has the noise asked about, or "nearest", the score of the
            nearest step; by default interpolated unless the network has a table of whole steps.
        label: class to be denoised as, of a network that was trained with classes.
        multiple: of which the sides must be; by default what the network halves them by.
        device, error: as ``priors.foreign.modules.module``.

    Raises:
        ImportError: diffusers is not installed, and a folder is given.
        FileNotFoundError: no folder, or one without network or scheduler.
        ValueError: a network of something else than pixels, or a scheduler of another process.
    """
    label = None if label is None else conventions.whole("label", label)
    net, entries, source = opened(path, scheduler, device)
    config, schedule = told(net), Schedule.read(entries)
    channels = config.get("in_channels")
    if channels not in (None, 1, 3):
        raise ValueError(f"{source.name} takes {channels} channels, which are no pixels; give a network of grey or colour images")
    if has_classes(config) and label is None:
        raise ValueError(f"{source.name} was trained with classes; give the one to denoise as, such as label=0")
    whole = config.get("time_embedding_type") == "learned"
    time = conventions.chosen("time", time or ("nearest" if whole else "interpolated"), TIMES)

    def predicted(x: Tensor, t: float) -> Tensor:
        times = torch.full((len(x),), t, device=x.device, dtype=torch.long if whole else torch.float32)
        labels = () if label is None else (torch.full((len(x),), label, device=x.device),)
        return tensor(source.name, net(x, times, *labels))[:, : x.shape[1]]  # the rest is a learned variance (Nichol, Dhariwal 2021)

    def ask(x: Tensor, sigma: float) -> Tensor:
        return schedule.clean(predicted, x, sigma, time == "nearest")

    takes = Takes(-1.0, 1.0, channels, multiple or halvings(config))
    card = {"kind": "diffusers", "prediction": schedule.prediction, "time": time, "steps": len(schedule.sigma)}
    card |= {"clip": "none" if schedule.clip is None else schedule.clip, "label": "none" if label is None else label}
    levels = float(schedule.sigma[0]) / takes.width, float(schedule.sigma[-1]) / takes.width
    card["levels"] = f"{levels[0]:g}:{levels[1]:g}"
    return offered(source, Network(ask, net, takes, levels, "generative", True, card), error)


def opened(path: Any, scheduler: Any, device: str | None) -> tuple[Any, Mapping[str, Any], Source]:
    """The network, the entries of its scheduler, and where it comes from."""
    if isinstance(path, str | Path):
        source = Source.of(path)
        place = folder(Path(path))
        return read(place, device), entries_of(scheduler or scheduler_file(Path(path), place)), source
    net = getattr(path, "unet", path)
    if not callable(net) or isinstance(net, type):
        raise TypeError(f"{path!r} is no network of diffusers; give a folder, a pipeline or a UNet2DModel")
    scheduler = scheduler if scheduler is not None else getattr(path, "scheduler", None)
    if scheduler is None:
        raise ValueError(f"{type(path).__name__} comes without its scheduler; give scheduler=, the one that it was trained with")
    return ready(net), entries_of(scheduler), Source.of(net)


def folder(path: Path) -> Path:
    """The folder of the network in that of a pipeline, or the folder itself.

    Raises:
        FileNotFoundError: it holds neither.
        ValueError: a pipeline or network of something else than pixels.
    """
    if not path.is_dir():
        raise ValueError(f"{path} is no folder; give the folder that save_pretrained of diffusers wrote")
    if (path / INDEX).is_file():
        index = entries_of(path / INDEX)
        for part, material in OTHERS.items():
            if isinstance(index.get(part), list) and index[part][-1] is not None:
                kind = index.get("_class_name", "pipeline")
                raise ValueError(f"{path} holds a {kind}, which works on {material} ({part}); give one that denoises pixels, such as DDPM")
        path = path / "unet"
    if not (path / CONFIG).is_file():
        raise FileNotFoundError(f"{path} holds no {CONFIG}; give the folder that save_pretrained of diffusers wrote")
    name = str(entries_of(path / CONFIG).get("_class_name"))
    if name != "UNet2DModel":
        of = f", a network of {UNETS[name]}" if name in UNETS else ""
        raise ValueError(f"{path} holds a {name}{of}; give a UNet2DModel, which denoises pixels")
    return path


def scheduler_file(path: Path, net: Path) -> Path:
    """Where the scheduler of a folder lies.

    Raises:
        FileNotFoundError: nowhere.
    """
    for place in (path / "scheduler", path, net.parent / "scheduler"):
        if (place / SCHEDULER).is_file():
            return place / SCHEDULER
    raise FileNotFoundError(f"{path} holds no {SCHEDULER}; give scheduler=FILE, that of the scheduler it was trained with")


def entries_of(given: Any) -> Mapping[str, Any]:
    """The entries of a file or of an object that has a ``config``.

    Raises:
        FileNotFoundError, ValueError: no such file, or one that holds no entries.
    """
    if isinstance(given, str | Path):
        file = Path(given) / SCHEDULER if Path(given).is_dir() else Path(given)
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist; give the file that save_pretrained of diffusers wrote")
        try:
            given = json.loads(file.read_text("utf-8"))
        except (ValueError, RecursionError):
            raise ValueError(f"{file} holds no entries of diffusers; save it again with save_pretrained") from None
        if not isinstance(given, dict):
            raise ValueError(f"{file} holds no entries of diffusers; save it again with save_pretrained")
    if isinstance(given, Mapping):
        return given
    found = getattr(given, "config", None)
    if not isinstance(found, Mapping):
        raise TypeError(f"{type(given).__name__} is no scheduler of diffusers; give one, its entries or its file")
    return {**found, "_class_name": type(given).__name__}  # which is in its file, but not in its config


def read(place: Path, device: str | None) -> Any:
    """The network of a folder, from its local files alone."""
    there = device_of(device or "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from diffusers import UNet2DModel
        except ImportError:
            raise ImportError("prior 'diffusers' needs the package diffusers: pip install diffusers") from None
        try:
            return ready(UNet2DModel.from_pretrained(str(place), local_files_only=True, low_cpu_mem_usage=False)).to(there)
        except Exception as error:  # whatever their loading raises
            line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ValueError(f"{place} cannot be read as a UNet2DModel ({line}); save it again with save_pretrained") from None


def told(net: Any) -> Mapping[str, Any]:
    """The entries of a network's own config; none of one that has no such."""
    found = getattr(net, "config", None)
    return found if isinstance(found, Mapping) else {}


def has_classes(config: Mapping[str, Any]) -> bool:
    return config.get("class_embed_type") is not None or config.get("num_class_embeds") is not None


def halvings(config: Mapping[str, Any]) -> int:
    """What the network halves the sides by, in all: once at each of its scales but the last."""
    return int(2 ** (len(config.get("block_out_channels", (1,))) - 1))
