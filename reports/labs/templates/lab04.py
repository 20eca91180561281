# %% [markdown]
# # Lab 4: One denoiser, many slots
#
# A denoiser is trained to remove noise, and nothing else. Yet it can enlarge pictures, remove blur and fill holes: it is put into the
# **slot** of an iteration that knows the measurement. There are many such iterations, with names such as PnP, RED and PGD. In this lab
# you write two of them around the same denoiser, compare them with two more, exchange the denoiser, and look at which part of the answer
# the data know of, and which part was made up.
#
# You need: lab 3, or the idea of a data step. Everything is a torch tensor [1, 1, H, W] with pixels between 0 and 1.
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. In an editor that
# knows cells (VS Code, PyCharm, Jupyter with jupytext) pictures appear below them; run as a script, this file writes them to
# lab04-1.png and so on, and stops at the first function that is not written yet. Check yourself as often as you like, and hand in
# the page that the second command writes:
#
#     priorbench lab check lab04_YOUR_ID.py
#     priorbench lab report lab04_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
import torch

import priors
import reports
import solvers
from reports import labs

LAB = 4
STUDENT = "nobody"

problem = labs.scene(LAB, STUDENT)  # your own picture and noise
truth, y, noise_sigma = problem.truth, problem.y, problem.noise_sigma
factor = 3  # the sensor measured the mean of every 3 x 3 pixels
cnn = priors.load("cnn")


def coarse(x, factor):
    """A x: the mean of every factor x factor pixels."""
    return torch.nn.functional.avg_pool2d(x, factor)


def psnr(x):
    """How near a picture is to the truth, in dB: 10 log10 of one over the mean squared error."""
    return float(-10 * torch.log10((x.clamp(0, 1) - truth).square().mean()))


reports.show(truth, y, titles=["the truth", "what was measured, 9 times smaller"], path="lab04-0.png")

# %% [markdown]
# ## Task 1: the adjoint
#
# A takes the mean of every factor x factor pixels: each pixel of the picture gives 1 / factor^2 of its value to one coarse pixel. The
# adjoint A^T goes the same way back: each pixel of the picture gets 1 / factor^2 of the value of its coarse pixel.
# `y.repeat_interleave(factor, dim=-1)` repeats each column; rows are dim=-2.


# %%
def adjoint(y, factor):
    """A^T y: from coarse pixels [1, 1, h, w] to a picture [1, 1, factor * h, factor * w]."""
    raise NotImplementedError("task 1")


# %%
back = adjoint(y, factor)
print("sum of (A x) * y:", float((coarse(truth, factor) * y).sum()), " sum of x * (A^T y):", float((truth * back).sum()))
print("A A^T y / y:", float((coarse(back, factor) / y).mean()), " 1 / factor^2:", 1 / factor**2)
reports.show(y, factor**2 * back, titles=["y", "A^T y, times factor^2"], path="lab04-1.png")

# %% [markdown]
# ## Task 2: the data step
#
# Believed is x0, give or take `width`; the data say that A z is y, give or take `noise_sigma`. Where
#
#     |A z - y|^2 / (2 noise_sigma^2)  +  |z - x0|^2 / (2 width^2)
#
# is smallest, z differs from x0 only by something of the form A^T c: no other change moves A z. Put z = x0 + A^T c into the equation
# A^T (A z - y) / noise_sigma^2 + (z - x0) / width^2 = 0, use that A A^T is 1 / factor^2, as the last cell has shown, and solve for c:
#
#     c = (y - A x0) / (A A^T + (noise_sigma / width)^2)


# %%
def data_step(x0, y, factor, noise_sigma, width):
    """The picture [1, 1, H, W] at the minimum; x0 is [1, 1, H, W], y [1, 1, H / factor, W / factor]."""
    raise NotImplementedError("task 2")


# %%
grey = torch.full_like(truth, float(y.mean()))
met = [data_step(grey, y, factor, noise_sigma, width) for width in (0.02, 0.1, 10.0)]
titles = ["grey, nearly sure", "grey, width 0.1", "grey, width 10", "truth, width 10"]
reports.show(*met, data_step(truth, y, factor, noise_sigma, 10.0), titles=titles, path="lab04-2.png")

# %% [markdown]
# ## Task 3: RED
#
# Regularisation by denoising (Romano, Elad, Milanfar 2017) looks for a picture x that fits the data and from which the denoiser takes
# nothing away. Its fixed-point iteration holds the denoised picture fixed, and lets the data correct it:
#
#     begin with a flat picture, as large as A^T y, every pixel of which is the mean of y
#     so many turns:   x = the data step from prior.denoise(x, sigma), with the width sigma
#
# The answer is the last x: the data have the last word.


# %%
def red(y, factor, noise_sigma, prior, sigma, turns):
    """The restored picture [1, 1, H, W] after so many turns; sigma is the noise level that the prior is told. About five lines."""
    raise NotImplementedError("task 3")


# %%
answers = {turns: red(y, factor, noise_sigma, cnn, 0.06, turns) for turns in (1, 4, 20)}
titles = [f"RED, {turns} turn{'s' * (turns > 1)}, {psnr(x):.1f} dB" for turns, x in answers.items()]
reports.show(*answers.values(), truth, titles=[*titles, "truth"], path="lab04-3.png")

# %% [markdown]
# ## Task 4: proximal gradient
#
# Not every instrument has a data step in closed form. All that proximal gradient (PGD; with a denoiser: Kamilov, Mansour, Wohlberg 2017)
# asks for is the gradient of the data term |A x - y|^2 / (2 noise_sigma^2), which is
#
#     A^T (A x - y) / noise_sigma^2.
#
# In each turn go one step of length sigma^2 down this gradient, then denoise:
#
#     begin with a flat picture, as large as A^T y, every pixel of which is the mean of y
#     so many turns:   x = x - sigma^2 * gradient;   x = prior.denoise(x, sigma)
#
# Too long a step overshoots: sigma must not be much above noise_sigma * factor here.


# %%
def pgd(y, factor, noise_sigma, prior, sigma, turns):
    """The restored picture [1, 1, H, W] after so many turns; the prior has the last word. About six lines."""
    raise NotImplementedError("task 4")


# %%
slots = {
    "RED": answers[20],
    "PGD": pgd(y, factor, noise_sigma, cnn, noise_sigma * factor, 20),
    "ADMM": solvers.solve(problem, cnn, "admm", steps=12).x,
    "HQS": solvers.solve(problem, cnn, "hqs", steps=12).x,
}
titles = [f"{name}, {psnr(x):.1f} dB" for name, x in slots.items()]
reports.show(*slots.values(), titles=titles, path="lab04-4.png")

# %% [markdown]
# ## Task 5: measured, and made up
#
# The sensor saw means of factor x factor pixels. Whatever has the mean zero in each such square leaves no trace in the data: no datum
# speaks for it, and none against it. So each picture x is the sum of two parts: its **measured part**, which is factor^2 A^T A x (the
# picture of its coarse pixels), and the rest, which was **made up** by the prior. A made-up part may well be right; the data do not know.


# %%
def made_up(x, factor):
    """The part of a picture x [1, 1, H, W] that no datum saw; you may use ``coarse`` and ``adjoint``."""
    raise NotImplementedError("task 5")


# %%
restored = {name: red(y, factor, noise_sigma, priors.load(name), 0.06, 20) for name in ("gaussian", "tv")}
restored |= {"cnn": answers[20], "truth": truth}
of_truth = made_up(truth, factor)
for name, x in restored.items():
    detail = made_up(x, factor)
    alike = float((detail * of_truth).sum() / (detail.norm() * of_truth.norm()))
    print(f"{name}: made-up detail of {float(detail.square().mean().sqrt()):.4f} (rms), correlated with the true detail by {alike:.2f}")
details = [0.5 + 2 * made_up(x, factor) for x in restored.values()]
reports.show(*restored.values(), titles=list(restored), path="lab04-5.png")
reports.show(*details, titles=[f"no datum saw: {name}" for name in restored], path="lab04-6.png")

# %% [markdown]
# ## The question
#
# All three priors fit the same data. What of their pictures is the same, what differs, and how could you tell, without the truth, which
# detail to believe? Answer in three to six sentences, with numbers from your own figures.

# %%
ANSWER = """"""
