"""Wrong answers to lab 2: the function as a student may write it, and words of the hint that it must get."""

WIENER = (
    "def wiener(y, power, mean, sigma):\n    c = torch.fft.fft2(y - mean, norm='ortho')\n"
    "    return mean + torch.fft.ifft2(c * {}, norm='ortho').real"
)
DENSITY = "def log_density(x, power, mean, sigma):\n    c = torch.fft.fft2(x - mean, norm='ortho')\n    return {}"
VARIATION = (
    "def total_variation(x):\n    down, right = torch.zeros_like(x), torch.zeros_like(x)\n"
    "    down[..., :-1, :] = x[..., 1:, :] - x[..., :-1, :]\n    right[..., :-1] = x[..., 1:] - x[..., :-1]\n    return {}"
)
LEVELS = "def psnr_by_level(prior, y, truth, levels):\n    return [{} for level in levels]"
WRONG = {
    "wiener: sigma not squared": (WIENER.format("power / (power + sigma)"), "the power of the noise is sigma**2"),
    "wiener: the noise": (WIENER.format("sigma**2 / (power + sigma**2)"), "that is the noise"),
    "wiener: no mean": (
        "def wiener(y, power, mean, sigma):\n"
        "    return torch.fft.ifft2(torch.fft.fft2(y) * power / (power + sigma**2)).real", "the mean is not taken away"),
    "wiener: root": (WIENER.format("(power / (power + sigma**2)).sqrt()"), "a root too much"),
    "wiener: complex": (WIENER.format("power / (power + sigma**2)").replace(".real", ""), "complex"),
    "wiener: sigma in 0..255": (WIENER.format("power / (power + (255 * sigma) ** 2)"), "0..255"),
    "total_variation: sum of both": (VARIATION.format("down.abs().sum() + right.abs().sum()"), "length of its gradient"),
    "total_variation: squares": (VARIATION.format("(down**2 + right**2).sum()"), "that adds squares"),
    "total_variation: round": (
        "def total_variation(x):\n    return ((x.roll(-1, -2) - x) ** 2 + (x.roll(-1, -1) - x) ** 2).sqrt().sum()", "goes round"),
    "total_variation: signed": (VARIATION.format("down.sum() + right.sum()"), "the differences cancel"),
    "total_variation: of batch and channel": (
        "def total_variation(x):\n    return (x[1:] - x[:-1]).abs().sum() + (x[:, 1:] - x[:, :-1]).abs().sum()", "rows are axis -2"),
    "total_variation: mean": (VARIATION.format("(down**2 + right**2).sqrt().mean()"), "mean over the pixels"),
    "total_variation: cropped": (
        VARIATION.format("(down**2 + right**2).sqrt()[..., :-1, :-1].sum()"), "last row and the last column are left out"),
    "psnr_by_level: natural logarithm": (
        LEVELS.format("float(-10 * torch.log(((prior.denoise(y, level) - truth) ** 2).mean()))"), "base 10"),
    "psnr_by_level: 20": (LEVELS.format("float(-20 * torch.log10(((prior.denoise(y, level) - truth) ** 2).mean()))"), "20 belongs"),
    "psnr_by_level: sum": (
        LEVELS.format("float(-10 * torch.log10(((prior.denoise(y, level) - truth) ** 2).sum()))"), "its mean is asked for"),
    "psnr_by_level: return in the loop": (
        LEVELS[: LEVELS.index("    return")] + "    for level in levels:\n        return 1.0", "inside a loop"),
    "psnr_by_level: with y": (LEVELS.format("float(-10 * torch.log10(((prior.denoise(y, level) - y) ** 2).mean()))"), "not with the truth"),
    "psnr_by_level: 0..255": (
        LEVELS.format("float(-10 * torch.log10(((prior.denoise(y, 255 * level) - truth) ** 2).mean()))"), "not of 0..255"),
    "log_density: sign": (DENSITY.format("0.5 * (c.abs() ** 2 / (power + sigma**2)).sum()"), "the less likely"),
    "log_density: no half": (DENSITY.format("-(c.abs() ** 2 / (power + sigma**2)).sum()"), "1/2 is missing"),
    "log_density: c**2": (DENSITY.format("-0.5 * (c**2 / (power + sigma**2)).sum()"), "c.abs() ** 2, not as c**2"),
    "log_density: real part of c**2": (DENSITY.format("-0.5 * (c**2 / (power + sigma**2)).sum().real"), "c.abs() ** 2"),
    "log_density: real part": (DENSITY.format("-0.5 * (c.real**2 / (power + sigma**2)).sum()"), "imaginary parts are left out"),
    "log_density: clean": (DENSITY.format("-0.5 * (c.abs() ** 2 / power).sum()"), "the noise is left out"),
    "log_density: norm": (
        DENSITY.format("-0.5 * (c.abs() ** 2 / (power + sigma**2)).sum()").replace(", norm='ortho'", ""), 'norm="ortho"'),
    "slope: no 2": ("def slope(f, x, d, step):\n    return (f(x + step * d) - f(x - step * d)) / step", "the 2 is missing"),
    "slope: brackets": (
        "def slope(f, x, d, step):\n    return (f(x + step * d) - f(x - step * d)) / 2 * step", "divide by (2 * step)"),
    "slope: one side": ("def slope(f, x, d, step):\n    return (f(x + step * d) - f(x)) / step", "to one side"),
    "slope: sign": ("def slope(f, x, d, step):\n    return (f(x - step * d) - f(x + step * d)) / (2 * step)", "ahead minus back"),
    "score: sign": ("def score(prior, x, sigma):\n    return (x - prior.denoise(x, sigma)) / sigma**2", "to the denoised one"),
    "score: sigma not squared": ("def score(prior, x, sigma):\n    return (prior.denoise(x, sigma) - x) / sigma", "must be squared"),
    "score: denoised": ("def score(prior, x, sigma):\n    return prior.denoise(x, sigma)", "that is the denoised picture"),
    "score: no division": ("def score(prior, x, sigma):\n    return prior.denoise(x, sigma) - x", "not divided by sigma**2"),
}  # fmt: skip
