"""The comparison with the peers: what of it can be tested without them, and the slot of deepinv where it is installed."""

from __future__ import annotations

import importlib
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

import priors
import problems
from reports.experiments.posteriors import CASES, FEWEST, Reference
from tests import entrants, peers
from tests.entrants import Answer, Counted, Entrant
from tests.peers import Contest, Row

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def blurred() -> problems.Problem:
    return problems.deblur(problems.load_image("camera", size=32), kernel="motion:5:30", noise_sigma=0.02)


# Without the peers.
def test_rounds_are_interleaved_and_each_starts_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, order = [0.0], list[str]()
    monkeypatch.setattr(peers.time, "process_time", lambda: clock[0])

    def runner(name: str, seconds: float) -> None:
        order.append(name)
        clock[0] += seconds

    spent = peers.interleaved([partial(runner, "a", 1.0), partial(runner, "b", 2.0), partial(runner, "c", 4.0)], rounds=3, repeats=2)
    assert "".join(order) == "aabbcc" + "bbccaa" + "ccaabb"
    assert spent == [[1.0] * 3, [2.0] * 3, [4.0] * 3]


def test_times_are_compared_round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is ten times slower in one round changes no ratio."""
    monkeypatch.setattr(peers, "interleaved", lambda runs, rounds, repeats: [[1.0, 10.0, 1.0], [2.0, 20.0, 3.0]])
    runs = [Entrant(who, "", lambda: Answer(torch.zeros(1), 7)) for who in ("ours", "other")]
    ours, other = peers.held(Contest("task", runs, lambda answers: [{}, {"PSNR": 30.0}], "ms", parts=2))
    assert ours.numbers == {"ms": 500.0, "times ours": 1.0, "denoiser calls": 7}
    assert other.numbers == {"ms": 1500.0, "times ours": 2.0, "denoiser calls": 7, "PSNR": 30.0}


def test_the_table_shows_the_best_in_bold_whoever_has_it() -> None:
    rows = [
        Row("ours", "`a`", {"s": 2.0, "times ours": 1.0, "PSNR": 30.004, "coverage": 0.93, "std ratio": 1.25}),
        Row("deepinv", "`b`", {"s": 1.0, "times ours": 0.5, "PSNR": 30.0, "coverage": 0.86, "std ratio": 0.79}),
        Row("scico", "`c`", {"s": 4.0, "times ours": 2.0}),
    ]
    lines = peers.table("Task", rows).splitlines()
    assert lines[0] == "| Task | | s | times ours | PSNR | std ratio | coverage |"
    assert lines[1] == "|---|---|---:|---:|---:|---:|---:|"
    assert lines[2] == "| ours | `a` | 2 | 1.00 | **30.00** | **1.25** | **0.930** |"
    assert lines[3] == "| deepinv | `b` | **1** | 0.50 | **30.00** | 0.79 | 0.860 |"  # equal as printed: both are best
    assert lines[4] == "| scico | `c` | 4 | 2.00 |  |  |  |"


def test_energies_are_told_above_the_lowest(blurred: problems.Problem) -> None:
    best, worse = peers.energies(blurred, 0.01, [Answer(blurred.truth), Answer(blurred.truth + 0.1 * blurred.y)])
    assert best["objective above best"] == 0
    assert worse["objective above best"] > 0.01
    assert best["PSNR"] > 80 > worse["PSNR"]


def test_our_entrants_answer(blurred: problems.Problem) -> None:
    tv, x0 = priors.load("tv"), torch.full((1, 1, 32, 32), 0.5)
    moved = entrants.our_data_step(blurred, x0, 0.1).run().x
    residual = blurred.operator.adjoint(blurred.operator.forward(moved) - blurred.y) / 0.02**2 + (moved - x0) / 0.1**2
    assert float(residual.abs().max()) < 0.05  # the gradient of what the step minimises, of terms in the hundreds
    both = peers.over(lambda p: entrants.our_estimate(p, tv, "hqs", 4), [blurred, blurred]).run()
    assert both.calls == 4
    assert peers.quality([blurred, blurred], [both])[0]["PSNR"] > 22
    assert torch.equal(both.x[0], both.x[1])


def test_our_sampler_is_held_against_the_exact_posterior() -> None:
    ruler = Reference(CASES[0], FEWEST)
    exact, ours, untold = peers.spreads(
        ruler,
        [
            Answer(ruler.draw(FEWEST)[:, :, None]),
            entrants.our_samples(ruler, "annealed", 20).run(),
            entrants.our_samples(ruler, "annealed", 20, adorned=False).run(),
        ],
    )
    assert exact["std ratio"] == pytest.approx(1, abs=0.03)
    assert ours["std ratio"] == pytest.approx(1, abs=0.04)
    assert ours["coverage"] == pytest.approx(0.9, abs=0.02)
    assert untold["std ratio"] > ours["std ratio"] + 0.03  # the width is then sigma, which is too wide


def test_images_and_gradients_are_counted() -> None:
    counted, x = Counted(priors.load("gaussian")), torch.rand(3, 1, 8, 8).requires_grad_()
    found = counted.denoise(x, 0.1)
    assert counted.since(0, 3) == 1
    torch.autograd.grad(found.sum(), x)
    assert counted.since(0, 3) == 2


def test_missing_peers_end_with_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist\nand a long story")

    monkeypatch.setattr(importlib, "import_module", refused)
    with pytest.raises(SystemExit) as stop:
        peers.main(["--quick"])
    told = capsys.readouterr()
    assert stop.value.code == 2
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "nms does not exist" in told.err
    assert entrants.INSTALL in told.err


def test_help_needs_no_peers() -> None:
    found = subprocess.run([sys.executable, "-m", "tests.peers", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0
    assert "--quick" in found.stdout


# With deepinv and scico: out/peers/bin/python -m pytest tests/test_peers.py
foreign = pytest.mark.filterwarnings("ignore")  # the peers' own


@foreign
@pytest.mark.slow
@pytest.mark.parametrize("name", priors.CATALOGUE)
def test_any_prior_is_a_deepinv_denoiser_in_three_lines(name: str, blurred: problems.Problem) -> None:
    deepinv = pytest.importorskip("deepinv")
    prior = priors.load(name)

    class Slot(deepinv.models.Denoiser):
        def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
            return prior.denoise(x, torch.as_tensor(sigma).squeeze())

    x = torch.cat([blurred.truth, blurred.y])
    with torch.no_grad():
        assert torch.allclose(Slot()(x, 0.1), prior.denoise(x, 0.1), atol=1e-5)  # sigma is rounded to single precision
        levels = torch.tensor([0.1, 0.2])  # one for each image, as deepinv passes them
        assert torch.allclose(Slot()(x, levels[:, None, None, None]), prior.denoise(x, levels))
        assert torch.allclose(Slot()(x[:1], torch.tensor([0.1])), prior.denoise(x[:1], 0.1), atol=1e-5)
        restored = deepinv.optim.DPIR(sigma=blurred.noise_sigma, denoiser=Slot())(blurred.y, entrants.physics(blurred))
    assert peers.psnr(restored, blurred.truth) > peers.psnr(blurred.y, blurred.truth)


@foreign
def test_deepinv_differentiates_through_a_prior() -> None:
    pytest.importorskip("deepinv")
    ruler = Reference(CASES[0], FEWEST)
    drawn = entrants.deepinv_samples(ruler, "", entrants.diffusion("MomentMatchingDataFidelity", 20)).run()
    assert drawn.x.shape == (FEWEST, len(ruler.problem.y), *ruler.problem.operator.image_shape)
    assert drawn.calls == 19 * 6  # one image denoised, three gradients in conjugate gradients, two around them
    assert peers.spreads(ruler, [drawn])[0]["std ratio"] == pytest.approx(0.7, abs=0.2)


@foreign
@pytest.mark.parametrize("peer", entrants.PEERS)
@pytest.mark.parametrize("kind", ["blur", "even kernel", "mask"])
def test_the_peers_solve_the_same_equation(peer: str, kind: str) -> None:
    pytest.importorskip(peer)
    picture = problems.load_image("camera", size=32)
    made = {
        "blur": lambda: problems.deblur(picture, kernel="motion:9:30"),
        "even kernel": lambda: problems.deblur(picture, kernel=[[0.1, 0.2], [0.3, 0.4]]),
        "mask": lambda: problems.inpaint(picture),
    }
    problem, x0 = made[kind](), torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    theirs = {"deepinv": entrants.deepinv_data_step, "scico": entrants.scico_data_step}[peer]
    difference = theirs(problem, x0, 0.1).run().x - entrants.our_data_step(problem, x0, 0.1).run().x
    assert float(difference.abs().max()) < 1e-4


@foreign
@pytest.mark.slow
@pytest.mark.parametrize("peer", entrants.PEERS)
def test_the_peers_minimise_the_same_objective(peer: str, blurred: problems.Problem) -> None:
    pytest.importorskip(peer)
    strength = entrants.tv_strength(blurred)
    theirs = {
        "deepinv": lambda: entrants.deepinv_fista(blurred, 200, 100),
        "scico": lambda: entrants.scico_tv(blurred, strength, 10 * strength, 200, circular=False),
    }[peer]()
    answers = [entrants.our_estimate(blurred, priors.load("tv"), "admm", 60).run(), theirs.run()]
    assert max(one["objective above best"] for one in peers.energies(blurred, strength, answers)) < 2e-3


@foreign
def test_plug_and_play_admm_is_the_same_iteration_in_deepinv(blurred: problems.Problem) -> None:
    pytest.importorskip("deepinv")
    prior = priors.load("gaussian")
    ours, theirs = entrants.our_estimate(blurred, prior, "admm", 100).run(), entrants.deepinv_admm(blurred, prior, 100).run()
    assert ours.calls == theirs.calls == 100
    assert float((ours.x - theirs.x).abs().max()) < 1e-3
