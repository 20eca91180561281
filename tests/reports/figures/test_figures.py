"""Figures: what is compared shares its scale and its crop, and what is missing is told."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

import priors
from reports.figures import catalogue, charts, style
from reports.figures.crops import disagreement, example, window_of
from reports.figures.grid import grid
from reports.figures.spectrum import spectrum
from reports.figures.uncertainty import uncertainty
from reports.runs.stored import Run
from tests.made_up import PRIORS, comparison

EIGHT = {f"prior {i}": (family, i % 2 == 0, 1.0) for i, family in enumerate([*priors.FAMILIES, "learned", "learned", None])}


def texts(figure: Figure) -> list[str]:
    """All but the legend, label by label."""
    found = list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
    titles = [axes.get_title(loc) for axes in figure.axes for loc in ("left", "center", "right")]
    return [text.strip() for text in (*titles, *(each.get_text() for each in found))]


def lines(figure: Figure) -> list[str]:
    return [line for text in texts(figure) for line in text.splitlines()]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for found in figure.legends for text in found.get_texts()]


def pictures(figure: Figure) -> list[AxesImage]:
    """All but colour bars."""
    return [image for axes in figure.axes for image in axes.images if image.get_array().shape[0] > 1]


def without(made: Run, prior: str, image: str, status: str = "") -> Run:
    """With the records of one prior and image removed, or turned into ones that did not arrive."""
    hit = [row.cell.prior == prior and row.cell.image == image for row in made.rows]
    scene = {name: made.rows[0].arrays[name] for name in ("truth", "shown")}
    lost = [replace(row, status=status, metrics={}, arrays=scene) if gone else row for row, gone in zip(made.rows, hit, strict=True)]
    return replace(made, rows=tuple(row for row, gone in zip(lost, hit, strict=True) if status or not gone))


@pytest.mark.parametrize("name", catalogue.FIGURES)
@pytest.mark.parametrize(
    "setting",
    [
        {"images": ("camera",), "priors": {"tv": PRIORS["tv"]}},
        {"channels": 3, "priors": EIGHT, "methods": (("hqs", 0), ("admm", 0), ("annealed", 2)), "images": ("a", "b", "c", "d")},
        {"methods": (("annealed", 1),), "size": 16},
    ],
    ids=["one prior, one image", "eight priors in colour", "one sample of small images"],
)
def test_every_figure_is_drawn(tmp_path: Path, name: str, setting: dict) -> None:
    made = comparison(tmp_path, problems=("super_resolution",), **setting)
    figure, file = catalogue.FIGURES[name](made, "super_resolution"), io.BytesIO()
    figure.savefig(file, dpi=50)
    assert figure.get_figwidth() <= style.WIDTH
    assert np.ptp(np.asarray(Image.open(file).convert("L"))) > 200


def test_the_window_is_where_the_rule_says() -> None:
    disagreed = np.random.default_rng(0).random((50, 64)) ** 8
    row, column, side = window_of(disagreed)
    assert side == 16  # a third of the shorter side
    frame = 3  # a sixteenth of it
    sums = np.lib.stride_tricks.sliding_window_view(disagreed, (side, side)).sum((2, 3))
    assert sums[row, column] == pytest.approx(sums[frame : 50 - frame - side + 1, frame : 64 - frame - side + 1].max())


def test_what_happens_at_the_border_does_not_choose_the_window() -> None:
    disagreed = np.zeros((64, 64))
    disagreed[40:50, 40:50] = 1
    disagreed[:, 0] = 1e6
    row, column, side = window_of(disagreed)
    assert {row <= 40, column <= 40, row + side >= 50, column + side >= 50} == {True}


def test_disagreement_is_the_variance_between_priors(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera",), methods=(("hqs", 0),))
    expected = np.var([row.x[..., 0] for row in made.rows], axis=0)
    np.testing.assert_allclose(disagreement(made, "deblur", "camera"), expected, rtol=1e-5)


def test_disagreement_of_a_single_prior_is_with_the_truth(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), ("camera",), (("hqs", 0),))
    expected = np.square(made.rows[0].x - made.rows[0].arrays["truth"])[..., 0] / 4
    np.testing.assert_allclose(disagreement(made, "deblur", "camera"), expected, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("problem", ["deblur", "super_resolution", "inpaint"])
def test_the_crop_is_the_same_in_every_panel_of_the_spectrum(tmp_path: Path, problem: str) -> None:
    made = comparison(tmp_path, size=48)
    row, column, side = window_of(disagreement(made, problem, example(made, problem)))
    figure = spectrum(made, problem)
    limits = Counter((image.axes.get_xlim(), image.axes.get_ylim()) for image in pictures(figure))
    crop, whole = ((column, column + side), (row + side, row)), ((0, 48), (48, 0))
    assert limits == {crop: 2 + 3 * len(PRIORS), whole: 1}  # truth and measurement; estimate, sample and spread of each
    assert {tuple(image.get_extent()) for image in pictures(figure)} == {(0, 48, 48, 0)}  # low resolution is laid over the same field


def test_the_spectrum_shows_the_image_with_the_widest_disagreement(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), methods=(("hqs", 0),), images=("camera", "cat"))
    for image in made.images:
        rows = [replace(row, arrays={**row.arrays, "x": row.x + (row.cell.prior == "tv") * (row.cell.image == image)}) for row in made.rows]
        assert example(replace(made, rows=tuple(rows)), "deblur") == image


def test_what_was_conjured_is_drawn_on_one_scale_whose_range_is_printed(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera",))
    figure = spectrum(made, "deblur")
    maps = [image for image in pictures(figure) if image.get_array().ndim == 2]
    for image, prior in zip(maps, made.priors, strict=True):
        record = made.row(prior, "deblur", "camera", "annealed")
        np.testing.assert_allclose(image.get_array(), record.std[..., 0], rtol=1e-5)
        assert f"± {record.metrics['spread']:.3f}" in texts(figure)
    ((low, high),) = {image.get_clim() for image in maps}
    assert low == 0
    assert {"0", f"{high:g}"} <= set(texts(figure))


def test_the_spectrum_tells_calls_and_samples(tmp_path: Path) -> None:
    figure = spectrum(comparison(tmp_path, problems=("deblur",), images=("camera",)), "deblur")
    assert legend(figure) == ["evaluated, 8 calls", "mean of samples, 4 × 8 calls", "one sample", "heuristic"]
    assert {"one of 4", "std of 4", "← assumes less", "assumes more about pictures →"} <= set(lines(figure))


def test_the_posterior_mean_has_a_curve_beside_what_is_shown(tmp_path: Path) -> None:
    methods = (("admm", 0), ("mean", 0), ("annealed", 4))
    figure = spectrum(comparison(tmp_path, problems=("deblur",), images=("camera",), methods=methods), "deblur")
    assert legend(figure) == ["evaluated, 8 calls", "mean of samples, 4 × 8 calls", "one sample", "posterior mean, 8 calls", "heuristic"]
    assert "evaluated\nadmm" in texts(figure)


def test_calls_that_differ_between_priors_are_told_from_fewest_to_most(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera",))
    rows = [replace(row, calls=3 * row.calls if row.cell.prior == "tv" else row.calls) for row in made.rows]
    told = legend(spectrum(replace(made, rows=tuple(rows)), "deblur"))
    assert told[:2] == ["evaluated, 8 to 24 calls", "mean of samples, 4 × 8 to 24 calls"]


def test_the_perceptual_score_is_the_best_that_the_run_has(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera",), methods=(("hqs", 0),))
    newer = replace(made, rows=tuple(replace(row, metrics={**row.metrics, "haarpsi": 0.123}) for row in made.rows))
    for each, name, count in ((made, "SSIM", 0), (newer, "HaarPSI", len(PRIORS))):
        figure = spectrum(each, "deblur")
        assert f"PSNR in dB and {name} of the whole picture" in figure.get_label()
        assert sum("· 0.12" in text for text in texts(figure)) == count


def test_one_sample_of_each_prior_has_no_spread_to_show(tmp_path: Path) -> None:
    figure = spectrum(comparison(tmp_path, problems=("deblur",), images=("camera",), methods=(("annealed", 1),)), "deblur")
    assert "conjured" not in texts(figure)
    assert all(image.get_array().ndim == 3 for image in pictures(figure))


def test_an_image_with_all_results_is_preferred(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",))
    for image, other in (("camera", "cat"), ("cat", "camera")):
        assert example(without(made, "tv", image, "diverged"), "deblur") == other


def test_deviation_and_error_share_one_scale(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera",))
    figure = uncertainty(made, "deblur")
    maps = [image for image in pictures(figure) if image.get_array().ndim == 2]
    assert len(maps) == 2 * len(PRIORS)
    assert len({image.get_clim() for image in maps}) == 1
    low, high = maps[0].get_clim()
    values = np.stack([image.get_array() for image in maps])
    assert low == 0
    assert np.mean(values > high) <= 0.01
    assert {"0", f"{high:g}"} <= set(texts(figure))


def test_the_maps_are_the_standard_deviation_and_the_error(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"cnn": PRIORS["cnn"]}, ("deblur",), ("camera",), channels=3)
    row = made.row("cnn", "deblur", "camera", "annealed")
    deviation, error = [image.get_array() for image in pictures(uncertainty(made, "deblur")) if image.get_array().ndim == 2]
    np.testing.assert_allclose(deviation, np.sqrt((row.std**2).mean(-1)), rtol=1e-5)
    np.testing.assert_allclose(error, np.sqrt(((row.x - row.arrays["truth"]) ** 2).mean(-1)), rtol=1e-5)


def test_coverage_stands_beside_the_maps(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"cnn": PRIORS["cnn"]}, ("deblur",), ("camera",))
    found = made.row("cnn", "deblur", "camera", "annealed").metrics
    told = f"coverage {found['coverage']:.0%}\nnominal {found['coverage_nominal']:.0%}\n"
    figure = uncertainty(made, "deblur")
    assert any(told in text for text in texts(figure))
    assert {"mean of 4", "one of 4"} <= set(lines(figure))


@pytest.mark.parametrize("name", catalogue.FIGURES)
def test_samplers_without_a_posterior_are_called_heuristic(tmp_path: Path, name: str) -> None:
    figure = catalogue.FIGURES[name](comparison(tmp_path, problems=("deblur",), images=("camera",)), "deblur")
    assert texts(figure).count("heuristic") == 2  # tv and bm3d


@pytest.mark.parametrize(("status", "words"), [("diverged", "diverged"), ("failed", "failed"), ("", "not run")])
def test_what_is_missing_is_told_in_words(tmp_path: Path, status: str, words: str) -> None:
    made = without(comparison(tmp_path, problems=("deblur",)), "tv", "camera", status)
    assert texts(grid(made, "deblur")).count(words) == 2
    assert texts(spectrum(made, "deblur")).count("not on\nall images") == 1


def test_a_problem_without_any_measurement_has_no_figures(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur", "inpaint"), images=("camera",))
    rows = [replace(row, status="failed", metrics={}, arrays={}) if row.cell.problem == "inpaint" else row for row in made.rows]
    assert {problem for _, problem, _ in catalogue.drawable(replace(made, rows=tuple(rows)))} == {"deblur"}


def test_without_samples_there_is_no_uncertainty(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera",), methods=(("hqs", 0),))
    assert [name for name, _, _ in catalogue.drawable(made)] == ["spectrum", "grid"]


def test_a_grid_says_how_many_images_it_shows(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), tuple("abcdef"))
    figure = grid(made, "deblur")
    assert figure.get_label().endswith("4 of 6 images shown.")
    assert any(" ".join(text.split()).endswith("4 of 6 images shown.") for text in texts(figure))


def test_dollars_in_a_file_name_are_no_formula(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), ("in/a$\\frac$.png",))
    figure = grid(made, "deblur")
    figure.savefig(io.BytesIO(), dpi=30)
    assert "a$\\frac$.png" in texts(figure)


def test_pixels_that_were_not_measured_are_tinted() -> None:
    shown = style.display(np.array([[[0.5], [np.nan], [2.0]]]))
    np.testing.assert_allclose(shown[0, [0, 2]], [[0.5] * 3, [1] * 3])
    assert np.ptp(shown[0, 1]) > 0.2  # no grey


def test_every_family_has_its_own_colour_and_place() -> None:
    assert tuple(style.FAMILIES) == priors.FAMILIES
    assert len({style.look(family) for family in (*priors.FAMILIES, None)}) == len(priors.FAMILIES) + 1


def test_figures_are_saved_for_print_and_screen(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur[noise_sigma=0.1]",), ("camera",))
    paths = catalogue.save_all(made)
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(path.name for path in paths)
    assert {path.stem for path in paths} == {f"{name}_deblur-noise_sigma-0.1" for name in catalogue.FIGURES}
    for path in paths:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert picture.info["dpi"] == pytest.approx((200, 200), abs=0.1)
        else:
            assert b"/FontFile2" in path.read_bytes()  # TrueType: text stays text
            assert b"/Type3" not in path.read_bytes()


def test_file_names_are_plain_and_distinct() -> None:
    stems = catalogue.file_stems(["deblur[kernel=a/b.npy]", "deblur[kernel=a:b.npy]", "../.."])
    assert len(set(stems.values())) == 3
    assert not any(set(stem) & set("/\\:[]= ") or stem.startswith(".") for stem in stems.values())


@pytest.mark.parametrize(
    ("label", "letters", "expected"),
    [
        ("diffusion", 12, "diffusion"),
        ("my.module:Prior", 12, "Prior"),
        ("torch[call=residual,file=nets/dncnn.pt,levels=0:55/255,range=-1:1]", 18, "dncnn.pt"),
        ("torch[call=residual,file=nets/dncnn.pt,range=-1:1], annealed", 40, "dncnn.pt, annealed"),
        ("torch[file=a.pt,range=-1:1]", 40, "torch[file=a.pt,range=-1:1]"),
        ("diffusers[path=models/ddpm]", 12, "ddpm"),
        ("digits28[label=3]", 40, "digits28[label=3]"),
        ("digits28[label=3]", 12, "digits28: 3"),
        ("digits28[guidance=2,label=3]", 16, "digits28: 3, w 2"),
        ("digits28[guidance=2,label=3]", 12, "3, w 2"),
        ("digits28[label=3,weights=/far/away.safetensors]", 12, "digits28: 3"),
        ("clothing[label=longsleeve]", 12, "longsleeve"),
        ("Inpaint, mask box:0.4", 40, "Inpaint, mask box:0.4"),
        ("cnn[weights=/far/away/a_long_name_of_weights.safetensors]", 12, "a_long_name…"),
    ],
)
def test_titles_are_short_and_tell_priors_by_their_file_or_label(label: str, letters: int, expected: str) -> None:
    assert charts.short(label, letters) == expected
