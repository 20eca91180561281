"""Wrong answers to lab 4: the function as a student may write it, and words of the hint that it must get."""

RED = (
    "def red(y, factor, noise_sigma, prior, sigma, turns):\n"
    "    x = torch.full_like(adjoint(y, factor), float(y.mean()))\n"
    "    for _ in range(turns):\n"
    "        {}\n"
    "    return x"
)
PGD = (
    "def pgd(y, factor, noise_sigma, prior, sigma, turns):\n"
    "    x = torch.full_like(adjoint(y, factor), float(y.mean()))\n"
    "    for _ in range(turns):\n"
    "        {}\n"
    "    return x"
)
WRONG = {
    "adjoint: enlarged": (
        "def adjoint(y, factor):\n    return y.repeat_interleave(factor, dim=-1).repeat_interleave(factor, dim=-2)", "that enlarges y"),
    "adjoint: over factor": (
        "def adjoint(y, factor):\n    return y.repeat_interleave(factor, dim=-1).repeat_interleave(factor, dim=-2) / factor",
        "not 1 / factor"),
    "adjoint: columns only": ("def adjoint(y, factor):\n    return y.repeat_interleave(factor, dim=-1) / factor**2", "the shape"),
    "data_step: A A^T is 1": (
        "def data_step(x0, y, factor, s, w):\n    return x0 + adjoint((y - coarse(x0, factor)) / (1 + (s / w) ** 2), factor)",
        "A A^T is 1 / factor**2"),
    "data_step: not squared": (
        "def data_step(x0, y, factor, s, w):\n    return x0 + adjoint((y - coarse(x0, factor)) / (1 / factor**2 + s / w), factor)",
        "widths enter squared"),
    "data_step: width alone squared": (
        "def data_step(x0, y, factor, s, w):\n    return x0 + adjoint((y - coarse(x0, factor)) / (1 / factor**2 + s / w**2), factor)",
        "only width is squared"),
    "data_step: noise_sigma alone squared": (
        "def data_step(x0, y, factor, s, w):\n    return x0 + adjoint((y - coarse(x0, factor)) / (1 / factor**2 + s**2 / w), factor)",
        "only noise_sigma is squared"),
    "data_step: y alone": (
        "def data_step(x0, y, factor, s, w):\n    return x0 + adjoint(y / (1 / factor**2 + (s / w) ** 2), factor)",
        "what the belief lacks"),
    "data_step: exchanged": (
        "def data_step(x0, y, factor, s, w):\n    return x0 + adjoint((y - coarse(x0, factor)) / (1 / factor**2 + (w / s) ** 2), factor)",
        "exchanged"),
    "data_step: sign": (
        "def data_step(x0, y, factor, s, w):\n    return x0 - adjoint((y - coarse(x0, factor)) / (1 / factor**2 + (s / w) ** 2), factor)",
        "what the belief lacks"),
    "data_step: without x0": (
        "def data_step(x0, y, factor, s, w):\n    return adjoint((y - coarse(x0, factor)) / (1 / factor**2 + (s / w) ** 2), factor)",
        "is added to x0"),
    "red: prior last": (
        RED.format("x = prior.denoise(data_step(x, y, factor, noise_sigma, sigma), sigma)"), "plug-and-play, not RED"),
    "red: from y": (
        RED.format("x = data_step(prior.denoise(x, sigma), y, factor, noise_sigma, sigma)").replace(
            "torch.full_like(adjoint(y, factor), float(y.mean()))", "factor**2 * adjoint(y, factor)"), "the start is flat"),
    "red: believed": (
        "def red(y, factor, noise_sigma, prior, sigma, turns):\n"
        "    x = torch.full_like(adjoint(y, factor), float(y.mean()))\n"
        "    for _ in range(turns):\n"
        "        v = prior.denoise(x, sigma)\n"
        "        x = data_step(v, y, factor, noise_sigma, sigma)\n"
        "    return v",
        "the denoised picture is returned"),
    "red: width noise_sigma": (
        RED.format("x = data_step(prior.denoise(x, sigma), y, factor, noise_sigma, noise_sigma)"), "not noise_sigma"),
    "red: variance told": (
        RED.format("x = data_step(prior.denoise(x, sigma**2), y, factor, noise_sigma, sigma)"), "not the variance"),
    "pgd: uphill": (
        PGD.format("x = prior.denoise(x + sigma**2 * adjoint(coarse(x, factor) - y, factor) / noise_sigma**2, sigma)"), "uphill"),
    "pgd: noise not squared": (
        PGD.format("x = prior.denoise(x - sigma**2 * adjoint(coarse(x, factor) - y, factor) / noise_sigma, sigma)"),
        "not by noise_sigma"),
    "pgd: step sigma": (
        PGD.format("x = prior.denoise(x - sigma * adjoint(coarse(x, factor) - y, factor) / noise_sigma**2, sigma)"), "not sigma"),
    "pgd: no prior": (PGD.format("x = x - sigma**2 * adjoint(coarse(x, factor) - y, factor) / noise_sigma**2"), "prior is not asked"),
    "made_up: measured part": (
        "def made_up(x, factor):\n    return factor**2 * adjoint(coarse(x, factor), factor)", "the part that was measured"),
    "made_up: A^T A": ("def made_up(x, factor):\n    return x - adjoint(coarse(x, factor), factor)", "multiply by factor**2"),
    "made_up: mean": ("def made_up(x, factor):\n    return x - x.mean()", "not of each factor x factor"),
}  # fmt: skip
