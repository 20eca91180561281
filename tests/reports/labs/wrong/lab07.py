"""Wrong answers to lab 7: the function as a student may write it, and words of the hint that it must get."""

RANKS = "def ranks(samples, truth):\n    return {}"
INTERVAL = "def interval(samples, k):\n    s = samples.sort(0).values\n    return {}"
COVERAGE = """def coverage(samples, truth, k):
    n = len(samples)
    low, high = interval(samples, k)
    return {}.float().mean(), {}"""
CRPS = """def crps(samples, truth):
    n = len(samples)
    between = (samples[:, None] - samples[None]).abs().sum((0, 1)) / {}
    return {}"""
SIMULATION = """def simulate_back(draw, measure, sample, n, rounds):
    found = []
    for i in range(rounds):
        x = {}
        y = {}
        found.append(ranks({}, {}))
    return torch.cat(found)"""
OUTSIDE = """def outside(ranks, n):
    out = {}
    shares = out.double().mean((1, 2, 3))
    return {}"""
INSIDE, SHOULD, OUT = "((low <= truth) & (truth <= high))", "1 - 2 * k / (n + 1)", "(ranks == 0) | (ranks == n)"
FAIR, SCORE = "(n * (n - 1))", "((samples - truth).abs().mean(0) - between / 2).mean()"

WRONG = {
    "coverage: or": (
        "def coverage(samples, truth, k):\n    low, high = interval(samples, k)\n"
        "    return ((low <= truth) | (truth <= high)).float().mean(), 1 - 2 * k / (len(samples) + 1)", "&, not |"),
    "coverage: mean of bools": (
        "def coverage(samples, truth, k):\n    low, high = interval(samples, k)\n"
        "    return ((low <= truth) & (truth <= high)).mean(), 1 - 2 * k / (len(samples) + 1)", "true and false have no mean"),
    "coverage: chained": (
        "def coverage(samples, truth, k):\n    low, high = interval(samples, k)\n"
        "    return float(low <= truth <= high), 1 - 2 * k / (len(samples) + 1)", "one truth value"),
    "simulate_back: a list": (
        "def simulate_back(draw, measure, sample, n, rounds):\n"
        "    return [ranks(sample(measure(draw(i), i), n, i), draw(i)) for i in range(rounds)]", "torch.cat"),
    "outside: and": (
        "def outside(ranks, n):\n    shares = ((ranks == 0) & (ranks == n)).float().mean((1, 2, 3))\n"
        "    return shares.mean(), shares.std() / len(shares) ** 0.5", "|, not &"),
    "outside: n": (
        "def outside(ranks, n):\n    shares = ((ranks == 0) | (ranks == n)).float().mean((1, 2, 3))\n"
        "    return shares.mean(), shares.std() / n**0.5", "root of their number, not of n"),
    "ranks: above": (RANKS.format("(samples > truth).sum(0, keepdim=True)"), "count those below"),
    "ranks: share": (RANKS.format("(samples < truth).double().mean(0, keepdim=True)"), "the rank is their number"),
    "ranks: axis lost": (RANKS.format("(samples < truth).sum(0)"), "where [1, 1, 24, 24] is asked for"),
    "ranks: of the mean": (RANKS.format("(samples.mean(0, keepdim=True) < truth).int()"), "mean of the samples"),
    "ranks: from 1": (RANKS.format("1 + (samples < truth).sum(0, keepdim=True)"), "count from 0"),
    "interval: one too far": (INTERVAL.format("s[k][None], s[-k][None]"), "one too far in"),
    "interval: range": (INTERVAL.format("s[:1], s[-1:]"), "whole range"),
    "interval: quantile": (
        "def interval(samples, k):\n    q = k / (len(samples) + 1)\n"
        "    return samples.quantile(q, 0, keepdim=True), samples.quantile(1 - q, 0, keepdim=True)",
        "interpolates"),
    "interval: not sorted": (INTERVAL.format("samples[k - 1][None], samples[-k][None]"), "not sorted"),
    "interval: exchanged": (INTERVAL.format("s[-k][None], s[k - 1][None]"), "exchanged"),
    "interval: k is too large": (INTERVAL.format("s[100 * k], s[-k]"), "IndexError"),
    "coverage: outside": (COVERAGE.format("(~" + INSIDE + ")", SHOULD), "the share inside is asked for"),
    "coverage: n": (COVERAGE.format(INSIDE, "1 - 2 * k / n"), "n + 1 places"),
    "coverage: one end": (COVERAGE.format(INSIDE, "1 - k / (n + 1)"), "two ends"),
    "coverage: only high": (COVERAGE.format("(truth <= high)", SHOULD), "lower end is left out"),
    "coverage: of the samples": (COVERAGE.format("((low <= samples) & (samples <= high))", SHOULD), "the truth that counts"),
    "crps: not fair": (CRPS.format("n**2", SCORE), "not by n**2"),
    "crps: no half": (CRPS.format(FAIR, "((samples - truth).abs().mean(0) - between).mean()"), "half of the distance"),
    "crps: added": (CRPS.format(FAIR, "((samples - truth).abs().mean(0) + between / 2).mean()"), "not added"),
    "crps: no width": (CRPS.format(FAIR, "(samples - truth).abs().mean()"), "left out"),
    "crps: of the mean": (
        CRPS.format(FAIR, "((samples.mean(0) - truth).abs() - 0 * between).mean()"), "each sample has its own distance"),
    "crps: sum": (CRPS.format(FAIR, SCORE.replace(".mean()", ".sum()")), "not their sum"),
    "simulate_back: one truth": (SIMULATION.format("draw(0)", "measure(x, i)", "sample(y, n, i)", "x"), "all rounds have the same truth"),
    "simulate_back: one noise": (SIMULATION.format("draw(i)", "measure(x, 0)", "sample(y, n, i)", "x"), "same noise in y"),
    "simulate_back: y is ranked": (SIMULATION.format("draw(i)", "measure(x, i)", "sample(y, n, i)", "y"), "rank the truth"),
    "simulate_back: truth is seen": (SIMULATION.format("draw(i)", "measure(x, i)", "sample(x, n, i)", "x"), "is given the truth"),
    "simulate_back: return in the loop": (
        SIMULATION.format("draw(i)", "measure(x, i)", "sample(y, n, i)", "x").replace("    return", "        return"), "shape"),
    "outside: pixels": (
        OUTSIDE.format(OUT, "shares.mean(), (shares.mean() * (1 - shares.mean()) / out.numel()) ** 0.5"), "err together"),
    "outside: no root": (OUTSIDE.format(OUT, "shares.mean(), shares.std()"), "that is the standard deviation over the rounds"),
    "outside: over rounds": (OUTSIDE.format(OUT, "shares.mean(), shares.std() / len(shares)"), "not with that number"),
    "outside: rank n": (OUTSIDE.format("ranks == 0", "shares.mean(), shares.std() / len(shares) ** 0.5"), "has the rank n"),
    "outside: n - 1": (
        OUTSIDE.format("(ranks == 0) | (ranks == n - 1)", "shares.mean(), shares.std() / len(shares) ** 0.5"), "from 0 to n"),
    "outside: inside": (OUTSIDE.format(f"~({OUT})", "shares.mean(), shares.std() / len(shares) ** 0.5"), "share inside"),
}  # fmt: skip
