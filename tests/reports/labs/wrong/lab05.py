"""Wrong answers to lab 5: the function as a student may write it, and words of the hint that it must get."""

FORWARD = "def forward(x, sigma, rng):\n    return {}"
VP = "def to_vp(x, sigma):\n    abar = {}\n    return {}"
ANCESTRAL = "def ancestral(x, x0, sigma, after, rng):\n    r = after / sigma\n    return {} * torch.randn(x.shape, generator=rng)"
DDIM = "def ddim(x, x0, sigma, after):\n    return {}"
GENERATE = "def generate(prior, x, levels):\n    for sigma, after in pairwise({}):\n        {}\n    return x"
HEUN = (
    "def heun(prior, x, sigma, after):\n    slope = (x - prior.denoise(x, sigma)) / sigma\n"
    "    ahead = x + (after - sigma) * slope\n    second = {}\n    return {}"
)
SECOND, MEAN = "(ahead - prior.denoise(ahead, after)) / after", "x + (after - sigma) * (slope + second) / 2"
WRONG = {
    "forward: variance": (FORWARD.format("x + sigma**2 * torch.randn(x.shape, generator=rng)"), "not by its square"),
    "forward: root": (FORWARD.format("x + sigma**0.5 * torch.randn(x.shape, generator=rng)"), "not by its square root"),
    "forward: uniform": (FORWARD.format("x + sigma * torch.rand(x.shape, generator=rng)"), "the noise is uniform"),
    "forward: one noise for all": (FORWARD.format("x + sigma * torch.randn(x.shape[-2:], generator=rng)"), "share one noise"),
    "forward: 0..255": (FORWARD.format("x + sigma / 255 * torch.randn(x.shape, generator=rng)"), "0..255"),
    "forward: clipped": (FORWARD.format("(x + sigma * torch.randn(x.shape, generator=rng)).clamp(0, 1)"), "go beyond"),
    "forward: one picture": (FORWARD.format("(x + sigma * torch.randn(x.shape, generator=rng))[0]"), "where [16, 1, 32, 32] is asked for"),
    "forward: NaN": (FORWARD.format("x + sigma / 0 * torch.randn(x.shape, generator=rng)"), "is 0 here"),
    "to_vp: brackets": (VP.format("1 / (1 + (2 * sigma) ** 2)", "2 * abar**0.5 * x - 1"), "brackets are missing"),
    "to_vp: no root": (VP.format("1 / (1 + (2 * sigma) ** 2)", "abar * (2 * x - 1)"), "a root is missing"),
    "to_vp: sigma of [0, 1]": (VP.format("1 / (1 + sigma**2)", "abar**0.5 * (2 * x - 1)"), "twice as wide"),
    "to_vp: not moved": (VP.format("1 / (1 + (2 * sigma) ** 2)", "abar**0.5 * x"), "2 x - 1"),
    "ancestral: share not squared": (ANCESTRAL.format("x0 + r * (x - x0) + after * (1 - r**2) ** 0.5"), "a square is missing"),
    "ancestral: no root": (ANCESTRAL.format("x0 + r**2 * (x - x0) + after * (1 - r**2)"), "a square root is missing"),
    "ancestral: all fresh": (ANCESTRAL.format("x0 + r**2 * (x - x0) + after"), "since old noise is carried"),
    "ancestral: ddim": ("def ancestral(x, x0, sigma, after, rng):\n    return x0 + after / sigma * (x - x0)", "DDIM"),
    "ancestral: uphill": (ANCESTRAL.format("x0 + r**2 * (x - x0) + (sigma**2 - after**2) ** 0.5"), "leads up"),
    "ddim: squared": (DDIM.format("x0 + (after / sigma) ** 2 * (x - x0)"), "not its square"),
    "ddim: upside down": (DDIM.format("x0 + sigma / after * (x - x0)"), "upside down"),
    "ddim: taken away": (DDIM.format("x - after / sigma * (x - x0)"), "not the share that is taken away"),
    "ddim: way by the difference": (DDIM.format("x - (sigma - after) * (x - x0)"), "no share of the way"),
    "ddim: brackets": (DDIM.format("x0 + after / sigma * x - x0"), "brackets are missing"),
    "ddim: not divided": (DDIM.format("x0 + after * (x - x0)"), "not divided by sigma"),
    "generate: no last step": (GENERATE.format("levels", "x = ddim(x, prior.denoise(x, sigma), sigma, after)"), "from the last level to 0"),
    "generate: told after": (
        GENERATE.format("[*levels, 0.0]", "x = ddim(x, prior.denoise(x, after), sigma, after)"), "told the level after"),
    "generate: denoised once": (
        "def generate(prior, x, levels):\n    x0 = prior.denoise(x, levels[0])\n"
        "    for sigma, after in pairwise([*levels, 0.0]):\n        x = ddim(x, x0, sigma, after)\n    return x", "denoise anew"),
    "generate: only denoised": (GENERATE.format("[*levels, 0.0]", "x = prior.denoise(x, sigma)"), "over and over"),
    "generate: return in the loop": (
        GENERATE.format("[*levels, 0.0]", "return ddim(x, prior.denoise(x, sigma), sigma, after)"), "return stands inside the loop"),
    "heun: euler": (HEUN.format(SECOND, "ahead"), "Euler's step"),
    "heun: second alone": (HEUN.format(SECOND, "x + (after - sigma) * second"), "taken alone"),
    "heun: sum": (HEUN.format(SECOND, "x + (after - sigma) * (slope + second)"), "the sum of both slopes is taken"),
    "heun: half of one": (HEUN.format(SECOND, "x + (after - sigma) * (slope + second / 2)"), "half of both slopes"),
    "heun: x minus the answer ahead": (HEUN.format("(x - prior.denoise(ahead, after)) / after", MEAN), "ahead minus its denoised"),
    "heun: over sigma": (HEUN.format("(ahead - prior.denoise(ahead, after)) / sigma", MEAN), "its own level"),
    "heun: told sigma": (HEUN.format("(ahead - prior.denoise(ahead, sigma)) / after", MEAN), "told after, not sigma"),
    "heun: from ahead": (HEUN.format(SECOND, "ahead + (after - sigma) * (slope + second) / 2"), "begin at x again"),
}
