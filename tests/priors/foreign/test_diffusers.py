"""The real package: networks and schedulers that it saved are read from their folder, with its own levels and answers."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import priors
from priors.foreign.schedule import Schedule
from tests.helpers import run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    diffusers = pytest.importorskip("diffusers")

TINY: dict[str, Any] = {
    "sample_size": 16, "in_channels": 1, "out_channels": 1, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"), "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}  # fmt: skip
SCHEDULES: dict[str, dict[str, Any]] = {
    "linear": {},
    "scaled linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False},
    "squared cosine": {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "clip_sample_range": 1.5},
    "zero terminal": {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "beta_schedule": "scaled_linear"},
    "sample": {"prediction_type": "sample", "num_train_timesteps": 100, "beta_end": 0.2},
    "trained": {"trained_betas": [0.001 * k for k in range(1, 60)]},
}
X = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection fails the test."""
    import socket

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("nothing is looked for on the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def tiny(**options: Any) -> Any:
    torch.manual_seed(0)
    return diffusers.UNet2DModel(**(TINY | options)).eval()


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("scheduler", ["DDPMScheduler", "DDIMScheduler"])
def test_levels_are_those_of_the_scheduler(name: str, scheduler: str) -> None:
    made = getattr(diffusers, scheduler)(**SCHEDULES[name])
    kept = made.alphas_cumprod.double()
    expected = (1 / kept - 1).sqrt()
    found = Schedule.read(made.config)
    count = 999 if name == "zero terminal" else len(kept)
    assert len(found.sigma) == count
    assert torch.allclose(torch.from_numpy(found.sigma), expected[:count], rtol=1e-3)  # theirs are products in float32
    assert found.prediction == made.config.prediction_type


@pytest.mark.parametrize("name", ["DPMSolverMultistepScheduler", "PNDMScheduler", "EulerDiscreteScheduler", "UniPCMultistepScheduler"])
def test_other_schedulers_of_the_same_process_are_read(name: str) -> None:
    made = getattr(diffusers, name)()
    assert torch.allclose(torch.from_numpy(Schedule.read(made.config).sigma), (1 / made.alphas_cumprod.double() - 1).sqrt(), rtol=2e-4)


@pytest.mark.parametrize("name", ["ScoreSdeVeScheduler", "EDMEulerScheduler", "FlowMatchEulerDiscreteScheduler"])
def test_schedulers_of_another_process_are_refused(name: str) -> None:
    made = getattr(diffusers, name)
    with pytest.raises(ValueError, match=f"{name} is no variance-preserving diffusion"):
        priors.adapt(tiny(), scheduler=made())


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_clean_image_is_the_one_that_their_step_predicts(name: str) -> None:
    """pred_original_sample of DDIM at a step, on the same x_t."""
    scheduler, net = diffusers.DDIMScheduler(**SCHEDULES[name]), tiny()
    prior = priors.adapt(net, scheduler=scheduler)
    scheduler.set_timesteps(scheduler.config.num_train_timesteps)
    kept = scheduler.alphas_cumprod.double()
    for t in (20, len(kept) // 2, len(kept) - 5):
        sigma, scale = float((1 / kept[t] - 1).sqrt()) / 2, float(kept[t].sqrt())
        noisy = X + sigma * torch.randn(X.shape, generator=torch.Generator().manual_seed(1))
        scaled = scale * (2 * noisy - 1)
        with torch.no_grad():
            told = scheduler.step(net(scaled, t).sample, t, scaled).pred_original_sample
        tolerance = 2e-4 * max(1.0, sigma)
        assert torch.allclose(prior.denoise(noisy, sigma), (told + 1) / 2, atol=tolerance, rtol=tolerance)


def folders(folder: Path, net: Any, scheduler: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """The same network saved in every layout: a pipeline; a network with its scheduler inside, below, beside; told apart."""
    diffusers.DDPMPipeline(unet=net, scheduler=scheduler).save_pretrained(folder / "pipeline")
    net.save_pretrained(folder / "flat")
    scheduler.save_pretrained(folder / "flat")
    net.save_pretrained(folder / "below")
    scheduler.save_pretrained(folder / "below" / "scheduler")
    net.save_pretrained(folder / "apart")
    apart = folder / "flat" / "scheduler_config.json"
    layouts = {"pipeline": {}, "flat": {}, "below": {}, "pipeline/unet": {}, "apart": {"scheduler": apart}}
    return {name: (str(folder / name), options) for name, options in layouts.items()}


def test_every_layout_of_a_folder_is_the_network_itself(tmp_path: Path) -> None:
    net, scheduler = tiny(), diffusers.DDPMScheduler(**SCHEDULES["squared cosine"])
    expected = priors.adapt(net, scheduler=scheduler).denoise(X, 0.3)
    pipeline = diffusers.DDPMPipeline(unet=net, scheduler=scheduler)
    assert torch.allclose(priors.adapt(pipeline).denoise(X, 0.3), expected, atol=1e-5)
    for name, (path, options) in folders(tmp_path, net, scheduler).items():
        prior = priors.adapt(path, **options)
        assert torch.allclose(prior.denoise(X, 0.3), expected, atol=1e-5), name  # sums go by where the weights lie in memory
        assert (prior.family, prior.mmse, prior.takes.multiple, prior.takes.channels) == ("generative", True, 2, 1)
        assert len(prior.card["sha256"]) == 64
    assert priors.adapt(tmp_path / "pipeline").card["sha256"] != priors.adapt(tmp_path / "flat").card["sha256"]
    with pytest.raises(FileNotFoundError, match=r"apart holds no scheduler_config\.json; give scheduler=FILE"):
        priors.adapt(tmp_path / "apart")


def test_odd_sizes_gradients_learned_variance_classes_and_tables_of_steps(tmp_path: Path) -> None:
    scheduler = diffusers.DDPMScheduler(variance_type="learned_range")
    blocks = {"down_block_types": ("DownBlock2D",) * 3, "up_block_types": ("UpBlock2D",) * 3, "block_out_channels": (8, 8, 16)}
    prior = priors.adapt(tiny(out_channels=2, **blocks), scheduler=scheduler)
    assert prior.takes.multiple == 4
    x = torch.rand(1, 1, 13, 21).requires_grad_()
    prior.denoise(x, 0.2).sum().backward()
    assert x.grad is not None
    assert x.grad.shape == x.shape
    classes = tiny(num_class_embeds=3)
    with pytest.raises(ValueError, match="UNet2DModel was trained with classes; give the one to denoise as"):
        priors.adapt(classes, scheduler=scheduler)
    found = [priors.adapt(classes, scheduler=scheduler, label=label).denoise(X, 0.3) for label in (0, 1)]
    assert not torch.equal(*found)
    whole = tiny(time_embedding_type="learned", num_train_timesteps=1000)
    assert priors.adapt(whole, scheduler=scheduler).card["time"] == "nearest"


def test_colour_networks_take_colour() -> None:
    prior = priors.adapt(tiny(in_channels=3, out_channels=3), scheduler=diffusers.DDPMScheduler())
    assert prior.denoise(torch.rand(2, 3, 15, 16), 0.1).shape == (2, 3, 15, 16)
    with pytest.raises(ValueError, match="takes 3 channels, the image has 1"):
        prior.denoise(X, 0.1)


@pytest.mark.parametrize("part", ["diffusion_pytorch_model.safetensors", "config.json"])
def test_damaged_files_are_one_sentence(part: str, tmp_path: Path) -> None:
    tiny().save_pretrained(tmp_path)
    diffusers.DDPMScheduler().save_pretrained(tmp_path)
    (tmp_path / part).write_text('{"_class_name": "UNet2DModel", "in_channels": 1, "norm_num_groups": 5}' if "config" in part else "x")
    with pytest.raises(ValueError, match=r"cannot be read as a UNet2DModel \(.*\); save it again with save_pretrained") as caught:
        priors.adapt(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_network_of_latents_is_refused() -> None:
    net = tiny(in_channels=4, out_channels=4)
    with pytest.raises(ValueError, match="takes 4 channels, which are no pixels"):
        priors.adapt(net, scheduler=diffusers.DDPMScheduler())


def test_a_folder_on_the_command_line(tmp_path: Path) -> None:
    diffusers.DDPMPipeline(unet=tiny(), scheduler=diffusers.DDPMScheduler()).save_pretrained(tmp_path / "ddpm")
    selector, out = f"diffusers[path={tmp_path}/ddpm]", tmp_path / "table"
    assert run("denoise-table", "-p", f"gaussian,{selector}", "--sigmas", "25", "--limit", 1, "--size", 24, "-o", out) == 0
    assert selector in json.dumps(json.loads((out / "denoise-table.json").read_text()))


def test_kept_as_it_was(tmp_path: Path) -> None:
    """float64 images through a float32 network, image by image."""
    prior = priors.adapt(tiny(), scheduler=diffusers.DDPMScheduler())
    both: Tensor = prior.denoise(X.double(), 0.2)
    assert both.dtype == torch.float64
    assert torch.equal(both[1:], prior.denoise(X[1:].double(), 0.2))
