"""Wrong answers to lab 6: the function as a student may write it, and words of the hint that it must get."""

POSTERIOR = """def exact_posterior(y, h, noise_sigma, grey, power):
    variance = 1 / (h.abs() ** 2 / noise_sigma{square} + 1 / power)
    missed = y - {flat}
    return grey + filtered(missed, variance * {back} / noise_sigma{square}), {std}"""
DRAW = """def data_draw(x0, y, h, noise_sigma, width, white_x, white_y):
    return minimise(x0 + {of_x}, y + {of_y}, h, noise_sigma, width){after}"""
ANNEALED = """def annealed(y, h, noise_sigma, prior, levels, n, rng):
    white = lambda: torch.randn(n, *y.shape[1:], generator=rng, dtype=y.dtype)
    x = prior.grey + levels[0] * white()
    for sigma, after in pairwise([*levels, 0.0]):
        x0 = prior.denoise(x, sigma)
        z = {z}
        x = {x}
    return {answer}"""
DPS = """def dps_step(x, y, h, prior, sigma, after, step, white):
    x = x.detach().requires_grad_()
    x0 = prior.denoise(x, sigma)
    distance = {distance}
    slope = torch.autograd.grad(distance, {by})[0]
    ratio = (after / sigma){square}
    return (x0 + ratio * (x - x0) + {fresh} {sign} step * slope).detach()"""
JUDGED = """def bias_and_spread(samples, mean, std):
    return {bias} / std, {spread} / std"""


def posterior(square="**2", flat="filtered(torch.full_like(y, grey), h)", back="h.conj()", std="variance.mean().sqrt()"):
    return POSTERIOR.format(square=square, flat=flat, back=back, std=std)


def draw(of_x="filtered(white_x, width)", of_y="noise_sigma * white_y", after=""):
    return DRAW.format(of_x=of_x, of_y=of_y, after=after)


def annealed(
    z="data_draw(x0, y, h, noise_sigma, prior.error(sigma), white(), white())", x="z + after * white()", answer="z"
):  # fmt: skip
    return ANNEALED.format(z=z, x=x, answer=answer)


def dps(
    distance="(y - filtered(x0, h)).flatten(1).norm(dim=1).sum()", by="x", square="**2",
    fresh="after * (1 - (after / sigma) ** 2) ** 0.5 * white", sign="-",
):  # fmt: skip
    return DPS.format(distance=distance, by=by, square=square, fresh=fresh, sign=sign)


def judged(
    bias="((samples.mean(0, keepdim=True) - mean) ** 2).mean().sqrt()", spread="samples.var(0).mean().sqrt()"
):  # fmt: skip
    return JUDGED.format(bias=bias, spread=spread)


WRONG = {
    "exact_posterior: sigma": (posterior(square=""), "noise_sigma must be squared"),
    "exact_posterior: no grey": (posterior(flat="0").replace("grey +", "0 * grey +"), "grey of the prior is left out"),
    "exact_posterior: blurred again": (posterior(back="h"), "not with h"),
    "exact_posterior: variance": (posterior(std="variance.mean()"), "second is a variance"),
    "exact_posterior: roots": (posterior(std="variance.sqrt().mean()"), "its root comes last"),
    "exact_posterior: prior's spread": (posterior(std="power.mean().sqrt()"), "y has made it smaller"),
    "exact_posterior: complex": (posterior().replace("filtered(missed, ", "torch.fft.ifft2(torch.fft.fft2(missed) * "), "complex"),
    "data_draw: minimum": (
        "def data_draw(x0, y, h, noise_sigma, width, white_x, white_y):\n"
        "    return minimise(x0 + 0 * white_x, y, h, noise_sigma, width)",
        "nothing is drawn"),
    "data_draw: one picture": (
        "def data_draw(x0, y, h, noise_sigma, width, white_x, white_y):\n    return minimise(x0, y, h, noise_sigma, width)",
        "where [3, 1, 24, 24] is asked for"),
    "data_draw: only x0": (draw(of_y="0"), "y needs noise of its own"),
    "data_draw: only y": (draw(of_x="0 * white_x"), "x0 needs noise of its own"),
    "data_draw: noise afterwards": (draw(of_x="0", of_y="0", after=" + filtered(white_x, width)"), "before"),
    "data_draw: white": (draw(of_x="white_x"), "colour it first"),
    "data_draw: same noise": (draw(of_y="noise_sigma * white_x"), "the same noise is used twice"),
    "data_draw: variances": (draw(of_x="filtered(white_x, width**2)", of_y="noise_sigma**2 * white_y"), "standard deviations"),
    "data_draw: pixel by pixel": (draw(of_x="width * white_x"), "not pixel by pixel"),
    "annealed: no noise": (annealed(x="z"), "fresh noise is missing"),
    "annealed: sigma": (annealed(x="z + sigma * white()"), "level sigma"),
    "annealed: carried": (annealed(x="z + after / sigma * (x - z)"), "old noise is carried on"),
    "annealed: minimum": (annealed(z="minimise(x0, y, h, noise_sigma, prior.error(sigma))"), "a minimum, not a draw"),
    "annealed: width": (
        annealed(z="data_draw(x0, y, h, noise_sigma, sigma * torch.ones_like(prior.power), white(), white())"), "the prior errs by less"),
    "annealed: believed": (annealed(answer="x0"), "has met the data"),
    "annealed: one draw": (annealed(answer="z[:1]"), "where [200, 1, 24, 24] is asked for"),
    "annealed: return in the loop": (annealed().replace("    return z", "        return z"), "return stands inside the loop"),
    "dps_step: uphill": (dps(sign="+"), "uphill"),
    "dps_step: not through the prior": (dps(by="x0"), "through the prior"),
    "dps_step: gradient of several": (dps(distance="(y - filtered(x0, h)).flatten(1).norm(dim=1)"), "sum() first"),
    "dps_step: no gradient kept": (dps().replace("x = x.detach().requires_grad_()", "pass"), "requires_grad_() first"),
    "dps_step: squared": (dps(distance="((y - filtered(x0, h)) ** 2).sum()"), "squared distance"),
    "dps_step: one norm": (dps(distance="(y - filtered(x0, h)).norm()"), "one distance is taken over all pictures"),
    "dps_step: ratio": (dps(square=""), "the square is missing"),
    "dps_step: no noise": (dps(fresh="0"), "fresh noise is missing"),
    "dps_step: noise": (dps(fresh="after * white"), "too strong"),
    "bias_and_spread: no roots": (
        judged(bias="((samples.mean(0, keepdim=True) - mean) ** 2).mean()", spread="samples.var(0).mean()"), "the roots come last"),
    "bias_and_spread: no root of the spread": (judged(spread="samples.var(0).mean()"), "root of the spread is missing"),
    "bias_and_spread: norm": (judged(bias="(samples.mean(0, keepdim=True) - mean).norm()"), "a norm is the root of their sum"),
    "bias_and_spread: pixels": (judged(spread="samples.var((1, 2, 3)).mean().sqrt()"), "pixels of one picture differ"),
    "bias_and_spread: of each pixel": (
        "def bias_and_spread(samples, mean, std):\n    return (samples.mean(0) - mean) / std, samples.std(0) / std",
        "one number is asked for"),
    "bias_and_spread: signs": (judged(bias="(samples.mean(0, keepdim=True) - mean).mean()"), "cancel"),
    "bias_and_spread: each sample": (judged(bias="((samples - mean) ** 2).mean().sqrt()"), "not about each sample"),
    "bias_and_spread: about the exact mean": (judged(spread="((samples - mean) ** 2).mean().sqrt()"), "not about the exact mean"),
    "bias_and_spread: together": (judged(spread="samples.std()"), "pixels and samples together"),
    "bias_and_spread: n": (judged(spread="samples.var(0, correction=0).mean().sqrt()"), "n - 1 below the line"),
}  # fmt: skip
