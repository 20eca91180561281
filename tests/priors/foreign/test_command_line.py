"""Foreign denoisers in the commands: compare, denoise-table, sample, trust, calibrate."""

from __future__ import annotations

import contextlib
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

import priors
from priors.catalogue import resolve
from reports.runs.cell import Cell
from reports.runs.keys import key
from reports.runs.loading import load_prior
from reports.runs.stored import Run
from tests.helpers import run
from tests.priors.foreign.test_files import Net, Told, script

TASK = ("-P", "denoise", "-m", "hqs[steps=2]", "-m", "annealed[steps=3]", "-n", "2", "-i", "camera", "--size", "24")


class Shrink(torch.nn.Module):
    """The best guess about independent pixels of [-1, 1] with standard deviation 0.5 about 0, told the level."""

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x * (0.25 / (0.25 + sigma * sigma)).view(-1, 1, 1, 1)


@pytest.fixture
def selectors(tmp_path: Path) -> list[str]:
    script(Net(), tmp_path / "net.pt")
    script(Told(), tmp_path / "told.pt")
    script(Shrink(), tmp_path / "edm.pt")
    return [
        f"torch[file={tmp_path}/net.pt,call=residual,levels=25/255]",
        f"torch[file={tmp_path}/told.pt,levels=0.01:0.5,mmse=false]",
        f"edm[file={tmp_path}/edm.pt]",
    ]


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder, rng = tmp_path / "photographs", np.random.default_rng(0)
    folder.mkdir()
    for k in range(3):
        Image.fromarray(rng.integers(80, 180, (100, 110), dtype=np.uint8)).save(folder / f"{k}.png")
    return folder


@pytest.mark.slow
def test_compare_trust_and_sample(selectors: list[str], tmp_path: Path, capsys: Any) -> None:
    """A blind net of one level estimates, and cannot be annealed: one cell of eight fails, in words."""
    out = tmp_path / "out"
    assert run("compare", "-p", "gaussian," + ",".join(selectors), *TASK, "-o", out) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "failed" in line]
    assert len(told) == 1
    assert "prior 'net.pt' was made for sigma up to 0.0980392, from where annealing to 0.0980392 cannot fall" in told[0]
    stored = Run.load(str(out))
    assert [prior.partition("[")[0] for prior in stored.priors] == ["gaussian", "torch", "torch", "edm"]
    facts = {row.prior["name"]: row.prior for row in stored.rows}
    assert (facts["net.pt"]["family"], facts["net.pt"]["mmse"], facts["told.pt"]["mmse"]) == ("learned", True, False)
    assert facts["net.pt"]["card"]["call"] == "residual"
    assert len(facts["edm.pt"]["card"]["sha256"]) == 64
    assert run("trust", out) == 0
    assert run("sample", "-p", selectors[2], "-m", "heun", "--size", "16", "-n", "2", "--steps", "5", "-o", tmp_path / "sample") == 0
    assert run("list") == 0
    assert "smalldiffusion" in capsys.readouterr().out


def test_denoise_table_leaves_out_levels_that_a_blind_net_was_not_trained_for(selectors: list[str], tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "table"
    chosen = ",".join(["gaussian", *selectors[:2]])
    assert run("denoise-table", "-p", chosen, "--sigmas", "25,50", "--limit", 1, "--size", 32, "-o", out) == 0
    rows = json.loads((out / "denoise-table.json").read_text())
    assert "net.pt" in capsys.readouterr().out
    assert "out of range" in json.dumps(rows)


def test_calibrate_is_read_from_then_on_and_changes_the_key(selectors: list[str], photographs: Path, tmp_path: Path, capsys: Any) -> None:
    cell = Cell("denoise", prior=selectors[1], image="camera", method="annealed", size=24, samples=2)
    before = key(cell)
    assert not hasattr(load_prior(selectors[1]), "rmse")
    assert run("calibrate", selectors[1], "--images", photographs) == 0
    told = json.loads((tmp_path / "told.error.json").read_text())
    assert told["network"]["kind"] == "torch"
    assert told["images"] == "3 pictures of photographs, central 96x96 pixels"
    shown = capsys.readouterr()
    assert "own error /255" in shown.out
    assert "told.error.json" in shown.out
    assert load_prior(selectors[1]).rmse(0.1) > 0
    assert key(cell) != before
    assert run("calibrate", selectors[1], "--images", photographs, "--seed", 1) == 0  # again, over an error that is there
    assert key(cell) != before


def test_the_key_changes_with_the_network_and_with_any_file_of_a_folder(tmp_path: Path) -> None:
    found, selector = set(), f"torch[file={tmp_path}/bank,call=residual]"
    (tmp_path / "bank").mkdir()
    for factor in (1, 2):
        net = Net()
        net.layer.weight.data *= factor
        script(net, tmp_path / "bank" / "net_25.pt")
        found.add(key(Cell("denoise", prior=selector, image="camera", method="hqs", size=24)))
    script(Net(), tmp_path / "bank" / "net_50.pt")
    found.add(key(Cell("denoise", prior=selector, image="camera", method="hqs", size=24)))
    assert len(found) == 3


BAD = {
    "prior of the catalogue": (("tv", "-i", "{}"), "prior 'tv' is no denoiser of another library; calibrate measures those of torch"),
    "no such file": (("torch[file={}/none.pt]", "-i", "{}"), "none.pt does not exist"),
    "no file": (("torch[call=blind]", "-i", "{}"), "prior 'torch' needs the option 'file'; give it, such as torch[file=...]"),
    "unknown option": (("torch[file={}/a.pt,kall=blind]", "-i", "{}"), "prior 'torch' has no option 'kall'"),
    "misspelt": (("difusers[path={}]", "-i", "{}"), "did you mean 'diffusers'"),
    "no pictures": (("edm[file={}/edm.pt]", "-i", "{}/empty"), "no images below"),
    "small pictures": (("edm[file={}/edm.pt]", "-i", "{}/photographs", "--size", "200"), "200 pixels on its short side"),
    "size": (("edm[file={}/edm.pt]", "-i", "{}", "--size", "3"), "size must be at least 16, not 3"),
    "no place": (("tests.priors.foreign.test_command_line:made", "-i", "{}/photographs"), "has no file to lie beside; give --out FILE"),
}


def made() -> Any:
    return priors.adapt(Told(), levels="0.01:0.5")


@pytest.mark.parametrize("what", BAD)
def test_bad_input_of_calibrate(what: str, selectors: list[str], photographs: Path, tmp_path: Path, capsys: Any) -> None:
    arguments, sentence = BAD[what]
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert run("calibrate", *(argument.format(tmp_path) for argument in arguments)) == 2
    told = capsys.readouterr().err
    assert sentence in told.splitlines()[-1]
    assert told.startswith("priorbench: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_network_of_ones_own_module_is_measured_into_a_file(photographs: Path, tmp_path: Path) -> None:
    selector = "tests.priors.foreign.test_command_line:made"
    assert run("calibrate", selector, "-i", photographs, "-o", tmp_path / "own.json") == 0
    assert priors.adapt(Told(), levels="0.01:0.5", error=tmp_path / "own.json").rmse(0.1) > 0


@pytest.mark.slow
def test_a_stored_cell_is_not_taken_for_that_of_another_network(selectors: list[str], tmp_path: Path) -> None:
    out, task = tmp_path / "out", ("-P", "denoise", "-m", "hqs[steps=2]", "-i", "camera", "--size", "24")
    scores = []
    for factor in (1, 3):
        net = Net()
        net.layer.weight.data *= factor
        script(net, tmp_path / "net.pt")
        assert run("compare", "-p", selectors[0], *task, "-o", out) == 0
        scores.append(Run.load(str(out)).rows[0].metrics["psnr"])
    assert scores[0] != scores[1]


# Any options of the selectors, right files or not: a prior, or one sentence.
def options_of(kind: str) -> list[str]:
    return list(inspect.signature(resolve(priors.FOREIGN[kind].maker)).parameters)


NUMBERS = ["0", "-1", "1", "3", "1e9", "nan", "inf", "0.5", "0:1", "1:0", "0.1:0.5", "25/255", "1/0", ":", "/"]
WORDS = ["true", "none", "blind", "map", "sigma", "noise", "raw", "cpu", "batch", "number", ".", "..", "x" * 30, "NET", "TOLD", "FOLDER"]


@st.composite
def asked(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from([kind for kind in priors.FOREIGN if kind != "deepinv"]))
    first, *others = options_of(kind)
    given = {first: draw(st.sampled_from(["NET", "TOLD", "FOLDER", "none.pt"]))}
    given |= draw(st.dictionaries(st.sampled_from(others), st.sampled_from([*NUMBERS, *WORDS]), max_size=4))
    return f"{kind}[{','.join('='.join(option) for option in given.items())}]"


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(selector=asked())
def test_any_options_make_a_prior_or_one_sentence(selector: str, files: dict[str, str]) -> None:
    for word, file in files.items():
        selector = selector.replace(word, file)
    try:
        prior: Any = load_prior(selector)
    except (ValueError, TypeError, OSError, ImportError) as error:
        prior, told = None, str(error)
    if prior is None:
        assert told
        assert "\n" not in told
        return
    low, high = getattr(prior, "sigma_range", (0.1, 0.1))
    with contextlib.suppress(ValueError):  # a side below that of the image
        assert prior.denoise(torch.full((1, 1, 24, 24), 0.5), min(max(0.1, low), high)).shape == (1, 1, 24, 24)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "empty").mkdir()
    return {"NET": str(script(Net(), folder / "net.pt")), "TOLD": str(script(Told(), folder / "told.pt")), "FOLDER": str(folder / "empty")}
