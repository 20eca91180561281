# %% [markdown]
# # Lab 7: Can the spread be trusted?
#
# A sampler gives many answers to one measurement. Where they differ, it says: here I am not sure. May one believe that? A picture cannot
# tell, and neither can one number for one picture. But there is a test that needs no formula of the posterior, only a world in which the
# truth is known, and in this lab you build it.
#
# Three samplers, A, B and C, wait for you. Which is which belongs to your id. At least one of them is right, and at least one is too sure
# of itself.
#
# You need: sorting, shares, the standard error of a mean. Pictures are torch tensors [number, 1, row, column]. Nothing that you write
# here looks into a sampler: it works for any.
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. Check yourself as
# often as you like, and hand in the page that the second command writes:
#
#     priorbench lab check lab07_YOUR_ID.py
#     priorbench lab report lab07_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
import torch
from matplotlib import pyplot

import reports
import solvers
from reports import labs

LAB = 7
STUDENT = "nobody"

scene = labs.scene(LAB, STUDENT)  # your own world
samplers = scene.samplers
n = 19  # samples of each measurement

truth = scene.draw(0)  # a truth: clouds, drawn from a prior that is known
y = scene.measure(truth, 0)  # blurred, with noise
samples = {name: sampler(y, n, 0) for name, sampler in samplers.items()}
titles = ["the truth", "y", *(f"a sample of {name}" for name in samples)]
reports.show(truth, y, *(x[0] for x in samples.values()), titles=titles, path="lab07-0.png")

# %% [markdown]
# ## Task 1: ranks
#
# Suppose that a sampler is right. Then the truth is one more draw of what it draws from: put it among the n samples of a pixel, and no
# place is better than another. So the **rank** of the truth, the number of samples that are smaller, is 0, 1, 2, ... or n, each with the
# same probability 1 / (n + 1). If the samples are too close together, the truth is often outside, and the ranks 0 and n are too many.


# %%
def ranks(samples, truth):
    """How many of samples [n, 1, H, W] are below truth [1, 1, H, W], pixel by pixel: whole numbers [1, 1, H, W]."""
    raise NotImplementedError("task 1")


# %%
def bars(of, path):
    """Histograms of ranks, by sampler."""
    figure, axes = pyplot.subplots(1, len(of), figsize=(7, 2.2), sharey=True, layout="constrained")
    for ax, (name, found) in zip(axes, of.items(), strict=True):
        shares = torch.bincount(found.flatten().long(), minlength=n + 1) / found.numel()
        ax.bar(range(n + 1), shares.tolist(), width=0.9)
        ax.axhline(1 / (n + 1), color="black", linestyle=":")
        ax.set(title=name, xlabel="rank of the truth")
    axes[0].set(ylabel="share of the pixels")
    figure.savefig(path, dpi=150)


bars({name: ranks(x, truth) for name, x in samples.items()}, "lab07-1.png")

# %% [markdown]
# ## Task 2: intervals
#
# People ask for an interval: with 90 %, the pixel is between these two values. Do not take `quantile` for it: it interpolates between
# samples, and from 16 exact samples its 90 % hold the truth in 81 % of all cases. Ranks tell what is right. Between the k-th lowest and
# the k-th highest sample there are the ranks k, k + 1, ..., n - k, which is n + 1 - 2 k of the n + 1 that are possible. So, for a sampler
# that is right, the truth is there with the probability
#
#     1 - 2 k / (n + 1),
#
# exactly, for any n. With n = 19 and k = 1 that is 90 %.


# %%
def interval(samples, k):
    """The k-th lowest and the k-th highest of samples [n, 1, H, W] at each pixel, both [1, 1, H, W]; k is 1 or more."""
    raise NotImplementedError("task 2")


# %%
shown, titles = [truth], ["the truth"]
for name, x in samples.items():
    low, high = interval(x, 1)
    shown += [high - low]
    titles += [f"{name}: width of the interval"]
reports.show(*shown, titles=titles, path="lab07-2.png")

# %% [markdown]
# ## Task 3: coverage
#
# How often does the truth lie in the interval? The share of the pixels where it does is the **coverage**. Return it with the share that
# it should be.


# %%
def coverage(samples, truth, k):
    """(share of the pixels whose truth is in the interval of k, share for a sampler that is right), two numbers."""
    raise NotImplementedError("task 3")


# %%
figure, ax = pyplot.subplots(figsize=(3.6, 3.2), layout="constrained")
for name, x in samples.items():
    pairs = [[float(each) for each in coverage(x, truth, k)] for k in range(1, 10)]
    ax.plot([should for _, should in pairs], [really for really, _ in pairs], "o-", label=name)
ax.plot([0, 1], [0, 1], color="grey", linestyle=":")
ax.set(xlabel="share that it should be", ylabel="share really inside, of this one picture")
ax.legend()
figure.savefig("lab07-3.png", dpi=150)

# %% [markdown]
# ## Task 4: a score
#
# Coverage can be right for a sampler that is no use: somebody who always answers "anything between black and white, as often as in the
# world" is never too sure. A **score** that rewards both, to be near and to be honest, is the continuous ranked probability score. For
# one pixel with the truth t and the samples x_1 ... x_n it is
#
#     the mean over i of |x_i - t|   -   1/2 * the mean over all pairs i, j with i not j of |x_i - x_j|.
#
# The first term is small if the samples are near, the second pays back what an honest width costs. There are n (n - 1) such pairs, where
# (i, j) and (j, i) both count; that makes the score fair for any n (Ferro 2014). Smaller is better, and the right distribution has the
# smallest, on average.


# %%
def crps(samples, truth):
    """The mean of the score over all pixels, one number; samples [n, 1, H, W], truth [1, 1, H, W]."""
    raise NotImplementedError("task 4")


# %%
scores = {name: float(crps(x, truth)) for name, x in samples.items()}
figure, ax = pyplot.subplots(figsize=(3.2, 2.4), layout="constrained")
ax.bar(list(scores), list(scores.values()), width=0.6)
ax.set(ylabel="CRPS, of this one picture")
figure.savefig("lab07-4.png", dpi=150)
print("CRPS:", {name: round(score, 4) for name, score in scores.items()})

# %% [markdown]
# ## Task 5: simulate, and look back
#
# One picture is not enough. Its pixels err together: where a cloud is too bright, a whole region has a high rank, and the histograms
# above are bumpy even for a sampler that is right. So do it often, with a new truth each time:
#
#     for each round i = 0, 1, 2, ...:
#         a truth from the prior:                 draw(i)
#         a measurement of it, with new noise:    measure(truth, i)
#         n samples from that measurement alone:  sample(y, n, i)
#         the ranks of the truth among them
#
# This is simulation-based calibration (Talts et al. 2018). It finds any sampler out that is too sure, and it needs nothing but the
# possibility to simulate.


# %%
def simulate_back(draw, measure, sample, n, rounds):
    """The ranks of all rounds, [rounds, 1, H, W]; draw, measure and sample are functions as above. About five lines."""
    raise NotImplementedError("task 5")


# %%
rounds = 60
found = {name: simulate_back(scene.draw, scene.measure, sampler, n, rounds) for name, sampler in samplers.items()}
bars(found, "lab07-5.png")

# %% [markdown]
# ## Task 6: is that a coincidence?
#
# The truth is below all samples (rank 0) or above all of them (rank n) in 2 of n + 1 cases, if the sampler is right. Take the share of
# the pixels of each round where that is so. Their mean over the rounds is the number we want; how far may it be off by chance? Not by
# the error of so many pixels, since those of one picture err together. Rounds do not: so take the standard deviation of the shares over
# the rounds (with their number less 1 below the line), divided by the root of the number of rounds.


# %%
def outside(ranks, n):
    """(share of truths outside of all samples, its standard error over the rounds), two numbers; ranks are [rounds, 1, H, W]."""
    raise NotImplementedError("task 6")


# %%
def verdict(of, path):
    """The share outside of each sampler with its error, beside what it should be."""
    figure, ax = pyplot.subplots(figsize=(5.4, 0.9 + 0.35 * len(of)), layout="constrained")
    for name, found in of.items():
        share, error = (float(each) for each in outside(found, n))
        away = (share - 2 / (n + 1)) / error
        print(f"{name}: {share:.3f} outside, give or take {error:.3f}; {2 / (n + 1):.3f} would be right: {away:+.1f} standard errors away")
        ax.errorbar(share, name, xerr=2 * error, fmt="o", capsize=3)
    ax.axvline(2 / (n + 1), color="grey", linestyle=":")
    ax.set(xlabel="share outside of all samples, with two standard errors", xlim=(0, None))
    ax.invert_yaxis()
    ax.margins(y=0.2)
    figure.savefig(path, dpi=150)


verdict(found, "lab07-6.png")
worlds = [(scene.draw(i), scene.measure(scene.draw(i), i), i) for i in range(rounds)]
for name, sampler in samplers.items():
    score = sum(float(crps(sampler(y, n, i), x)) for x, y, i in worlds) / rounds
    print(f"{name}: CRPS {score:.4f}, mean over {rounds} rounds")

# %% [markdown]
# ## Samplers that people use
#
# The library has published samplers, and your functions can judge them in your world. They are told the right prior and the right noise,
# so whatever is wrong is the sampler's own. There is nothing to write here.


# %%
def published(method, steps):
    """A sampler of the library as a function of y, n and the number of the round."""
    return lambda y, n, i: solvers.sample(scene.problem(y), scene.gaussian, n=n, rng=i, method=method, steps=steps).drawn()[:, 0].double()


names = {"annealed": 12, "diffpir": 30, "ddrm": 20}
stood = {name: simulate_back(scene.draw, scene.measure, published(name, steps), n, 15) for name, steps in names.items()}
bars(stood, "lab07-7.png")
verdict(stood, "lab07-8.png")

# %% [markdown]
# ## The question
#
# Which of A, B and C is calibrated, and which one would you use? What could the ranks not tell, and what told it? Answer in three to six
# sentences, with numbers from your own figures.

# %%
ANSWER = """"""
