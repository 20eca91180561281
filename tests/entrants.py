"""Priorbench, deepinv and scico at the same tasks, as ``tests.peers`` times them: one function for each peer and method.

Every maker takes a Problem (and what belief it needs) and returns an Entrant whose ``run`` starts from y. What a package sets up
once for a problem, such as the Fourier transform of a kernel, is made before. The peers are imported inside the functions.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

import solvers
from priors.slot import Denoiser
from priors.tv import weight
from problems.operators import Blur, Identity, Inpainting
from problems.problem import Problem
from reports.experiments.posteriors import MEASUREMENTS, OneStream, Reference
from solvers.data import Measurement
from solvers.levels import FIXED
from solvers.solve import run as run_method

PEERS = {"deepinv": "0.5.0", "scico": "0.0.7"}
INSTALL = "python3 -m venv out/peers && out/peers/bin/pip install -e . torch==2.14.1 torchvision==0.29.1 pytest " + " ".join(
    f"{name}=={version}" for name, version in PEERS.items()
)


def missing() -> str:
    """Why the peers cannot run here and what to do about it, in one sentence; empty where they can."""
    for name in PEERS:
        try:
            importlib.import_module(name)
        except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that was built for another torch
            told = str(error).splitlines()[0]
            return f"{name} cannot be imported ({told}); make the peers' own environment and run there: {INSTALL}"
    return ""


@dataclass(frozen=True)
class Answer:
    """``x`` [B, C, H, W], or samples [n, B, C, H, W]; ``calls`` of the denoiser for each, a gradient through it as one more."""

    x: Tensor
    calls: int = 0


@dataclass(frozen=True)
class Entrant:
    who: str  # "ours" or the peer
    what: str  # method and settings
    run: Callable[[], Answer]


class Counted:
    """A prior that counts the images it denoises, and the gradients taken through it."""

    def __init__(self, prior: Denoiser):
        self.prior, self.images = prior, 0

    def denoise(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        self.images += len(x)
        found = self.prior.denoise(x, sigma)
        if found.requires_grad:
            found.register_hook(self.back)
        return found

    def back(self, gradient: Tensor) -> None:
        self.images += len(gradient)

    def since(self, before: int, images: int) -> int:
        """Calls for each of so many images."""
        return round((self.images - before) / images)


class Unadorned:
    """A prior of which only ``denoise`` is known, as the peers know it; it is right about its level."""

    mmse = True

    def __init__(self, prior: Denoiser):
        self.prior, self.sigma_range = prior, prior.sigma_range

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.prior.denoise(x, sigma)


# Ours.
def our_data_step(problem: Problem, x0: Tensor, width: float) -> Entrant:
    data = Measurement(problem)
    return Entrant("ours", "`Measurement.minimise`", lambda: Answer(data.minimise(x0, width)))


def our_denoiser(problem: Problem, prior: Denoiser) -> Entrant:
    return Entrant("ours", "the prior's `denoise`", lambda: Answer(prior.denoise(problem.y, problem.noise_sigma)))


def our_estimate(problem: Problem, prior: Denoiser, method: str, steps: int | None = None) -> Entrant:
    def run() -> Answer:
        result = solvers.solve(problem, prior, method, steps=steps)
        return Answer(result.x, result.calls)

    return Entrant("ours", f"`{method}`" + (f", {steps} levels" if steps else ""), run)


def our_samples(ruler: Reference, method: str, steps: int, adorned: bool = True) -> Entrant:
    """``adorned``: with what the prior tells of its own error, which only our samplers ask for."""
    prior = ruler.prior if adorned else Unadorned(ruler.prior)

    def run() -> Answer:
        result = run_method(ruler.problem, prior, method, 1.0, steps, None, OneStream(ruler.seeds, ruler.n, MEASUREMENTS))
        return Answer(result.drawn(), result.calls // ruler.n)

    return Entrant("ours", f"`{method}`, {steps} levels" + ("" if adorned else ", error of the denoiser not told"), run)


# deepinv.
def slotted(prior: Denoiser) -> Any:
    """A prior as a deepinv Denoiser: images in [0, 1], sigma one standard deviation or one per image, in any shape."""
    import deepinv

    class Slot(deepinv.models.Denoiser):
        def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
            told = torch.as_tensor(sigma).flatten()
            return prior.denoise(x, float(told[0]) if bool((told == told[0]).all()) else told)

    return Slot()


def physics(problem: Problem) -> Any:
    """The operator and the noise as deepinv has them."""
    import deepinv

    operator, noise = problem.operator, deepinv.physics.GaussianNoise(problem.noise_sigma)
    if isinstance(operator, Blur):
        return deepinv.physics.BlurFFT(operator.image_shape, operator.kernel.float()[None, None], noise_model=noise)
    if isinstance(operator, Inpainting):
        return deepinv.physics.Inpainting(operator.image_shape, operator.mask.float()[None], noise_model=noise)
    if isinstance(operator, Identity):
        return deepinv.physics.Denoising(noise)
    raise TypeError(f"{operator!r} has no counterpart among the entrants; give a blur, a mask or plain noise")


def on_grid(problem: Problem) -> Tensor:
    """y as both peers have it: missing pixels are zeros."""
    return problem.operator.adjoint(problem.y) if isinstance(problem.operator, Inpainting) else problem.y


def deepinv_data_step(problem: Problem, x0: Tensor, width: float) -> Entrant:
    import deepinv

    fidelity, instrument, y = deepinv.optim.L2(sigma=problem.noise_sigma), physics(problem), on_grid(problem)
    return Entrant("deepinv", "`L2.prox`", lambda: Answer(fidelity.prox(x0, y, instrument, gamma=width**2)))


def deepinv_tv(problem: Problem, iterations: int = 1000) -> Entrant:
    import deepinv

    def run() -> Answer:
        model = deepinv.models.TVDenoiser(n_it_max=iterations)
        return Answer(model(problem.y, ths=weight(problem.noise_sigma, problem.y.shape[1])))

    return Entrant("deepinv", "`TVDenoiser`", run)


def deepinv_fista(problem: Problem, iterations: int, inner: int) -> Entrant:
    """FISTA with the prox of TV; its step is 1 / |A|^2 = 1 for a kernel of sum 1."""
    import deepinv

    instrument, y, strength = physics(problem), on_grid(problem), tv_strength(problem)

    def run() -> Answer:
        prior = deepinv.optim.TVPrior(n_it_max=inner)
        model = deepinv.optim.FISTA(deepinv.optim.L2(), prior, lambda_reg=strength, stepsize=1.0, max_iter=iterations)
        with torch.no_grad():
            return Answer(model(y, instrument))

    return Entrant("deepinv", f"`FISTA`, {iterations} × {inner} iterations", run)


def deepinv_admm(problem: Problem, prior: Denoiser, steps: int) -> Entrant:
    """Plug-and-play ADMM at the level and the balance of ours."""
    import deepinv

    instrument, y, counted = physics(problem), on_grid(problem), Counted(prior)
    plugged = deepinv.optim.PnP(slotted(counted))
    step = (FIXED / problem.noise_sigma) ** 2

    def run() -> Answer:
        before = counted.images
        model = deepinv.optim.ADMM(deepinv.optim.L2(), plugged, stepsize=step, g_param=FIXED, max_iter=steps)
        with torch.no_grad():
            return Answer(model(y, instrument), counted.since(before, len(y)))

    return Entrant("deepinv", f"`ADMM`, {steps} iterations", run)


def deepinv_dpir(problem: Problem, prior: Denoiser) -> Entrant:
    """Plug-and-play HQS with the eight levels of DPIR, which deepinv fixes."""
    import deepinv

    instrument, y, counted = physics(problem), on_grid(problem), Counted(prior)
    denoiser = slotted(counted)

    def run() -> Answer:
        before = counted.images
        model = deepinv.optim.DPIR(sigma=problem.noise_sigma, denoiser=denoiser)
        with torch.no_grad():
            return Answer(model(y, instrument), counted.since(before, len(y)))

    return Entrant("deepinv", "`DPIR`", run)


def one_thread() -> Any:
    """The package's own profile of BM3D on one thread, which ours has too: several would share one core at a loss."""
    import bm3d

    profile = bm3d.BM3DProfile()
    profile.num_threads = 1
    return profile


class DeepinvBM3D:
    """deepinv's BM3D in our slot, so that it is counted as every other prior."""

    def __init__(self) -> None:
        import bm3d
        import deepinv

        self.model = deepinv.models.BM3D()
        self.model.bm3d_lib = SimpleNamespace(bm3d=partial(bm3d.bm3d, profile=one_thread()))  # deepinv takes no profile

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.model(x, sigma)


Sampler = Callable[[Any, Problem], Callable[[Tensor, Any], Tensor]]  # (denoiser, problem) -> (y, physics) -> samples


def dps(guidance: str, steps: int = 1000) -> Sampler:
    def make(denoiser: Any, problem: Problem) -> Callable[[Tensor, Any], Tensor]:
        import deepinv

        return deepinv.sampling.DPS(denoiser, num_steps=steps, guidance=guidance)

    return make


def diffusion(fidelity: str, steps: int) -> Sampler:
    """DDPM with one of deepinv's approximations of p(y | noisy image)."""

    def make(denoiser: Any, problem: Problem) -> Callable[[Tensor, Any], Tensor]:
        import deepinv

        term = getattr(deepinv.sampling, fidelity)(denoiser)
        solver = deepinv.sampling.DDPMSolver(torch.linspace(1, 0, steps, dtype=torch.float64))
        path = deepinv.sampling.VariancePreservingDiffusion(alpha=1.0)
        return deepinv.sampling.PosteriorDiffusion(term, denoiser, path, solver)

    return make


def ddrm(denoiser: Any, problem: Problem) -> Callable[[Tensor, Any], Tensor]:
    import deepinv

    return deepinv.sampling.DDRM(denoiser)


def diffpir(denoiser: Any, problem: Problem) -> Callable[[Tensor, Any], Tensor]:
    import deepinv

    return deepinv.sampling.DiffPIR(denoiser, deepinv.optim.L2(), sigma=problem.noise_sigma)


def ula(steps: int) -> Sampler:
    """One chain for each sample, of which the last state is taken; step and level are the largest that the theory allows and ours."""

    def make(denoiser: Any, problem: Problem) -> Callable[[Tensor, Any], Tensor]:
        import deepinv

        level = problem.noise_sigma / 2
        settings = {"step_size": 1 / (1 / problem.noise_sigma**2 + 1 / level**2), "alpha": 1.0, "sigma": level}
        chain = deepinv.sampling.BaseSampling(
            deepinv.sampling.ULAIterator(settings), deepinv.optim.L2(sigma=problem.noise_sigma), deepinv.optim.ScorePrior(denoiser),
            max_iter=steps, burnin_ratio=0.99, thinning=1, history_size=1,
        )  # fmt: skip

        def run(y: Tensor, instrument: Any) -> Tensor:
            chain.sample(y, instrument)
            return chain.get_chain()[-1]["x"]

        return run

    return make


def deepinv_samples(ruler: Reference, what: str, make: Sampler) -> Entrant:
    """All samples of all measurements at once, the Gaussian prior in the place of the network."""
    counted, instrument = Counted(ruler.prior), physics(ruler.problem)
    model = make(slotted(counted), ruler.problem)
    y = on_grid(ruler.problem)

    def run() -> Answer:
        before = counted.images
        torch.manual_seed(0)
        x = model(y.repeat(ruler.n, 1, 1, 1), instrument).detach()
        return Answer(x.unflatten(0, (ruler.n, len(y))), counted.since(before, ruler.n * len(y)))

    return Entrant("deepinv", what, run)


# scico.
def loss(problem: Problem) -> Any:
    """|A x - y|^2 / 2 on images [H, W]."""
    from scico import linop
    from scico.loss import SquaredL2Loss

    operator, y = problem.operator, flat(on_grid(problem))
    if isinstance(operator, Blur):
        kernel = operator.kernel.numpy().astype(np.float32)
        center = [n // 2 for n in kernel.shape]
        return SquaredL2Loss(y=y, A=linop.CircularConvolve(h=kernel, input_shape=y.shape, h_center=center), scale=0.5)
    if isinstance(operator, Inpainting):
        return SquaredL2Loss(y=y, A=linop.Diagonal(operator.mask.numpy().astype(np.float32)), scale=0.5)
    return SquaredL2Loss(y=y, A=linop.Identity(y.shape), scale=0.5)


def flat(x: Tensor) -> Any:
    """[1, 1, H, W] to an array of jax [H, W]."""
    import jax.numpy as jnp

    return jnp.asarray(x[0, 0].numpy())


def image(x: Any) -> Tensor:
    """Back again."""
    return torch.from_numpy(np.array(x))[None, None]


def scico_data_step(problem: Problem, x0: Tensor, width: float) -> Entrant:
    """Blur by the solver of scico's ADMM, which divides in the Fourier domain; masks by the prox of its loss."""
    import jax
    from scico import functional, linop
    from scico.optimize.admm import ADMM, CircularConvolveSolver

    term, v, rho = loss(problem), flat(x0), (problem.noise_sigma / width) ** 2
    if isinstance(problem.operator, Blur):
        identity = linop.Identity(v.shape)
        admm = ADMM(term, [functional.ZeroFunctional()], [identity], [rho], x0=v, subproblem_solver=CircularConvolveSolver())
        admm.z_list, admm.u_list = [v], [0 * v]
        return Entrant("scico", "`CircularConvolveSolver.solve`", lambda: Answer(image(admm.subproblem_solver.solve(v))))
    prox = jax.jit(lambda v: term.prox(v, 1 / rho))
    return Entrant("scico", "`SquaredL2Loss.prox`, jitted", lambda: Answer(image(prox(v))))


def scico_tv(problem: Problem, strength: float, rho: float, iterations: int, circular: bool) -> Entrant:
    """ADMM on |A x - y|^2 / 2 + strength TV(x). Differences that wrap around are solved by FFT, others by conjugate gradients."""
    from scico import functional, linop
    from scico.optimize.admm import ADMM, CircularConvolveSolver, LinearSubproblemSolver

    term = loss(problem)
    borders = {"circular": True} if circular else {"append": 0}
    differences = linop.FiniteDifference(term.y.shape, **borders)

    def run() -> Answer:
        inner = CircularConvolveSolver(ndims=2) if circular else LinearSubproblemSolver(cg_kwargs={"tol": 1e-4, "maxiter": 25})
        energy = strength * functional.L21Norm()
        return Answer(image(ADMM(term, [energy], [differences], [rho], x0=term.y, maxiter=iterations, subproblem_solver=inner).solve()))

    return Entrant("scico", f"`ADMM`, {iterations} iterations" + (", circular differences" if circular else ""), run)


def scico_bm3d(problem: Problem, steps: int) -> Entrant:
    """Plug-and-play ADMM at the level and the balance of ours."""
    from scico import functional, linop
    from scico.optimize.admm import ADMM, CircularConvolveSolver

    term, rho = loss(problem), (problem.noise_sigma / FIXED) ** 2
    identity = linop.Identity(term.y.shape)

    def run() -> Answer:
        belief = FIXED * rho * functional.BM3D(profile=one_thread())
        admm = ADMM(term, [belief], [identity], [rho], x0=term.y, maxiter=steps, subproblem_solver=CircularConvolveSolver())
        admm.solve()
        return Answer(image(admm.z_list[0]), steps)  # the denoised image, as ours

    return Entrant("scico", f"`ADMM`, {steps} iterations", run)


def tv_strength(problem: Problem) -> float:
    """What TV counts in |A x - y|^2 / 2 + strength TV(x) at the fixed point of our ADMM."""
    return weight(FIXED, problem.y.shape[1]) * (problem.noise_sigma / FIXED) ** 2
