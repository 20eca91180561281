import torch


def adjoint(y, h):
    return torch.fft.irfft2(h.conj() * torch.fft.rfft2(y), s=y.shape[-2:])


def data_step(x0, y, h, noise_sigma, width):
    top = h.conj() * torch.fft.rfft2(y) / noise_sigma**2 + torch.fft.rfft2(x0) / width**2
    return torch.fft.irfft2(top / (h.abs() ** 2 / noise_sigma**2 + 1 / width**2), s=y.shape[-2:])


def hqs(y, h, noise_sigma, prior, levels, strength):
    x = torch.full_like(y, float(y.mean()))
    for sigma in levels:
        z = data_step(x, y, h, noise_sigma, sigma / strength**0.5)
        x = prior.denoise(z, sigma)
    return x


def admm(y, h, noise_sigma, prior, sigma, turns, strength):
    width = sigma / strength**0.5
    x = data_step(torch.full_like(y, float(y.mean())), y, h, noise_sigma, width)
    u = torch.zeros_like(x)
    for _ in range(turns):
        v = prior.denoise(x + u, sigma)
        u = u + x - v
        x = data_step(v - u, y, h, noise_sigma, width)
    return v


def misfit(x, y, h, noise_sigma):
    residual = torch.fft.irfft2(h * torch.fft.rfft2(x), s=x.shape[-2:]) - y
    return float((residual / noise_sigma).square().mean())
