# %% [markdown]
# # Lab 3: Fit the data, lean on the prior
#
# A camera shook while it took a picture. What it recorded is
#
#     y = A x + noise,
#
# where x is the picture we want, A blurs it, and the noise is white with the standard deviation `noise_sigma`. Many pictures x explain y
# about equally well, and most of them look like snow: the data alone do not tell which one to take. So we ask for two things at once:
# the picture shall **fit the data**, and it shall look like a picture, which is what a **prior** knows.
#
# In this lab you write the two halves, the data step and the loop around it, and the prior is a denoiser that you can exchange.
# You need: complex numbers, the Fourier transform as a tool, squares and their minimum. Everything is a torch tensor [1, 1, H, W] with
# pixels between 0 and 1.
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. In an editor that
# knows cells (VS Code, PyCharm, Jupyter with jupytext) pictures appear below them; run as a script, this file writes them to
# lab03-1.png and so on, and stops at the first function that is not written yet. Check yourself as often as you like, and hand in
# the page that the second command writes:
#
#     priorbench lab check lab03_YOUR_ID.py
#     priorbench lab report lab03_YOUR_ID.py

# %%
import torch
from matplotlib import pyplot

import priors
import reports
import solvers
from reports import labs

LAB = 3
STUDENT = "nobody"

problem = labs.scene(LAB, STUDENT)  # your own picture, kernel and noise
truth, y, noise_sigma = problem.truth, problem.y, problem.noise_sigma
h = problem.operator.transfer.to(torch.complex64)
cnn = priors.load("cnn")

dot = torch.zeros_like(y)
dot[..., 48, 48] = 1  # a single bright pixel: blurred, it shows the path of the shake
path = torch.fft.irfft2(h * torch.fft.rfft2(dot), s=y.shape[-2:])
near = (..., slice(36, 61), slice(36, 61))  # the pixels around it
titles = ["the truth", "what was measured", "what became of one bright pixel, enlarged"]
reports.show(truth, y, path[near] / path.max(), titles=titles, path="lab03-0.png")

# %% [markdown]
# ## Blur in the Fourier domain
#
# Convolution of two pictures is multiplication of their Fourier coefficients. So A multiplies the coefficient of every frequency by a
# complex number, `h`: its size says how much of that frequency comes through the shake, its angle by how much the frequency is shifted.
# Blurred in this way a picture wraps around: what leaves at the right comes in at the left (look at the borders of your measurement).
# This is A, written out. `rfft2` leaves out the half of the coefficients that a real picture repeats, and `irfft2` goes back.


# %%
def blur(x, h):
    """A x for pictures x [1, 1, H, W]; h [H, W // 2 + 1] is complex."""
    return torch.fft.irfft2(h * torch.fft.rfft2(x), s=x.shape[-2:])


def psnr(x):
    """How near a picture is to the truth, in dB: 10 log10 of one over the mean squared error."""
    return float(-10 * torch.log10((x.clamp(0, 1) - truth).square().mean()))


# %% [markdown]
# ## Task 1: the adjoint
#
# The adjoint A^T answers: if a pixel of y is too bright, which pixels of x are to blame? It is the one linear map with
#
#     sum of (A x) * y  =  sum of x * (A^T y)      for all x and y.
#
# A spreads the light of a pixel along the path of the shake, and A^T gathers it along the same path: it is the blur with its kernel
# flipped. In the Fourier domain, flipping a kernel takes every h to its complex conjugate. (A^T is not the inverse of A: it puts the
# light back where it may have come from, but it sharpens nothing.)


# %%
def adjoint(y, h):
    """A^T y for data y [1, 1, H, W]; h [H, W // 2 + 1] is complex. One or two lines, like ``blur``."""
    raise NotImplementedError("task 1")


# %%
back = adjoint(y, h)
x, other = torch.randn(2, 1, 1, *y.shape[-2:], dtype=torch.float64)  # any two pictures will do: the two numbers must be the same
left, right = (blur(x, h) * other).sum(), (x * adjoint(other, h)).sum()
print(f"sum of (A x) * y: {float(left):.6f}, sum of x * (A^T y): {float(right):.6f}")
gathered = adjoint(dot, h)
titles = ["y", "A^T y: where light may have come from", "A of one bright pixel, enlarged", "A^T of it, enlarged"]
reports.show(y, back, path[near] / path.max(), gathered[near] / gathered.max(), titles=titles, path="lab03-1.png")

# %% [markdown]
# ## Task 2: the data step
#
# Somebody believes that the picture is x0, give or take `width` (a standard deviation). The data say that A z is y, give or take
# `noise_sigma`. The picture z that makes the best of both is where
#
#     |A z - y|^2 / (2 noise_sigma^2)  +  |z - x0|^2 / (2 width^2)
#
# is smallest. Set the derivative to zero:
#
#     A^T (A z - y) / noise_sigma^2  +  (z - x0) / width^2  =  0.
#
# In the Fourier domain A is h, A^T is conj(h), and A^T A is |h|^2, one number for each frequency. So the equation falls apart into one
# small equation for each coefficient of z. Solve it on paper: it is a weighted mean of what the data say and of what was believed.


# %%
def data_step(x0, y, h, noise_sigma, width):
    """The picture [1, 1, H, W] at the minimum.

    x0 and y are [1, 1, H, W], h [H, W // 2 + 1] is complex; noise_sigma and width are standard deviations in units of [0, 1].
    """
    raise NotImplementedError("task 2")


# %%
grey = torch.full_like(y, float(y.mean()))
met = [data_step(grey, y, h, noise_sigma, width) for width in (0.001, 0.02, 0.2, 20.0)]
titles = ["width 0.001: nearly sure of grey", "width 0.02: as sure as the data", "width 0.2", "width 20: believes in nothing"]
reports.show(*met, titles=titles, path="lab03-2.png")

# %% [markdown]
# ## Task 3: half-quadratic splitting
#
# With a grey x0 and a large width, noise fills the picture: where h is small, the data step divides noise by nearly nothing. The
# belief has to be a better one. So let a denoiser improve it, meet the data, improve again, each time sure of a bit more. This is the
# plug-and-play method that DPIR made popular (Zhang et al. 2021):
#
#     begin with a flat picture x, every pixel of which is the mean of y
#     for each noise level sigma, from large to small:
#         z = the data step from x, with the width sigma / sqrt(strength)
#         x = what the prior makes of z, taken for a picture with noise of level sigma: prior.denoise(z, sigma)
#
# The answer is the last x. `strength` says how much the prior counts, compared with the data: the larger it is, the smaller the width,
# and the nearer z stays to what the prior believed.


# %%
def hqs(y, h, noise_sigma, prior, levels, strength):
    """The restored picture [1, 1, H, W]; levels is a list of standard deviations that falls. About six lines."""
    raise NotImplementedError("task 3")


# %%
levels = solvers.schedules.geometric(0.2, noise_sigma, 8)
restored = hqs(y, h, noise_sigma, cnn, levels, 0.23)
flattened = hqs(y, h, noise_sigma, priors.load("tv"), levels, 0.23)

pictures = {"measured": y, "total variation": flattened, "network": restored, "truth": truth}
titles = [name if x is truth else f"{name}, {psnr(x):.1f} dB" for name, x in pictures.items()]
reports.show(*pictures.values(), titles=titles, path="lab03-3.png")

# %% [markdown]
# ## Task 4: ADMM
#
# Half-quadratic splitting forgets. Where prior and data keep pulling in different directions, it ends at a compromise that depends on
# the levels. ADMM (the alternating direction method of multipliers; with a denoiser: Venkatakrishnan et al. 2013) keeps an account of
# the disagreement, u, and uses it to push back. It stays at one level sigma:
#
#     x = the data step from a flat picture of the mean of y;   u = 0
#     so many turns:
#         v = prior.denoise(x + u, sigma)
#         u = u + x - v                               what v left out is added to the account
#         x = the data step from v - u
#
# with the width sigma / sqrt(strength) in every data step. The answer is the last v. It need not beat task 3: that one ends at a small
# level, this one stays at 0.1 here. Look whether it comes to rest between 3 and 12 turns, and in task 5 whether it over-fits.


# %%
def admm(y, h, noise_sigma, prior, sigma, turns, strength):
    """The restored picture v [1, 1, H, W] after so many turns. About eight lines."""
    raise NotImplementedError("task 4")


# %%
answers = {turns: admm(y, h, noise_sigma, cnn, 0.1, turns, 1.0) for turns in (1, 3, 12)}
titles = [f"{turns} turn{'s' * (turns > 1)}, {psnr(x):.1f} dB" for turns, x in answers.items()]
reports.show(*answers.values(), titles=titles, path="lab03-4.png")

# %% [markdown]
# ## Task 5: the misfit
#
# How well does an answer explain the data, in units of the noise? Take the residual A x - y, one number for each pixel, divide it by
# `noise_sigma`, square, and take the mean. The truth leaves nothing but noise, so that its misfit is about 1. An answer with a misfit
# far above 1 leaves data unexplained. One far below 1 explains noise, too: it **over-fits**.


# %%
def misfit(x, y, h, noise_sigma):
    """One number, the mean squared residual in units of the noise's variance. One or two lines."""
    raise NotImplementedError("task 5")


# %%
strengths = [0.02, 0.05, 0.1, 0.23, 0.5, 1.0]
found = [hqs(y, h, noise_sigma, cnn, levels, strength) for strength in strengths]
print(f"misfit of the truth: {float(misfit(truth, y, h, noise_sigma)):.3f}")
for strength, x in zip(strengths, found, strict=True):
    print(f"hqs, strength {strength:g}: misfit {float(misfit(x, y, h, noise_sigma)):.3f}, {psnr(x):.1f} dB")
for turns, x in answers.items():
    print(f"admm, {turns} turns: misfit {float(misfit(x, y, h, noise_sigma)):.3f}, {psnr(x):.1f} dB")
figure, (left, right) = pyplot.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
left.semilogx(strengths, [psnr(x) for x in found], "o-")
left.set(xlabel="strength of the prior", ylabel="PSNR in dB, with the truth")
right.loglog(strengths, [float(misfit(x, y, h, noise_sigma)) for x in found], "o-")
right.axhline(1.0, color="grey", linestyle=":")
right.set(xlabel="strength of the prior", ylabel="misfit, without the truth")
figure.savefig("lab03-5.png", dpi=150)
titles = [f"strength {strength:g}" for strength in strengths]
reports.show(*found, titles=titles, path="lab03-6.png")

# %% [markdown]
# ## The question
#
# The weaker the prior, the better its pictures fit the data. Why are the best-fitting ones the worst? Without the truth, which strength
# would you take, and why? Answer in three to six sentences, with your own numbers.

# %%
ANSWER = """"""
