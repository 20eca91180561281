"""Wrong answers to lab 3: the function as a student may write it, and words of the hint that it must get."""

WRONG = {
    "adjoint: blurs once more": (
        "def adjoint(y, h):\n    return torch.fft.irfft2(h * torch.fft.rfft2(y), s=y.shape[-2:])",
        "kernel is not flipped",
    ),
    "adjoint: inverse": ("def adjoint(y, h):\n    return torch.fft.irfft2(torch.fft.rfft2(y) / h, s=y.shape[-2:])", "inverse of A"),
    "adjoint: conj of the product": (
        "def adjoint(y, h):\n    return torch.fft.irfft2((h * torch.fft.rfft2(y)).conj(), s=y.shape[-2:])",
        "conj belongs to h alone",
    ),
    "adjoint: conj of y": (
        "def adjoint(y, h):\n    return torch.fft.irfft2(h.conj() * torch.fft.rfft2(y).conj(), s=y.shape[-2:])",
        "conj belongs to h alone",
    ),
    "adjoint: complex": ("def adjoint(y, h):\n    return h.conj() * torch.fft.rfft2(y)", "the shape [1, 1, 32, 17]"),
    "adjoint: in place": ("def adjoint(y, h):\n    y *= -1\n    return -torch.fft.irfft2(h.conj() * torch.fft.rfft2(y), s=y.shape[-2:])",
                          "writes into its argument y"),
    "adjoint: sign": ("def adjoint(y, h):\n    return -torch.fft.irfft2(h.conj() * torch.fft.rfft2(y), s=y.shape[-2:])", "sign is wrong"),
    "adjoint: nothing": ("def adjoint(y, h):\n    torch.fft.irfft2(h.conj() * torch.fft.rfft2(y))", "end the function with return"),
    "adjoint: other arguments": ("def adjoint(y):\n    return y", "2 arguments of the template"),
    "adjoint: as given": ("def adjoint(y, h):\n    return y", "argument number 1, just as it was given"),
    "data_step: not squared": (
        "def data_step(x0, y, h, s, w):\n"
        "    top = h.conj() * torch.fft.rfft2(y) / s + torch.fft.rfft2(x0) / w\n"
        "    return torch.fft.irfft2(top / (h.abs() ** 2 / s + 1 / w), s=y.shape[-2:])",
        "widths enter squared",
    ),
    "data_step: exchanged": (
        "def data_step(x0, y, h, s, w):\n"
        "    top = h.conj() * torch.fft.rfft2(y) / w**2 + torch.fft.rfft2(x0) / s**2\n"
        "    return torch.fft.irfft2(top / (h.abs() ** 2 / w**2 + 1 / s**2), s=y.shape[-2:])",
        "exchanged",
    ),
    "data_step: no conj": (
        "def data_step(x0, y, h, s, w):\n"
        "    top = h * torch.fft.rfft2(y) / s**2 + torch.fft.rfft2(x0) / w**2\n"
        "    return torch.fft.irfft2(top / (h.abs() ** 2 / s**2 + 1 / w**2), s=y.shape[-2:])",
        "y is blurred once more",
    ),
    "data_step: square of h missing": (
        "def data_step(x0, y, h, s, w):\n"
        "    top = h.conj() * torch.fft.rfft2(y) / s**2 + torch.fft.rfft2(x0) / w**2\n"
        "    return torch.fft.irfft2(top / (h.abs() / s**2 + 1 / w**2), s=y.shape[-2:])",
        "where |h|**2 is asked for",
    ),
    "data_step: complex square": (
        "def data_step(x0, y, h, s, w):\n"
        "    top = h.conj() * torch.fft.rfft2(y) / s**2 + torch.fft.rfft2(x0) / w**2\n"
        "    return torch.fft.irfft2(top / (h**2 / s**2 + 1 / w**2), s=y.shape[-2:])",
        "not h**2",
    ),
    "data_step: sigma in 0..255": (
        "def data_step(x0, y, h, s, w):\n"
        "    s = s / 255\n"
        "    top = h.conj() * torch.fft.rfft2(y) / s**2 + torch.fft.rfft2(x0) / w**2\n"
        "    return torch.fft.irfft2(top / (h.abs() ** 2 / s**2 + 1 / w**2), s=y.shape[-2:])",
        "0..255",
    ),
    "data_step: a gradient step": (
        "def data_step(x0, y, h, s, w):\n"
        "    seen = torch.fft.rfft2(y) - h * torch.fft.rfft2(x0)\n"
        "    return x0 + w**2 / s**2 * torch.fft.irfft2(h.conj() * seen, s=y.shape[-2:])",
        "one step down the gradient",
    ),
    "hqs: prior first": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.full_like(y, float(y.mean()))\n"
        "    for sigma in levels:\n"
        "        x = data_step(prior.denoise(x, sigma), y, h, s, sigma / strength**0.5)\n"
        "    return x",
        "asked before the data",
    ),
    "hqs: returns z": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.full_like(y, float(y.mean()))\n"
        "    for sigma in levels:\n"
        "        z = data_step(x, y, h, s, sigma / strength**0.5)\n"
        "        x = prior.denoise(z, sigma)\n"
        "    return z",
        "the prior has the last word",
    ),
    "hqs: no root": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.full_like(y, float(y.mean()))\n"
        "    for sigma in levels:\n"
        "        x = prior.denoise(data_step(x, y, h, s, sigma / strength), sigma)\n"
        "    return x",
        "square root is missing",
    ),
    "hqs: return in the loop": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.full_like(y, float(y.mean()))\n"
        "    for sigma in levels:\n"
        "        x = prior.denoise(data_step(x, y, h, s, sigma / strength**0.5), sigma)\n"
        "        return x",
        "return stands inside the loop",
    ),
    "hqs: variance told": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.full_like(y, float(y.mean()))\n"
        "    for sigma in levels:\n"
        "        x = prior.denoise(data_step(x, y, h, s, sigma / strength**0.5), sigma**2)\n"
        "    return x",
        "not the variance",
    ),
    "admm: sign of u": (
        "def admm(y, h, s, prior, sigma, turns, strength):\n"
        "    w = sigma / strength**0.5\n"
        "    x, u = data_step(torch.full_like(y, float(y.mean())), y, h, s, w), 0\n"
        "    for _ in range(turns):\n"
        "        v = prior.denoise(x + u, sigma)\n"
        "        u = u - x + v\n"
        "        x = data_step(v - u, y, h, s, w)\n"
        "    return v",
        "u has the wrong sign",
    ),
    "admm: u forgets": (
        "def admm(y, h, s, prior, sigma, turns, strength):\n"
        "    w = sigma / strength**0.5\n"
        "    x, u = data_step(torch.full_like(y, float(y.mean())), y, h, s, w), 0\n"
        "    for _ in range(turns):\n"
        "        v = prior.denoise(x + u, sigma)\n"
        "        u = x - v\n"
        "        x = data_step(v - u, y, h, s, w)\n"
        "    return v",
        "u forgets",
    ),
    "admm: v + u": (
        "def admm(y, h, s, prior, sigma, turns, strength):\n"
        "    w = sigma / strength**0.5\n"
        "    x, u = data_step(torch.full_like(y, float(y.mean())), y, h, s, w), 0\n"
        "    for _ in range(turns):\n"
        "        v = prior.denoise(x + u, sigma)\n"
        "        u = u + x - v\n"
        "        x = data_step(v + u, y, h, s, w)\n"
        "    return v",
        "the data are given v + u",
    ),
    "misfit: sum": (
        "def misfit(x, y, h, s):\n    return float(((torch.fft.irfft2(h * torch.fft.rfft2(x), s=x.shape[-2:]) - y) / s).square().sum())",
        "sum over the pixels",
    ),
    "misfit: variance for std": (
        "def misfit(x, y, h, s):\n    return float((torch.fft.irfft2(h * torch.fft.rfft2(x), s=x.shape[-2:]) - y).square().mean() / s)",
        "a square is missing",
    ),
    "misfit: not blurred": ("def misfit(x, y, h, s):\n    return float(((x - y) / s).square().mean())", "blur it first"),
    "misfit: root": (
        "def misfit(x, y, h, s):\n"
        "    seen = torch.fft.irfft2(h * torch.fft.rfft2(x), s=x.shape[-2:])\n"
        "    return float(((seen - y) / s).square().mean().sqrt())",
        "square root of the right answer",
    ),
    "data_step: no noise_sigma": (
        "def data_step(x0, y, h, s, w):\n"
        "    Y, X = torch.fft.rfft2(y), torch.fft.rfft2(x0)\n"
        "    return torch.fft.irfft2((h.conj() * Y + X / w**2) / (h.abs() ** 2 + 1 / w**2), s=y.shape[-2:])",
        "noise_sigma is left out",
    ),
    "data_step: no width": (
        "def data_step(x0, y, h, s, w):\n"
        "    Y, X = torch.fft.rfft2(y), torch.fft.rfft2(x0)\n"
        "    return torch.fft.irfft2((h.conj() * Y / s**2 + X) / (h.abs() ** 2 / s**2 + 1), s=y.shape[-2:])",
        "width is left out",
    ),
    "data_step: noise_sigma not squared": (
        "def data_step(x0, y, h, s, w):\n"
        "    Y, X = torch.fft.rfft2(y), torch.fft.rfft2(x0)\n"
        "    return torch.fft.irfft2((h.conj() * Y / s + X / w**2) / (h.abs() ** 2 / s + 1 / w**2), s=y.shape[-2:])",
        "only width is squared",
    ),
    "data_step: width not squared": (
        "def data_step(x0, y, h, s, w):\n"
        "    Y, X = torch.fft.rfft2(y), torch.fft.rfft2(x0)\n"
        "    return torch.fft.irfft2((h.conj() * Y / s**2 + X / w) / (h.abs() ** 2 / s**2 + 1 / w), s=y.shape[-2:])",
        "width is not squared",
    ),
    "data_step: minus above": (
        "def data_step(x0, y, h, s, w):\n"
        "    Y, X = torch.fft.rfft2(y), torch.fft.rfft2(x0)\n"
        "    return torch.fft.irfft2((h.conj() * Y / s**2 - X / w**2) / (h.abs() ** 2 / s**2 + 1 / w**2), s=y.shape[-2:])",
        "wrong sign above the line",
    ),
    "data_step: minus below": (
        "def data_step(x0, y, h, s, w):\n"
        "    Y, X = torch.fft.rfft2(y), torch.fft.rfft2(x0)\n"
        "    return torch.fft.irfft2((h.conj() * Y / s**2 + X / w**2) / (h.abs() ** 2 / s**2 - 1 / w**2), s=y.shape[-2:])",
        "wrong sign below the line",
    ),
    "hqs: width squared": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.full_like(y, float(y.mean()))\n"
        "    for sigma in levels:\n"
        "        x = prior.denoise(data_step(x, y, h, s, sigma**2 / strength), sigma)\n"
        "    return x",
        "standard deviation sigma / strength**0.5, not its square",
    ),
    "hqs: prior told the noise of the data": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.full_like(y, float(y.mean()))\n"
        "    for sigma in levels:\n"
        "        x = prior.denoise(data_step(x, y, h, s, sigma / strength**0.5), s)\n"
        "    return x",
        "told noise_sigma",
    ),
    "hqs: from black": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = torch.zeros_like(y)\n"
        "    for sigma in levels:\n"
        "        x = prior.denoise(data_step(x, y, h, s, sigma / strength**0.5), sigma)\n"
        "    return x",
        "start is black",
    ),
    "hqs: from the adjoint": (
        "def hqs(y, h, s, prior, levels, strength):\n"
        "    x = adjoint(y, h)\n"
        "    for sigma in levels:\n"
        "        x = prior.denoise(data_step(x, y, h, s, sigma / strength**0.5), sigma)\n"
        "    return x",
        "start is A^T y",
    ),
    "admm: width squared": (
        "def admm(y, h, s, prior, sigma, turns, strength):\n"
        "    w = sigma**2 / strength\n"
        "    x, u = data_step(torch.full_like(y, float(y.mean())), y, h, s, w), 0\n"
        "    for _ in range(turns):\n"
        "        v = prior.denoise(x + u, sigma)\n"
        "        u = u + x - v\n        x = data_step(v - u, y, h, s, w)\n"
        "    return v",
        "standard deviation sigma / strength**0.5, not its square",
    ),
    "admm: no first data step": (
        "def admm(y, h, s, prior, sigma, turns, strength):\n"
        "    w = sigma / strength**0.5\n"
        "    x, u = torch.full_like(y, float(y.mean())), 0\n"
        "    for _ in range(turns):\n"
        "        v = prior.denoise(x + u, sigma)\n"
        "        u = u + x - v\n        x = data_step(v - u, y, h, s, w)\n"
        "    return v",
        "data step before the loop is missing",
    ),
    "admm: u too late": (
        "def admm(y, h, s, prior, sigma, turns, strength):\n"
        "    w = sigma / strength**0.5\n"
        "    x, u = data_step(torch.full_like(y, float(y.mean())), y, h, s, w), 0\n"
        "    for _ in range(turns):\n"
        "        v = prior.denoise(x + u, sigma)\n"
        "        x = data_step(v - u, y, h, s, w)\n        u = u + x - v\n"
        "    return v",
        "renewed too late",
    ),
    "misfit: multiplied": (
        "def misfit(x, y, h, s):\n    return float(((torch.fft.irfft2(h * torch.fft.rfft2(x), s=x.shape[-2:]) - y) * s).square().mean())",
        "multiplied by noise_sigma",
    ),
    "adjoint: divides by conj": (
        "def adjoint(y, h):\n    return torch.fft.irfft2(torch.fft.rfft2(y) / h.conj(), s=y.shape[-2:])",
        "division by conj(h)",
    ),
    "adjoint: flips the array h": (
        "def adjoint(y, h):\n    return torch.fft.irfft2(h.flip(-2, -1) * torch.fft.rfft2(y), s=y.shape[-2:])",
        "array h is flipped",
    ),
}
