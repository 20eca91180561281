# %% [markdown]
# # Lab 1: The mean of many sharp pictures is blurry
#
# A picture was measured, and the measurement does not tell everything about it. What do you show? The picture that is nearest to the
# truth on average? The most likely one? One that could be the truth? These are three different pictures, and in this lab you make all of
# them, in cases that are small enough to be exact.
#
# You need: mean, standard deviation, the normal density, Bayes' rule. Pictures are torch tensors with the axes
# [number, channel, row, column]; there is one channel, and pixels are between 0 (black) and 1 (white).
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. In an editor that
# knows cells (VS Code, PyCharm, Jupyter with jupytext) pictures appear below them; run as a script, this file writes them to
# lab01-1.png and so on, and stops at the first function that is not written yet. Check yourself as often as you like, and hand in
# the page that the second command writes:
#
#     priorbench lab check lab01_YOUR_ID.py
#     priorbench lab report lab01_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
import torch
from matplotlib import pyplot

import reports
from reports import labs

LAB = 1
STUDENT = "nobody"

scene = labs.scene(LAB, STUDENT)  # your own pictures and noise
truth, frames, frame_sigma = scene.truth, scene.frames, scene.frame_sigma

reports.show(truth, frames[:3], titles=["the truth", "frame 1", "frame 2", "frame 3"], path="lab01-0.png")

# %% [markdown]
# ## Task 1: a series of noisy pictures
#
# `frames` holds N pictures of a scene that stands still, each with its own white noise of standard deviation sigma. Their mean is the
# best estimate of the scene, pixel by pixel. How far may it be off? Estimate, for each pixel, the standard deviation of the N values
# (with N - 1 below the line, since their own mean is used), and divide it by sqrt(N): the **standard error** of the mean.


# %%
def noise_series(frames):
    """The mean of frames [N, 1, H, W] and its standard error, both [1, 1, H, W]."""
    raise NotImplementedError("task 1")


# %%
means = {n: noise_series(frames[:n]) for n in (4, 16, 64)}
for n, (mean, error) in means.items():
    off = float((mean - truth).square().mean().sqrt())
    print(f"{n} frames: standard error {float(error.mean()):.4f}, really off by {off:.4f}, sigma / sqrt(N) = {frame_sigma / n**0.5:.4f}")
titles = ["one frame", *(f"mean of {n}" for n in means)]
reports.show(frames[:1], *(mean for mean, _ in means.values()), titles=titles, path="lab01-1.png")

# %% [markdown]
# ## Task 2: most likely is not typical
#
# If we know the scene `mean` and the noise `sigma`, which frame is the most likely one? The density of a frame x is proportional to
# exp(-energy) with
#
#     energy(x) = sum over the pixels of (x - mean)^2 / (2 sigma^2),      added up, not averaged,
#
# so the most likely frame is the one without any noise: its energy is 0. Now look at frames that really were taken. Each pixel adds 1/2
# on average, so that a frame of n pixels has an energy near n / 2, give or take sqrt(n / 2). No frame without noise has ever been seen:
# there is only one picture at the top of the density, and very many around it.


# %%
def energy(x, mean, sigma):
    """Minus the log density of x [1, 1, H, W] without its constant, one number; mean [1, 1, H, W], sigma a standard deviation."""
    raise NotImplementedError("task 2")


# %%
energies = [float(energy(frame[None], truth, frame_sigma)) for frame in frames]
figure, ax = pyplot.subplots(figsize=(5, 2.4), layout="constrained")
ax.hist(energies, bins=12)
ax.axvline(float(energy(truth, truth, frame_sigma)), color="black")
ax.axvline(truth.numel() / 2, color="grey", linestyle=":")
ax.set(xlabel="energy; black line: the frame without noise; dotted: n / 2", ylabel="frames", xlim=(-100, None))
figure.savefig("lab01-2.png", dpi=150)

# %% [markdown]
# ## Task 3: which of many sharp pictures?
#
# Now the scene does not stand still. A sharp picture was taken somewhere: moved by up to three pixels, up, down, left or right. That makes
# 49 pictures, all equally likely beforehand (`chances`). What we have is one very noisy measurement y of one of them. By Bayes' rule, the
# probability of picture k, once y was seen, is
#
#     chances[k] * exp(-sum of (y - pictures[k])^2 / (2 sigma^2)),   divided by the sum of all of these.
#
# The sum in the exponent runs over all pixels and is large, and exp of it is 0 in a computer, for all pictures: dividing by the sum of
# these gives nan. So add the logarithm of the chances to the
# exponents and use `torch.softmax(exponents, 0)`, which subtracts the largest exponent first, then takes exp and divides by the sum.


# %%
def weights(y, pictures, chances, sigma):
    """The probabilities [K] of pictures [K, 1, H, W] given y [1, 1, H, W]; chances [K] are those before y was seen."""
    raise NotImplementedError("task 3")


# %%
pictures, chances, y, sigma = scene.pictures, scene.chances, scene.y, scene.sigma
found = weights(y, pictures, chances, sigma)
best = found.argsort(descending=True)[:4]
titles = ["y", *(f"picture {int(k)}: {float(found[k]):.0%}" for k in best)]
reports.show(0.5 + (y - 0.5) / (4 * sigma), pictures[best], titles=titles, path="lab01-3.png")

# %% [markdown]
# ## Task 4: their mean
#
# The estimate with the smallest mean squared error is the mean of all pictures that may be behind y, each weighed by its probability.
# Every one of them is sharp. Look at what comes out.


# %%
def mean_picture(y, pictures, chances, sigma):
    """The mean [1, 1, H, W] of all pictures, weighed by their probabilities given y."""
    raise NotImplementedError("task 4")


# %%
mean = mean_picture(y, pictures, chances, sigma)
likeliest = pictures[weights(y, pictures, chances, sigma).argmax()][None]
reports.show(mean, likeliest, titles=["the mean", "the most likely one"], path="lab01-4.png")

# %% [markdown]
# ## Task 5: draw
#
# A **sample** of the posterior is a picture that could be the truth: picture k is drawn with its probability given y. All samples are
# sharp, and they differ where y does not tell. `torch.multinomial(probabilities, n, replacement=True, generator=rng)` draws n numbers
# k, each with its probability.


# %%
def draw(y, pictures, chances, sigma, n, rng):
    """n pictures [n, 1, H, W] drawn from those that may be behind y; rng is a torch.Generator."""
    raise NotImplementedError("task 5")


# %%
samples = draw(y, pictures, chances, sigma, 400, torch.Generator().manual_seed(0))
titles = ["sample 1", "sample 2", "sample 3", "mean of 400", "where they differ (std x 3)"]
reports.show(samples[:3], samples.mean(0), 3 * samples.std(0), titles=titles, path="lab01-5.png")

# %% [markdown]
# ## Task 6: what a sharp picture costs
#
# Compare, in mean squared error over the pixels, one sample (on average over all samples) and the mean of all samples with the truth.
# The truth is itself one of the pictures that may be behind y, no more and no less likely than a sample. So truth and sample lie on both
# sides of the mean, and the two deviations, which know nothing of each other, add up. "Twice" holds on average over many truths and
# measurements. A single one may lie well off the dotted line, if its truth happens to be near the mean, or far from it.


# %%
def errors(samples, truth):
    """Two mean squared errors: of a sample, averaged over samples [n, 1, H, W], and of their mean; truth is [1, 1, H, W]."""
    raise NotImplementedError("task 6")


# %%
rng = torch.Generator().manual_seed(1)
ratios = []
for k in torch.multinomial(chances, 100, replacement=True, generator=rng):  # a hundred truths, each measured and restored
    measured = pictures[k][None] + sigma * torch.randn(y.shape, generator=rng)
    one, of_mean = errors(draw(measured, pictures, chances, sigma, 50, rng), pictures[k][None])
    ratios.append((float(one), float(of_mean)))
mean_ratios = torch.tensor(ratios).mean(0)
one, of_mean = float(mean_ratios[0]), float(mean_ratios[1])
print(f"squared error of a sample {one:.4f}, of the mean {of_mean:.4f}: {one / of_mean:.2f} times as large")
figure, ax = pyplot.subplots(figsize=(3.2, 3), layout="constrained")
ax.plot([of_mean for _, of_mean in ratios], [one for one, _ in ratios], "o", markersize=3)
end = max(one for one, _ in ratios)
ax.plot([0, end / 2], [0, end], color="grey", linestyle=":")
ax.set(xlabel="squared error of the mean", ylabel="of a sample (dotted: twice)")
figure.savefig("lab01-6.png", dpi=150)

# %% [markdown]
# ## The question
#
# The mean has the smallest error, and it is no picture that could have been taken. When would you show the mean, when a sample, and why
# is the error of a sample twice as large? Answer in three to six sentences, with numbers from your own figures.

# %%
ANSWER = """"""
