"""The page: it needs no other file, tells what the numbers say, and takes no user's text for markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from reports.figures import sample_strips, whole_run
from reports.judging import verdict
from reports.page import cached, diagnostics, instruments, pictures, report, tables
from reports.runs import stored
from reports.runs.cell import Cell, Record
from reports.runs.stored import Run
from tests.made_up import PRIORS, comparison, provenance

VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    """All tags with their attributes, the text, and whether every tag is closed in order."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def scored(psnrs: dict[str, Sequence[float | None]], samples: int = 0, coverage: dict[str, float] | None = None) -> Run:
    """Records with made-up numbers and no pictures; None stands for a cell that diverged. Of five priors, tv and bm3d are heuristic."""
    rows = []
    for prior, values in psnrs.items():
        for i, psnr in enumerate(values):
            cell = Cell("deblur", f"image {i}", prior, "annealed" if samples else "hqs", samples=samples)
            facts = {"family": PRIORS[prior][0], "mmse": PRIORS[prior][1]}
            found = {} if psnr is None else {"psnr": psnr, "ssim": psnr / 40}
            if samples and psnr is not None:
                found |= {"psnr_sample": psnr - 3, "ssim_sample": 0.5}
                found |= {"coverage": coverage[prior], "coverage_nominal": 0.9} if coverage else {}
            rows.append(Record(cell, "done" if found else "diverged", "", found, 8, 1.5, (), facts))
    return Run(Path(), tuple(rows), {})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(report.build(comparison(tmp_path_factory.mktemp("run"))))


def test_the_page_needs_nothing_else(built: Reader) -> None:
    pointers = ("src", "href", "xlink:href", "srcset", "action", "data")
    found = [value for _, each in built.tags for name, value in each.items() if name in pointers]
    found += re.findall(r"url\((.*?)\)", " ".join([*built.words, *(str(value) for _, each in built.tags for value in each.values())]))
    assert len(found) > 100
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in found)
    assert "@import" not in built.text
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?:", built.text)
    assert built.of("script") == [{"type": "module"}]  # its own, inline
    assert not built.of("link")


def test_every_tag_is_closed(built: Reader) -> None:
    assert built.open == []


def test_links_inside_the_page_lead_somewhere(built: Reader) -> None:
    ids = [each["id"] for _, each in built.tags if "id" in each]
    targets = [value for _, each in built.tags for name, value in each.items() if name.endswith("href") and value.startswith("#")]
    assert {target[1:] for target in targets} <= set(ids)
    assert len(ids) == len(set(ids))


def test_every_picture_says_what_it_is(built: Reader) -> None:
    problems, images = ("deblur", "super_resolution", "inpaint"), ("camera", "cat")
    told = [each["alt"] for each in built.of("img")]
    samples = [alt for alt in told if "sample " in str(alt)]
    in_grids, in_strips = len(images) * (2 + 2 * len(PRIORS)), 2 + 1 + 4 * len(PRIORS)  # a strip, its scene, the second sample to flicker
    kernels_and_masks = [alt for alt in told if re.fullmatch(r"(kernel|mask) of \d+ x \d+ pixels", str(alt))]
    assert len(kernels_and_masks) == len(problems)
    assert len(told) == len(problems) * (in_grids + in_strips + 1)
    assert len(samples) == len(problems) * (1 + 4 * len(PRIORS))
    assert all(re.search(r", sampled \(annealed, .*: sample [1-4].*, \d\d\.\d dB", str(alt)) for alt in samples)
    for prior in PRIORS:
        for problem in problems:
            for image in images:
                for use in ("evaluated (hqs)", "sampled (annealed, n = 4)"):
                    start = f"{prior}, {use}, {problem}, {image}: ".replace("n = 4", "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}4")
                    assert sum(bool(re.fullmatch(re.escape(start) + r"\d\d\.\d dB · 0\.\d\d", alt)) for alt in told) == 1
    assert all(each.get("aria-label") for each in built.of("svg"))
    drawings = [str(each["aria-label"]) for each in built.of("svg") if str(each["aria-label"]).startswith(("The spectrum", "Uncertainty"))]
    assert len(drawings) == 2 * len(problems)
    assert all(prior in label and " dB" in label for label in drawings for prior in PRIORS)


def test_a_picture_is_embedded_once(built: Reader) -> None:
    """Within a problem, of which the made-up answers are those of every other: what shows a picture again copies it."""
    sources = Counter(each["src"] for each in built.of("img") if ", deblur" in str(each["alt"]))
    assert max(sources.values()) == 1
    ids = {each["id"] for each in built.of("img") if "id" in each}
    copies = [each for each in built.of("span") if "data-of" in each]
    assert len(copies) == 2 * 3  # the measurement and the first sample of each pair to flicker
    assert {each["data-of"] for each in copies} <= ids
    chosen = [each["value"] for each in built.of("option")]
    assert {f"{start}-{end}" for start in chosen for end in chosen if start.startswith("p-") and not end.startswith("p-")} == {*ids}


def test_the_page_names_its_figures_and_how_it_came_about(built: Reader) -> None:
    for words in ("figures/spectrum_deblur.pdf", "figures/grid_inpaint.pdf", "figures/uncertainty_super_resolution.pdf"):
        assert words in built.text
    for words in ("priorbench compare --out 'out/<run>'", "numpy 2.0", "non-commercial use only", "sha256 ab12", "shipped: 9 trials"):
        assert words in built.text


def test_it_adapts_to_phone_dark_and_print(built: Reader) -> None:
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in built.of("meta")
    assert all(rule in built.text for rule in ("prefers-color-scheme: dark", "@media print", "max-width: 44rem"))
    colours = re.findall(r"#1b1f24|#ffffff", " ".join(str(value) for _, each in built.tags for value in each.values()))
    assert not colours  # drawings take ink and paper from the page


def test_what_a_user_wrote_is_no_markup(tmp_path: Path) -> None:
    image, prior = "<script>alert('1')</script>.png", 'my:<img src=x onerror="go()">&--><b>'
    made = comparison(tmp_path, {prior: (None, None, 1.0)}, ("deblur",), (image,))
    reader = Reader(report.build(made))
    assert len(reader.of("script")) == 1  # the page's own
    assert not reader.of("b")
    assert all(each["src"].startswith("data:") for each in reader.of("img"))
    assert "script>.png" in reader.text
    assert prior in reader.text
    assert any(prior in each["alt"] for each in reader.of("img"))


def test_the_best_of_a_column_is_marked(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",))
    columns = {method: tables.columns(made, method) for method in made.methods}
    found = tables.table(made, "deblur", columns)
    for method in columns:
        best = [[entry.best for entry in found[prior][method].numbers] for prior in PRIORS]
        assert best[-1] == [column.better != 0 for column in columns[method]]  # diffusion errs least
        assert not any(flag for row in best[:-1] for flag in row)
    shown, rows = found["tv"]["hqs"].numbers[0].shown, [row for row in made.rows if (row.cell.prior, row.cell.method) == ("tv", "hqs")]
    assert float(shown) == pytest.approx((rows[0].metrics["psnr"] + rows[1].metrics["psnr"]) / 2, abs=0.005)


def test_the_table_tells_what_did_not_arrive(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), methods=(("hqs", 0),))
    lost = [("diffusion", "cat"), ("cnn", "cat"), ("cnn", "camera")]
    failed = {"status": "diverged", "message": "beyond <all> bounds", "metrics": {}}
    rows = [replace(row, **failed) if (row.cell.prior, row.cell.image) in lost else row for row in made.rows]
    made = replace(made, rows=tuple(rows))
    found = tables.table(made, "deblur", {"hqs": tables.columns(made, "hqs")})
    assert found["diffusion"]["hqs"].note == "1 of 2 images"
    assert found["cnn"]["hqs"].note == "diverged"
    assert found["bm3d"]["hqs"].numbers[0].best  # of those that arrived everywhere
    text = Reader(report.build(made)).text
    assert "cnn diverged on camera (hqs)" in text
    assert "3 without a result" in text
    assert "7 of 10 cells arrived" in text
    assert "cnn, hqs, deblur, camera: beyond <all> bounds" in text


def test_the_table_shows_the_metrics_that_a_run_has(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), ("camera",), size=16)
    heads = {rest: [column.head for column in tables.columns(made, "annealed", rest)] for rest in (False, True)}
    assert heads == {
        False: ["PSNR of mean", "of one sample", "SSIM of mean", "coverage, 60% nominal"],
        True: ["SSIM of one sample", "misfit of mean", "of one sample", "calls", "seconds"],
    }
    assert tables.meanings({"annealed": tables.columns(made, "annealed")}) == ""
    rows = [replace(row, metrics={**row.metrics, "haarpsi": 0.5, "swd": 0.02, "gmsd": 0.1}) for row in made.rows]
    newer = replace(made, rows=tuple(rows))
    assert [column.head for column in tables.columns(newer, "hqs")] == ["PSNR", "SSIM", "HaarPSI", "SWD"]
    text = Reader(report.build(newer)).text
    assert "0.0200" in text
    assert "Reisenhofer" in text
    assert "GMSD: how" in text


def test_the_lowest_is_best_where_lower_is_better(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera",), methods=(("hqs", 0),), size=16)
    made = replace(made, rows=tuple(replace(row, metrics={**row.metrics, "swd": i}) for i, row in enumerate(made.rows, 1)))
    found = tables.table(made, "deblur", {"hqs": [column for column in tables.ESTIMATE if column.metric == "swd"]})
    assert [prior for prior in PRIORS if found[prior]["hqs"].numbers[0].best] == ["gaussian"]


def test_cost_is_told_for_each_prior_and_method(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), size=16)
    rows = [replace(row, seconds=0.8 if row.cell.prior == "cnn" else 0.08) for row in made.rows]
    made = replace(made, rows=tuple(rows))
    cost = tables.costs(made)["cnn"]["annealed"]
    psnr = stored.mean([row for row in rows if (row.cell.prior, row.cell.method) == ("cnn", "annealed")], "psnr")
    assert [entry.shown for entry in cost.shown] == ["32", "0.80", "25.0", f"{psnr:.2f}", f"{psnr / 32:.2f}"]
    assert tables.dearest(made).startswith("A call took from 4.0 ms (")
    assert "40.0 ms (cnn)" in tables.dearest(made)
    assert tables.dearest(replace(made, rows=tuple(row for row in rows if row.cell.prior == "tv"))) == ""


def test_the_way_of_every_cell_is_drawn_on_one_scale(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"], "cnn": PRIORS["cnn"]}, ("deblur",), ("camera",), (("hqs", 0),), size=16)
    ways = [[{"misfit": 1000.0, "change": 1.0}, {"misfit": None, "change": 0.0}, {"misfit": 10.0, "change": 0.1}], [{"misfit": 1.0}]]
    metrics = [{**row.metrics, "misfit": misfit} for row, misfit in zip(made.rows, (3.0, 1.2), strict=True)]
    rows = [replace(row, trace=way, metrics=found) for row, way, found in zip(made.rows, ways, metrics, strict=True)]
    rows[0] = replace(rows[0], message="misfit 3, expected below 1.25: it does not explain the data")
    made = replace(made, rows=tuple(rows))
    tv, cnn = (lane.cells["camera"] for lane in diagnostics.lanes(made, "deblur"))
    assert (tv.misfit, tv.doubt, cnn.misfit, cnn.doubt) == ("3.00", rows[0].message, "1.20", "")
    assert tv.trace == ("0.0,1.0 64.0,11.7", "0.0,1.0 64.0,17.0", "misfit from 1e+03 to 10, change from 1 to 0.1 in 3 levels")
    assert cnn.trace is None
    assert "Doubtful by fit to the data, or because not settled: 1 answer, marked below." in diagnostics.sentence(made)


def test_companions_stand_where_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(made: Run) -> Figure:
        figure = Figure(figsize=(1, 1))
        figure.text(0, 0, "drawn")
        return figure

    names = ("plane", "beliefs", "effort", "convergence", "bands", "tuning")
    monkeypatch.setattr(whole_run, "COMPANIONS", {**dict.fromkeys(names, draw), "nothing": lambda made: None})
    monkeypatch.setattr(whole_run, "told", lambda name, made: f"told of {name}")
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), ("camera",), (("hqs", 0),), size=16)
    reader = Reader(report.build(made))
    order = [each.get("id") or str(each.get("aria-label")) for name, each in reader.tags if name in ("section", "svg")]
    sections = ("spectrum", "cost", "diagnostics", "strengths")
    found = [name.removeprefix("told of ") for name in order if name.startswith("told of ") or name in sections]
    assert found == ["spectrum", "plane", "beliefs", "cost", "effort", "diagnostics", "convergence", "bands", "strengths", "tuning"]


# Large runs


def test_more_images_are_there_when_asked_for(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), tuple("abcdef"), (("hqs", 0),), size=16)
    reader = Reader(report.build(made))
    assert len(reader.of("img")) == 6 * 3
    assert "2 more images" in reader.text
    assert "images are in this page" not in reader.text


@pytest.mark.parametrize(
    ("size", "channels", "room"), [(64, 1, (12, 12)), (128, 1, (12, 3)), (128, 3, (4, 1)), (256, 1, (4, 0)), (1024, 3, (1, 0))]
)
def test_what_the_page_has_room_for(size: int, channels: int, room: tuple[int, int], tmp_path: Path) -> None:
    cells = [
        Cell(problem, image, prior, method, size=size, channels=channels)
        for problem in ("denoise", "deblur", "super_resolution", "inpaint")
        for image in "abcdefghijkl"
        for prior in PRIORS
        for method in ("hqs", "annealed", "diffpir")
    ]
    assert pictures.room(Run(tmp_path, tuple(Record(cell, "done") for cell in cells), {})) == room


def test_a_large_run_is_compressed_and_keeps_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"], "cnn": PRIORS["cnn"]}, ("deblur", "inpaint"), tuple("abcdef"), (("hqs", 0),), size=64)
    whole = report.build(made).stat().st_size
    monkeypatch.setattr(pictures, "ROOM", 80e3)
    for module in (pictures, sample_strips):
        monkeypatch.setattr(module, "example", lambda made, problem: "f")
    path = report.build(made)
    reader = Reader(path)
    assert pictures.room(made) == (4, 1)
    assert "4 of 6 images are in this page. To keep it small, those after the first 1 are compressed" in reader.text
    assert [str(each["alt"]) for each in reader.of("img") if "truth" in str(each["alt"])][:4] == [f"truth: {x}, deblur" for x in "abcf"]
    assert sum(len(str(each["src"])) for each in reader.of("img")) < 1.5 * 80e3  # made-up answers are noisier than real ones
    assert path.stat().st_size < whole - 80e3
    kinds = Counter(str(each["src"])[11:15] for each in reader.of("img"))
    assert kinds == {"png;": 2 * 4 + 3, "webp": 3 * (4 + 3)}  # the tinted measurement of inpainting is never compressed


class Reading(dict[str, np.ndarray]):
    """Arrays that count how often they are read."""

    read = 0

    def __getitem__(self, name: str) -> np.ndarray:
        self.read += 1
        return super().__getitem__(name)


def test_answers_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), ("camera",), (("annealed", 2),), size=16)
    arrays = Reading(made.rows[0].arrays)
    made = replace(made, rows=(replace(made.rows[0], arrays=arrays),))
    kept = cached.remembering(made).rows[0]
    assert np.array_equal(kept.x, kept.x)
    assert arrays.read == 1
    assert set(kept.arrays) == set(arrays)
    assert np.array_equal(kept.samples, kept.samples)
    assert arrays.read == 3  # many samples are not kept
    monkeypatch.setattr(cached, "MOST", 1e3)
    assert cached.remembering(made) is made


def test_tuning_on_reported_images_is_confessed(tmp_path: Path) -> None:
    made = comparison(tmp_path, {"tv": PRIORS["tv"]}, ("deblur",), ("camera",), (("hqs", 0),), size=16)
    told = dict(made.provenance) | {"tuning_images_reported": ["camera"]}
    assert "tuning images are reported here as well" in Reader(report.build(replace(made, provenance=told))).text
    assert "reported here as well" not in Reader(report.build(made)).text


def test_provenance_of_a_real_run_has_all_that_the_page_asks_for() -> None:
    from reports.experiments.comparison import plan
    from reports.experiments.comparison import provenance as real

    cells = plan(["gaussian"], ["deblur"], ["camera"], ["hqs"])
    made_up = provenance([Record(cells[0], "done")])
    found = real(cells, "", None)
    assert set(made_up) <= set(found)
    assert set(made_up["strengths"][0]) <= set(found["strengths"][0])


VERDICTS = [
    ({"gaussian": [27, 28], "tv": [29, 30.2], "cnn": [30, 31]}, "cnn wins", "30.5 dB; next tv, 0.9 dB behind; last gaussian, 3.0 dB"),
    ({"gaussian": [27, 28], "tv": [30.1, 30.9], "bm3d": [30, 31]}, "tie of tv and bm3d", "30.5 and 30.5 dB; next gaussian, 3.0 dB behind."),
    ({"tv": [25, 31], "bm3d": [30, 30]}, "tie of bm3d and tv", "30.0 and 28.0 dB."),  # 2 dB ahead, but not surely
    ({"tv": [28, 31], "bm3d": [29.7, 29.7], "cnn": [30, 30]}, "cnn wins", "30.0 dB; next bm3d, 0.3 dB behind; last tv, 0.5 dB behind."),
    ({"tv": [29.6], "bm3d": [30]}, "tie of bm3d and tv", "30.0 and 29.6 dB."),  # one image: too near
    ({"tv": [29.4], "bm3d": [30]}, "bm3d wins", "30.0 dB; next tv, 0.6 dB behind."),
    ({"tv": [29, 29], "bm3d": [40, None]}, "tv", "29.0 dB."),  # half a result is not ranked
    ({"bm3d": [None, None]}, "no winner", "No prior arrived on every image."),
]


@pytest.mark.parametrize(("psnrs", "answer", "numbers"), VERDICTS, ids=[verdict[1] for verdict in VERDICTS])
def test_the_verdict_names_the_winner_or_a_tie(psnrs: dict, answer: str, numbers: str) -> None:
    line = verdict.verdict(scored(psnrs), "deblur")[0]
    assert (line.about, line.answer) == ("evaluated (hqs)", answer)
    assert line.numbers.startswith(numbers)


@pytest.mark.parametrize(
    ("leads", "tie"),
    [([0.3, 0.3, 0.3], False), ([0.1, 0.1, 0.1], True), ([1.0, -0.2, 0.4], True), ([1.0, 0.8, 0.9], False), ([0.4], True), ([0.6], False)],
)
def test_a_lead_counts_when_it_is_visible_and_certain(leads: list[float], tie: bool) -> None:
    assert verdict.tied(leads) is tie


def test_a_sampled_verdict_tells_the_single_sample_and_the_cost() -> None:
    line = verdict.verdict(scored({"tv": [25, 25], "cnn": [30, 30]}, samples=4), "deblur")[0]
    assert line.answer == "cnn wins"
    told = "Mean of samples 30.0 dB, a single sample of cnn 27.0 dB; next tv, 5.0 dB behind."
    assert line.numbers == f"{told} Cost: 8 denoiser calls, 1.5 s an image."


def test_a_doubtful_winner_is_named_so_and_its_doubt_is_told() -> None:
    run = scored({"cnn": [30, 30], "tv": [25, 25]})
    doubt = "misfit 0.1, expected above 0.8: it fits the noise; give a larger strength or check noise_sigma"
    rows = (replace(run.rows[0], message=doubt), *run.rows[1:])
    first, told = verdict.verdict(Run(run.folder, rows, run.provenance), "deblur")
    assert first.answer == "cnn (doubtful) wins"
    assert (told.about, told.answer, told.numbers) == ("doubtful", "1 answer", f"cnn by hqs on image 0: {doubt}.")
    assert tables.part(Run(run.folder, rows, {}), "deblur", "hqs", tables.ESTIMATE)["cnn"].note == "1 of 2 doubtful"


def test_a_heuristic_winner_is_named_so() -> None:
    assert verdict.verdict(scored({"tv": [30, 30], "cnn": [25, 25]}, samples=4), "deblur")[0].answer == "tv (heuristic) wins"
    assert verdict.verdict(scored({"tv": [30, 30], "cnn": [25, 25]}), "deblur")[0].answer == "tv wins"


def test_the_verdict_judges_every_spread() -> None:
    measured = {"gaussian": 0.70, "tv": 0.9, "bm3d": 0.5, "cnn": 0.88, "diffusion": 0.97}
    lines = verdict.verdict(scored(dict.fromkeys(measured, (30.0, 30.0)), 20, measured), "deblur")[1:]
    assert [line.answer for line in lines] == ["about right", "too narrow", "too wide", "heuristic"]
    assert [re.findall(r"\d+% \((\w+)\)", line.numbers) for line in lines] == [["cnn"], ["gaussian"], ["diffusion"], ["tv", "bm3d"]]
    assert "should hold 90% of the truth hold 70% (gaussian)" in lines[1].numbers
    assert "No posterior" in lines[3].numbers


def test_one_sample_has_no_spread_to_judge() -> None:
    assert verdict.verdict(scored({"cnn": [30, 30]}, samples=1), "deblur")[1].answer == "unknown"


def test_standings_count_ties_for_all_that_tie() -> None:
    made = scored({"gaussian": [27, 28], "tv": [30.1, 30.9], "bm3d": [30, 31]})
    again = [replace(row, cell=replace(row.cell, problem="inpaint"), metrics={**row.metrics, "psnr": i}) for i, row in enumerate(made.rows)]
    (line,) = verdict.standings(replace(made, rows=(*made.rows, *again)))
    assert (line.answer, line.numbers) == ("bm3d in 2 and tv in 1", "of 2 problems")


def test_an_interrupted_run_is_judged_by_the_images_it_reached(tmp_path: Path) -> None:
    made = comparison(tmp_path, problems=("deblur",), images=("camera", "cat"), methods=(("hqs", 0),), size=16)
    camera_only = replace(made, rows=made.rows[: len(PRIORS)])
    begun = replace(made, rows=made.rows[: len(PRIORS) + 1])
    assert len(verdict.ranking(camera_only, "deblur", "hqs").scores) == len(PRIORS)
    assert list(verdict.ranking(begun, "deblur", "hqs").scores) == ["gaussian"]
    assert verdict.verdict(begun, "deblur")[-1].answer == "4 of 10 cells"
    assert "not yet run" not in {line.about for line in verdict.verdict(made, "deblur")}


def test_the_page_says_and_shows_what_was_measured(tmp_path: Path) -> None:
    names = ("denoise", "deblur[kernel=uniform:3]", "inpaint[mask=box:0.5]")
    made = comparison(tmp_path, dict(list(PRIORS.items())[:2]), names, ("camera",), (("hqs", 0),), 24)
    found = instruments.instruments(made)
    assert found["denoise"] == instruments.Instrument("Every pixel measured; noise with standard deviation 0.098 (25 of 255).")
    assert found["deblur[kernel=uniform:3]"].alt == "kernel of 3 x 3 pixels"
    assert found["inpaint[mask=box:0.5]"].summary.startswith("75 % of the pixels measured")
    text = report.build(made).read_text("utf-8")
    assert all(each.summary in text and each.alt in text for each in found.values())


def test_a_problem_whose_files_are_gone_is_shown_without_its_instrument(tmp_path: Path) -> None:
    made = comparison(tmp_path, dict(list(PRIORS.items())[:2]), ("inpaint[mask=gone.png]",), ("camera",), (("hqs", 0),), 24)
    assert instruments.instruments(made) == {}
    assert 'class="instrument"' not in report.build(made).read_text("utf-8")
