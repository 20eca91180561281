import torch


def wiener(y, power, mean, sigma):
    coefficients = torch.fft.fft2(y - mean, norm="ortho")
    return mean + torch.fft.ifft2(coefficients * power / (power + sigma**2), norm="ortho").real


def total_variation(x):
    down, right = torch.zeros_like(x), torch.zeros_like(x)
    down[..., :-1, :] = x[..., 1:, :] - x[..., :-1, :]
    right[..., :-1] = x[..., 1:] - x[..., :-1]
    return (down**2 + right**2).sqrt().sum()


def psnr_by_level(prior, y, truth, levels):
    return [float(-10 * torch.log10(((prior.denoise(y, level) - truth) ** 2).mean())) for level in levels]


def log_density(x, power, mean, sigma):
    coefficients = torch.fft.fft2(x - mean, norm="ortho")
    return -0.5 * (coefficients.abs() ** 2 / (power + sigma**2)).sum()


def slope(log_p, x, direction, step):
    return (log_p(x + step * direction) - log_p(x - step * direction)) / (2 * step)


def score(prior, x, sigma):
    return (prior.denoise(x, sigma) - x) / sigma**2
