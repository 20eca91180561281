"""Files and folders of foreign networks: what is read, and one sentence for everything that is none."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import priors
from priors.foreign import guessed
from tests.helpers import run

LEVEL = {"call": "residual", "levels": "25/255"}


class Net(torch.nn.Module):
    """A residual denoiser for one channel: a tenth of the differences to the neighbours."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(channels, channels, 3, padding=1, padding_mode="circular", bias=False)
        weight = torch.zeros(channels, channels, 3, 3)
        for k in range(channels):
            weight[k, k] = torch.tensor([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / 10
        self.layer.weight.data = weight

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class Told(Net):
    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:  # type: ignore[override]
        return x - sigma.view(-1, 1, 1, 1) * self.layer(x)


class OnGpu(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.zeros(1, device="cuda")


def script(module: torch.nn.Module, file: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and what people have
        torch.jit.script(module).save(str(file))
    return file


def export(module: torch.nn.Module, file: Path, *inputs: Tensor, dynamic: bool = True) -> Path:
    auto = torch.export.Dim.AUTO
    shapes = tuple({0: auto, 2: auto, 3: auto} if each.ndim == 4 else {0: auto} for each in inputs) if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, inputs, dynamic_shapes=shapes), str(file))
    return file


X = torch.rand(2, 1, 17, 19, generator=torch.Generator().manual_seed(0))


def test_torchscript_and_export_answer_as_the_module_does(tmp_path: Path) -> None:
    expected = X - Net()(X).detach()
    files = [script(Net(), tmp_path / "net.pt"), export(Net(), tmp_path / "net.pt2", torch.rand(2, 1, 16, 16))]
    for given in (Net(), *files, *map(str, files)):
        assert torch.allclose(priors.adapt(given, **LEVEL).denoise(X, 25 / 255), expected, atol=1e-6)
    told = [Told(), script(Told(), tmp_path / "told.pt"), export(Told(), tmp_path / "told.pt2", torch.rand(2, 1, 16, 16), torch.rand(2))]
    for given in told:
        prior = priors.adapt(given, levels="0.01:0.5")
        assert torch.allclose(prior.denoise(X, 0.3), X - 0.3 * Net()(X), atol=1e-6)
        assert prior.takes.channels == 1


def test_a_network_of_one_size_takes_smaller_images(tmp_path: Path) -> None:
    file = export(Net(), tmp_path / "net.pt2", torch.rand(1, 1, 32, 32), dynamic=False)
    prior = priors.adapt(file, side=32, **LEVEL)
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert torch.allclose(prior.denoise(X, 25 / 255)[inside], (X - Net()(X))[inside], atol=1e-6)
    with pytest.raises(ValueError, match=r"takes at most 32 x 32 pixels, not \[40, 16\]"):
        prior.denoise(torch.rand(1, 1, 40, 16), 25 / 255)


def test_a_folder_of_networks_named_by_their_levels(tmp_path: Path) -> None:
    for level in (15, 50):
        net = Net()
        net.layer.weight.data *= level
        script(net, tmp_path / f"net_{level}.pt")
    prior = priors.adapt(tmp_path, "torch", call="residual")
    assert prior.sigma_range == pytest.approx((15 / 255, 50 / 255))
    assert torch.allclose(prior.denoise(X, 50 / 255), X - 50 * Net()(X), atol=1e-5)
    assert len(prior.card["sha256"]) == 64


def test_training_mode_is_left_and_dropout_silent() -> None:
    net = torch.nn.Sequential(Net(), torch.nn.Dropout(0.5))
    assert net.training
    assert torch.allclose(priors.adapt(net, **LEVEL).denoise(X, 25 / 255), X - Net()(X), atol=1e-6)


def test_gradients_flow_where_they_are_asked_for() -> None:
    prior, x = priors.adapt(Net(), **LEVEL), X.clone().requires_grad_()
    prior.denoise(x, 25 / 255).sum().backward()
    assert x.grad is not None
    assert not priors.adapt(Net(), **LEVEL).denoise(X, 25 / 255).requires_grad


def test_an_image_does_not_depend_on_its_neighbours_nor_double_precision_on_the_network() -> None:
    prior = priors.adapt(Net(), **LEVEL)
    assert torch.equal(prior.denoise(X, 0.05)[:1], prior.denoise(X[:1], 0.05))
    assert prior.denoise(X.double(), 0.05).dtype == torch.float64


@pytest.mark.parametrize(("source", "kind"), [("net.pt", "torch"), (".", "diffusers"), (Net(), "torch"), ({0.1: Net()}, "torch")])
def test_the_kind_is_guessed(source: Any, kind: str) -> None:
    assert guessed(source) == kind


def test_the_kind_is_told_by_the_library_of_the_class() -> None:
    for library, kind in (("deepinv.models", "deepinv"), ("diffusers", "diffusers"), ("k_diffusion.external", "k-diffusion")):
        made = type("Made", (), {"__module__": library, "__call__": lambda self: None})
        assert guessed(type("Own", (made,), {"__module__": "tests"})()) == kind


# What is wrong -> what is given, and the sentence.
def saved(what: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        torch.save(what, folder / "net.pt")
        return folder / "net.pt"

    return make


def written(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def damaged(folder: Path) -> Path:
    """A TorchScript file whose code was overwritten."""
    import zipfile

    file = script(Net(), folder / "whole.pt")
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(folder / "net.pt", "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, b"no code" if name.endswith(".py") else whole.read(name))
    return folder / "net.pt"


BAD_FILES: dict[str, tuple[Callable[[Path], Any], dict[str, Any], str]] = {
    "missing": (lambda folder: folder / "none.pt", LEVEL, r"none\.pt does not exist"),
    "state_dict": (saved(Net().state_dict()), LEVEL, r"net\.pt holds a state_dict, weights without their network; store the network whole"),
    "pickled module": (saved(Net()), LEVEL, r"net\.pt holds a pickled Python object, which is not run here; store the network whole"),
    "tensor": (saved(torch.zeros(3)), LEVEL, r"net\.pt holds a Tensor, no network"),
    "safetensors": (written("net.safetensors", b"x"), LEVEL, "holds weights without their network"),
    "text": (written("net.pt", b"hello"), LEVEL, r"net\.pt is no TorchScript file and none of torch\.export"),
    "empty": (written("net.pt", b""), LEVEL, "is no TorchScript file"),
    "damaged": (damaged, LEVEL, r"net\.pt cannot be read \("),
    "state_dict in Python": (lambda folder: Net().state_dict(), LEVEL, "a state_dict holds weights without their network"),
    "class": (lambda folder: Net, LEVEL, "is no network; give one that can be called"),
    "needs a GPU": (lambda folder: script(OnGpu(), folder / "net.pt"), LEVEL, r"net\.pt needs a GPU \(.*\); save it on the CPU"),
    "no level": (lambda folder: Net(), {"call": "blind"}, "Net is not told the noise; name what it was trained for, such as levels="),
    "folder without networks": (lambda folder: folder, {"kind": "torch", "call": "blind"}, "holds no networks named by their level"),
    "several that are told": (lambda folder: {0.1: Net()}, {"call": "sigma"}, "holds networks for several levels, which are noise-blind"),
    "level of a net": (lambda folder: {-1: Net()}, {"call": "blind"}, "a network for the level -1; name each by its noise"),
    "unknown call": (lambda folder: Net(), {"call": "rsidual"}, "call is one of sigma, map, blind, residual, not 'rsidual'"),
    "unknown answer": (lambda folder: Net(), LEVEL | {"answer": "score"}, "answer is one of clean, noise, epsilon"),
    "range": (lambda folder: Net(), LEVEL | {"range": "1:0"}, "range is the network's black and white, not '1:0'"),
    "range of three": (lambda folder: Net(), LEVEL | {"range": "0:1:2"}, "write it such as 0:1, -1:1 or 0:255"),
    "levels": (lambda folder: Net(), LEVEL | {"levels": "0.2:0.1"}, "levels are noise that the network was trained for, not '0.2:0.1'"),
    "levels in words": (lambda folder: Net(), LEVEL | {"levels": "low"}, "is not 'low'; write it such as 0.1, 25/255 or 0:50/255"),
    "channels": (lambda folder: Net(), LEVEL | {"channels": 2}, "channels is 1 or 3, not 2"),
    "multiple": (lambda folder: Net(), LEVEL | {"multiple": 0}, "multiple is a whole number of pixels from 1 to 4096, not 0"),
    "side": (lambda folder: Net(), LEVEL | {"side": 10**9}, "side is a whole number of pixels from 1 to 4096, not 1000000000"),
    "unit": (lambda folder: Net(), LEVEL | {"unit": 0}, "unit is a positive number, not 0"),
    "mmse": (lambda folder: Net(), LEVEL | {"mmse": "yes"}, "mmse is true or false, not 'yes'"),
    "sigma_data": (lambda folder: Told(), {"kind": "edm", "sigma_data": -1}, "sigma_data is a positive number, not -1"),
    "label": (lambda folder: Told(), {"kind": "edm", "label": "cat"}, "label is a whole number, not 'cat'"),
    "label of none": (lambda folder: Told(), {"kind": "edm", "label": 3}, "Told knows 0 classes, not one numbered 3"),
    "device": (lambda folder: script(Net(), folder / "net.pt"), LEVEL | {"device": "gpu"}, "'gpu' is no device here"),
    "wrong channels": (lambda folder: Net(3), LEVEL | {"channels": 1}, r"Net fails on an image of 1 channels \(Given groups=1, weight"),
    "asked wrongly": (lambda folder: Net(), {"call": "sigma"}, "Net fails on an image of 1 or 3 channels .*positional argument"),
    "no tensor": (lambda folder: lambda x: None, LEVEL, "answers with NoneType, not with a torch tensor"),
    "another shape": (lambda folder: lambda x: x[..., 1:], {"call": "blind", "levels": 0.1}, r"answers with shape \[1, 1, 32, 31\]"),
    "unknown kind": (lambda folder: Net(), {"kind": "keras"}, "unknown kind 'keras' of foreign denoiser; known: torch, deepinv"),
    "a number": (lambda folder: 3, {}, "int is no network; give one that can be called, or the path"),
    "pickle of EDM": (written("net.pkl", b"x"), {"kind": "edm"}, r"net\.pkl is a pickle, which runs code when it is read"),
    "form": (lambda folder: Told(), {"kind": "edm", "form": "cooked"}, "form is one of preconditioned, raw, not 'cooked'"),
    "no scheduler": (lambda folder: Told(), {"kind": "diffusers"}, "comes without its scheduler; give scheduler="),
    "scheduler of another kind": (lambda folder: Told(), {"kind": "diffusers", "scheduler": 3}, "int is no scheduler of diffusers"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_input_is_one_sentence(what: str, tmp_path: Path) -> None:
    if what == "needs a GPU" and torch.cuda.is_available():
        pytest.skip("there is one")
    make, options, sentence = BAD_FILES[what]
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=sentence) as caught:
        priors.adapt(make(tmp_path), **options)
    assert "\n" not in str(caught.value)


DDPM = {"_class_name": "DDPMPipeline", "scheduler": ["diffusers", "DDPMScheduler"], "unet": ["diffusers", "UNet2DModel"]}
STABLE = {"_class_name": "StableDiffusionPipeline", "vae": ["diffusers", "AutoencoderKL"], "unet": ["diffusers", "UNet2DConditionModel"]}
LATENT = {"_class_name": "LDMPipeline", "unet": ["diffusers", "UNet2DModel"], "vqvae": ["diffusers", "VQModel"]}
AUDIO = {"_class_name": "AudioDiffusionPipeline", "mel": ["diffusers", "Mel"], "unet": ["diffusers", "UNet2DModel"], "vqvae": [None, None]}
TEXT = {"_class_name": "IFPipeline", "text_encoder": ["transformers", "T5EncoderModel"], "unet": ["diffusers", "UNet2DConditionModel"]}

FOLDERS: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({}, r"ddpm holds no config\.json; give the folder that save_pretrained"),
    "latents": ({"model_index.json": STABLE}, r"ddpm holds a StableDiffusionPipeline, which works on latents \(vae\)"),
    "latents of a pixel network": ({"model_index.json": LATENT}, r"holds a LDMPipeline, which works on latents \(vqvae\)"),
    "audio": ({"model_index.json": AUDIO}, r"holds a AudioDiffusionPipeline, which works on audio \(mel\)"),
    "text": ({"model_index.json": TEXT}, r"holds a IFPipeline, which works on text \(text_encoder\)"),
    "no network": ({"model_index.json": DDPM}, r"unet holds no config\.json"),
    "one dimension": ({"config.json": {"_class_name": "UNet1DModel"}}, "holds a UNet1DModel, a network of audio; give a UNet2DModel"),
    "conditional": ({"config.json": {"_class_name": "UNet2DConditionModel"}}, "a network of text; give a UNet2DModel"),
    "video": ({"config.json": {"_class_name": "UNet3DConditionModel"}}, "a network of video; give a UNet2DModel"),
    "another library": ({"config.json": {"model_type": "bert"}}, "holds a None; give a UNet2DModel"),
    "damaged": ({"config.json": "{"}, r"config\.json holds no entries of diffusers; save it again"),
    "a list": ({"model_index.json": "[]"}, r"model_index\.json holds no entries of diffusers"),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_of_another_modality_is_one_sentence_before_diffusers_is_needed(what: str, tmp_path: Path) -> None:
    files, sentence = FOLDERS[what]
    (tmp_path / "ddpm").mkdir()
    for name, content in files.items():
        (tmp_path / "ddpm" / name).write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises((ValueError, FileNotFoundError), match=sentence) as caught:
        priors.adapt(tmp_path / "ddpm")
    assert "\n" not in str(caught.value)


def test_a_file_is_no_folder_of_diffusers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"net\.pt is no folder; give the folder that save_pretrained"):
        priors.adapt(script(Net(), tmp_path / "net.pt"), "diffusers")


@pytest.mark.parametrize(("library", "selector"), [("diffusers", "diffusers[path={}/ddpm]"), ("deepinv", "deepinv[model=DRUNet]")])
def test_an_absent_library_is_one_line(library: str, selector: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    (tmp_path / "ddpm").mkdir()
    (tmp_path / "ddpm" / "config.json").write_text('{"_class_name": "UNet2DModel"}')
    asked = ("-p", selector.format(tmp_path), "-P", "denoise", "-m", "hqs", "-i", "camera", "--size", "16", "-o", tmp_path / "out")
    assert run("compare", *asked) == 2
    assert capsys.readouterr().err == f"priorbench: prior {library!r} needs the package {library}: pip install {library}\n"
    assert not (tmp_path / "out").exists()
