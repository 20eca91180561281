"""Selectors of any kind: read back as they were written; and on the command line a plan, or one sentence and exit code 2."""

from __future__ import annotations

import contextlib
import inspect
import io
import shutil
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import priors
import problems
import solvers
from priors.catalogue import resolve
from reports.cli import main
from reports.experiments import denoising, jobs, tuning
from reports.runs.selectors import Selector, parse_value, split

ANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LETTERS = st.characters(codec="utf-8", exclude_characters="[],=", exclude_categories=["Cc", "Zs", "Zl", "Zp"])
WORDS = st.text(LETTERS, min_size=1, max_size=12)
VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), WORDS.filter(lambda text: isinstance(parse_value(text), str)))


@ANY
@given(name=WORDS, options=st.dictionaries(WORDS, VALUES, max_size=4))
def test_a_selector_is_read_back_as_it_was_written(name: str, options: dict) -> None:
    written = Selector(name, tuple(sorted(options.items())))
    assert Selector.parse(str(written)) == written
    assert Selector.parse(f"  {written} ") == written
    assert split([f"tv,{written},gaussian"]) == list(dict.fromkeys(["tv", str(written), "gaussian"]))


@ANY
@given(st.text(max_size=40))
def test_any_text_is_a_selector_or_one_sentence(text: str) -> None:
    try:
        found = Selector.parse(text)
    except ValueError as error:
        sentence = str(error)
        assert "\n" not in sentence
        assert "write" in sentence
    else:
        assert repr(Selector.parse(str(found))) == repr(found)  # not the selector itself: an option may be NaN


# On the command line


def options_of(maker: object) -> list[str]:
    return list(inspect.signature(maker).parameters)  # type: ignore[arg-type]


PRIOR_OPTIONS = sorted({option for entry in priors.CATALOGUE.values() for option in options_of(resolve(entry.maker))})
PROBLEM_OPTIONS = sorted({option for entry in problems.CATALOGUE.values() for option in options_of(resolve(entry.maker))})
NUMBERS = st.sampled_from(["0", "-1", "1", "2", "1e9", "1e400", "nan", "inf", "-inf", "0.5", "1e-300", "true", "none", "", " ", "9" * 30])
INSTRUMENTS = ["uniform:9.0", "motion:15:30:2", "gaussian:", "disk:0", "shake:1", "random:2", "box", "text:3"]
TEXTS = st.sampled_from([*INSTRUMENTS, "k.npy:1", "a/b.png", "..", "\udcff", "'\"$(x)", "é"])
BROKEN = st.sampled_from(
    ["{}[", "{}]", "[{}]", "{}[]", "{}[[a=1]]", "{}[a]", "{}[=1]", "{}[a=]", "{}[a=1,a=2]", "{}[a=1]x", "{},,", "{}\n", "\x00{}"]
)


def selectors(names: list[str], options: list[str]) -> st.SearchStrategy[str]:
    """Right names with wrong options, wrong names, broken brackets, any text."""
    option = st.tuples(st.one_of(st.sampled_from(options), WORDS), st.one_of(NUMBERS, TEXTS, WORDS)).map("=".join)
    chosen = st.lists(option, min_size=1, max_size=3).map(",".join)
    named = st.tuples(st.sampled_from(names), chosen).map("{0[0]}[{0[1]}]".format)
    broken = st.tuples(BROKEN, st.sampled_from(names)).map(lambda found: found[0].format(found[1]))
    return st.one_of(named, broken, WORDS, st.text(max_size=20)).filter(lambda text: not text.startswith("-"))


PRIORS = selectors([*priors.CATALOGUE, "tests.helpers:Counting"], PRIOR_OPTIONS)
PROBLEMS = selectors(list(problems.CATALOGUE), PROBLEM_OPTIONS)
METHODS = selectors(list(solvers.METHODS), ["steps", "pairs", "strength"])


class Accepted(BaseException):
    """Everything was found right, and solving would begin."""


@pytest.fixture
def accepting(monkeypatch: pytest.MonkeyPatch) -> None:
    def accept(*arguments: object, **options: object) -> None:
        raise Accepted

    monkeypatch.setattr(jobs, "run_cell", accept)
    monkeypatch.setattr(tuning, "run_cell", accept)
    monkeypatch.setattr(denoising, "denoised", accept)
    monkeypatch.setattr(solvers, "generate", accept)


def judged(arguments: list[str], folder: Path) -> None:
    """The command begins to solve, or it ends with one sentence, code 2 and nothing written."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(arguments)
        except Accepted:
            return
        except SystemExit as stop:
            code = stop.code
    told = errors.getvalue()
    assert code == 2, told
    assert told.startswith("priorbench: "), told
    assert told.count("\n") == 1, told
    assert not folder.exists(), "nothing written"


COMMANDS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SMALL = ["-i", "camera", "--size", "24"]


@pytest.mark.slow
@COMMANDS
@given(prior=PRIORS)
def test_compare_and_any_prior(prior: str, accepting: None, tmp_path: Path) -> None:
    judged(["compare", "-p", prior, "-P", "denoise", "-m", "hqs", *SMALL, "-o", str(fresh(tmp_path))], fresh(tmp_path))


@pytest.mark.slow
@COMMANDS
@given(problem=PROBLEMS)
def test_compare_and_any_problem(problem: str, accepting: None, tmp_path: Path) -> None:
    judged(["compare", "-p", "gaussian", "-P", problem, "-m", "hqs", *SMALL, "-o", str(fresh(tmp_path))], fresh(tmp_path))


@pytest.mark.slow
@COMMANDS
@given(method=METHODS)
def test_compare_and_any_method(method: str, accepting: None, tmp_path: Path) -> None:
    judged(["compare", "-p", "gaussian", "-P", "denoise", "-m", method, *SMALL, "-o", str(fresh(tmp_path))], fresh(tmp_path))


@COMMANDS
@given(prior=PRIORS, problem=PROBLEMS, method=METHODS)
def test_tune_and_any_selectors(prior: str, problem: str, method: str, accepting: None, tmp_path: Path) -> None:
    file = fresh(tmp_path) / "s.json"
    judged(["tune", "-p", prior, "-P", problem, "-m", method, "--size", "24", "-o", str(file)], file.parent)


@COMMANDS
@given(prior=PRIORS)
def test_the_table_and_any_prior(prior: str, accepting: None, tmp_path: Path) -> None:
    judged(["denoise-table", "-p", prior, "--limit", "1", "--size", "24", "--sigmas", "25", "-o", str(fresh(tmp_path))], fresh(tmp_path))


@COMMANDS
@given(prior=PRIORS, method=METHODS)
def test_samples_and_any_selectors(prior: str, method: str, accepting: None, tmp_path: Path) -> None:
    judged(["sample", "-p", prior, "-m", method, "--size", "16", "-n", "1", "-o", str(fresh(tmp_path))], fresh(tmp_path))


def fresh(folder: Path) -> Path:
    """A folder that is not there yet, also after an example that was accepted."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    return folder / "run"
