"""Pictures of every kind: what is read is what a viewer shows, or one sentence names the file. Inputs are generated."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageOps

import problems
from priors import photographs
from problems import kernels, masks
from problems.operators import Blur, Identity, Inpainting, SuperResolution

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16")
FORMATS = {"PNG": {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}, "JPEG": {"L", "RGB", "CMYK"}, "GIF": {"L", "P"}, "WEBP": {"RGB", "RGBA"},
           "TIFF": {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"}}  # fmt: skip
SUFFIX = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp", "TIFF": "tif"}
quick = settings(deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def shown(file: Path) -> np.ndarray:
    """[H, W, 3] in [0, 1] as a viewer with a white background shows it, by Pillow alone."""
    with Image.open(file) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):
            return np.repeat(np.asarray(image).astype(float)[..., None] / 65535, 3, -1)
        if image.mode == "PA" or image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        return np.asarray(image.convert("RGB")) / 255


def told(error: Exception) -> None:
    """A sentence on one line."""
    assert " " in str(error)
    assert "\n" not in str(error).strip()


@st.composite
def pictures(draw: st.DrawFn) -> tuple[bytes, str]:
    """(a file's content, its suffix)."""
    kind = draw(st.sampled_from(list(FORMATS)))
    mode = draw(st.sampled_from(sorted(FORMATS[kind])))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    seed = draw(st.integers(0, 99))
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    if mode == "I;16":
        image = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(values).convert("RGBA" if mode in ("LA", "RGBA", "PA") else "RGB")
        image = image.convert("P").convert("PA") if mode == "PA" else image.convert(mode)
    exif = Image.Exif()
    if kind in ("JPEG", "PNG", "WEBP") and draw(st.booleans()):
        exif[0x112] = draw(st.integers(1, 8))
    file = io.BytesIO()
    image.save(file, kind, **({"exif": exif} if exif else {}))
    return file.getvalue(), SUFFIX[kind]


@quick
@given(picture=pictures())
def test_what_is_read_is_what_a_viewer_shows(picture: tuple[bytes, str], tmp_path: Path) -> None:
    file = tmp_path / f"a.{picture[1]}"
    file.write_bytes(picture[0])
    read = problems.load_image(file, channels=3)
    np.testing.assert_allclose(read[0].movedim(0, -1).numpy(), shown(file), atol=1.01 / 255)
    eight = photographs.read(file, 3)
    np.testing.assert_allclose(eight / 255, shown(file), atol=2.01 / 255)


@quick
@given(content=st.binary(max_size=200), suffix=st.sampled_from([".png", ".jpg", ".tif", ".gif", ".webp", ".bmp"]), cut=st.integers(0, 40))
def test_a_damaged_file_is_named(content: bytes, suffix: str, cut: int, tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(whole, {".png": "PNG", ".jpg": "JPEG"}.get(suffix, "BMP"))
    for data in (content, whole.getvalue()[:cut]):
        file = tmp_path / f"broken{suffix}"
        file.write_bytes(data)
        for read in (problems.load_image, lambda f: photographs.read(f, 1)):
            with pytest.raises(ValueError, match="broken"):
                read(file)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiffs_are_upright_in_their_own_depth(orientation: int, dtype: str, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5, 7, 3))
    scale = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    stored = (values * scale).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    found = problems.load_image(tmp_path / "a.tif", channels=3)[0].movedim(0, -1).numpy()
    exif = Image.Exif()
    exif[0x112] = orientation
    turned = [ImageOps.exif_transpose(with_exif(stored[..., k].astype(np.float32), exif)) for k in range(3)]
    np.testing.assert_allclose(found, np.stack([np.asarray(t) for t in turned], -1) / scale, atol=1e-6)


def with_exif(values: np.ndarray, exif: Image.Exif) -> Image.Image:
    image = Image.fromarray(values)
    image.info["exif"] = exif.tobytes()
    return image


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white_is_not_a_negative(dtype: type, tmp_path: Path) -> None:
    full = np.iinfo(dtype).max
    stored = np.array([[0, full // 4], [full // 2, full]], dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    np.testing.assert_allclose(problems.load_image(tmp_path / "a.tif")[0, 0], 1 - stored / full, atol=1e-6)


def test_of_several_pages_the_first_is_read(tmp_path: Path) -> None:
    pages = np.stack([np.full((4, 5), 100, np.uint8), np.zeros((4, 5), np.uint8)])
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    Image.fromarray(pages[0]).save(tmp_path / "a.gif", save_all=True, append_images=[Image.fromarray(pages[1])])
    for name in ("a.tif", "a.gif"):
        torch.testing.assert_close(problems.load_image(tmp_path / name), torch.full((1, 1, 4, 5), 100 / 255))


def test_hidden_files_beside_pictures_do_not_count(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "sub").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "sub" / "b.JPG")
    (tmp_path / "folder.png").mkdir()
    for name in ("._a.png", ".DS_Store", ".a.jpg", "Thumbs.db", "notes.txt"):
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "c.png").write_bytes(b"no picture")
    assert [path.name for path in photographs.listing([tmp_path])] == ["a.png", "b.JPG"]


ANY = st.one_of(
    arrays(st.sampled_from([np.float32, np.float64]), array_shapes(max_dims=5, max_side=5), elements=st.floats(width=32)),
    arrays(st.sampled_from([np.uint8, np.uint16, np.int8, np.int64, np.bool_]), array_shapes(max_dims=5, max_side=5)),
    arrays(np.complex64, array_shapes(max_side=4)),
    st.none(), st.integers(), st.text(max_size=20), st.lists(st.floats(), max_size=3),
)  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=400)
@given(image=ANY)
def test_any_object_is_a_picture_or_one_sentence(image: object) -> None:
    try:
        x = problems.as_tensor(image)
    except (TypeError, ValueError, FileNotFoundError) as error:
        told(error)
    else:
        assert x.ndim == 4
        assert x.shape[1] in (1, 3)
        assert bool(torch.isfinite(x).all())


COLOURED = ("colorize", "demosaic")


@pytest.mark.parametrize("grey", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", problems.CATALOGUE)
def test_a_flat_picture_is_measured_like_any_other(name: str, grey: float, channels: int) -> None:
    if name in COLOURED and channels == 1:
        pytest.skip("has no colours to measure")
    problem = problems.load(name, torch.full((1, channels, 16, 16), grey), rng=0)
    assert bool(torch.isfinite(problem.y).all())


def test_units_that_are_not_ours_are_refused_with_the_remedy() -> None:
    picture = np.linspace(0, 1, 64).reshape(8, 8)
    for wrong, remedy in ((2 * picture - 1, r"\(x \+ 1\) / 2"), (255 * picture, "divide by 255")):
        with pytest.raises(ValueError, match=remedy):
            problems.denoise(wrong)
    for sigma in (25, 2.55, 1.5):
        with pytest.raises(ValueError, match=rf"{sigma:g} of 255 is {sigma:g}/255 = {sigma / 255:.3g}"):
            problems.denoise(picture, noise_sigma=sigma)
    for sigma in ("0.1", True, None, 1j):
        with pytest.raises(TypeError, match="noise_sigma is a number"):
            problems.denoise(picture, noise_sigma=sigma)
    for sigma in (-0.1, 0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="noise_sigma must be a positive number"):
            problems.denoise(picture, noise_sigma=sigma)


OPERATORS = (Identity((1, 8, 8)), Blur("gaussian:1", (1, 8, 8)), Blur(np.array([[-3.0, 8.0, -3.0]]), (1, 8, 8)),
             Blur(np.full((3, 3), 50.0), (1, 8, 8)), SuperResolution(None, 2, (1, 8, 8)),
             Inpainting(np.eye(8, dtype=bool), (1, 8, 8)))  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS, ids=str)
def test_a_measurement_in_other_units_is_refused_and_a_valid_one_never(operator: problems.Operator) -> None:
    generator = torch.Generator().manual_seed(0)
    for sigma in (1e-3, 0.1, 1.0):
        for _ in range(20):
            clean = operator.forward(2 * torch.rand(1, 1, 8, 8, generator=generator) - 0.5)
            problems.Problem("own", operator, clean + sigma * torch.randn(clean.shape, generator=generator), sigma)
    with pytest.raises(ValueError, match="which pixels in \\[0, 1\\] cannot cause"):
        problems.Problem("own", operator, 255 * operator.forward(torch.ones(1, 1, 8, 8)), 0.1)


def test_operators_tell_what_they_measure() -> None:
    assert Inpainting(np.eye(8, dtype=bool), (1, 8, 8)).summary == "12.5 % of the pixels measured"
    assert "kernel of 3 x 3" in Blur("uniform:3", (1, 8, 8)).summary
    assert "one pixel of 2 x 2" in SuperResolution(None, 2, (1, 8, 8)).summary
    assert Identity((1, 8, 8)).picture is None
    for operator in OPERATORS[1:]:
        picture = operator.picture
        assert picture is not None
        assert picture.min() >= 0
        assert picture.max() == 1


# masks and kernels as pictures


def test_a_mask_on_transparent_ground_is_read_as_on_paper(tmp_path: Path) -> None:
    holes = np.zeros((6, 6), bool)
    holes[2:4] = True
    layer = np.zeros((6, 6, 4), np.uint8)
    layer[holes] = (0, 0, 0, 255)  # black strokes, nothing around them
    Image.fromarray(layer).save(tmp_path / "m.png")
    np.testing.assert_array_equal(masks.load(tmp_path / "m.png"), ~holes)
    for mode in ("L", "1", "P", "RGB", "I;16"):
        drawn = Image.fromarray(np.where(holes, 0, 255).astype(np.uint8))
        (Image.fromarray(np.where(holes, 0, 65535).astype(np.uint16)) if mode == "I;16" else drawn.convert(mode)).save(tmp_path / "m.png")
        np.testing.assert_array_equal(masks.load(tmp_path / "m.png"), ~holes)


@pytest.mark.parametrize(("values", "words"), [(255, "nothing is missing"), (0, "nothing is measured"), (128, "neither dark nor bright")])
def test_a_picture_that_is_no_mask_is_refused(values: int, words: str, tmp_path: Path) -> None:
    Image.new("L", (6, 6), values).save(tmp_path / "m.png")
    with pytest.raises(ValueError, match=words) as caught:
        masks.load(tmp_path / "m.png")
    assert "m.png" in str(caught.value)


def test_a_mask_is_read_from_an_array(tmp_path: Path) -> None:
    holes = np.eye(6, dtype=bool)
    for kind in (bool, np.uint8, np.float64):
        np.save(tmp_path / "m.npy", (~holes).astype(kind))
        np.testing.assert_array_equal(masks.named(str(tmp_path / "m.npy"), (6, 6)), ~holes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones((6, 6)), "all true: nothing is missing"),
        (np.zeros((6, 6), bool), "all false: nothing is measured"),
        (np.eye(6) / 2, "holds no mask; .* bools, or of zeros and ones"),
        (255 * np.eye(6, dtype=np.uint8), "holds no mask"),
        (np.full((6, 6), np.nan), "holds no mask"),
        (np.ones((1, 6, 6), bool), "holds no mask"),
        (np.array([["a"]]), "holds no mask"),
        (np.array([[None]]), "cannot be read as a mask"),
    ],
)  # fmt: skip
def test_an_array_that_is_no_mask_is_refused(values: np.ndarray, words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", values)
    with pytest.raises(ValueError, match=words) as caught:
        masks.load(tmp_path / "m.npy")
    assert "m.npy" in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"no mask file none\.npy"):
        masks.load("none.npy")


def test_a_kernel_is_found_wherever_its_picture_holds_it(tmp_path: Path) -> None:
    kernel = (255 * kernels.gaussian(1.0) / kernels.gaussian(1.0).max()).astype(np.uint8)
    full, none = np.full_like(kernel, 255), np.zeros_like(kernel)
    told = kernel / kernel.sum()
    pictures = {"grey": kernel, "black RGBA ground": np.dstack([kernel] * 3 + [full]), "white in alpha": np.dstack([full] * 3 + [kernel]),
                "black in alpha": np.dstack([none] * 3 + [kernel]), "16 bits": kernel.astype(np.uint16) * 257}  # fmt: skip
    for values in pictures.values():
        Image.fromarray(values).save(tmp_path / "k.png")
        np.testing.assert_allclose(kernels.named(str(tmp_path / "k.png")), told, atol=1e-3)
    for values, words in ((255 - kernel, "white ground"), (none, "sums to 0")):
        Image.fromarray(values).save(tmp_path / "k.png")
        with pytest.raises(ValueError, match=words):
            kernels.named(str(tmp_path / "k.png"))
    Image.fromarray(full).save(tmp_path / "k.png")
    np.testing.assert_allclose(kernels.named(str(tmp_path / "k.png")), 1 / full.size)


NUMBERS = st.one_of(st.floats(), st.integers(-5, 20), st.sampled_from(["", "x", "²", "1e9", "nan", "-inf", "3.0"]))


@settings(deadline=None, derandomize=True, max_examples=500)
@given(name=st.one_of(st.sampled_from(list(kernels.KERNELS)), st.text(max_size=8)), numbers=st.lists(NUMBERS, max_size=4))
def test_any_text_is_a_kernel_or_one_sentence(name: str, numbers: list) -> None:
    text = ":".join(map(str, [name, *(n for n in numbers if not (isinstance(n, float) and 60 < n <= kernels.LARGEST))]))
    try:
        kernel = kernels.named(text)
    except (ValueError, FileNotFoundError) as error:
        told(error)
    else:
        assert kernel.ndim == 2
        assert np.isfinite(kernel).all()
        assert kernel.sum() == pytest.approx(1)


@settings(deadline=None, derandomize=True, max_examples=500)
@given(name=st.one_of(st.sampled_from(list(masks.MASKS)), st.text(max_size=8)), numbers=st.lists(NUMBERS, max_size=3))
def test_any_text_is_a_mask_or_one_sentence(name: str, numbers: list) -> None:
    try:
        mask = masks.named(":".join(map(str, [name, *numbers])), (12, 16))
    except (ValueError, FileNotFoundError) as error:
        told(error)
    else:
        assert mask.shape == (12, 16)
        assert mask.dtype == bool


def test_the_sentence_shows_a_right_text() -> None:
    np.testing.assert_array_equal(kernels.named("uniform:9.0"), kernels.named("uniform:9"))
    for text, right in (("motion:15:30:2", "'motion:15:30'"), ("uniform:x", "'uniform:9'"), ("gaussian:", "'gaussian:1.6'")):
        with pytest.raises(ValueError, match=right):
            kernels.named(text)
    with pytest.raises(ValueError, match="1000 at most"):
        kernels.named("motion:1e9:0")
    for factor in (2.5, float("nan"), True, 0):
        with pytest.raises(ValueError, match="factor must be a whole number"):
            SuperResolution(None, factor, (1, 8, 8))
