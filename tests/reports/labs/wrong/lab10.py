"""Wrong answers to lab 10: the function or class as a student may write it, and words of the hint that it must get."""

ANSWERS = (
    "def answers(x, clean, sigma):\n    prior = Own()\n"
    "    alone = prior.denoise(x[:1].clone(), sigma)\n    return prior.denoise(x, sigma), alone, prior.denoise(clean.clone(), 0.0)\n"
    "class Own:\n    def denoise(self, x, sigma):\n"
)
PADDED = (
    "        padded = torch.nn.functional.pad(x, (7, 7, 7, 7), mode='circular')\n"
    "        waves = cosines(x) @ torch.nn.functional.unfold(padded, 8)\n"
)
BACK = "        return torch.nn.functional.fold(cosines(x).T @ waves, padded.shape[-2:], 8)[..., 7:-7, 7:-7] / 64"
TOLD = (
    "def told(tuning, tuning_noise, pictures, noise, sigma):\n    prior = Told()\n    prior.calibrate(tuning, tuning_noise)\n"
    "    return prior.rmse(sigma), prior.denoise(pictures + sigma * noise, sigma)\n"
    "class Told(Own):\n"
)
COMPARE = (
    "def compare(problems, entrants):\n"
    "    found = [[solvers.solve(p, prior, 'hqs', steps=8).x{clip} - p.truth for prior in entrants] for p in problems]\n"
    "    return torch.tensor([[{score} for d in row] for row in found])"
)
CLIP = ".clamp(0, 1)"
VERDICT = (
    "def verdict(problems):\n"
    "    own = Own()\n"
    "    restored = torch.cat([solvers.solve(problem, own, 'hqs', steps=8).x for problem in problems])\n"
    "    table = compare(problems, [own, priors.load('gaussian'), priors.load('tv')])\n"
    "    gains = [gain(table, 0, column) for column in (1, 2)]\n"
)
WRONG = {
    "answers: nothing done": (ANSWERS + "        return x.clone()", "no better than doing nothing"),
    "answers: sigma in 0..255": (
        ANSWERS + PADDED + "        waves = waves * ((waves.abs() > 2.7 * sigma / 255) | (torch.arange(64)[:, None] == 0))\n" + BACK,
        "as if it were in 0..255"),
    "answers: the sum of the patches": (
        ANSWERS + PADDED + "        waves = waves * ((waves.abs() > 2.7 * sigma) | (torch.arange(64)[:, None] == 0))\n"
        + BACK[:-5],
        "times as bright"),
    "answers: sigma not looked at": (
        ANSWERS + "        return torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode='circular'), 3, 1)",
        "sigma is not looked at"),
    "answers: padding left": (
        ANSWERS + PADDED + BACK.replace("[..., 7:-7, 7:-7]", ""), "padding is to be cut off"),
    "answers: dtype": (ANSWERS + "        return 0.5 + 0.5 * (x.float() - 0.5) if sigma else x.float()", "in the dtype of x"),
    "answers: divided by sigma": (ANSWERS + "        return x * torch.tanh(x.abs() / sigma) + 0 * x / sigma", "divided by sigma"),
    "answers: the noise": (
        ANSWERS + PADDED + "        taken = waves * ((waves.abs() <= 2.7 * sigma) & (torch.arange(64)[:, None] > 0))\n"
        "        noise = torch.nn.functional.fold(cosines(x).T @ taken, padded.shape[-2:], 8)[..., 7:-7, 7:-7] / 64\n"
        "        return noise if sigma else x.clone()",
        "that is the noise"),
    "answers: over the batch": (
        ANSWERS + PADDED + "        waves = waves * ((waves.abs() > 2.7 * sigma * (1 + len(x))) | (torch.arange(64)[:, None] == 0))\n"
        + BACK,
        "each picture is to be treated by itself"),
    "answers: writes into x": (
        ANSWERS + PADDED + "        waves = waves * ((waves.abs() > 2.7 * sigma) | (torch.arange(64)[:, None] == 0))\n"
        "        y = torch.nn.functional.fold(cosines(x).T @ waves, padded.shape[-2:], 8)[..., 7:-7, 7:-7] / 64\n"
        "        x[:] = y\n        return y",
        "it writes into its argument x"),
    "answers: returns nothing": (ANSWERS + "        x.clone()", "returns nothing"),
    "error: no root": (
        "def error(prior, pictures, noise, sigma):\n    return (prior.denoise(pictures + sigma * noise, sigma) - pictures).square().mean()",
        "the root is missing"),
    "error: against the noisy": (
        "def error(prior, pictures, noise, sigma):\n    x = pictures + sigma * noise\n"
        "    return (prior.denoise(x, sigma) - x).square().mean().sqrt()",
        "compare it with the clean one"),
    "error: noise of 1": (
        "def error(prior, pictures, noise, sigma):\n    return (prior.denoise(pictures + noise, sigma) - pictures).square().mean().sqrt()",
        "multiply it by sigma"),
    "told: sigma": (TOLD + "    def calibrate(self, pictures, noise):\n        pass", "that is sigma"),
    "told: squared": (
        TOLD + "    def rmse(self, sigma):\n        return super().rmse(sigma) ** 2", "mean squared error"),
    "told: in units of sigma": (TOLD + "    def rmse(self, sigma):\n        return super().rmse(sigma) / sigma", "in units of sigma"),
    "compare: of the root": (
        COMPARE.format(clip=CLIP, score="-10 * float(d.square().mean().sqrt().log10())"),
        "not of its root"),
    "compare: mse": (COMPARE.format(clip=CLIP, score="float(d.square().mean())"), "mean squared error"),
    "compare: not clipped": (COMPARE.format(clip="", score="-10 * float(d.square().mean().log10())"), "x is not clipped"),
    "compare: steps": (
        COMPARE.format(clip=CLIP, score="-10 * float(d.square().mean().log10())").replace(", steps=8", ""), "steps=8 is left out"),
    "compare: transposed": (
        COMPARE.format(clip=CLIP, score="-10 * float(d.square().mean().log10())") + ".T",
        "rows and columns are exchanged"),
    "gain: unpaired": (
        "def gain(table, one, other):\n    a, b = table[:, one], table[:, other]\n"
        "    return (a - b).mean(), ((a.var() + b.var()) / len(a)) ** 0.5",
        "first the difference for each problem"),
    "gain: of one": (
        "def gain(table, one, other):\n    d = table[:, one] - table[:, other]\n    return d.mean(), d.std()", "over sqrt(N)"),
    "gain: N - 1": (
        "def gain(table, one, other):\n    d = table[:, one] - table[:, other]\n    return d.mean(), d.std() / (len(d) - 1) ** 0.5",
        "the root of the number of problems"),
    "gain: sign": (
        "def gain(table, one, other):\n    d = table[:, other] - table[:, one]\n    return d.mean(), d.std() / len(d) ** 0.5",
        "one minus other"),
    "verdict: sign": (VERDICT + "    return restored, [-(mean > 2 * s) + (mean < -2 * s) for mean, s in gains]",
        "+ says that your own is better"),
    "verdict: typed in": (VERDICT + "    return restored, [1, 1]", "recomputed"),
    "verdict: in dB": (VERDICT + "    return restored, [mean for mean, s in gains]", "not the gain in dB"),
    "verdict: the truth": (VERDICT + "    return torch.cat([p.truth for p in problems]), [1, 1]", "which no restoration of these has"),
    "verdict: claims alone": (VERDICT + "    return [1, 1]", "a list of two claims"),
}  # fmt: skip
