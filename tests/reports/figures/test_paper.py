"""Figures for paper and slide: as wide as the venue, letters of print, fonts inside; drawn from what is stored."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import matplotlib.style
import numpy as np
import pytest
from matplotlib.axis import Axis, Tick
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from reports.experiments import comparison, jobs
from reports.experiments.comparison import plan
from reports.figures import catalogue, paper, style
from reports.figures.spectrum import spectrum
from reports.runs.stored import Run
from tests import made_up
from tests.helpers import run
from tests.made_up import PRIORS

PRINTED = ("ieee1", "ieee2", "cvpr1", "cvpr2", "neurips")
INCHES = {"ieee1": 3.5, "ieee2": 7.16, "cvpr1": 3.25, "cvpr2": 6.875, "neurips": 5.5}  # as the venues' instructions say


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made_up.comparison(tmp_path_factory.mktemp("run"), problems=("deblur", "inpaint"), images=("camera",))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Run:
    cells = plan(["gaussian", "tv"], ["deblur", "inpaint"], ["camera"], ["hqs", "annealed"], 2, 2, 16)
    return comparison.compare(cells, tmp_path_factory.mktemp("stored"))


def words(figure: Figure) -> Iterator[Text]:
    return (text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible())


@pytest.mark.parametrize("width", PRINTED)
@pytest.mark.parametrize("name", catalogue.FIGURES)
def test_a_figure_is_as_wide_as_the_venue_and_its_letters_keep_their_size(made: Run, name: str, width: str) -> None:
    figure = paper.figure(made, name, "inpaint", width)
    assert figure.get_figwidth() == pytest.approx(INCHES[width])
    sizes = [text.get_fontsize() for text in words(figure)]
    assert min(sizes) >= 5.5
    assert np.median(sizes) >= 6.5
    assert max(sizes) < 8


@pytest.mark.parametrize("width", ["ieee1", "ieee2", "slide"])
@pytest.mark.parametrize("name", catalogue.FIGURES)
def test_no_letter_falls_off_the_sheet(made: Run, name: str, width: str) -> None:
    all_on_the_sheet(paper.figure(made, name, None, width))


def all_on_the_sheet(figure: Figure) -> None:
    with matplotlib.rc_context(style.RC):
        figure.draw_without_rendering()
        axes = [axis for each in figure.axes for axis in (each.xaxis, each.yaxis)]
        beyond = {tick.label1 for axis in axes for tick in axis.get_major_ticks() if not within(axis, tick)}  # not drawn
        for text in words(figure):
            if text in beyond:
                continue
            box = text.get_window_extent()
            assert box.x0 > -1, text
            assert box.y0 > -1, text
            assert box.x1 < figure.bbox.x1 + 1, text
            assert box.y1 < figure.bbox.y1 + 1, text


def within(axis: Axis, tick: Tick) -> bool:
    low, high = sorted(axis.get_view_interval())
    return low <= tick.get_loc() <= high


def test_width_in_millimetres() -> None:
    assert paper.size("88.9").width == pytest.approx(3.5)


def test_a_paper_has_captions_and_a_slide_has_a_title(made: Run) -> None:
    title = "Inpaint, from smoother to generative"
    for width, titled in (("ieee1", False), ("slide", True)):
        figure = paper.figure(made, "spectrum", "inpaint", width)
        assert (title in [text.get_text() for text in figure.texts]) == titled
        assert figure.get_label().startswith(f"{title}. The 16 × 16 pixels of camera")


def test_a_slide_is_the_same_figure_larger_in_all_its_parts(made: Run) -> None:
    room = paper.size("slide")
    small = spectrum(made, "inpaint", width=room.width, tallest=room.tallest)
    large = paper.figure(made, "spectrum", "inpaint", "slide")
    assert large.get_figwidth() == pytest.approx(40 / 3)
    assert large.get_figheight() <= 7.5
    for kind, size in ((Text, "get_fontsize"), (Line2D, "get_linewidth"), (Line2D, "get_markersize")):
        ratios = [getattr(b, size)() / getattr(a, size)() for a, b in zip(small.findobj(kind), large.findobj(kind), strict=True)
                  if getattr(a, size)()]  # fmt: skip
        assert ratios == pytest.approx([1.8] * len(ratios))
    assert style.SLIDES["font.size"] == pytest.approx(1.8 * style.RC["font.size"])


def test_the_problem_is_chosen(made: Run) -> None:
    assert paper.figure(made, "grid", "inpaint").get_label().startswith("Inpaint.")
    assert paper.figure(made, "grid").get_label().startswith("Deblur.")


@pytest.mark.parametrize(
    ("name", "problem", "width", "told"),
    [
        ("spectra", None, "ieee1", "unknown figure 'spectra'.*spectrum"),
        ("spectrum", "inpant", "ieee1", "unknown problem 'inpant'.*inpaint"),
        ("spectrum", None, "ieee3", "unknown width 'ieee3'; known: ieee1, ieee2, .*, or a number of millimetres"),
        ("spectrum", None, "nan", "60 to 400 mm"),
        ("spectrum", None, "5", "60 to 400 mm"),
        ("spectrum", None, "9e9", "60 to 400 mm"),
    ],
)
def test_what_is_unknown_is_told_with_what_is_known(made: Run, name: str, problem: str | None, width: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        paper.figure(made, name, problem, width)


def test_a_figure_without_matter_says_what_it_needs(tmp_path: Path) -> None:
    made = made_up.comparison(tmp_path, problems=("deblur",), methods=(("hqs", 0),))
    with pytest.raises(ValueError, match="nothing to draw for the figure 'uncertainty'; it needs a method that samples"):
        paper.figure(made, "uncertainty")
    with pytest.raises(ValueError, match="nothing to draw of deblur for the figure 'uncertainty'; it needs"):
        paper.figure(made, "uncertainty", "deblur")
    with pytest.raises(ValueError, match="no two samples"):
        paper.figure(made, "trust")


@pytest.mark.parametrize("width", ["ieee1", "ieee2", "slide"])
@pytest.mark.parametrize("name", ["trust", "measured"])
def test_what_is_said_of_samples_fits_every_width(stored: Run, name: str, width: str) -> None:
    figure = paper.figure(stored, name, width=width)
    if width != "slide":
        assert figure.get_figwidth() == pytest.approx(INCHES[width])
    assert any(text.get_text() == figure.get_label().partition("?")[0] + "?" for text in figure.texts) == (width == "slide")
    all_on_the_sheet(figure)


def test_every_name_is_drawn_or_told_why_not(stored: Run) -> None:
    for name in paper.names():
        try:
            paper.figure(stored, name)
        except ValueError as error:
            assert "has nothing to draw" in str(error)  # noqa: PT017
            assert name not in catalogue.FIGURES


def test_a_pdf_holds_its_fonts_and_its_text(made: Run, tmp_path: Path) -> None:
    paper.save(paper.figure(made, "spectrum", "deblur", "ieee1"), tmp_path / "x.pdf", "pdf")
    content = (tmp_path / "x.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert box
    assert float(box[1]) == pytest.approx(72 * 3.5, abs=0.1)
    packed = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", content, re.S)
    streams = [zlib.decompress(part) for part in packed if part[:1] == b"x"]
    assert any(b" l\n" in part and b" Tf\n" in part for part in streams), "lines and letters, no picture of them"


def test_an_svg_is_vectors_that_need_no_font(made: Run, tmp_path: Path) -> None:
    paper.save(paper.figure(made, "spectrum", "deblur", "ieee1"), tmp_path / "x.svg", "svg")
    root = ElementTree.parse(tmp_path / "x.svg").getroot()
    assert root.get("width") == "252pt"
    tags = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert "path" in tags
    assert "text" not in tags


def test_a_png_has_the_resolution_of_print(made: Run, tmp_path: Path) -> None:
    paper.save(paper.figure(made, "grid", "deblur", "ieee1"), tmp_path / "x.png", "png")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.width == 1050
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_the_command_draws_what_is_stored_and_solves_nothing(
    stored: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "run_cell", lambda cell: pytest.fail("solved"))
    assert run("figure", str(stored.folder), "spectrum", "--width", "cvpr1") == 0
    file = stored.folder / "figures" / "spectrum_deblur_cvpr1.pdf"
    assert file.read_bytes()[:4] == b"%PDF"
    told = capsys.readouterr().out
    assert f"figure: {file} (of deblur; --problem gives inpaint)" in told
    assert told.startswith("caption: Deblur, from smoother to generative. ")


def test_out_decides_the_format_unless_told_otherwise(stored: Run, tmp_path: Path) -> None:
    for arguments, name, start in ((), "a.svg", b"<?xml"), ((), "b", b"%PDF"), (("--format", "png"), "c.svg", b"\x89PNG"):
        assert run("figure", str(stored.folder), "grid", "-P", "inpaint", *arguments, "-o", str(tmp_path / name)) == 0
        assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("spectra",), "unknown figure 'spectra'"),
        (("spectrum", "--width", "huge"), "known: ieee1, ieee2, cvpr1, cvpr2, neurips, slide"),
        (("spectrum", "--format", "gif"), "'pdf', 'svg', 'png'"),
        (("spectrum", "-P", "denoise"), "unknown problem 'denoise'"),
        (("spectrum", "-o", "/proc/none/x.pdf"), "cannot write /proc/none/x.pdf"),
    ],
)
def test_bad_input_is_one_sentence(stored: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str) -> None:
    before = sorted(stored.folder.rglob("*"))
    assert run("figure", str(stored.folder), *arguments) == 2
    found = capsys.readouterr().err
    assert told in found
    assert found.count("\n") == 1
    assert sorted(stored.folder.rglob("*")) == before


def test_where_no_run_is_none_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("figure", str(tmp_path), "spectrum") == 2
    assert "no run in" in capsys.readouterr().err


def test_ones_own_figures_can_have_the_styles() -> None:
    with matplotlib.style.context("reports.paper"):
        assert matplotlib.rcParams["font.size"] == style.RC["font.size"] == 7
        cycle = list(matplotlib.rcParams["axes.prop_cycle"])
        assert [entry["color"] for entry in cycle] == [look.colour for look in (*style.FAMILIES.values(), style.OTHER)]
    with matplotlib.style.context(["reports.paper", "reports.slides"]):
        assert matplotlib.rcParams["font.size"] == style.SLIDES["font.size"]
        assert matplotlib.rcParams["pdf.fonttype"] == 42


def test_a_family_is_told_by_any_of_colour_marker_and_line() -> None:
    for looks in zip(*(style.look(family) for family in (*style.FAMILIES, None)), strict=True):
        assert len(set(looks)) == len(style.FAMILIES) + 1


def test_families_differ_in_brightness_or_hue_for_the_colour_blind() -> None:
    """Simulated by Machado et al. (2009), severity 1: no two families come nearer than 15 in CIELAB, where 2.3 can just be told."""
    from skimage.color import rgb2lab

    deuteranope = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
    protanope = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])
    colours = np.array([matplotlib.colors.to_rgb(look.colour) for look in style.FAMILIES.values()])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    for seen in (deuteranope, protanope):
        light = np.clip(linear @ seen.T, 0, 1)
        lab = rgb2lab(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))
        apart = np.linalg.norm(lab[:, None] - lab, axis=-1)[~np.eye(len(lab), dtype=bool)]
        assert apart.min() > 15


def test_a_png_of_the_same_figure_is_the_same(made: Run) -> None:
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        with matplotlib.rc_context(style.RC):
            paper.figure(made, "spectrum", "deblur", "ieee1").savefig(file, format="svg", metadata={"Date": None})
    assert files[0].getvalue() == files[1].getvalue()


@pytest.mark.parametrize("name", catalogue.FIGURES)
def test_priors_that_do_not_fit_beside_each_other_wrap(tmp_path: Path, name: str) -> None:
    priors = {f"prior {i}": PRIORS["cnn"] for i in range(9)}
    made = made_up.comparison(tmp_path, priors, ("deblur",), ("camera",))
    tops = {}
    for width in ("ieee1", "ieee2"):
        figure = paper.figure(made, name, width=width)
        named = {axes.get_title(): axes.get_position() for axes in figure.axes if axes.get_title() in priors}
        assert list(named) == list(priors)
        assert min(box.width for box in named.values()) * figure.get_figwidth() > 0.38  # inches
        tops[width] = len({round(box.y1, 4) for box in named.values()})
        all_on_the_sheet(figure)
    assert tops["ieee1"] > tops["ieee2"] == 1


@pytest.mark.parametrize("methods", [(("hqs", 0),), (("annealed", 1),), (("hqs", 0), ("annealed", 4))], ids=["one row", "no spread", "all"])
def test_priors_of_every_number_fit(tmp_path: Path, methods: tuple[tuple[str, int], ...]) -> None:
    for count in (1, 2, 4, 6):
        priors = {f"prior {i}": list(PRIORS.values())[i % 5] for i in range(count)}
        made = made_up.comparison(tmp_path, priors, ("deblur",), ("camera",), methods)
        for width in ("ieee1", "ieee2", "slide"):
            figure = paper.figure(made, "spectrum", None, width)
            for axes in figure.axes:
                box = axes.get_position()
                assert min(box.x0, box.y0, 1 - box.x1, 1 - box.y1) >= -1e-9
                assert min(box.width, box.height) > 0
