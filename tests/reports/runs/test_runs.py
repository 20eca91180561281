"""The runner and its store: pure cells, resumed runs, one measurement for all priors, strengths tuned fairly."""

from __future__ import annotations

import csv
import json
import logging
import math
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import problems
import solvers
from reports.experiments import tuning
from reports.experiments.comparison import compare, plan
from reports.experiments.tuning import EVALUATIONS, search
from reports.runs.cell import Cell, Record
from reports.runs.flat import flat_rows
from reports.runs.keys import key, scene_key
from reports.runs.loading import load_prior, load_problem
from reports.runs.selectors import Selector, split
from reports.runs.solving import run_cell
from reports.runs.store import Store
from reports.runs.stored import Run
from reports.runs.strengths import Strengths, Tuned, stands
from tests.helpers import COUNT

COUNTING, BROKEN, AMPLIFIER = "tests.helpers:Counting", "tests.helpers:Broken", "tests.helpers:Amplifier"
ESTIMATE = Cell("deblur", "camera", "gaussian", "hqs", size=24)
SAMPLES = Cell("inpaint", "camera", "gaussian", "annealed", samples=4, steps=5, size=24)


def small(*chosen: str, methods: tuple[str, ...] = ("hqs", "annealed"), images: tuple[str, ...] = ("camera",)) -> list[Cell]:
    return plan(chosen or ("gaussian",), ("deblur", "inpaint"), images, methods, samples=3, steps=4, size=24)


class Stop(Exception):
    pass


def stop_after(count: int):
    def tell(done: int, cell: Cell, record: Record | None) -> None:
        if record and done == count:
            raise Stop

    return tell


# Selectors


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("tv", "tv", {}),
        ("deblur[kernel=motion:15:30,noise_sigma=0.02]", "deblur", {"kernel": "motion:15:30", "noise_sigma": 0.02}),
        (" super_resolution[ factor = 4 ] ", "super_resolution", {"factor": 4}),
        ("x[a=true,b=False,c=1e-3,d=my file.png]", "x", {"a": True, "b": False, "c": 0.001, "d": "my file.png"}),
        ("pkg.mod:make[n=-2]", "pkg.mod:make", {"n": -2}),
        ("tv[]", "tv", {}),
    ],
)
def test_selectors_are_read(text: str, name: str, values: dict) -> None:
    selector = Selector.parse(text)
    assert (selector.name, selector.values) == (name, values)
    assert {option: type(value) for option, value in selector.options} == {option: type(value) for option, value in values.items()}
    assert Selector.parse(str(selector)) == selector


def test_the_order_of_options_does_not_matter() -> None:
    assert str(Selector.parse("a[y=1,x=2]")) == str(Selector.parse("a[x=2, y=1]"))


@pytest.mark.parametrize("text", ["", "a[", "a]", "a[b]", "a[b=]", "a[=1]", "a[b=1]c", "a[b=1,b=2]", "a[b=1,]", "[b=1]", "a b[c=[1]]"])
def test_broken_selectors_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        Selector.parse(text)


def test_selectors_are_parted_outside_brackets_and_joined() -> None:
    assert split(["a[x=1,y=2],b", "b", " c "]) == ["a[x=1,y=2]", "b", "c"]


# Cells


def test_a_cell_is_a_pure_function() -> None:
    for cell in ESTIMATE, SAMPLES:
        one, two = run_cell(cell), run_cell(cell)
        assert one.metrics == two.metrics
        assert all(np.array_equal(one.arrays[name], two.arrays[name], equal_nan=True) for name in one.arrays)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_a_cell_gives(channels: int) -> None:
    estimate, drawn = (run_cell(replace(cell, image="astronaut", channels=channels)) for cell in (ESTIMATE, SAMPLES))
    assert estimate.status == drawn.status == "done"
    assert set(estimate.arrays) == {"x", "truth", "shown"}
    assert {name: array.shape for name, array in drawn.arrays.items() if name != "samples"} == dict.fromkeys(
        ("x", "std", "truth", "shown"), (24, 24, channels)
    )
    assert drawn.samples.shape == (4, 24, 24, channels)
    assert drawn.samples.dtype == np.float16
    assert drawn.samples.astype(np.float32).std(0, ddof=1) == pytest.approx(drawn.std, abs=2e-3)
    assert np.isnan(drawn.arrays["shown"]).any()
    assert drawn.calls == 4 * 5
    assert drawn.metrics["coverage_nominal"] == pytest.approx(3 / 5)
    assert drawn.metrics["rms_error"] == pytest.approx(np.sqrt(np.mean((drawn.x - drawn.arrays["truth"]) ** 2)), rel=1e-5)
    assert drawn.metrics["psnr"] > drawn.metrics["psnr_sample"]
    assert drawn.metrics["misfit_sample"] > drawn.metrics["misfit"] > 0
    assert drawn.prior["family"] == "smoother"


def test_one_sample_has_no_spread() -> None:
    record = run_cell(replace(SAMPLES, samples=1))
    assert record.std is None
    assert "coverage" not in record.metrics


def test_every_prior_and_method_sees_the_same_measurement() -> None:
    y = load_problem(SAMPLES).y
    assert torch.equal(y, load_problem(replace(SAMPLES, prior=COUNTING, method="hqs", samples=0, strength=3.0)).y)
    for other in replace(SAMPLES, seed=1), replace(SAMPLES, image="brick"), replace(SAMPLES, problem="inpaint[mask=random:0.4]"):
        assert not torch.equal(y, load_problem(other).y)


def test_divergence_is_a_result_without_an_image() -> None:
    record = run_cell(replace(ESTIMATE, prior=AMPLIFIER))
    assert record.status == "diverged"
    assert "amplifier" in record.message
    assert record.x is None
    assert set(record.arrays) == {"truth", "shown"}
    assert len(record.trace) == record.calls > 0


# The store


def test_a_record_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for cell in SAMPLES, replace(ESTIMATE, prior=AMPLIFIER):
        record = run_cell(cell)
        store.save(record)
        found = store.load(key(cell))
        assert replace(found, trace=tuple(found.trace)) == record
        assert set(found.arrays) == set(record.arrays)
        assert all(np.array_equal(found.arrays[name], record.arrays[name], equal_nan=True) for name in record.arrays)


OTHER = {"problem": "deblur[noise_sigma=0.03]", "image": "brick", "prior": "gaussian[mean=0.3]", "method": "admm", "strength": 2.0,
         "samples": 2, "steps": 3, "size": 25, "channels": 3, "seed": 1, "lpips_file": "alex.pth"}  # fmt: skip


@pytest.mark.parametrize("field", [field.name for field in fields(Cell)])
def test_the_key_changes_with_every_field(field: str) -> None:
    other = replace(ESTIMATE, **{field: OTHER[field]})
    assert key(other) != key(ESTIMATE)
    assert (scene_key(other) != scene_key(ESTIMATE)) == (field in ("problem", "image", "size", "channels", "seed"))


@pytest.mark.parametrize("field", ["image", "problem", "prior"])
def test_the_key_changes_with_own_files(field: str, tmp_path: Path) -> None:
    file = tmp_path / "own.png"
    named = {"image": str(file), "problem": f"inpaint[mask={file}]", "prior": f"cnn[weights={file}]"}[field]
    found = set()
    for grey in (0, 255):
        Image.new("L", (24, 24), grey).save(file)
        found.add(file_key(replace(ESTIMATE, **{field: named})))
    assert len(found) == 2


def test_the_key_changes_with_one_kernel_of_several_in_a_file(tmp_path: Path) -> None:
    file, found = tmp_path / "kernels.mat", set()
    for content in (b"a", b"b"):
        file.write_bytes(content)
        found.add(file_key(replace(ESTIMATE, problem=f"deblur[kernel={file}:1]")))
    assert len(found) == 2


def file_key(cell: Cell) -> str:
    """The key, without loading weights that are none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.runs.keys.load_prior", lambda *_: object())
        return key(cell)


def test_the_key_changes_with_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for sha in ("a", "b"):
        monkeypatch.setattr(load_prior(COUNTING), "card", {"sha256": sha}, raising=False)
        found.add(key(replace(ESTIMATE, prior=COUNTING)))
    assert len(found) == 2


def test_the_key_changes_with_a_prior_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    found = set()
    for version in ("", "# changed\n"):
        (tmp_path / "student_prior.py").write_text(f"{version}from tests.helpers import Smoother\n")
        found.add(key(replace(ESTIMATE, prior="student_prior:Smoother")))
    assert len(found) == 2


def test_a_cell_without_its_scores_counts_as_not_yet_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cells = small(COUNTING)
    compare(cells, tmp_path)
    path = Store(tmp_path).cell_path(key(cells[0]))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metrics": {}}))
    with caplog.at_level(logging.WARNING):
        assert Store(tmp_path).load(key(cells[0])) is None
    assert "psnr" in caplog.text


@pytest.mark.parametrize("victim", ["json", "npz", "scene"])
def test_a_damaged_cell_is_reported_and_run_again(victim: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cells = small(COUNTING)
    whole = compare(cells, tmp_path)
    path = Store(tmp_path).cell_path(key(cells[0]))
    file = {"json": path, "npz": path.with_suffix(".npz"), "scene": Store(tmp_path).scene_path(scene_key(cells[0]))}[victim]
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"\0" * 7
    file.write_bytes(content)
    COUNT["images"] = 0
    with caplog.at_level(logging.WARNING):
        again = compare(cells, tmp_path)
    assert "damaged" in caplog.text
    assert COUNT["images"] == 4  # the first cell alone, which also brings back the scene it shares
    assert [row.metrics for row in again.rows] == [row.metrics for row in whole.rows]


def test_nothing_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(file, **arrays) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", torn)
    with pytest.raises(OSError, match="disk full"):
        Store(tmp_path).save(run_cell(ESTIMATE))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


# Comparisons


def test_an_interrupted_run_resumes(tmp_path: Path) -> None:
    cells = small(COUNTING, images=("camera", "brick"))
    COUNT["images"] = 0
    with pytest.raises(Stop):
        compare(cells, tmp_path, tell=stop_after(3))
    first = COUNT["images"]
    assert first == sum(cell.planned_calls for cell in cells[:3])
    assert len(Run.load(tmp_path).rows) == 3
    comparison = compare(cells, tmp_path)
    assert COUNT["images"] == sum(cell.planned_calls for cell in cells)
    assert [row.cell for row in comparison.rows] == cells
    fresh = compare(cells, tmp_path / "fresh")
    assert [row.metrics for row in comparison.rows] == [row.metrics for row in fresh.rows]


def test_reading_a_run_solves_nothing(tmp_path: Path) -> None:
    compare(small(COUNTING), tmp_path)
    COUNT["images"] = 0
    loaded = Run.load(tmp_path)
    assert len(loaded.rows) == 4
    assert loaded.rows[0].x.shape == (24, 24, 1)
    assert COUNT["images"] == 0


def test_other_cells_in_the_folder_stay_out(tmp_path: Path) -> None:
    compare(small("gaussian"), tmp_path)
    assert {row.cell.prior for row in compare(small("gaussian[mean=0.3]"), tmp_path).rows} == {"gaussian[mean=0.3]"}


def test_a_prior_that_raises_does_not_stop_the_others_and_is_tried_again(tmp_path: Path) -> None:
    cells = small(BROKEN, "gaussian")
    comparison = compare(cells, tmp_path)
    assert [row.status for row in comparison.rows] == ["failed", "done"] * 4
    assert comparison.rows[0].message == "RuntimeError: out of luck"
    run = []
    compare(cells, tmp_path, tell=lambda done, cell, record: None if record else run.append(cell.prior))
    assert run == [BROKEN] * 4


def test_labels_follow_the_spectrum(tmp_path: Path) -> None:
    cells = small("tests.helpers:Smoother", BROKEN, COUNTING, "gaussian[mean=0.3]", AMPLIFIER, "gaussian")
    comparison = compare(cells, tmp_path)
    assert comparison.priors == ["gaussian[mean=0.3]", "gaussian", AMPLIFIER, COUNTING, BROKEN, "tests.helpers:Smoother"]
    assert comparison.problems == ["deblur", "inpaint"]
    assert comparison.methods == ["hqs", "annealed"]
    assert comparison.row("gaussian", "deblur", "camera", "hqs").cell.prior == "gaussian"
    assert comparison.row("gaussian", "deblur", "brick", "hqs") is None
    truth, shown = comparison.scene("inpaint", "camera")
    assert truth.shape == shown.shape == (24, 24, 1)
    with pytest.raises(KeyError, match="no measurement"):
        comparison.scene("inpaint", "brick")


def test_results_are_derived_from_the_cells(tmp_path: Path) -> None:
    comparison = compare(small("gaussian", AMPLIFIER), tmp_path)
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    stored = json.loads((tmp_path / "results.json").read_text(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert stored["rows"] == flat_rows(comparison)
    assert stored["provenance"] == comparison.provenance
    assert len(rows) == len(comparison.rows) == 8
    for row, record in zip(rows, comparison.rows, strict=True):
        assert (row["prior"], row["status"]) == (record.cell.prior, record.status)
        assert row["psnr"] == ("" if record.status == "diverged" else str(record.metrics["psnr"]))


def test_plan_gives_each_method_what_it_needs() -> None:
    cells = plan(["gaussian"], ["deblur[noise_sigma=0.1]", "inpaint"], ["camera"], ["hqs", "annealed"], samples=5, noise=0.05)
    assert [(cell.problem, cell.method, cell.samples) for cell in cells] == [
        ("deblur[noise_sigma=0.1]", "hqs", 0), ("deblur[noise_sigma=0.1]", "annealed", 5),
        ("inpaint[noise_sigma=0.05]", "hqs", 0), ("inpaint[noise_sigma=0.05]", "annealed", 5),
    ]  # fmt: skip
    assert cells[0].planned_calls == 24
    assert cells[1].planned_calls == 5 * solvers.METHODS["annealed"].steps


def test_a_method_may_say_its_own_number_of_steps() -> None:
    methods = ["hqs", "hqs[steps=3]", "annealed[ steps = 7 ]"]
    cells = plan(["gaussian"], ["deblur"], ["camera"], methods, samples=2, steps=5, strengths=strengths_of(tuned_entry()))
    assert [(cell.method, cell.steps, cell.planned_calls) for cell in cells] == [
        ("hqs", 5, 5), ("hqs[steps=3]", 3, 3), ("annealed[steps=7]", 7, 2 * 7)
    ]  # fmt: skip
    assert cells[0].strength == cells[1].strength == 0.25
    assert len({key(cell) for cell in cells}) == 3
    assert run_cell(replace(cells[1], size=24)).calls == 3


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("hsq[steps=3]", "did you mean 'hqs'"),
        ("hqs[steps=0]", "steps of 'hqs' is a whole number of at least 1, not 0"),
        ("hqs[steps=1.5]", "steps of 'hqs' is a whole number of at least 1, not 1.5"),
        ("hqs[steps=true]", "steps of 'hqs' is a whole number of at least 1, not True"),
        ("hqs[levels=3]", "its one option is steps, such as hqs[steps=10]"),
    ],
)
def test_a_method_with_wrong_options_is_told(method: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        plan(["gaussian"], ["deblur"], ["camera"], [method])


def test_what_is_no_number_is_stored_as_null(tmp_path: Path) -> None:
    store, bands = Store(tmp_path), [1.0, math.nan, 0.0, 0.0, 0.0, 0.0]
    trace = [{"sigma": 0.1, "misfit": math.inf, "change": 0.2, "bands": bands}]
    metrics = {"psnr": 20.0, "ssim": 1.0, "misfit": 1.0, "swd": math.nan, "crps": math.inf}
    store.save(replace(run_cell(ESTIMATE), trace=trace, metrics=metrics))
    found = store.load(key(ESTIMATE))
    assert found is not None
    assert list(found.trace) == [{"sigma": 0.1, "misfit": None, "change": 0.2, "bands": [1.0, None, 0.0, 0.0, 0.0, 0.0]}]
    assert found.metrics == {"psnr": 20.0, "ssim": 1.0, "misfit": 1.0, "swd": None, "crps": None}


def test_provenance_names_versions_licences_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_prior(COUNTING), "licence", "for tests only", raising=False)
    monkeypatch.setattr(load_prior(COUNTING), "card", {"sha256": "abc", "steps": 5, "curve": [1, 2]}, raising=False)
    cells, tuned = small(COUNTING, "gaussian", images=("camera", problems.TUNE[0])), strengths_of(tuned_entry())
    told = compare(cells, tmp_path, "priorbench compare", tuned).provenance
    assert told["command"] == "priorbench compare"
    assert told["versions"]["torch"] == torch.__version__
    assert told["licences"] == {COUNTING: "for tests only"}
    assert told["weights"] == {COUNTING: {"sha256": "abc", "steps": 5}}
    assert told["tuning_images_reported"] == [problems.TUNE[0]]


# Strengths


def test_the_search_spends_the_same_on_everyone_and_finds_the_peak() -> None:
    for peak in (0.02, 0.5, 1.0, 8.0):
        tried = search(lambda strength, peak=peak: -abs(math.log10(strength / peak)))
        assert len(tried) == EVALUATIONS == 9
        assert abs(math.log10(tuning.best(tried) / peak)) < 0.2


def test_every_problem_is_tuned_on_instances_around_its_default() -> None:
    """A strength serves the default problem, and instances that differ in noise and in how far their data go."""
    assert set(tuning.INSTANCES) == set(problems.CATALOGUE)
    for name, instances in tuning.INSTANCES.items():
        shape = {"size": 32, "channels": 3 if name in ("colorize", "demosaic") else 1}
        (noise, misfit), *_ = found = [stands(Cell(text, "coins", "gaussian", "hqs", **shape)) for text in (name, *instances)]
        noises, misfits = zip(*found[1:], strict=True)
        assert min(noises) < noise < max(noises) or name == "super_resolution"
        assert min(misfits) - 0.03 < misfit < max(misfits) + 0.03
        assert max(noises) >= 4 * min(noises)
        assert max(misfits) - min(misfits) > 0.1


def test_a_flat_optimum_stays_near_one() -> None:
    assert 0.3 < tuning.best(search(lambda strength: 30 - max(strength - 0.5, 0))) < 0.6


def tuned_entry(**changes) -> Tuned:
    span = (("deblur", "deblur[kernel=disk:3]"), (0.01, 0.05), (0.6, 0.9))
    entry = Tuned("gaussian", "deblur", "hqs", 0.25, ((0.25, 30.0),), ("coins",), 24, 1, 0, "2025-01-01", {"card": None}, *span)
    return replace(entry, **changes)


def strengths_of(*entries: Tuned) -> Strengths:
    return Strengths("mine.json", {(entry.prior, entry.problem, entry.method): entry for entry in entries})


@pytest.mark.parametrize(
    ("entry", "problem", "strength", "words"),
    [
        (tuned_entry(), "deblur", 0.25, "1 trials on 2 instances of deblur and 1 tuning images"),
        (tuned_entry(), "deblur[kernel=motion:5:10]", 0.25, "1 trials on 2 instances of deblur"),
        (tuned_entry(), "deblur[noise_sigma=0.1]", 1.0, "noise 0.1 lies outside 0.01 to 0.05, which the strength was tuned for (mine"),
        (tuned_entry(), "deblur[kernel=uniform:15]", 1.0, "lies outside 0.6 to 0.9, which the strength was tuned for"),
        (tuned_entry(), "inpaint", 1.0, "not tuned"),
        (tuned_entry(strength=None), "deblur", 1.0, "diverged at every strength"),
        (tuned_entry(facts={"card": {"sha256": "old"}}), "deblur", 0.25, "other weights"),
    ],
)
def test_strengths_are_used_and_their_origin_told(entry: Tuned, problem: str, strength: float, words: str) -> None:
    strengths = strengths_of(entry)
    assert plan(["gaussian"], [problem], ["camera"], ["hqs"], strengths=strengths)[0].strength == strength
    assert words in strengths.source(Cell(problem, "camera", "gaussian", "hqs", size=128))


def test_tuning_touches_tuning_images_only_and_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, file = [], tmp_path / "strengths.json"

    def watched(cell: Cell) -> Record:
        run.append(cell)
        return run_cell(cell)

    monkeypatch.setattr(tuning, "run_cell", watched)
    cells = tuning.plan(["gaussian", "gaussian[mean=0.3]"], ["deblur"], ["hqs"], size=16)

    def interrupted(what: str, strength: float, psnr: float) -> None:
        if "mean" in what:
            raise Stop

    with pytest.raises(Stop):
        tuning.tune(cells, file, interrupted)
    assert list(Strengths.load(file).entries) == [("gaussian", "deblur", "hqs")]
    found = tuning.tune(cells[1:], file)
    assert {cell.image for cell in run} == set(problems.TUNE)
    assert {cell.problem for cell in run} == set(tuning.INSTANCES["deblur"])
    assert not {cell.image for cell in run} & set(problems.TEST)
    assert sorted(found.entries) == [("gaussian", "deblur", "hqs"), ("gaussian[mean=0.3]", "deblur", "hqs")]
    for entry in found.entries.values():
        assert len(entry.tried) == EVALUATIONS
        scores = dict(map(tuple, entry.tried))
        assert scores[entry.strength] == pytest.approx(max(scores.values()), abs=0.011)
        assert (entry.size, tuple(entry.noise), entry.seed) == (16, (0.01, 0.05), 0)
        assert entry.holds(*stands(replace(ESTIMATE, size=16)))


def test_a_prior_that_diverges_everywhere_is_told(tmp_path: Path) -> None:
    found = tuning.tune(tuning.plan([AMPLIFIER], ["denoise"], ["hqs"], size=16), tmp_path / "s.json")
    entry = found.entries[AMPLIFIER, "denoise", "hqs"]
    assert entry.strength is None
    assert {psnr for _, psnr in entry.tried} == {None}


def test_without_a_file_every_strength_is_one() -> None:
    cells = plan(["gaussian", "tv"], ["deblur", "inpaint"], ["camera"], ["hqs", "admm", "red", "pgd"])
    assert {cell.strength for cell in cells} == {1.0}
    assert Strengths.none().source(cells[0]) == "not tuned: 1.0"
