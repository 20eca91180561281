# %% [markdown]
# # Lab 2: A denoiser is a prior
#
# A denoiser gets a picture with white noise and gives back a cleaner one. To do so it must know what pictures look like: which of the
# many clean pictures behind y is a likely one. This knowledge is called a **prior**. In this lab you write a denoiser from a prior, and
# then go the other way round: you read the prior off a denoiser, even off a network that nobody can look into.
#
# You need: the Fourier transform as a tool, variance, the normal density, a derivative. Everything is a torch tensor [1, 1, H, W] with
# pixels between 0 and 1, and sigma is the standard deviation of the noise in the same unit.
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. In an editor that
# knows cells (VS Code, PyCharm, Jupyter with jupytext) pictures appear below them; run as a script, this file writes them to
# lab02-1.png and so on, and stops at the first function that is not written yet. Check yourself as often as you like, and hand in
# the page that the second command writes:
#
#     priorbench lab check lab02_YOUR_ID.py
#     priorbench lab report lab02_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
import torch
from matplotlib import pyplot

import priors
import reports
from reports import labs

LAB = 2
STUDENT = "nobody"

scene = labs.scene(LAB, STUDENT)  # your own picture and noise
truth, y, sigma = scene.truth, scene.y, scene.sigma
power, mean = scene.power, scene.mean  # of photographs, measured once for all
gaussian, tv, cnn = priors.load("gaussian"), priors.load("tv"), priors.load("cnn")

figure, ax = pyplot.subplots(figsize=(4, 2.6), layout="constrained")
ax.loglog(torch.fft.fftfreq(96)[1:48], power[0, 1:48], label="photographs")
ax.axhline(sigma**2, color="grey", linestyle=":", label="noise, sigma^2")
ax.set(xlabel="frequency in cycles per pixel", ylabel="power")
ax.legend()
figure.savefig("lab02-power.png", dpi=150)
reports.show(truth, y, titles=["the truth", "with noise"], path="lab02-0.png")

# %% [markdown]
# ## Task 1: the Wiener filter
#
# The simplest thing to know of pictures is their **power**: how large the Fourier coefficient of each frequency is, squared, on average.
# Photographs have much power at low frequencies and little at high ones. White noise has the same power at every frequency, and with
# `norm="ortho"` it is sigma^2.
#
# If each coefficient of the clean picture is drawn from a normal distribution with the variance `power`, then the best guess for it,
# given the noisy coefficient, is to shrink that by
#
#     power / (power + sigma^2).
#
# Where the picture is stronger than the noise this is nearly 1; where the noise is stronger it is nearly 0. All this holds for pictures
# of which the `mean` grey value was taken away: take it away first, and add it again at the end. Use `torch.fft.fft2(x, norm="ortho")`
# and `torch.fft.ifft2(c, norm="ortho").real`.


# %%
def wiener(y, power, mean, sigma):
    """The denoised picture [1, 1, H, W]; power [H, W] is laid out as fft2 lays out its coefficients."""
    raise NotImplementedError("task 1")


# %%
def psnr(x):
    """How near a picture is to the truth, in dB: 10 log10 of one over the mean squared error."""
    return float(-10 * torch.log10((x - truth).square().mean()))


# %%
cleaned = {"with noise": y, "Wiener, yours": wiener(y, power, mean, sigma), "network": cnn.denoise(y, sigma)}
reports.show(*cleaned.values(), titles=[f"{name}, {psnr(x):.1f} dB" for name, x in cleaned.items()], path="lab02-1.png")

# %% [markdown]
# ## Task 2: total variation
#
# The Wiener filter blurs edges, since its prior does not know that there are any. Another prior does: pictures are made of patches of
# nearly constant brightness, so the length of their gradient, added up over all pixels, is small. This sum is the **total variation**
# (Rudin, Osher, Fatemi 1992). Take, at each pixel, the difference to the pixel below and to the pixel on the right (zero in the last
# row, or column, where there is none), the square root of the sum of their squares, and add up over the pixels.
#
# The denoiser `tv` gives back the picture u for which |u - y|^2 / 2 plus a weight times the total variation of u is smallest.


# %%
def total_variation(x):
    """The total variation of x [1, 1, H, W], one number."""
    raise NotImplementedError("task 2")


# %%
flat = tv.denoise(y, sigma)
pictures = {"truth": truth, "with noise": y, "Wiener": wiener(y, power, mean, sigma), "tv": flat}
titles = [f"{name}: variation {float(total_variation(x)):.0f}" for name, x in pictures.items()]
reports.show(*pictures.values(), titles=titles, path="lab02-2.png")

# %% [markdown]
# ## Task 3: it must be told how much noise
#
# Every denoiser here is called as `prior.denoise(y, sigma)` and believes what it is told. Told too little, it leaves noise; told too
# much, it takes texture for noise. Find out what a wrong level costs: the PSNR in dB, which is 10 log10 of one over the mean squared
# error, for several levels that the prior is told about the same y. The right level should be the best one on average over many
# pictures; for a single one the best may lie a little beside it. (`psnr` above knows only your own truth: write the formula anew.)


# %%
def psnr_by_level(prior, y, truth, levels):
    """A list with the PSNR of ``prior.denoise(y, level)`` for each of the levels."""
    raise NotImplementedError("task 3")


# %%
levels = [sigma * factor for factor in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)]
figure, ax = pyplot.subplots(figsize=(4.5, 2.8), layout="constrained")
for name, prior in {"gaussian": gaussian, "tv": tv, "cnn": cnn}.items():
    ax.plot(levels, psnr_by_level(prior, y, truth, levels), "o-", label=name)
ax.axvline(sigma, color="grey", linestyle=":")
ax.set(xlabel="level that the denoiser is told (dotted: the right one)", ylabel="PSNR in dB")
ax.legend()
figure.savefig("lab02-3.png", dpi=150)
told = [cnn.denoise(y, sigma * factor) for factor in (0.25, 1.0, 3.0)]
reports.show(*told, titles=["told a quarter", "told the right level", "told three times"], path="lab02-4.png")

# %% [markdown]
# ## Task 4: how likely is a noisy picture?
#
# In the Gaussian prior of task 1 the coefficient of each frequency of a **noisy** picture has the variance power + sigma^2: that of the
# clean picture plus that of the noise. So the logarithm of the density of x is, but for a constant,
#
#     - 1/2  *  sum over the frequencies of  |coefficient of (x - mean)|^2 / (power + sigma^2),
#
# with the coefficients of task 1, `norm="ortho"`. They are complex numbers, and |c|^2 is `c.abs() ** 2`, not `c**2`. Of the three pictures
# below, the flat one has the highest density, though no photograph is flat: most likely is not typical (lab 1, task 2).


# %%
def log_density(x, power, mean, sigma):
    """The log density of x [1, 1, H, W] without its constant, one number; power [H, W] is laid out as by fft2."""
    raise NotImplementedError("task 4")


# %%
snow = mean + 0.3 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
candidates = {"truth and noise": y, "only noise": snow, "flat": torch.full_like(y, mean)}
titles = [f"{name}: {round(float(log_density(x, power, mean, sigma)))}" for name, x in candidates.items()]
reports.show(*candidates.values(), titles=titles, path="lab02-5.png")

# %% [markdown]
# ## Task 5: the slope, by brute force
#
# In which direction does a picture become likelier? The direction of steepest ascent of log p is its gradient, called the **score**. It
# has as many entries as there are pixels; along one direction d its size can be measured by a finite difference,
#
#     (log p(x + step d) - log p(x - step d)) / (2 step).
#
# Take d as it is: a direction twice as long has twice the slope.


# %%
def slope(log_p, x, direction, step):
    """How fast log_p, a function of a picture, grows at x along the direction [1, 1, H, W]: one number."""
    raise NotImplementedError("task 5")


# %%
def likely(x):
    """The log density under your own noise, a function of the picture alone."""
    return log_density(x, power, mean, sigma)


double = y.double()  # differences of large numbers need more digits
towards = (truth - y).double()
shares = torch.linspace(-0.5, 1.5, 41)
steep = float(slope(likely, double, towards, 0.01))
figure, ax = pyplot.subplots(figsize=(4.5, 2.8), layout="constrained")
ax.plot(shares, [float(likely(double + float(share) * towards)) for share in shares], label="log density")
ax.plot(shares, float(likely(double)) + steep * shares, linestyle=":", label="your slope at y")
ax.set(xlabel="on the way from y (0) to the truth (1)")
ax.legend()
figure.savefig("lab02-6.png", dpi=150)

# %% [markdown]
# ## Task 6: Tweedie's formula
#
# Now the surprise. If a denoiser gives back the mean of all clean pictures that may be behind x, then its score is
#
#     (denoised x - x) / sigma^2
#
# (Robbins 1956, who learnt it from Tweedie; Miyasawa 1961). Nobody has to know the density: a denoiser is enough. Write it, and look
# whether the slopes of task 5 agree with it, for the prior of which we know both. (The slope along d is the sum over the pixels of score
# times d.) `tv` does not give back a mean, but the most likely picture, so what the formula makes of it is no score in this sense.


# %%
def score(prior, x, sigma):
    """The gradient of the log density of noisy pictures at x, [1, 1, H, W], from ``prior.denoise``."""
    raise NotImplementedError("task 6")


# %%
rng = torch.Generator().manual_seed(1)
directions = [torch.randn(y.shape, generator=rng) for _ in range(30)]
brute = [float(slope(likely, double, d.double(), 0.01)) for d in directions]
ours = [float((score(gaussian, double, sigma) * d).sum()) for d in directions]
figure, ax = pyplot.subplots(figsize=(3.2, 3), layout="constrained")
ax.plot(brute, ours, "o", markersize=4)
ax.axline((0, 0), slope=1, color="grey", linestyle=":")
ax.set(xlabel="slope by finite differences", ylabel="by Tweedie's formula")
figure.savefig("lab02-7.png", dpi=150)

uphill = [y + 0.5 * sigma**2 * score(prior, y, sigma) for prior in (gaussian, tv, cnn)]
scores = [0.5 + sigma * score(prior, y, sigma) / 6 for prior in (gaussian, tv, cnn)]
reports.show(*scores, titles=["score of gaussian", "of tv (if it were one)", "of cnn"], path="lab02-8.png")
reports.show(y, *uphill, titles=["y", "half way uphill: gaussian", "tv", "cnn"], path="lab02-9.png")

# %% [markdown]
# ## The question
#
# A denoiser has never seen a probability. How does it know in which direction a picture becomes likelier, why must it be told the noise
# level, and what does it not know? Answer in three to six sentences, with numbers from your own figures.

# %%
ANSWER = """"""
