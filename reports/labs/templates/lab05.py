# %% [markdown]
# # Lab 5: Noise it, remove it
#
# A diffusion model is a denoiser that was trained for every noise level, from hardly any noise to nothing but noise. All the rest is a
# loop: begin with pure noise, denoise, put a little less noise back, denoise again. In this lab you write the way down to noise, three
# ways up from it, and look at what comes first and what comes last.
#
# You need: mean and variance, and the idea of a differential equation. Pictures are torch tensors [B, 1, H, W], B pictures at once, with
# pixels between 0 and 1; sigma is the standard deviation of the noise in the same unit.
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. In an editor that
# knows cells (VS Code, PyCharm, Jupyter with jupytext) pictures appear below them; run as a script, this file writes them to
# lab05-1.png and so on, and stops at the first function that is not written yet. Check yourself as often as you like, and hand in
# the page that the second command writes:
#
#     priorbench lab check lab05_YOUR_ID.py
#     priorbench lab report lab05_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
from itertools import pairwise

import torch
from matplotlib import pyplot

import priors
import reports
import solvers
from reports import labs
from solvers.bands import octaves

LAB = 5
STUDENT = "nobody"

truth = labs.scene(LAB, STUDENT)  # your own picture
diffusion = priors.load("diffusion")
rng = torch.Generator().manual_seed(0)

reports.show(truth, titles=["the truth"], path="lab05-0.png")

# %% [markdown]
# ## Task 1: the forward process
#
# White noise of standard deviation sigma is added, to each pixel of each picture its own. `torch.randn(shape, generator=rng)` draws
# standard normal numbers.


# %%
def forward(x, sigma, rng):
    """Pictures x [B, 1, H, W] with noise of standard deviation sigma; rng is a torch.Generator."""
    raise NotImplementedError("task 1")


# %%
levels = [0.05, 0.2, 0.5, 1.0, 2.5]
noisy = {sigma: forward(truth, sigma, rng) for sigma in levels}
reports.show(*noisy.values(), titles=[f"sigma {sigma:g}" for sigma in levels], path="lab05-1.png")

# %% [markdown]
# ## Task 2: the same, as DDPM writes it
#
# What you wrote is the **variance exploding** form: the picture stays as it is, and the noise grows without bound. The papers of DDPM and
# DDIM use the **variance preserving** form: pictures lie in [-1, 1], and noisy ones are
#
#     sqrt(abar) * picture + sqrt(1 - abar) * noise,
#
# so that abar = 1 is a clean picture and abar = 0 is pure noise. Both are the same thing. A picture x in [0, 1] becomes 2 x - 1 in
# [-1, 1], where its noise is twice as wide, 2 sigma. Divide the formula above by sqrt(abar), and compare the width of the noise:
#
#     2 sigma = sqrt((1 - abar) / abar),     so     abar = 1 / (1 + (2 sigma)^2).
#
# Here x is noisy already: 2 x - 1 is the picture and its noise together, so draw no new noise, only scale what is there.


# %%
def to_vp(x, sigma):
    """A noisy picture x [B, 1, H, W] of the variance exploding form, with noise of level sigma, in the variance preserving form."""
    raise NotImplementedError("task 2")


# %%
preserved = {sigma: to_vp(x, sigma) for sigma, x in noisy.items()}
titles = [f"sigma {sigma:g}, std {float(x.std()):.2f}" for sigma, x in preserved.items()]
reports.show(*preserved.values(), titles=titles, limits=(-2, 2), path="lab05-2.png")

# %% [markdown]
# ## Task 3: an ancestral step
#
# The way back. x carries noise of level sigma, and the denoiser has told x0, its guess of the clean picture. We want a picture with noise
# of the lower level `after`. If x0 were the clean picture, what would such a picture be, given x? It is normal again, and its mean keeps a
# share of the noise that is in x (DDPM, Ho, Jain, Abbeel 2020):
#
#     x0  +  (after / sigma)^2 * (x - x0)  +  after * sqrt(1 - (after / sigma)^2) * noise.
#
# Check that it carries noise of level after: the variances of the two parts add up to after^2.


# %%
def ancestral(x, x0, sigma, after, rng):
    """A draw of pictures [B, 1, H, W] with noise of level after, given x with noise of level sigma, and x0, the clean pictures."""
    raise NotImplementedError("task 3")


# %%
start = noisy[0.5]
x, way = start, solvers.schedules.geometric(0.5, 0.02, 12)
for sigma, after in pairwise([*way, 0.0]):
    x = ancestral(x, diffusion.denoise(x, sigma), sigma, after, rng)
once = diffusion.denoise(start, 0.5)
titles = ["the truth", "noise of 0.5", "denoised in one step", "in twelve ancestral steps"]
reports.show(truth, start, once, x, titles=titles, path="lab05-3.png")

# %% [markdown]
# ## Task 4: a step of DDIM
#
# Fresh noise is not needed. Keep the noise that is in x, and shrink it to the level `after` (DDIM, Song, Meng, Ermon 2021): the picture
# moves on a straight line from x towards x0, and stops where the noise is as large as it should be. If x0 were the clean picture, x - x0
# would be the noise in x; at after = 0 the answer is x0.


# %%
def ddim(x, x0, sigma, after):
    """Pictures [B, 1, H, W] with noise of level after on the line from x, with noise of level sigma, to x0."""
    raise NotImplementedError("task 4")


# %%
x0 = diffusion.denoise(start, 0.5)
steps = [ddim(start, x0, 0.5, after) for after in (0.5, 0.25, 0.1, 0.0)]
reports.show(*steps, titles=["sigma 0.5", "after 0.25", "after 0.1", "after 0"], path="lab05-4.png")

# %% [markdown]
# ## Task 5: from noise to a picture
#
# Now the loop. x carries noise of the first of the `levels`. At each level, denoise x and go to the next level with a step of DDIM; after
# the last level comes 0.


# %%
def generate(prior, x, levels):
    """Pictures [B, 1, H, W] from x, which carries noise of level levels[0]; levels, a list, fall, and after the last comes 0."""
    raise NotImplementedError("task 5")


# %%
noise = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(3))
first = 20.0  # so much noise that it hides even how bright a picture is
made = {n: generate(diffusion, 0.5 + first * noise, solvers.schedules.geometric(first, 1 / 255, n)) for n in (2, 6, 24)}
titles = [f"{n} steps" for n in made for _ in range(2)]
reports.show(*made.values(), titles=titles, path="lab05-5.png")

believed = [step for step in solvers.steps((1, 64, 64), diffusion, "ddim", rng=7, steps=24) if step.sigma < 5]
shown = believed[:: len(believed) // 5][:6]
reports.show(*(step.believed for step in shown), titles=[f"believed at {step.sigma:.2g}" for step in shown], path="lab05-6.png")
bands = torch.tensor([octaves(step.believed[0]) for step in believed])
figure, ax = pyplot.subplots(figsize=(4.5, 2.8), layout="constrained")
bands = bands[:, 1:]  # the first one, below 1/64 cycles per pixel, is empty: 64 pixels hold no such wave
for k, name in enumerate(("1/64 to 1/32", "1/32 to 1/16", "1/16 to 1/8", "1/8 to 1/4", "above 1/4 cycles per pixel")):
    ax.semilogx([step.sigma for step in believed], bands[:, k] / bands[-1, k], label=name, color=pyplot.cm.viridis(k / 4))
ax.invert_xaxis()
ax.set(xlabel="noise level, from noise to picture", ylabel="detail, as a share of its end")
ax.legend(fontsize=6)
figure.savefig("lab05-7.png", dpi=150)

# %% [markdown]
# ## Task 6: Heun's step
#
# As the steps of DDIM get smaller, x follows a curve: the solution of the differential equation
#
#     dx / dsigma  =  (x - denoised x) / sigma,
#
# and a step of DDIM is a step of Euler's method along it. Heun's method (Karras et al. 2022) asks twice in a step, and follows the curve
# more closely:
#
#     slope  = (x - prior.denoise(x, sigma)) / sigma
#     ahead  = x + (after - sigma) * slope                          the step of Euler, which is that of DDIM
#     second = (ahead - prior.denoise(ahead, after)) / after        the slope at its end
#     x + (after - sigma) * (mean of both slopes)


# %%
def heun(prior, x, sigma, after):
    """Pictures [B, 1, H, W] with noise of level after, from x with noise of level sigma; after is above 0."""
    raise NotImplementedError("task 6")


# %%
gaussian = priors.load("gaussian")
x = 0.5 + 2.5 * torch.randn(1, 1, 32, 32, generator=rng, dtype=torch.float64)


def follow(step, n):
    """The end, at level 0.01, of n steps from level 2.5."""
    found = x
    for sigma, after in pairwise(solvers.schedules.geometric(2.5, 0.01, n + 1)):
        found = step(found, sigma, after)
    return found


exact = follow(lambda x, sigma, after: heun(gaussian, x, sigma, after), 1000)
calls = [8, 16, 32, 64, 128]
eulers = [follow(lambda x, sigma, after: ddim(x, gaussian.denoise(x, sigma), sigma, after), n) for n in calls]
heuns = [follow(lambda x, sigma, after: heun(gaussian, x, sigma, after), n // 2) for n in calls]
figure, ax = pyplot.subplots(figsize=(4, 2.8), layout="constrained")
for name, ends in {"DDIM (Euler)": eulers, "Heun": heuns}.items():
    ax.loglog(calls, [float((end - exact).square().mean().sqrt()) for end in ends], "o-", label=name)
ax.set(xlabel="denoiser calls", ylabel="distance from the curve's end")
ax.legend()
figure.savefig("lab05-8.png", dpi=150)

# %% [markdown]
# ## The question
#
# A single denoising step from pure noise is blurry, twenty small ones give a sharp picture, though the denoiser is the same. Where does
# the detail come from, and in which order does it come? Answer in three to six sentences, with numbers from your own figures.

# %%
ANSWER = """"""
