"""The page's JavaScript against priors and solvers: the same noise in, the same numbers out, to 1e-5."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import problems
from priors import mixture
from priors.gaussian import Gaussian, PowerLaw
from priors.learned import read
from priors.mixture import Kind, Mixture
from priors.slot import Belief
from problems import kernels
from problems.operator import Operator
from problems.operators import Blur, Inpainting
from problems.problem import Problem
from reports.page import scripts, watching
from solvers.data import Measurement
from solvers.loop import Method, Task, level, renew, zeta
from solvers.methods import METHODS
from solvers.schedules import geometric
from solvers.streams import Streams
from solvers.unconditional import GENERATORS, Nothing

pytest.importorskip("selenium", reason="needs selenium, which the extra dev installs")
from selenium.webdriver import Chrome

from tests.browser import chromium, needed

pytestmark = [pytest.mark.slow, needed]
SIDE, SIGMAS = 32, (1 / 255, 0.1, 0.7, 3.0, 40.0)
NAMES = (
    "METHODS, Blur, Guided, Line, Mask, Measurement, Mixture, Network, Noise, "
    "density, gaussianKernel, geometric, glyphs, likelihood, nothing, pinwheel"
)
# What the calls below share: the prior of a picture or of the plane, and noise that was drawn in Python.
SETTING = """
const given = arrays => ({ normal: () => Float64Array.from(arrays.shift()) });
const { templates, labels } = pb.glyphs(arguments[0], 32);
const digits = new pb.Mixture(templates, labels, 0.1, [32, 32]), plane = pb.pinwheel();
const plain = found => found instanceof Map ? Object.fromEntries(found) : [...found];
"""
FACTS = {"digits": mixture.DIGITS, "dark": mixture.DARK, "bright": mixture.BRIGHT, "shifts": mixture.SHIFTS}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    yield from chromium(tmp_path_factory.mktemp("browser"))


def js(browser: Chrome, code: str, *arguments: Any) -> Any:
    """What a piece of JavaScript returns, after the page's modules without its controls; arguments[0] are the facts of the digits."""
    library = f"const pb = (() => {{ {scripts.bundle((*scripts.CORE, 'network'))}\nreturn {{ {NAMES} }}; }})();"
    return browser.execute_script(library + SETTING + code, FACTS, *arguments)


def agree(found: Any, wanted: Tensor | np.ndarray) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float).ravel(), np.asarray(wanted, dtype=float).ravel(), rtol=1e-5, atol=1e-5)


def noisy(prior: Mixture, shape: tuple[int, int, int], sigma: float, seed: int = 0) -> Tensor:
    """One image of the prior under noise, [1, *shape], float64."""
    noise = torch.Generator().manual_seed(seed)
    clean = prior.draw(torch.tensor([7 * seed % len(prior.labels)]), shape, noise)
    return clean + sigma * torch.randn(clean.shape, generator=noise, dtype=torch.float64)


class Along(Operator):
    """A number measured of a point in the plane, in data of shape [1, 1, 1]."""

    image_shape, data_shape = (1, 1, 2), (1, 1, 1)

    def __init__(self, angle: float):
        self.direction = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.direction).sum(-1, keepdim=True)

    def adjoint(self, y: Tensor) -> Tensor:
        return y * self.direction


def pinwheel(browser: Chrome) -> Mixture:
    """The page's mixture in the plane, as an image of 1 x 2 pixels."""
    templates, labels, spread = js(browser, "return [plane.templates.map(plain), plane.labels, plane.spread]")
    means = torch.tensor(templates, dtype=torch.float64).view(-1, 1, 1, 2)
    return Mixture([Kind(tuple(labels), lambda shape: means, Gaussian(0.0, (PowerLaw(spread**2, 0.0, 1.0),)))], "pinwheel")


# The prior


def test_the_glyphs_are_those_of_the_prior(browser: Chrome) -> None:
    found, labels = js(browser, "return [digits.templates.map(plain), digits.labels]")
    agree(found, mixture.glyphs((1, SIDE, SIDE)))
    assert tuple(labels) == mixture.digits().labels


@pytest.mark.parametrize("sigma", SIGMAS)
def test_denoiser_belief_and_odds(browser: Chrome, sigma: float) -> None:
    prior = mixture.digits()
    x = noisy(prior, (1, SIDE, SIDE), sigma)
    code = """const { mean, width } = digits.belief(arguments[1], arguments[2]);
    return [plain(digits.denoise(arguments[1], arguments[2])), plain(mean), plain(width.pixel),
            plain(width.spectrum), plain(digits.odds(arguments[1], arguments[2]))];"""
    clean, mean, pixel, spectrum, odds = js(browser, code, x.flatten().tolist(), sigma)
    belief = prior.belief(x, sigma)
    agree(clean, prior.denoise(x, sigma))
    agree(mean, belief.mean)
    assert belief.pixel is not None
    assert belief.spectrum is not None
    agree(pixel, belief.pixel)
    agree(np.reshape(spectrum, (SIDE, SIDE))[:, : SIDE // 2 + 1], belief.spectrum)
    parts = prior.responsibilities(x, sigma)[0].view(10, 9).sum(1)
    agree([odds[str(digit)] for digit in range(10)], parts)


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5, -1.0])
def test_guidance(browser: Chrome, guidance: float) -> None:
    prior = mixture.digits().given("3", guidance)
    for sigma in SIGMAS:
        x = noisy(mixture.digits(), (1, SIDE, SIDE), sigma, seed=2)
        code = """const prior = digits.given("3", arguments[3]), belief = prior.belief(arguments[1], arguments[2]);
        return [plain(prior.denoise(arguments[1], arguments[2])), plain(belief.mean), plain(belief.width.pixel)];"""
        clean, mean, pixel = js(browser, code, x.flatten().tolist(), sigma, guidance)
        belief = prior.belief(x, sigma)
        agree(clean, prior.denoise(x, sigma))
        agree(mean, belief.mean)
        assert belief.pixel is not None
        agree(pixel, belief.pixel)


# The samplers


class Recorded(Streams):
    """Noise that remembers what it gave, row by row."""

    def __init__(self, seed: int):
        super().__init__(seed, 1, 1)
        self.given: list[list[float]] = []

    def normal(self, shape: Any, like: Tensor) -> Tensor:
        found = super().normal(shape, like)
        self.given.append(found.flatten().tolist())
        return found


def both(
    browser: Chrome, name: str, method: Method, prior: Any, told: str, levels: list[float], data: Any = None, made: str = "pb.nothing",
    shape: tuple[int, int, int] = (1, SIDE, SIDE), given: tuple[Any, ...] = (),
) -> list[float]:  # fmt: skip
    """Run a chain in Python, then in JavaScript on the same noise, and hold every step of one to the other; the last levels' x."""
    noise = Recorded(1)
    like = torch.empty(0, dtype=torch.float64)
    x = 0.5 + levels[0] * noise.normal(shape, like)
    noise.given.clear()
    wanted = list(Task(data or Nothing(), prior, method, levels, x, 1.0, noise).iterates())
    code = f"""const [, levels, x, arrays, more] = arguments;
    const task = {{ method: pb.METHODS["{name}"], prior: {told}, data: {made}, levels, x: Float64Array.from(x), noise: given(arrays) }};
    const steps = [...task.method.run(task)].map(step => [plain(step.believed), plain(step.measured), plain(step.x)]);
    return [steps, arrays.length];"""
    found, left = js(browser, code, levels, x.flatten().tolist(), noise.given, *given)
    assert left == 0, "as much noise is drawn in JavaScript"
    assert len(found) == len(wanted)
    for (believed, measured, after), step in zip(found, wanted, strict=True):
        agree(believed, step.believed)
        agree(measured, step.measured)
        agree(after, step.x)
    return found[-1][2]


@pytest.mark.parametrize(("name", "method"), [("ancestral", "ddpm"), ("ddim", "ddim"), ("heun", "heun")])
@pytest.mark.parametrize("label", [None, "3"])
def test_chains_with_nothing_measured(browser: Chrome, name: str, method: str, label: str | None) -> None:
    prior = mixture.digits() if label is None else mixture.digits().given(label, 2.0)
    told = "digits" if label is None else 'digits.given("3", 2)'
    both(browser, name, GENERATORS[method], prior, told, geometric(40, 1 / 255, 15))


def masked() -> Inpainting:
    mask = np.ones((SIDE, SIDE), dtype=bool)
    mask[4:25, 3:18] = False
    return Inpainting(mask, (1, SIDE, SIDE))


def measurement(operator: Operator, noise_sigma: float) -> Problem:
    truth = noisy(mixture.digits(), operator.image_shape, 0.0, seed=5)
    clean = operator.forward(truth)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return Problem("any", operator, clean + noise_sigma * noise, noise_sigma)


INSTRUMENTS = {
    "blur": (lambda: Blur(kernels.gaussian(2.0), (1, SIDE, SIDE)), "new pb.Blur(...pb.gaussianKernel(2), [32, 32])"),
    "mask": (masked, "new pb.Mask(more[0], [32, 32])"),
}


@pytest.mark.parametrize("name", ["annealed", "diffpir"])
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_chains_that_meet_a_measurement(browser: Chrome, name: str, instrument: str) -> None:
    make, told = INSTRUMENTS[instrument]
    operator = make()
    problem = measurement(operator, 0.1)
    method = METHODS["annealed"] if name == "annealed" else Method("", lambda *_: [], 1, level, go_on=zeta(0.1), samples=True)
    mask = masked().mask.flatten().tolist()
    made = f"new pb.Measurement({told}, Float64Array.from(more[1]), 0.1)"
    given = ([mask, problem.y.flatten().tolist()],)
    both(browser, name, method, mixture.digits(), "digits", geometric(2.5, 0.05, 20), Measurement(problem), made, given=given)


def test_levels_nearer_than_a_stride_renew_a_share(browser: Chrome) -> None:
    """As the 60 levels of a slow chain do; and a chain told a label at guidance 2 has the widths of the prior that knows it."""
    problem, mask = measurement(masked(), 0.1), masked().mask.flatten().tolist()
    made = "new pb.Measurement(new pb.Mask(more[0], [32, 32]), Float64Array.from(more[1]), 0.1)"
    prior, levels = mixture.digits().given("3", 2.0), geometric(2.5, 0.5, 30)
    assert renew(levels[0], levels[1], 0.0)[0] == 0
    given = ([mask, problem.y.flatten().tolist()],)
    both(browser, "annealed", METHODS["annealed"], prior, 'digits.given("3", 2)', levels, Measurement(problem), made, given=given)


# The plane


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
def test_a_chain_in_the_plane(browser: Chrome, angle: float) -> None:
    prior, operator = pinwheel(browser), Along(angle)
    problem = Problem("line", operator, torch.full((1, 1, 1, 1), 0.6, dtype=torch.float64), 0.05)
    made = "new pb.Measurement(new pb.Line(more[0]), Float64Array.of(0.6), 0.05)"
    levels, given = geometric(2.5, 0.025, 20), ([angle],)
    both(browser, "annealed", METHODS["annealed"], prior, "plane", levels, Measurement(problem), made, operator.image_shape, given)
    both(browser, "ancestral", GENERATORS["ddpm"], prior, "plane", geometric(40, 1 / 255, 15), shape=operator.image_shape)


def test_the_posterior_drawn_in_the_plane_is_exact(browser: Chrome) -> None:
    """Up to one constant: its values on a grid are the density of the mixture that Python finds by linear algebra."""
    prior, angle = pinwheel(browser), 0.7
    posterior = prior.posterior(Along(angle), torch.full((1, 1, 1, 1), 0.6, dtype=torch.float64), 0.05)
    points = torch.tensor([[a, b] for a in np.linspace(0, 1, 15) for b in np.linspace(0, 1, 15)], dtype=torch.float64)
    (covariance,) = posterior.covariances
    parts = torch.distributions.MultivariateNormal(posterior.means[0], covariance)
    wanted = (posterior.weights[0].log() + parts.log_prob(points[:, None])).logsumexp(1).exp()
    code = """const data = new pb.Measurement(new pb.Line(arguments[2]), Float64Array.of(0.6), 0.05);
    const likely = pb.likelihood(arguments[1], data), odds = plane.posteriorOdds(data.operator, data.y, 0.05);
    return [plain(pb.density(plane, arguments[1]).map((p, i) => p * likely[i])), plain(odds)];"""
    found, odds = js(browser, code, points.tolist(), angle)
    agree(np.array(found) / np.sum(found), wanted / wanted.sum())
    agree([odds[label] for label in posterior.labels], [float(share) for share in posterior.labels.values()])


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_the_odds_of_the_labels_given_the_data_are_exact(browser: Chrome, instrument: str) -> None:
    make, told = INSTRUMENTS[instrument]
    problem = measurement(make(), 0.5)
    wanted = mixture.digits().posterior(problem.operator, problem.y, 0.5).labels
    code = f"const more = [arguments[1]]; return plain(digits.posteriorOdds({told}, Float64Array.from(arguments[2]), 0.5));"
    odds = js(browser, code, masked().mask.flatten().tolist(), problem.y.flatten().tolist())
    agree([odds[label] for label in wanted], [float(share) for share in wanted.values()])
    assert 1e-3 < max(map(float, wanted.values())) < 0.999, "an open question"


# Small things


def test_schedule_kernel_and_noise(browser: Chrome) -> None:
    agree(js(browser, "return pb.geometric(40, 0.004, 23)"), geometric(40, 0.004, 23))
    assert js(browser, "return pb.geometric(40, 0.004, 1)") == [40]
    agree(js(browser, "return plain(pb.gaussianKernel(1.3)[0])"), kernels.gaussian(1.3))
    first, second, again = js(browser, "return [[1, 0], [1, 1], [1, 0]].map(seed => plain(new pb.Noise(...seed).normal(20000)))")
    assert first == again
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.mean(first)) < 0.03
    assert np.std(first) == pytest.approx(1, abs=0.02)
    assert np.mean(np.abs(first) > 1.96) == pytest.approx(0.05, abs=0.006)


# The real network


class Shipped:
    """The grey diffusion prior computed in float32, of which float64 images are asked."""

    def __init__(self) -> None:
        self.prior = read(watching.WEIGHTS, precision="float32")

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.prior.denoise(x, sigma)

    def belief(self, x: Tensor, sigma: float) -> Belief:
        return self.prior.belief(x, sigma)


@pytest.fixture(scope="module")
def network(browser: Chrome) -> str:
    """The network in the browser, as the page holds it, in JavaScript."""
    found = watching.network()
    browser.get("about:blank")
    browser.execute_script("window.weights = Uint8Array.from(atob(arguments[0]), sign => sign.charCodeAt(0)).buffer;", found["weights"])
    return f"new pb.Network(window.weights, {found['network']}.card, [64, 64])"


@pytest.mark.parametrize("sigma", [0.002, 0.05, 0.6, 15.0])
def test_the_network_is_that_of_torch(browser: Chrome, network: str, sigma: float) -> None:
    x = 0.5 + 0.2 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(4), dtype=torch.float64).cumsum(-1) / 4
    x = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    code = f"""const {{ mean, width }} = {network}.belief(Float64Array.from(arguments[1]), arguments[2]);
    return [plain(mean), plain(width.pixel), plain(width.spectrum)];"""
    mean, pixel, spectrum = js(browser, code, x.flatten().tolist(), sigma)
    belief = Shipped().belief(x, sigma)
    assert belief.pixel is not None
    assert belief.spectrum is not None
    agree(mean, belief.mean)
    agree(pixel, belief.pixel)
    agree(np.reshape(spectrum, (64, 64))[:, :33], belief.spectrum[0])


def test_a_chain_of_the_network(browser: Chrome, network: str) -> None:
    """By the same loop, with a measurement to meet."""
    operator = Blur(kernels.gaussian(1.6), (1, 64, 64))
    truth = problems.load_image("camera", size=64).double()
    clean = operator.forward(truth)
    y = clean + 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    problem = Problem("any", operator, y, 0.02)
    made = "new pb.Measurement(new pb.Blur(...pb.gaussianKernel(1.6), [64, 64]), Float64Array.from(more[0]), 0.02)"
    levels, given = geometric(2.5, 0.01, 6), ([y.flatten().tolist()],)
    both(browser, "annealed", METHODS["annealed"], Shipped(), network, levels, Measurement(problem), made, (1, 64, 64), given)
