"""Wrong answers to lab 8: the function as a student may write it, and words of the hint that it must get."""

LOG = """def log_probability(x, means, labels, label, spread, sigma):
    exponents = -squares(x, means) / ({})
    return {}"""
VARIANCE, OF_LABEL = "2 * (spread**2 + sigma**2)", "exponents.log_softmax(1)[:, labels == label].logsumexp(1)"
DENOISE = """def denoise(x, means, spread, sigma):
    weights = {}
    keep = {}
    return {}"""
WEIGHTS, KEEP = "(-squares(x, means) / (2 * (spread**2 + sigma**2))).softmax(1)", "spread**2 / (spread**2 + sigma**2)"
MEAN = "weights @ means + keep * (x - weights @ means)"
GUIDED = "def guided(x, sigma, free, bound, w):\n    return {}"
CLASSIFIER = """def by_classifier(x, sigma, free, log_probability, w):
    at = x.detach().requires_grad_()
    slope = torch.autograd.grad({}, at)[0]
    return {}"""
VALUES, PULLED = "log_probability(at, sigma).sum()", "free(x, sigma) + w * sigma**2 * slope"
DRAW = """def draw(denoise, x, levels):
    for sigma, after in pairwise({}):
        x0 = denoise(x, {})
        x = {}
    return x"""
ALL, NEXT = "[*levels, 0.0]", "x0 + after / sigma * (x - x0)"
SHARPENED = """def sharpened(x, means, labels, label, spread, w):
    logs = -squares(x, means) / ({})
    with_label, without = logs[:, labels == label].logsumexp(1), logs.logsumexp(1)
    return {}"""
SHARP = "w * with_label + (1 - w) * without"

WRONG = {
    "log_probability: no noise": (LOG.format("2 * spread**2", OF_LABEL), "the noise is left out"),
    "log_probability: no spread": (LOG.format("2 * sigma**2", OF_LABEL), "spread of the kinds is left out"),
    "log_probability: added first": (LOG.format("2 * (spread + sigma)**2", OF_LABEL), "variances add"),
    "log_probability: no 2": (LOG.format("spread**2 + sigma**2", OF_LABEL), "the 2 is missing"),
    "log_probability: probability": (LOG.format(VARIANCE, OF_LABEL + ".exp()"), "its logarithm is asked for"),
    "log_probability: sum of logs": (LOG.format(VARIANCE, "exponents.log_softmax(1)[:, labels == label].sum(1)"), "cannot be added up"),
    "log_probability: not normalised": (LOG.format(VARIANCE, "exponents[:, labels == label].logsumexp(1)"), "log_softmax over all"),
    "log_probability: likeliest kind": (
        LOG.format(VARIANCE, "exponents.log_softmax(1)[:, labels == label].amax(1)"), "likeliest kind of the label"),
    "denoise: no x": (DENOISE.format(WEIGHTS, KEEP, "weights @ means"), "x itself counts"),
    "denoise: factor": (DENOISE.format(WEIGHTS, "sigma**2 / (spread**2 + sigma**2)", MEAN), "not of the noise"),
    "denoise: squares": (DENOISE.format(WEIGHTS, "spread / (spread + sigma)", MEAN), "has squares"),
    "denoise: narrow weights": (
        DENOISE.format("(-squares(x, means) / (2 * spread**2)).softmax(1)", KEEP, MEAN), "those of a noisy point"),
    "denoise: even weights": (DENOISE.format("torch.ones(len(x), len(means)).to(x) / len(means)", KEEP, MEAN), "count the same"),
    "denoise: nearest": (
        DENOISE.format("torch.nn.functional.one_hot(squares(x, means).argmin(1), len(means)).to(x)", KEEP, MEAN), "nearest kind"),
    "guided: added to bound": (GUIDED.format("bound(x, sigma) + w * (bound(x, sigma) - free(x, sigma))"), "not to the bound one"),
    "guided: sign": (GUIDED.format("free(x, sigma) + w * (free(x, sigma) - bound(x, sigma))"), "wrong sign"),
    "guided: exchanged": (GUIDED.format("bound(x, sigma) + w * (free(x, sigma) - bound(x, sigma))"), "exchanged"),
    "guided: difference": (GUIDED.format("w * (bound(x, sigma) - free(x, sigma))"), "free answer is left out"),
    "by_classifier: sigma": (CLASSIFIER.format(VALUES, "free(x, sigma) + w * sigma * slope"), "sigma must be squared"),
    "by_classifier: no sigma": (CLASSIFIER.format(VALUES, "free(x, sigma) + w * slope"), "factor sigma**2 is missing"),
    "by_classifier: sign": (CLASSIFIER.format(VALUES, "free(x, sigma) - w * sigma**2 * slope"), "uphill"),
    "by_classifier: from x": (CLASSIFIER.format(VALUES, "x + w * sigma**2 * slope"), "where the free answer belongs"),
    "by_classifier: probability": (CLASSIFIER.format("log_probability(at, sigma).exp().sum()", PULLED), "that of its logarithm"),
    "by_classifier: mean": (CLASSIFIER.format("log_probability(at, sigma).mean()", PULLED), "take it of their sum"),
    "by_classifier: not recorded": (CLASSIFIER.format("log_probability(x, sigma).sum()", PULLED), "RuntimeError"),
    "draw: no last step": (DRAW.format("levels", "sigma", NEXT), "to 0, is missing"),
    "draw: squared": (DRAW.format(ALL, "sigma", "x0 + (after / sigma) ** 2 * (x - x0)"), "not squared"),
    "draw: after alone": (DRAW.format(ALL, "sigma", "x0 + after * (x - x0)"), "not divided by sigma"),
    "draw: taken away": (DRAW.format(ALL, "sigma", "x - after / sigma * (x - x0)"), "not the share that is taken away"),
    "draw: from x": (DRAW.format(ALL, "sigma", "x + after / sigma * (x - x0)"), "begin at x0"),
    "draw: forgotten": (DRAW.format(ALL, "sigma", "x0"), "old noise is forgotten"),
    "draw: return in the loop": (DRAW.format(ALL, "sigma", NEXT).replace("    return", "        return"), "return stands inside the loop"),
    "draw: next level": (DRAW.format(ALL, "max(after, 1e-9)", NEXT), "told the next level"),
    "sharpened: only the label": (SHARPENED.format("2 * spread**2", "w * with_label"), "p(x) is left out"),
    "sharpened: exponents summed": (
        SHARPENED.format("2 * spread**2", "w * logs[:, labels == label].sum(1) + (1 - w) * logs.sum(1)"), "cannot be added up"),
    "sharpened: densities summed": (
        SHARPENED.format("2 * spread**2", "w * with_label.exp() + (1 - w) * without.exp()"), "their logarithms are asked for"),
    "sharpened: of the label given x": (
        SHARPENED.format("2 * spread**2", "w * logs.log_softmax(1)[:, labels == label].logsumexp(1) + (1 - w) * without"),
        "is not p(label | x)"),
    "sharpened: nearest": (
        SHARPENED.format("2 * spread**2", "w * logs[:, labels == label].amax(1) + (1 - w) * logs.amax(1)"), "nearest kind alone"),
    "sharpened: w inside": (
        SHARPENED.format("2 * spread**2", "(w * logs[:, labels == label]).logsumexp(1) + ((1 - w) * logs).logsumexp(1)"),
        "before logsumexp, not inside"),
    "sharpened: one number": (SHARPENED.format("2 * spread**2", f"({SHARP}).sum()"), "its answer is one number, where [9]"),
    "sharpened: w - 1": (SHARPENED.format("2 * spread**2", "w * with_label + (w - 1) * without"), "not w - 1"),
    "sharpened: p(x)": (SHARPENED.format("2 * spread**2", "w * with_label + without"), "not 1:"),
    "sharpened: no 2": (SHARPENED.format("spread**2", SHARP), "the 2 is missing"),
    "sharpened: spread": (SHARPENED.format("2 * spread", SHARP), "spread must be squared"),
    "sharpened: exchanged": (SHARPENED.format("2 * spread**2", "(1 - w) * with_label + w * without"), "exchanged"),
}  # fmt: skip
