import torch


def noise_series(frames):
    return frames.mean(0, keepdim=True), frames.std(0, keepdim=True) / len(frames) ** 0.5


def energy(x, mean, sigma):
    return ((x - mean) ** 2).sum() / (2 * sigma**2)


def weights(y, pictures, chances, sigma):
    distances = ((y - pictures) ** 2).sum((1, 2, 3))
    return torch.softmax(torch.log(chances) - distances / (2 * sigma**2), 0)


def mean_picture(y, pictures, chances, sigma):
    found = weights(y, pictures, chances, sigma)
    return (found[:, None, None, None] * pictures).sum(0, keepdim=True)


def draw(y, pictures, chances, sigma, n, rng):
    found = weights(y, pictures, chances, sigma)
    return pictures[torch.multinomial(found, n, replacement=True, generator=rng)]


def errors(samples, truth):
    return ((samples - truth) ** 2).mean(), ((samples.mean(0, keepdim=True) - truth) ** 2).mean()
