"""Wrong answers to lab 1: the function as a student may write it, and words of the hint that it must get."""

WRONG = {
    "noise_series: error of one frame": (
        "def noise_series(frames):\n    return frames.mean(0, keepdim=True), frames.std(0, keepdim=True)",
        "that is the error of one frame"),
    "noise_series: over N": (
        "def noise_series(frames):\n    return frames.mean(0, keepdim=True), frames.std(0, keepdim=True) / len(frames)", "not with N"),
    "noise_series: variance": (
        "def noise_series(frames):\n    return frames.mean(0, keepdim=True), frames.var(0, keepdim=True) / len(frames)",
        "variance"),
    "noise_series: N below the line": (
        "def noise_series(frames):\n    n = len(frames)\n"
        "    return frames.mean(0, keepdim=True), frames.std(0, keepdim=True, correction=0) / n**0.5",
        "N - 1 below the line"),
    "noise_series: axes lost": (
        "def noise_series(frames):\n    return frames.mean(0), frames.std(0) / len(frames) ** 0.5", "where [1, 1, 24, 24] is asked for"),
    "noise_series: whole numbers": (
        "def noise_series(frames):\n    return frames.mean(0, keepdim=True).int(), frames.std(0, keepdim=True) / len(frames) ** 0.5",
        "numbers are whole"),
    "noise_series: half precision": (
        "def noise_series(frames):\n    f = frames.half()\n    return f.mean(0, keepdim=True), f.std(0, keepdim=True) / len(frames) ** 0.5",
        "float16"),
    "noise_series: over everything": (
        "def noise_series(frames):\n    return frames.mean(), frames.std() / len(frames) ** 0.5", "name its axis"),
    "noise_series: one value": ("def noise_series(frames):\n    return frames.mean(0, keepdim=True)", "where 2 are asked for"),
    "energy: no 2": ("def energy(x, mean, sigma):\n    return ((x - mean) ** 2).sum() / sigma**2", "the 2 is missing"),
    "energy: sigma not squared": ("def energy(x, mean, sigma):\n    return ((x - mean) ** 2).sum() / (2 * sigma)", "sigma must be squared"),
    "energy: density": (
        "def energy(x, mean, sigma):\n    return torch.exp(-((x - mean) ** 2).sum() / (2 * sigma**2))", "that is the density"),
    "energy: of each pixel": ("def energy(x, mean, sigma):\n    return (x - mean) ** 2 / (2 * sigma**2)", "where one number is asked for"),
    "energy: mean over pixels": ("def energy(x, mean, sigma):\n    return ((x - mean) ** 2).mean() / (2 * sigma**2)", "not their mean"),
    "energy: sign": ("def energy(x, mean, sigma):\n    return -((x - mean) ** 2).sum() / (2 * sigma**2)", "sign is wrong"),
    "weights: no chances": (
        "def weights(y, pictures, chances, sigma):\n    return torch.softmax(-((y - pictures) ** 2).sum((1, 2, 3)) / (2 * sigma**2), 0)",
        "chances before the measurement are left out"),
    "weights: chances as they are": (
        "def weights(y, pictures, chances, sigma):\n"
        "    return torch.softmax(chances - ((y - pictures) ** 2).sum((1, 2, 3)) / (2 * sigma**2), 0)",
        "their logarithm"),
    "weights: sign": (
        "def weights(y, pictures, chances, sigma):\n"
        "    return torch.softmax(chances.log() + ((y - pictures) ** 2).sum((1, 2, 3)) / (2 * sigma**2), 0)",
        "the less probable"),
    "weights: averaged": (
        "def weights(y, pictures, chances, sigma):\n"
        "    return torch.softmax(chances.log() - ((y - pictures) ** 2).mean((1, 2, 3)) / (2 * sigma**2), 0)",
        "not averaged"),
    "weights: exp is zero": (
        "def weights(y, pictures, chances, sigma):\n"
        "    found = chances * torch.exp(-((y - pictures) ** 2).sum((1, 2, 3)) / (2 * sigma**2))\n"
        "    return found / found.sum()",
        "subtract the largest exponent before exp (log-sum-exp), as torch.softmax does"),
    "weights: exp is zero, and not divided": (
        "def weights(y, pictures, chances, sigma):\n"
        "    return chances * torch.exp(-((y - pictures) ** 2).sum((1, 2, 3)) / (2 * sigma**2))",
        "torch.softmax sees to both"),
    "weights: one distance": (
        "def weights(y, pictures, chances, sigma):\n"
        "    return torch.softmax(chances.log() - ((y - pictures) ** 2).sum() / (2 * sigma**2), 0)",
        "each picture has its own"),
    "mean_picture: plain mean": (
        "def mean_picture(y, pictures, chances, sigma):\n    return pictures.mean(0, keepdim=True)", "weigh each by its probability"),
    "mean_picture: axes that do not fit": (
        "def mean_picture(y, pictures, chances, sigma):\n    return (weights(y, pictures, chances, sigma) * pictures).sum(0)[None]",
        "[:, None, None, None]"),
    "mean_picture: another name": (
        "def mean_picture(y, pictures, chances, sigma):\n    return (found[:, None, None, None] * pictures).sum(0)[None]",
        "functions of the file"),
    "mean_picture: likeliest": (
        "def mean_picture(y, pictures, chances, sigma):\n    return pictures[weights(y, pictures, chances, sigma).argmax()][None]",
        "the most likely picture, not the mean"),
    "draw: uniform": (
        "def draw(y, pictures, chances, sigma, n, rng):\n    return pictures[torch.randint(len(pictures), (n,), generator=rng)]",
        "equally often"),
    "draw: likeliest": (
        "def draw(y, pictures, chances, sigma, n, rng):\n"
        "    k = weights(y, pictures, chances, sigma).argmax()\n"
        "    return pictures[[int(k)] * n]",
        "that is no draw"),
    "draw: numbers": (
        "def draw(y, pictures, chances, sigma, n, rng):\n"
        "    return torch.multinomial(weights(y, pictures, chances, sigma), n, replacement=True, generator=rng)",
        "those are numbers of pictures"),
    "draw: one": (
        "def draw(y, pictures, chances, sigma, n, rng):\n    return pictures[:1]", "[1, 1, 24, 24], where [4000, 1, 24, 24] is asked for"),
    "draw: mixed": (
        "def draw(y, pictures, chances, sigma, n, rng):\n    found = weights(y, pictures, chances, sigma)\n"
        "    return (found[:, None, None, None] * pictures).sum(0, keepdim=True).expand(n, -1, -1, -1)",
        "none of the pictures"),
    "errors: mean of errors": (
        "def errors(samples, truth):\n    return ((samples - truth) ** 2).mean(), ((samples - truth) ** 2).mean()",
        "not the mean of their errors"),
    "errors: roots": (
        "def errors(samples, truth):\n"
        "    return ((samples - truth) ** 2).mean() ** 0.5, ((samples.mean(0, keepdim=True) - truth) ** 2).mean() ** 0.5",
        "no root"),
    "errors: exchanged": (
        "def errors(samples, truth):\n    return ((samples.mean(0, keepdim=True) - truth) ** 2).mean(), ((samples - truth) ** 2).mean()",
        "exchanged"),
}  # fmt: skip
