"""Wrong answers to lab 9: the function as a student may write it, and words of the hint that it must get."""

EULER = "def euler(x, times, believe):\n    for t, u in zip(times[:-1], times[1:]):\n"
HEUN = (
    "def heun(x, times, believe):\n"
    "    for t, u in zip(times[:-1], times[1:]):\n"
    "        v = (x - believe(x, t)) / t\n"
    "        ahead = x + (u - t) * v\n"
    "        if u > 0:\n"
)
CENTRES = "def answer(x, t, pictures, ends, chances, width):\n    centres = (1 - t) * pictures + t * ends\n"
MEAN = "    return torch.einsum('bk,kchw->bchw', found, pictures)"
REFINE = (
    "def refine(y, pictures, blurred, chances, noise_sigma, jitter, times, n, rng):\n"
    "    p = weights(y, blurred, chances, noise_sigma)[0]\n"
    "    r = (p[:, None, None, None] * pictures).sum(0, keepdim=True)\n"
)
STARTS = "    starts = r + jitter * torch.randn((n, *y.shape[1:]), generator=rng, dtype=y.dtype)\n"
FOLLOW = "    return heun(starts, times, lambda x, t: answer(x, t, pictures, r.expand_as(pictures), p, jitter))"
REFINE_WITH = (
    "def refine(y, pictures, blurred, chances, noise_sigma, jitter, times, n, rng):\n"
    "    p = weights(y, {seen}, chances, noise_sigma)[0]\n    r = (p[:, None, None, None] * pictures).sum(0, keepdim=True)\n"
    "    starts = r + jitter * torch.randn((n, *y.shape[1:]), generator=rng, dtype=y.dtype)\n"
    "    return heun(starts, times, lambda x, t: answer(x, t, pictures, r.expand_as(pictures), p, {jitter}))"
)
WRONG = {
    "from_slot: divided after": (
        "def from_slot(prior, x, t):\n    return prior.denoise(x, t) / (1 - t)", "before it is denoised, not after"),
    "refine: y beside sharp pictures": (REFINE_WITH.format(seen="pictures", jitter="jitter"), "compare it with the blurred pictures"),
    "refine: told noise_sigma": (REFINE_WITH.format(seen="blurred", jitter="noise_sigma"), "told noise_sigma"),
    "on_path: other way": (
        "def on_path(picture, start, t):\n    return t * picture + (1 - t) * start, start - picture", "t runs the other way"),
    "on_path: sign": (
        "def on_path(picture, start, t):\n    return (1 - t) * picture + t * start, picture - start", "velocity has the wrong sign"),
    "on_path: point as velocity": (
        "def on_path(picture, start, t):\n    x = (1 - t) * picture + t * start\n    return x, x / t",
        "x_t - picture is only t times that"),
    "on_path: noise added": ("def on_path(picture, start, t):\n    return picture + t * start, start - picture", "has the part 1 - t"),
    "answer: width alone": (CENTRES + "    found = weights(x, centres, chances, width)\n" + MEAN, "t * width, not width"),
    "answer: variance": (CENTRES + "    found = weights(x, centres, chances, (t * width) ** 2)\n" + MEAN, "squared"),
    "answer: no ends": (CENTRES + "    found = weights(x, (1 - t) * pictures, chances, t * width)\n" + MEAN, "ends are left out"),
    "answer: pictures as centres": (
        CENTRES + "    found = weights(x, pictures, chances, t * width)\n" + MEAN, "x is compared with the pictures"),
    "answer: mean of centres": (
        CENTRES + "    found = weights(x, centres, chances, t * width)\n" + MEAN.replace("pictures", "centres"), "mean of the centres"),
    "answer: likeliest": (CENTRES + "    return pictures[weights(x, centres, chances, t * width).argmax(1)]", "not the mean"),
    "answer: first x alone": (
        CENTRES + "    found = weights(x, centres, chances, t * width)[0]\n"
        "    return (found[:, None, None, None] * pictures).sum(0, keepdim=True)",
        "where [3, 1, 16, 16] is asked for"),
    "euler: sign": (EULER + "        x = x + (t - u) * (x - believe(x, t)) / t\n    return x", "wrong sign"),
    "euler: not divided": (EULER + "        x = x + (u - t) * (x - believe(x, t))\n    return x", "division by t is missing"),
    "euler: divided by u": (EULER + "        x = x + (u - t) * (x - believe(x, t)) / u\n    return x", "not by u, where the step ends"),
    "euler: return in the loop": (EULER + "        x = x + (u - t) * (x - believe(x, t)) / t\n        return x", "inside the loop"),
    "euler: no last step": (
        EULER.replace("times[:-1], times[1:]", "times[:-2], times[1:-1]")
        + "        x = x + (u - t) * (x - believe(x, t)) / t\n    return x",
        "the last step"),
    "euler: in place": (EULER + "        x += (u - t) * (x - believe(x, t)) / t\n    return x", "writes into its argument x"),
    "from_slot: x as it is": ("def from_slot(prior, x, t):\n    return prior.denoise(x, t / (1 - t))", "divide it by 1 - t first"),
    "from_slot: t as sigma": ("def from_slot(prior, x, t):\n    return prior.denoise(x / (1 - t), t)", "sigma is t / (1 - t)"),
    "from_slot: nothing": ("def from_slot(prior, x, t):\n    return prior.denoise(x, t)", "nothing is divided"),
    "from_slot: multiplied back": (
        "def from_slot(prior, x, t):\n    return (1 - t) * prior.denoise(x / (1 - t), t / (1 - t))", "picture already"),
    "heun: sum": (
        HEUN + "            ahead = x + (u - t) * (v + (ahead - believe(ahead, u)) / u)\n        x = ahead\n    return x",
        "half of the sum"),
    "heun: only ahead": (
        HEUN + "            ahead = x + (u - t) * (ahead - believe(ahead, u)) / u\n        x = ahead\n    return x",
        "only the velocity ahead"),
    "heun: divided by t": (
        HEUN + "            ahead = x + (u - t) * (v + (ahead - believe(ahead, u)) / t) / 2\n        x = ahead\n    return x",
        "by the time ahead"),
    "heun: from ahead": (
        HEUN + "            ahead = ahead + (u - t) * (v + (ahead - believe(ahead, u)) / u) / 2\n        x = ahead\n    return x",
        "begins at x"),
    "heun: Euler": ("def heun(x, times, believe):\n    return euler(x, times, believe)", "Euler's steps"),
    "heun: zero": (
        HEUN.replace("if u > 0", "if True") + "            ahead = x + (u - t) * (v + (ahead - believe(ahead, u)) / u) / 2\n"
        "        x = ahead\n    return x",
        "no velocity at its end"),
    "refine: no noise": (REFINE + "    starts = r.expand(n, -1, -1, -1)\n" + FOLLOW, "all samples are the same"),
    "refine: the same noise": (
        REFINE + "    starts = (r + jitter * torch.randn(y.shape, generator=rng, dtype=y.dtype)).expand(n, -1, -1, -1)\n" + FOLLOW,
        "noise of its own"),
    "refine: chances beforehand": (REFINE + STARTS + FOLLOW.replace(" p, jitter", " chances, jitter"), "before y was seen"),
    "refine: ends at zero": (REFINE + STARTS + FOLLOW.replace("r.expand_as(pictures)", "0 * pictures"), "begin about zero"),
    "refine: the mean": (REFINE + "    return r.expand(n, -1, -1, -1)", "none of the pictures"),
    "refine: one sample": (
        REFINE + "    starts = r + jitter * torch.randn(y.shape, generator=rng, dtype=y.dtype)\n" + FOLLOW,
        "where [2000, 1, 12, 12] is asked for"),
}  # fmt: skip
