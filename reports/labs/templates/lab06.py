# %% [markdown]
# # Lab 6: Draw the posterior
#
# A measurement leaves many pictures possible. Their distribution, once y was seen, is the **posterior**. One picture cannot stand for it:
# what we want are draws, pictures that could each be the truth, and that differ where y does not tell.
#
# In this lab the prior is a Gaussian, so that the posterior is known exactly. You write it down, then you write two samplers that only
# ever ask the prior to denoise, and see which of them draws what it should.
#
# You need: the Fourier transform as a tool, the mean and the variance of a Gaussian, a gradient by torch. Pictures are torch tensors
# [number, 1, row, column]; pixels are between 0 and 1.
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. Check yourself as
# often as you like, and hand in the page that the second command writes:
#
#     priorbench lab check lab06_YOUR_ID.py
#     priorbench lab report lab06_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
from itertools import pairwise

import torch
from matplotlib import pyplot

import reports
import solvers
from priors.learned import diffusion
from reports import labs

LAB = 6
STUDENT = "nobody"

scene = labs.scene(LAB, STUDENT)  # your own picture, kernel and noise
truth, y, h, noise_sigma, prior = scene
rng = torch.Generator().manual_seed(0)


def white(n):
    """White noise [n, 1, H, W] of standard deviation 1."""
    return torch.randn(n, *y.shape[1:], generator=rng, dtype=y.dtype)


reports.show(truth, y, titles=["the truth", "y: blurred, with noise"], path="lab06-0.png")

# %% [markdown]
# ## Three things to begin with
#
# `filtered(x, gain)` multiplies each Fourier coefficient of x by its own number. So `filtered(x, h)` is the blur A x, and
# `filtered(y, h.conj())` is its adjoint A^T y.
#
# `minimise` is the **data step** of lab 3. Somebody believes x0, give or take `width`; the data say A z = y, give or take
# `noise_sigma`. The answer is the z at which |A z - y|^2 / (2 noise_sigma^2) + |z - x0|^2 / (2 width^2) is smallest. Here `width` is a
# standard deviation for each frequency.
#
# `prior` believes that pictures are grey (`prior.grey`) plus a random texture: their Fourier coefficients are independent, with the
# variances `prior.power`, large for coarse structures and small for fine ones. They are in units in which white noise of standard
# deviation sigma has the variance sigma^2 in every coefficient.


# %%
def filtered(x, gain):
    """The pictures x [n, 1, H, W] with their coefficients multiplied by gain: [H, W], or one number."""
    return torch.fft.ifft2(gain * torch.fft.fft2(x)).real


def minimise(x0, y, h, noise_sigma, width):
    """The picture where belief and data meet, for each x0 [n, 1, H, W]; width is [H, W] or one number."""
    gain = h.conj() * width**2 / (h.abs() ** 2 * width**2 + noise_sigma**2)
    return x0 + filtered(y - filtered(x0, h), gain)


believed = prior.grey + filtered(white(4), prior.power.sqrt())
reports.show(believed, titles=["pictures that the prior believes in"] + [""] * 3, path="lab06-believed.png")

# %% [markdown]
# ## Task 1: the posterior, exactly
#
# Take one coefficient, c. Before y was seen, it had the mean of a grey picture and the variance `power`. The data tell h c, with the
# variance noise_sigma^2. Multiply the two Gaussians, as Bayes' rule says. What comes out is a Gaussian again; its inverse variance is
#
#     1 / variance  =  |h|^2 / noise_sigma^2  +  1 / power,
#
# and its mean is that of the prior plus a part of what the data miss there:
#
#     mean  =  grey  +  variance * conj(h) / noise_sigma^2  *  (y - A grey).
#
# Return the mean as a picture, and the standard deviation of a pixel. All pixels have the same: its square is the mean of the variances
# of all coefficients.


# %%
def exact_posterior(y, h, noise_sigma, grey, power):
    """The mean [1, 1, H, W] of the posterior, and the standard deviation of a pixel, one number.

    y is [1, 1, H, W]; h and power are [H, W]; grey is the value of all pixels of the prior's mean.
    """
    raise NotImplementedError("task 1")


# %%
mean, std = exact_posterior(y, h, noise_sigma, prior.grey, prior.power)
off = float((mean - truth).square().mean().sqrt())
print(f"a pixel: {float(prior.power.mean().sqrt()):.3f} before y was seen, {float(std):.3f} after; the mean is off the truth by {off:.3f}")
reports.show(truth, y, mean, titles=["the truth", "y", "mean of the posterior"], path="lab06-1.png")

# %% [markdown]
# ## Task 2: the data step as a draw
#
# `minimise` finds the most likely z. How does one **draw** z, with the probability exp(-(the two terms above))? There is no need for a
# new formula (Papandreou and Yuille 2010): disturb both, the belief x0 by noise of its `width`, and the data y by noise of `noise_sigma`,
# and minimise for these. The answer is a draw, exactly.
#
# White noise gets the width of every frequency by `filtered(white_x, width)`.


# %%
def data_draw(x0, y, h, noise_sigma, width, white_x, white_y):
    """Draws [n, 1, H, W] of what x0 and y allow; white_x and white_y [n, 1, H, W] are the white noise that you may use for each."""
    raise NotImplementedError("task 2")


# %%
grey = torch.full_like(y, prior.grey)
draws = data_draw(grey, y, h, noise_sigma, prior.power.sqrt(), white(100), white(100))  # the belief is the prior itself
print(f"standard deviation of a pixel: {float(draws.var(0).mean().sqrt()):.4f} in 100 draws, {float(std):.4f} exactly")
titles = ["draw 1", "draw 2", "draw 3", "mean of 100 draws", "the exact mean"]
reports.show(draws[:3], draws.mean(0), mean, titles=titles, path="lab06-2.png")

# %% [markdown]
# ## Task 3: the annealed sampler
#
# That was easy, since the prior is a Gaussian. Now use nothing but `prior.denoise(x, sigma)`, the mean of all clean pictures that may be
# behind x, and `prior.error(sigma)`, how far it errs in each frequency. A network can tell both. Begin with noise that hides all, and
# go down (after DAPS, Zhang et al. 2024):
#
#     x = grey plus noise of the first level
#     for each level sigma, and the one that comes after it (0 after the last):
#         z = a data draw from what the prior makes of x, with the width prior.error(sigma)
#         x = z plus fresh noise of the level that comes after
#
# The old noise is forgotten in each turn. The answer is the last z. `pairwise([*levels, 0.0])` gives the pairs (sigma, after).


# %%
def annealed(y, h, noise_sigma, prior, levels, n, rng):
    """n draws [n, 1, H, W] of the posterior; levels is a list that falls; prior has grey, denoise(x, sigma) and error(sigma).

    Wherever noise is needed, draw it anew: torch.randn(n, *y.shape[1:], generator=rng, dtype=y.dtype). About eight lines.
    """
    raise NotImplementedError("task 3")


# %%
levels = solvers.schedules.geometric(10.0, noise_sigma / 2, 15)
samples = annealed(y, h, noise_sigma, prior, levels, 100, rng)
print(f"standard deviation of a pixel: {float(samples.var(0).mean().sqrt()):.4f} in 100 samples, {float(std):.4f} exactly")
titles = ["sample 1", "sample 2", "sample 3", "mean of 100 samples", "the exact mean"]
reports.show(samples[:3], samples.mean(0), mean, titles=titles, path="lab06-3.png")

# %% [markdown]
# ## Task 4: a step of DPS
#
# The best known sampler of this kind, diffusion posterior sampling (Chung et al. 2023), never solves anything. It makes the reverse step
# as if nothing had been measured, then goes a little down the gradient of the distance between y and what the believed picture would
# look like:
#
#     x0 = prior.denoise(x, sigma)
#     next x  =  x0  +  (after / sigma)^2 (x - x0)  +  after * sqrt(1 - (after / sigma)^2) * white  -  step * slope
#
# where slope is the gradient **by x**, through the prior, of |y - A x0|: the root of the sum of squares over the pixels of one picture.
# Each picture has its own distance. Since none depends on the others, the gradient of the sum of all distances has them all:
# `torch.autograd.grad(distances.sum(), x)[0]`, where x was made by `x = x.detach().requires_grad_()` before the prior was asked.


# %%
def dps_step(x, y, h, prior, sigma, after, step, white):
    """The next x [n, 1, H, W]; white [n, 1, H, W] is white noise of standard deviation 1. About six lines."""
    raise NotImplementedError("task 4")


# %%
def dps(step, n, levels):
    """n samples of DPS."""
    x = prior.grey + levels[0] * white(n)
    for sigma, after in pairwise([*levels, 0.0]):
        x = dps_step(x, y, h, prior, sigma, after, step, white(n)).detach()
    return x


fine = solvers.schedules.geometric(20.0, 0.02, 60)
of_dps = {step: dps(step, 12, fine) for step in (0.3, 0.6, 1.0, 2.0, 4.0, 8.0)}
titles = [f"DPS, step {step:g}" for step in of_dps]
reports.show(*(x[0] for x in of_dps.values()), titles=titles, path="lab06-4.png")

# %% [markdown]
# ## Task 5: are they draws of the posterior?
#
# Each of these pictures looks like an answer. Whether they are **draws** is told by their distribution. Compare it with the exact one by
# two numbers, both in units of the exact `std`:
#
# - the bias, how far the mean of all samples is from the exact mean: the root of the mean square over the pixels;
# - the spread: the variance over the samples at each pixel (with n - 1 below the line), its mean over the pixels, and the root of that.
#
# For exact draws the spread is 1. The bias is not 0, since the mean of n exact draws is off by 1 / sqrt(n), too.


# %%
def bias_and_spread(samples, mean, std):
    """(bias, spread) of samples [n, 1, H, W], two numbers; mean is [1, 1, H, W], std one number."""
    raise NotImplementedError("task 5")


# %%
few = {steps: annealed(y, h, noise_sigma, prior, solvers.schedules.geometric(10.0, noise_sigma / 2, steps), 12, rng) for steps in (5, 20)}
shown = {"exact draws": draws[:12], **{f"annealed, {n} levels": x for n, x in few.items()}}
figure, ax = pyplot.subplots(figsize=(5.2, 3.4), layout="constrained")
for marker, (name, x) in zip("o^s", shown.items(), strict=True):
    bias, spread = (float(each) for each in bias_and_spread(x, mean, std))
    print(f"{name:20} bias {bias:.2f}, spread {spread:.2f}")
    ax.plot(bias, spread, marker, label=name, markersize=8, alpha=0.6)
path = [[float(each) for each in bias_and_spread(x, mean, std)] for x in of_dps.values()]
ax.plot([bias for bias, _ in path], [spread for _, spread in path], "x-", color="grey", label="DPS")
for step, (bias, spread) in zip(of_dps, path, strict=True):
    print(f"DPS, step {step:<10g} bias {bias:.2f}, spread {spread:.2f}")
    ax.annotate(f"{step:g}", (bias, spread), textcoords="offset points", xytext=(5, 4), size=8)
ax.axhline(1.0, color="grey", linestyle=":")
ax.axvline(12**-0.5, color="grey", linestyle=":")
ax.margins(0.1)
ax.set(xlabel="bias (dotted: that of 12 exact draws)", ylabel="spread (dotted: exact)", xlim=(0, None), ylim=(0, None))
ax.legend(fontsize=8)
figure.savefig("lab06-5.png", dpi=150)

# %% [markdown]
# ## The same sampler with a network
#
# Nothing in `annealed` knows that the prior is a Gaussian. So put the shipped diffusion network into its slot. How far it errs is known
# only on average, from pictures that were held back when it was trained: one number for all frequencies. There is nothing to write here.


# %%
class Network:
    """The shipped network, in the place of the Gaussian prior."""

    grey = 0.5

    def __init__(self):
        self.learned = diffusion()

    def denoise(self, x, sigma):
        return self.learned.denoise(x, sigma)

    def error(self, sigma):
        return self.learned.rmse(sigma)


levels = solvers.schedules.geometric(2.5, noise_sigma / 2, 12)
from_network = annealed(y, h, noise_sigma, Network(), levels, 3, rng)
titles = ["the truth", "network, sample 1", "sample 2", "sample 3", "Gaussian, sample 1"]
reports.show(truth, from_network, samples[:1], titles=titles, path="lab06-6.png")

# %% [markdown]
# ## The question
#
# Which of the samplers would you trust to say how sure a pixel is, and what does DPS get wrong at each step length? Answer in three to
# six sentences, with numbers from your own figures.

# %%
ANSWER = """"""
