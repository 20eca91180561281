"""The catalogue of methods: one entry each, a setting of the loop and its default schedule, or a generator of its own."""

from __future__ import annotations

from functools import partial

from solvers.exhibits import ddnm, ddrm, diffpir, dps, pigdm, repaint
from solvers.langevin import ascending, ascent, langevin
from solvers.levels import annealing, falling, fixed, held, quadratic, settling, stable, thousandths
from solvers.loop import Method, drawn, next_level, own_error, renew
from solvers.mean import posterior_mean

published = partial(Method, samples=True, exhibit=True)

METHODS = {
    # 24 turns, as DPIR takes for super-resolution: with the 8 of its deblurring, answers to random masks are 1 dB short.
    # Every level counts the prior again, so that it must count less at each: lambda = 0.23 is DPIR's own.
    "hqs": Method(
        "plug-and-play half-quadratic splitting (DPIR, Zhang et al. 2021)",
        falling, 24, believe=next_level, answer="believed", balance=0.23,
    ),
    "admm": Method("plug-and-play ADMM (Venkatakrishnan, Bouman, Wohlberg 2013)", fixed, 30, dual=True, answer="believed", falling=False),
    "red": Method("regularisation by denoising, fixed point (Romano, Elad, Milanfar 2017)", fixed, 30, falling=False),
    "pgd": Method(
        "plug-and-play proximal gradient (Kamilov, Mansour, Wohlberg 2017)",
        stable, 50, measure="descend", answer="believed", falling=False,
    ),
    "annealed": Method(
        "denoise, draw, renoise over falling levels (after DAPS, Zhang et al. 2024)",
        annealing, 20, believe=own_error, measure="draw", go_on=renew, samples=True,
    ),
    "mean": Method(
        "posterior mean: antithetic pairs of annealed draws (Hammersley, Morton 1956) and a fixed point at their level",
        annealing, 20, believe=own_error, measure="draw", go_on=renew, pairs=1, own=posterior_mean,
    ),
    "split-gibbs": Method(
        "draws from prior and data in turn (Vono 2019; PnP-DM, Wu et al. 2024)",
        settling, 60, calls=5, believe=drawn(5), measure="draw", answer="believed", samples=True,
    ),
    "langevin": Method("annealed Langevin dynamics (Jalal et al. 2021)", settling, 1000, own=langevin, samples=True),
    "ula": Method("Langevin chain at one level (PnP-ULA, Laumont et al. 2022)", held, 2000, measure="descend", own=langevin, samples=True),
    # Exhibits: as published, each with the bias that its own page tells.
    "ks": published("stochastic ascent (Kadkhodaie, Simoncelli 2021)", ascending, 660, own=ascent),
    "diffpir": published("minimise, renew a share of the noise (DiffPIR, Zhu et al. 2023)", quadratic, 100, own=diffpir),
    "ddrm": published("by singular values (DDRM, Kawar et al. 2022)", thousandths, 20, answer="believed", own=ddrm),
    "ddnm": published("pseudo-inverse in every step (DDNM, Wang, Yu, Zhang 2023)", thousandths, 100, own=ddnm),
    "dps": published("gradient of the residual through the prior (DPS, Chung et al. 2023)", thousandths, 1000, calls=2, own=dps),
    "pigdm": published("pseudo-inverse guidance (PiGDM, Song et al. 2023)", thousandths, 100, calls=2, own=pigdm),
    "repaint": published("overwrite known pixels, resample (RePaint, Lugmayr et al. 2022)", thousandths, 250, calls=10, own=repaint),
}  # fmt: skip
