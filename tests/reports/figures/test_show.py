"""Images in a row on one scale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

import reports

matplotlib.use("Agg")
from matplotlib import pyplot


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def shown(figure: object) -> list[np.ndarray]:
    return [ax.images[0].get_array().data for ax in figure.axes if ax.images]  # type: ignore[attr-defined]


def test_one_scale_for_all() -> None:
    dark, bright = torch.full((1, 1, 4, 4), 0.25), torch.full((1, 1, 4, 4), 2.0)
    figure = reports.show(dark, bright)
    assert [float(picture.max()) for picture in shown(figure)] == [0.25, 1.0]
    own = reports.show(dark, bright, limits=None)
    assert [float(picture.max()) for picture in shown(own)] == [0.0, 1.0]
    assert len(own.axes) == 3  # the bar tells the values


def test_tensors_arrays_batches_and_missing_pixels() -> None:
    grey, colour = np.zeros((4, 5)), np.zeros((4, 5, 3))
    figure = reports.show(grey, colour, torch.zeros(3, 1, 4, 5), torch.zeros(4, 5, requires_grad=True), torch.full((1, 1, 4, 5), np.nan))
    pictures = shown(figure)
    assert len(pictures) == 7
    assert len({tuple(picture[0, 0]) for picture in pictures}) == 2  # the missing ones are tinted


def test_titles_rows_and_file(tmp_path: Path) -> None:
    figure = reports.show(torch.zeros(8, 1, 4, 4), titles=[f"picture {i}" for i in range(8)], path=tmp_path / "new" / "row.png")
    assert [ax.get_title() for ax in figure.axes[:8]] == [f"picture {i}" for i in range(8)]
    with Image.open(tmp_path / "new" / "row.png") as image:
        assert image.width > image.height > 100
    assert pyplot.get_fignums()  # a notebook finds it


@pytest.mark.parametrize(
    ("images", "options", "kind", "words"),
    [
        ((), {}, ValueError, "needs an image"),
        (("camera",), {}, TypeError, "str of shape"),
        ((torch.zeros(4),), {}, TypeError, r"Tensor of shape \[4\]"),
        ((torch.zeros(1, 2, 4, 4),), {}, TypeError, "no image"),
        ((np.zeros((4, 4, 4)),), {}, TypeError, "no image"),
        ((None,), {}, TypeError, "NoneType"),
        ((torch.zeros(2, 1, 4, 4),), {"titles": ["one"]}, ValueError, "1 titles for 2 images"),
        ((torch.zeros(4, 4),), {"titles": "one"}, ValueError, "one text for 1 images"),
        ((torch.zeros(4, 4),), {"path": "picture.jpeg2"}, ValueError, "written as"),
    ],
)
def test_what_cannot_be_shown(images: tuple, options: dict, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        reports.show(*images, **options)
    assert not pyplot.get_fignums()
