# %% [markdown]
# # Lab 8: Ask for it
#
# A prior that was shown pictures of many kinds can be asked for one of them: for a three, for a boot, for "a cat on a bicycle". What
# makes a sampler obey is **guidance**, a formula of one line with one dial, w. In this lab you write it in two forms that look
# different and are the same, in a world that is small enough to be exact; you find out what w > 1 really does; and then you hand your
# functions to a network that has seen handwritten digits.
#
# You need: Bayes' rule, logarithms, the gradient by torch. The small world is the plane: its "pictures" are points, tensors [n, 2].
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. Check yourself as
# often as you like, and hand in the page that the second command writes:
#
#     priorbench lab check lab08_YOUR_ID.py
#     priorbench lab report lab08_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
from itertools import pairwise  # noqa: F401

import torch
from matplotlib import pyplot

import reports
import solvers
from priors import conditional
from reports import labs

LAB = 8
STUDENT = "nobody"

means, labels, spread, label, digit = labs.scene(LAB, STUDENT)  # your own world, and what you shall ask for
rng = torch.Generator().manual_seed(0)
COLOURS = ("tab:blue", "tab:orange", "tab:green")


def squares(x, means):
    """The squared distance of each point x [n, 2] from each of means [K, 2]: [n, K]."""
    return (x[:, None] - means).square().sum(2)


def plane(*panels):
    """As many panels as names are given, with the kinds as circles: 86 % of the points of a kind lie inside."""
    figure, axes = pyplot.subplots(1, len(panels), figsize=(2.6 * len(panels), 2.8), squeeze=False, layout="constrained")
    for ax, name in zip(axes[0], panels, strict=True):
        for mean, k in zip(means.tolist(), labels.tolist(), strict=True):
            ax.add_patch(pyplot.Circle(mean, 2 * spread, fill=False, color=COLOURS[k], linewidth=2))
        ax.set(title=name, aspect="equal", xlim=(-2.2, 2.2), ylim=(-2.2, 2.2))
    return figure, axes[0]


# %% [markdown]
# ## The world
#
# There are six kinds of points, two for each of three labels (blue 0, orange 1, green 2), all equally frequent. A point of kind k is at
# `means[k]`, give or take `spread` in each direction: a Gaussian. `labels[k]` is its label. You shall ask for the label `label`.

# %%
which = torch.randint(len(means), (300,), generator=rng)
x = means[which] + spread * torch.randn(300, 2, generator=rng, dtype=means.dtype)
figure, (ax,) = plane(f"you ask for {label} ({COLOURS[label][4:]})")
ax.scatter(*x.T.numpy(), s=4, c=[COLOURS[k] for k in labels[which]])
figure.savefig("lab08-0.png", dpi=150)

# %% [markdown]
# ## Task 1: how probable is a label, seen through noise?
#
# A point is seen through noise of standard deviation sigma. Then kind k is a wider Gaussian: its variance is spread^2 + sigma^2, since
# variances of independent things add. The probability of kind k, given the noisy point x, is by Bayes' rule
#
#     exp(-|x - means[k]|^2 / (2 (spread^2 + sigma^2))),   divided by the sum of that over all kinds.
#
# `torch.log_softmax` of the exponents gives the logarithms of these. The probability of a label is the sum over its kinds: add the
# probabilities, not their logarithms, which is what `torch.logsumexp` does. `labels == label` picks the kinds.


# %%
def log_probability(x, means, labels, label, spread, sigma):
    """log p(label | x) for noisy points x [n, 2]: [n]; means [K, 2], labels [K]; spread and sigma are standard deviations."""
    raise NotImplementedError("task 1")


# %%
axis = torch.linspace(-2.2, 2.2, 89, dtype=means.dtype)
grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(-1, 2)
seen = (0.02, 0.5, 1.5)
figure, axes = plane(*(f"noise {sigma:g}" for sigma in seen))
for ax, sigma in zip(axes, seen, strict=True):
    chance = log_probability(grid, means, labels, label, spread, sigma).exp().reshape(89, 89)
    shown = ax.imshow(chance.numpy(), extent=(-2.2, 2.2, -2.2, 2.2), origin="lower", cmap="gray", vmin=0, vmax=1)
figure.colorbar(shown, ax=axes, label=f"p({label} | x)", shrink=0.7)
figure.savefig("lab08-1.png", dpi=150)

# %% [markdown]
# ## Task 2: the denoiser
#
# The best guess of the clean point is the mean of all that may be behind x. If its kind were known, that would be
#
#     means[k]  +  spread^2 / (spread^2 + sigma^2)  *  (x - means[k]).
#
# It is not, so take the mean over all kinds, each weighed by its probability given x, as in task 1.


# %%
def denoise(x, means, spread, sigma):
    """E[clean point | x] for noisy points x [n, 2]: [n, 2]; means [K, 2] are of all kinds that are possible."""
    raise NotImplementedError("task 2")


# %%
def free(x, sigma):
    """The answer of a prior that was not told what to ask for."""
    return denoise(x, means, spread, sigma)


def bound(x, sigma):
    """The answer of a prior that knows the label: only its kinds are possible."""
    return denoise(x, means[labels == label], spread, sigma)


few = grid.reshape(89, 89, 2)[8::12, 8::12].reshape(-1, 2)


def arrows(ax, answer):
    ax.quiver(*few.T.numpy(), *(answer - few).T.numpy(), angles="xy", scale_units="xy", scale=1, width=0.006)


figure, axes = plane("free, at noise 0.5", f"bound to {label}")
for ax, denoiser in zip(axes, (free, bound), strict=True):
    arrows(ax, denoiser(few, 0.5))
figure.savefig("lab08-2.png", dpi=150)

# %% [markdown]
# ## Task 3: guidance
#
# Take the free answer, and add w times what the label changes about it (classifier-free guidance, Ho and Salimans 2022):
#
#     free  +  w * (bound - free).
#
# With w = 0 the label is forgotten, with w = 1 the answer is the bound one, and beyond that it is exaggerated. (Mind that others count
# differently: the paper's w is ours less 1.)


# %%
def guided(x, sigma, free, bound, w):
    """The guided answer for noisy x, of the shape of x; free and bound are functions of (x, sigma). One or two lines."""
    raise NotImplementedError("task 3")


# %%
figure, axes = plane("w = 0", "w = 1", "w = 3")
for ax, w in zip(axes, (0.0, 1.0, 3.0), strict=True):
    arrows(ax, guided(few, 0.5, free, bound, w))
figure.savefig("lab08-3.png", dpi=150)

# %% [markdown]
# ## Task 4: the same, by a classifier
#
# Perhaps there is no prior that knows labels, but a classifier that tells p(label | x, sigma) of noisy pictures. Bayes' rule says
# log p(x | label) = log p(x) + log p(label | x) + constant. Take gradients by x, and remember Tweedie's formula of lab 2, denoised =
# x + sigma^2 grad log p(x, sigma): the difference bound - free must be sigma^2 grad log p(label | x, sigma). So (Dhariwal and Nichol
# 2021)
#
#     free  +  w * sigma^2 * gradient of log p(label | x, sigma) by x.
#
# Since no point depends on the others, the gradient of the sum over all points has the gradient of each:
# `torch.autograd.grad(values.sum(), at)[0]`, where at was made by `at = x.detach().requires_grad_()` before the values were.


# %%
def by_classifier(x, sigma, free, log_probability, w):
    """The guided answer for noisy x, of the shape of x; free and log_probability are functions of (x, sigma), the latter gives [n]."""
    raise NotImplementedError("task 4")


# %%
def told(x, sigma):
    """The classifier of this world."""
    return log_probability(x, means, labels, label, spread, sigma)


one, other = guided(few, 0.5, free, bound, 3.0), by_classifier(few, 0.5, free, told, 3.0)
print(f"the two guidances differ by {float((one - other).abs().max()):.1e} at most")
figure, axes = plane("without a classifier", "with one")
for ax, answer in zip(axes, (one, other), strict=True):
    arrows(ax, answer)
figure.savefig("lab08-4.png", dpi=150)

# %% [markdown]
# ## Task 5: draw
#
# From noise to a draw, step by step (DDIM, Song, Meng and Ermon 2021): in each step denoise, then go back to as much of the old noise
# as belongs to the next level:
#
#     for each level sigma, and the one that comes after it (0 after the last):
#         x0 = denoise(x, sigma)
#         x = x0 + after / sigma * (x - x0)
#
# `pairwise([*levels, 0.0])` gives the pairs (sigma, after).


# %%
def draw(denoise, x, levels):
    """What noise x of the first level becomes; denoise is a function of (x, sigma), levels is a list that falls."""
    raise NotImplementedError("task 5")


# %%
levels = solvers.schedules.geometric(10.0, 0.02, 40)
noise = levels[0] * torch.randn(400, 2, generator=rng, dtype=means.dtype)
drawn = {w: draw(lambda x, sigma, w=w: guided(x, sigma, free, bound, w), noise, levels) for w in (0.0, 1.0, 3.0)}
figure, axes = plane(*(f"w = {w:g}" for w in drawn))
for ax, x in zip(axes, drawn.values(), strict=True):
    ax.scatter(*x.T.numpy(), s=3, color="black", alpha=0.5)
figure.savefig("lab08-5.png", dpi=150)

# %% [markdown]
# ## Task 6: what w > 1 seems to promise
#
# At one level of noise the guided answer belongs to the density p(x | label)^w p(x)^(1 - w). It is often said that guided samples are
# drawn from that, at the level 0. Write its logarithm; a constant does not matter, so you may leave out what does not depend on x.
# Densities are sums over kinds of exp(-|x - means[k]|^2 / (2 spread^2)).


# %%
def sharpened(x, means, labels, label, spread, w):
    """log of p(x | label)^w p(x)^(1 - w), up to a constant, for points x [n, 2] without noise: [n]."""
    raise NotImplementedError("task 6")


# %%
def width(x, weights):
    """The root of the mean squared distance of points from the nearest of the label's kinds, weighed."""
    return float((weights * squares(x, means[labels == label]).amin(1)).sum().div(weights.sum()).sqrt())


strengths = (1.0, 2.0, 3.0, 5.0)
figure, axes = plane(*(f"w = {w:g}" for w in strengths))
for ax, w in zip(axes, strengths, strict=True):
    promise = (sharpened(grid, means, labels, label, spread, w)).softmax(0)
    x = draw(lambda x, sigma, w=w: guided(x, sigma, free, bound, w), noise, levels)
    sizes = sorted(promise.tolist(), reverse=True)
    inside = [next(size for i, size in enumerate(sizes) if sum(sizes[: i + 1]) > share) for share in (0.9, 0.5)]
    ax.contour(axis.numpy(), axis.numpy(), promise.reshape(89, 89).numpy(), levels=inside, colors="red", linewidths=1)
    ax.scatter(*x.T.numpy(), s=3, color="black", alpha=0.4)
    print(f"w = {w:g}: distance from the nearest kind {width(x, torch.ones(len(x))):.3f} drawn, {width(grid, promise):.3f} promised")
figure.savefig("lab08-6.png", dpi=150)

# %% [markdown]
# Black: points drawn. Red: where half, and nine tenths, of the promised density lie.
#
# ## The same with a network
#
# The library ships a network that has learned handwritten digits, with and without being told which, and a classifier of noisy digits.
# Your functions take them as they are. There is nothing to write here.

# %%
network = conditional.digits28()
told_digit = network.given(digit)
falling = solvers.schedules.geometric(10.0, 0.03, 12)
start = network.mean + falling[0] * torch.randn(6, 1, 28, 28, generator=rng)


def judge(x, sigma):
    """The library's classifier: log p(digit | x, sigma), for each picture."""
    return network.judge.log_probabilities(x, sigma)[:, digit]


answers = {
    "w = 0": draw(network.denoise, start, falling),
    "w = 1": draw(told_digit.denoise, start, falling),
    "w = 3": draw(lambda x, sigma: guided(x, sigma, network.denoise, told_digit.denoise, 3.0), start, falling),
}
for name, x in answers.items():
    sure, differ = float(judge(x, 0.0).exp().mean()), float(x.std(0).mean())
    print(f"{name}: a {digit} with {sure:.1%}, says the classifier, on average; a pixel differs by {differ:.3f} between the six")
titles = [f"{name}, asked for {digit}" if i == 0 else "" for name in answers for i in range(6)]
reports.show(*answers.values(), titles=titles, path="lab08-7.png")

# %%
pulled = draw(lambda x, sigma: by_classifier(x, sigma, network.denoise, judge, 3.0), start, falling)
print(f"by the classifier, w = 3: a {digit} with {float(judge(pulled, 0.0).exp().mean()):.1%}, it says itself")
reports.show(pulled, titles=[f"classifier, w = 3, asked for {digit}"] + [""] * 5, path="lab08-8.png")

# %% [markdown]
# ## The question
#
# What does w > 1 gain, and what does it lose? Are guided samples drawn from the density of task 6? Answer in three to six sentences,
# with numbers from your own figures.

# %%
ANSWER = """"""
