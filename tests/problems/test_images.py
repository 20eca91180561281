"""Pictures of every kind arrive as [B, C, H, W] in [0, 1]; those that cannot are refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
import torch
from PIL import Image

import problems
from problems.images import as_tensor, load_image, to_array

RNG = np.random.default_rng(0)
GREY, COLOUR = RNG.integers(0, 256, (6, 9), dtype=np.uint8), RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
BOARD = np.indices((6, 9)).sum(0) % 2 == 0
DEEP = RNG.integers(0, 65536, (6, 9, 3), dtype=np.uint16)


def test_the_split_is_fixed() -> None:
    """Parameters tuned on one side are reported on the other; moving a picture would spoil every stored number."""
    assert problems.TUNE == ("coins", "coffee", "gravel")
    assert problems.TEST == ("camera", "astronaut", "chelsea", "rocket", "brick", "grass")
    assert not set(problems.TUNE) & set(problems.TEST)
    assert {*problems.TUNE, *problems.TEST} <= set(problems.IMAGES)


@pytest.mark.parametrize("name", problems.IMAGES)
def test_bundled_pictures_are_as_their_lines_say(name: str) -> None:
    _, kind, licence = problems.IMAGES[name].split(", ", 2)
    x = as_tensor(name)
    assert kind == f"{x.shape[2]}x{x.shape[3]} {'grey' if x.shape[1] == 1 else 'colour'}"
    assert any(word in licence for word in ("CC0", "public domain", "no known copyright restrictions"))
    torch.testing.assert_close(to_array(x), getattr(skimage.data, name)().astype(np.float32) / 255)


FLOAT = GREY / 255
ARRIVALS: dict[str, tuple[Any, np.ndarray, torch.dtype]] = {  # what goes in, the picture it is, the dtype it comes out with
    "uint8": (GREY, GREY / 255, torch.float32),
    "uint8 colour": (COLOUR, COLOUR / 255, torch.float32),
    "uint16": (DEEP, DEEP / 65535, torch.float32),
    "big-endian": (DEEP.astype(">u2"), DEEP / 65535, torch.float32),
    "bool": (GREY > 99, GREY > 99, torch.float32),
    "float64": (FLOAT, FLOAT, torch.float64),
    "float32": (FLOAT.astype(np.float32), FLOAT, torch.float32),
    "one channel": (FLOAT[..., None], FLOAT, torch.float64),
    "turned": (FLOAT[::-1, ::-1], FLOAT[::-1, ::-1], torch.float64),
    "alpha on white": (np.dstack([COLOUR / 255, np.full((6, 9), 0.25)]), COLOUR / 255 * 0.25 + 0.75, torch.float64),
    "PIL": (Image.fromarray(COLOUR), COLOUR / 255, torch.float32),
    "PIL palette": (Image.fromarray(GREY).convert("P"), np.dstack([GREY] * 3) / 255, torch.float32),
    "PIL 16 bits": (Image.fromarray(DEEP[..., 0]), DEEP[..., 0] / 65535, torch.float32),
    "tensor [H, W]": (torch.from_numpy(FLOAT), FLOAT, torch.float64),
    "tensor [C, H, W]": (torch.from_numpy(COLOUR).permute(2, 0, 1), COLOUR / 255, torch.float32),
    "tensor [B, C, H, W]": (torch.from_numpy(FLOAT)[None, None].expand(2, 3, 6, 9), np.dstack([FLOAT] * 3), torch.float64),
    "half precision": (torch.from_numpy(FLOAT > 0.5).half(), FLOAT > 0.5, torch.float32),
    "name": ("coins", skimage.data.coins() / 255, torch.float32),
}


@pytest.mark.parametrize("kind", ARRIVALS)
def test_every_kind_of_picture_arrives(kind: str) -> None:
    image, expected, dtype = ARRIVALS[kind]
    x = as_tensor(image)
    assert x.dtype == dtype
    assert x.shape == (2 if kind == "tensor [B, C, H, W]" else 1, 3 if expected.ndim == 3 else 1, *expected.shape[:2])
    np.testing.assert_allclose(to_array(x), expected, atol=1e-7)


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def test_files_keep_their_depth_and_lose_their_oddities(tmp_path: Path) -> None:
    upright = Image.Exif()
    upright[0x0112] = 6  # stored lying down, to be turned clockwise
    soft = np.tile(np.linspace(0, 255, 32, dtype=np.uint8), (24, 1))
    tiffs: dict[str, np.ndarray] = {"deep.tif": DEEP, "float.tif": COLOUR / 255, "deep_grey.tif": DEEP[..., 0]}
    for name, pixels in tiffs.items():
        tifffile.imwrite(tmp_path / name, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")
    saved(tmp_path / "lzw.tif", Image.fromarray(COLOUR), compression="tiff_lzw")
    saved(tmp_path / "grey.png", Image.fromarray(GREY))
    saved(tmp_path / "deep.png", Image.fromarray(DEEP[..., 0]))
    saved(tmp_path / "lying.png", Image.fromarray(COLOUR), exif=upright)
    saved(tmp_path / "alpha.png", Image.fromarray(np.dstack([COLOUR, np.zeros((6, 9), np.uint8)])))
    saved(tmp_path / "grey_alpha.png", Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(np.uint8(255 * BOARD))]))
    saved(tmp_path / "ink.jpg", Image.fromarray(np.dstack([soft] * 3)).convert("CMYK"), quality=100)
    expected = {
        "deep.tif": (DEEP / 65535, 1e-7),
        "float.tif": (COLOUR / 255, 1e-7),
        "deep_grey.tif": (DEEP[..., 0] / 65535, 1e-7),
        "lzw.tif": (COLOUR / 255, 1e-7),
        "grey.png": (GREY / 255, 1e-7),
        "deep.png": (DEEP[..., 0] / 65535, 1e-7),
        "lying.png": (np.rot90(COLOUR, -1) / 255, 1e-7),
        "alpha.png": (np.ones((6, 9, 3)), 1e-7),
        "grey_alpha.png": (np.dstack([np.where(BOARD, GREY / 255, 1)] * 3), 1e-7),
        "ink.jpg": (np.dstack([soft] * 3) / 255, 0.02),
    }
    for name, (picture, tolerance) in expected.items():
        np.testing.assert_allclose(to_array(as_tensor(tmp_path / name)), picture, atol=tolerance, err_msg=name)


def test_load_image_gives_what_was_asked_for() -> None:
    for channels in (1, 3):
        for name in ("camera", "chelsea"):
            x = load_image(name, size=40, channels=channels)
            assert (x.shape, x.dtype) == ((1, channels, 40, 40), torch.float32)
            assert float(x.min()) >= 0
            assert float(x.max()) <= 1
    assert load_image("chelsea").shape == (1, 1, 300, 451)


def test_grey_is_the_luminance_of_pil() -> None:
    ours = to_array(load_image("chelsea"))
    np.testing.assert_allclose(ours, np.asarray(Image.fromarray(skimage.data.chelsea()).convert("L")) / 255, atol=0.6 / 255)
    colour = load_image("camera", size=16, channels=3)
    torch.testing.assert_close(colour, load_image("camera", size=16).repeat(1, 3, 1, 1))


def test_size_cuts_the_centre_and_shrinks_it_without_aliases(tmp_path: Path) -> None:
    columns = np.arange(60) // 10 * 40
    stripes = saved(tmp_path / "stripes.png", Image.fromarray(np.tile(columns.astype(np.uint8), (40, 1))))
    np.testing.assert_array_equal(to_array(load_image(stripes, size=40)), np.tile(columns[10:50] / 255, (40, 1)).astype(np.float32))
    np.testing.assert_allclose(to_array(load_image(stripes, size=4))[:, 1:3], [[80 / 255, 120 / 255]] * 4, atol=0.02)
    noise = saved(tmp_path / "noise.png", Image.fromarray(RNG.integers(0, 256, (128, 128), dtype=np.uint8)))
    assert float(load_image(noise, size=32).std()) < 1.3 * 0.289 / 4  # each pixel is a mean of about 4 x 4


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: load_image("camara"), ValueError, "unknown image or file 'camara'; did you mean 'camera'"),
    (lambda: load_image("zzz"), ValueError, "known: camera, astronaut"),
    (lambda: load_image("nowhere.png"), FileNotFoundError, "no image file nowhere.png; check the path"),
    (lambda: load_image("no/where"), FileNotFoundError, "no image file no/where"),
    (lambda: load_image("camera", channels=2), ValueError, r"channels must be 1 \(grey\) or 3 \(colour\), not 2"),
    (lambda: load_image("coins", size=304), ValueError, "size must lie from 1 to 303, the short side of coins, not 304"),
    (lambda: load_image("coins", size=0), ValueError, "not 0"),
    (lambda: as_tensor(np.full((4, 4), 200.0)), ValueError, r"ranges from 200 to 200, far outside \[0, 1\]; divide by 255"),
    (lambda: as_tensor(np.full((4, 4), np.nan)), ValueError, "NaN .* replace"),
    (lambda: as_tensor(np.full((4, 4), np.inf)), ValueError, "infinite"),
    (lambda: as_tensor(np.zeros((4, 4), np.int64)), TypeError, "int64 has no known scale; give uint8"),
    (lambda: as_tensor(torch.zeros(4, 4, dtype=torch.int32)), TypeError, "int32 has no known scale"),
    (lambda: as_tensor(np.zeros((3, 4, 5))), ValueError, r"\[H, W, 1 \| 3 \| 4\], not \[3, 4, 5\]"),
    (lambda: as_tensor(np.zeros(4)), ValueError, "an image array is"),
    (lambda: as_tensor(np.zeros((0, 4))), ValueError, "at least one pixel"),
    (lambda: as_tensor(torch.zeros(4)), ValueError, "an image tensor is"),
    (lambda: as_tensor(torch.zeros(5, 4, 4)), ValueError, "1 or 3 channels"),
    (lambda: as_tensor([[0.5]]), TypeError, "list is not an image; give a name, path"),
]


@pytest.mark.parametrize(("call", "error", "sentence"), BAD, ids=[sentence for _, _, sentence in BAD])
def test_bad_pictures_get_one_clear_sentence(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["text.png", "text.jpg"])
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("this is no picture")
    with pytest.raises(ValueError, match=f"{name} cannot be read as an image .* save it again"):
        load_image(tmp_path / name)


def test_cut_off_files_are_named(tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.png", Image.fromarray(RNG.integers(0, 256, (64, 64), dtype=np.uint8))).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut.png cannot be read as an image"):
        load_image(tmp_path / "cut.png")
