# %% [markdown]
# # Lab 10: Your own prior in the slot
#
# All that the solvers ask of a prior is one method, `denoise(x, sigma)`. Bring one of your own: something you know about pictures, in ten
# lines. Put it into the slot, measure how far it errs, let it restore what others restore too, and say whether it is better than they are,
# by numbers that somebody else can recompute.
#
# You need: a mean, its standard error, and an idea. Pictures are torch tensors [number, 1, row, column], pixels between 0 and 1, and every
# sigma is a standard deviation in these units.
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. Check yourself as
# often as you like, and hand in the page that the second command writes:
#
#     priorbench lab check lab10_YOUR_ID.py
#     priorbench lab report lab10_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
import math

import numpy
import torch
from matplotlib import pyplot

import priors
import reports
import solvers
from reports import labs

LAB = 10
STUDENT = "nobody"

scene = labs.scene(LAB, STUDENT)
tuning = scene.tuning  # your own pictures [6, 1, 48, 48], to try things out
problems = scene.problems  # and six of your own blurred or incomplete ones, on which you will be judged
white = torch.randn(tuning.shape, generator=torch.Generator().manual_seed(0))

reports.show(tuning, *(each.operator.as_image(each.y) for each in problems), path="lab10-0.png")

# %% [markdown]
# ## Task 1: a denoiser
#
# Write `denoise`, in your own way. The slot promises to those who ask:
#
# - the answer has the shape and the dtype of x, and x itself stays as it is;
# - each picture of a batch is treated by itself, and pictures need not be square;
# - sigma says how much noise there is: where it is 0, the picture stays as it is;
# - the answer is nearer to the clean picture than x is.
#
# If you have no idea of your own, take this one: *in a small patch of a picture, most waves are absent.* Cut x into all patches of 8 x 8
# pixels, turn each into its 64 cosine waves, set to zero those that are weaker than about 2.7 sigma (but never the first, the brightness:
# it is no wave), turn back, and lay the patches over each other. Each pixel lies in 64 patches: take the mean.
#
# - `torch.nn.functional.pad(x, (7, 7, 7, 7), mode="circular")` goes on beyond the border, so that all pixels have 64 patches;
# - `torch.nn.functional.unfold(x, 8)` gives the patches as columns, [number, 64, patches];
# - `cosines(x) @ patches` are their waves, in the order of frequency; `cosines(x).T @ waves` turns back;
# - `torch.nn.functional.fold(patches, (height, width), 8)` adds the patches up where they lie.


# %%
def cosines(x):
    """The matrix [64, 64] from the pixels of a patch to its cosine waves, in the dtype of x; its transpose is its inverse."""
    one = torch.tensor([[math.cos(math.pi * (j + 0.5) * i / 8) for j in range(8)] for i in range(8)], dtype=torch.float64)
    one = one / one.norm(dim=1, keepdim=True)
    return torch.kron(one, one).to(x)


class Own:
    """My prior. Say in a sentence what it knows of pictures."""

    name, family, mmse = "own", "classical", False

    def __init__(self):
        self.levels = [0.0, 0.02, 0.05, 0.1, 0.2, 0.4]
        self.errors = list(self.levels)  # what it tells before it was measured: no better than doing nothing

    def denoise(self, x, sigma):
        """x [B, 1, H, W] without its white noise of standard deviation sigma, a number; the same shape and dtype."""
        raise NotImplementedError("task 1")

    def calibrate(self, pictures, noise):
        """Measure the error at each of ``self.levels`` and keep the list as ``self.errors``; arguments as those of ``error`` below."""
        raise NotImplementedError("task 3")

    def rmse(self, sigma):
        """The root mean square error of ``denoise`` at sigma, a number, between the levels too."""
        raise NotImplementedError("task 3")


def answers(x, clean, sigma):
    """What the checker asks for, in task 1; leave it as it is."""
    prior = Own()
    alone = prior.denoise(x[:1].clone(), sigma)
    return prior.denoise(x, sigma), alone, prior.denoise(clean.clone(), 0.0)


# %%
own = Own()
noisy = tuning[:3] + 0.1 * white[:3]
cleaned = {"noisy": noisy, "own": own.denoise(noisy, 0.1), "tv": priors.load("tv").denoise(noisy, 0.1), "clean": tuning[:3]}
for name, x in cleaned.items():
    print(f"{name}: rms error {float((x - tuning[:3]).square().mean().sqrt()):.4f}")
reports.show(*cleaned.values(), titles=[name for name in cleaned for _ in range(3)], path="lab10-1.png")

# %% [markdown]
# ## Task 2: how far it errs
#
# Add noise of a known sigma to clean pictures, let a prior take it off, and see what is left: the root of the mean squared error, over all
# pixels of all pictures. Below sigma it has done something; a prior that errs by more than sigma should have left the picture alone.


# %%
def error(prior, pictures, noise, sigma):
    """The root mean square error of a prior, a number; pictures and noise are [N, 1, H, W], the noise has standard deviation 1."""
    raise NotImplementedError("task 2")


# %%
levels = [0.02, 0.05, 0.1, 0.2, 0.4]
entrants = {"own": Own(), "gaussian": priors.load("gaussian"), "tv": priors.load("tv")}
figure, ax = pyplot.subplots(figsize=(4, 3), layout="constrained")
for name, prior in entrants.items():
    ax.plot(levels, [error(prior, tuning, white, sigma) / sigma for sigma in levels], "o-", label=name)
ax.axhline(1.0, color="grey", linestyle=":")
ax.set(xscale="log", xlabel="sigma (dotted: nothing done)", ylabel="rms error / sigma", ylim=(0, None))
ax.set_xticks(levels, [f"{sigma:g}" for sigma in levels])
ax.minorticks_off()
ax.legend(frameon=False)
figure.savefig("lab10-2.png", dpi=150)

# %% [markdown]
# ## Task 3: a prior that knows its error
#
# A sampler has to know how far the prior may be off: that is how wide it draws. So measure it once, and tell. Go back to the class, write
# its other two methods, and run its cell again (an `Own()` that was made before that still has the old methods):
#
# - `calibrate(pictures, noise)`: the list of errors at `self.levels`, by your function `error` with `self` as the prior, goes into
#   `self.errors`. (At level 0 there is nothing to measure: the error is 0.)
# - `rmse(sigma)`: read it off between the levels; `numpy.interp(sigma, self.levels, self.errors)` draws straight lines.
#
# The checker compares what `rmse` tells with the error on other pictures; it must be right within a factor of 1.5.


# %%
def told(tuning, tuning_noise, pictures, noise, sigma):
    """What the checker asks for, in task 3; leave it as it is."""
    prior = Own()
    prior.calibrate(tuning, tuning_noise)
    return prior.rmse(sigma), prior.denoise(pictures + sigma * noise, sigma)


# %%
own = Own()
own.calibrate(tuning, white)
for sigma in numpy.geomspace(0.01, 0.4, 6):
    print(f"sigma {sigma:.3f}: error told {own.rmse(sigma):.4f}, measured {float(error(own, tuning, white, sigma)):.4f}")
drawn = solvers.sample(problems[0], own, n=6, rng=0)
samples = torch.as_tensor(drawn.samples)  # [6, 1, 1, 48, 48]: the second axis is that of the measurements
shown = [problems[0].operator.as_image(problems[0].y), problems[0].truth, drawn.mean, *samples[:2], 5 * drawn.std]
titles = ["measured", "truth", "mean of samples", "a sample", "another", "their spread (std x 5)"]
reports.show(*shown, titles=titles, path="lab10-3.png")

# %% [markdown]
# ## Task 4: the comparison
#
# Let every prior restore every problem by the same method, `solvers.solve(problem, prior, "hqs", steps=8).x`, and score it by
#
#     PSNR = -10 log10( mean of (x - truth)^2 ) in dB,      x clipped to [0, 1] first, `problem.truth` is the truth.


# %%
def compare(problems, entrants):
    """The PSNR of every prior on every problem, a tensor [problems, priors]; both are lists. About five lines."""
    raise NotImplementedError("task 4")


# %%
table = compare(problems, list(entrants.values()))
print("          " + "".join(f"{name:>10}" for name in entrants))
for problem, row in zip(problems, table, strict=True):
    print(f"{problem.name:<10}" + "".join(f"{float(value):10.2f}" for value in row))
for number in (0, 3):
    found = [solvers.solve(problems[number], prior, "hqs", steps=8).x for prior in entrants.values()]
    titles = ["truth", *(f"{name}, {float(score):.1f} dB" for name, score in zip(entrants, table[number], strict=True))]
    reports.show(problems[number].truth, *found, titles=titles, path=f"lab10-{4 + (number > 0)}.png")

# %% [markdown]
# ## Task 5: is the difference one?
#
# Pictures differ by far more than priors do: some are easy for all, some hard. So compare **in pairs**: take the difference of the two
# priors for each problem, then the mean of these differences, and its standard error, their standard deviation (N - 1 below the line)
# over sqrt(N).


# %%
def gain(table, one, other):
    """By how many dB column ``one`` of the table [problems, priors] is better than column ``other``: mean difference, standard error."""
    raise NotImplementedError("task 5")


# %%
figure, ax = pyplot.subplots(figsize=(4.5, 1.8), layout="constrained")
for row, name in enumerate(("gaussian", "tv")):
    mean, spread = (float(value) for value in gain(table, 0, list(entrants).index(name)))
    print(f"own - {name}: {mean:+.2f} dB, give or take {spread:.2f}")
    ax.errorbar(mean, row, xerr=2 * spread, fmt="o", capsize=4)
ax.axvline(0, color="grey", linestyle=":")
ax.set(yticks=[0, 1], yticklabels=["own - gaussian", "own - tv"], ylim=(-0.6, 1.6), xlabel="dB (bars: two standard errors)")
figure.savefig("lab10-6.png", dpi=150)

# %% [markdown]
# ## Task 6: your verdict, to be recomputed
#
# Whoever reads a verdict should be able to repeat it. So hand over what it rests on: the pictures that your prior restored, and for
# gaussian and tv what you claim of your prior:
#
#     +1, better: the gain is above two standard errors;   -1, worse: below minus two;   0: they cannot be told apart.
#
# `Own()` need not be calibrated here: "hqs" asks only for `denoise`, never for `rmse`.
# The checker gives other problems of your id, scores your pictures, solves with gaussian and tv itself, and compares with your claims.
# No prior has to win here. A claim has to be true.


# %%
def verdict(problems):
    """Own's pictures [N, 1, H, W] by "hqs" in 8 steps, and the claims about gaussian and tv, a list of two numbers. About eight lines."""
    raise NotImplementedError("task 6")


# %%
restored, claims = verdict(problems)
words = {1: "better than", 0: "not to be told from", -1: "worse than"}
said = [f"{words[int(claim)]} {name}" for claim, name in zip(claims, ("gaussian", "tv"), strict=True)]
print("my prior is", " and ".join(said))
reports.show(restored, titles=[problem.name for problem in problems], path="lab10-7.png")

# %% [markdown]
# ## The report
#
# The same comparison with all that belongs to it (other scores, spectra, made-up detail, warnings) is one command. Copy the imports,
# `cosines` and your class into a file `own.py`. The command does not call `calibrate`: in `__init__`, put the list that your calibration
# found in place of `list(self.levels)`, or "annealed" draws far too wide. Then run beside it
#
#     priorbench compare -p gaussian,tv,own:Own -P deblur,inpaint -m hqs,annealed -i camera --size 64 -o out/own
#
# then open out/own/report.html. If it calls an answer of "annealed" doubtful, since it does not explain the data: noise and operator are
# right here, for the measurement was simulated. Then your prior errs by more than its `rmse` tells, in places at least (edges, say): that
# is one number for all pixels, and was measured on noise that is white, which what a sampler asks about is not quite.
#
# ## The question
#
# What does your prior know of pictures that gaussian and tv do not, and where does it fail? Defend it, or give it up, with the numbers of
# your own table and of the report, in three to six sentences.

# %%
ANSWER = """"""
