import torch


def ranks(samples, truth):
    return (samples < truth).sum(0, keepdim=True)


def interval(samples, k):
    ordered = samples.sort(0).values
    return ordered[k - 1][None], ordered[-k][None]


def coverage(samples, truth, k):
    low, high = interval(samples, k)
    return ((low <= truth) & (truth <= high)).float().mean(), 1 - 2 * k / (len(samples) + 1)


def crps(samples, truth):
    n = len(samples)
    between = (samples[:, None] - samples[None]).abs().sum((0, 1)) / (n * (n - 1))
    return ((samples - truth).abs().mean(0) - between / 2).mean()


def simulate_back(draw, measure, sample, n, rounds):
    found = []
    for i in range(rounds):
        x = draw(i)
        y = measure(x, i)
        found.append(ranks(sample(y, n, i), x))
    return torch.cat(found)


def outside(ranks, n):
    shares = ((ranks == 0) | (ranks == n)).float().mean((1, 2, 3))
    return shares.mean(), shares.std() / len(shares) ** 0.5
