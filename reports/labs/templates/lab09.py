# %% [markdown]
# # Lab 9: Straight paths
#
# A diffusion model goes from noise to a picture through ever smaller noise. **Flow matching** says the same in fewer words: join a start
# and a picture by a straight line, and learn which way a point on such a line moves. The start may be noise. It may as well be a
# measurement, or the blurry answer of a regression: then the flow is an image restorer that sharpens what it is given.
#
# Here are only ten pictures, the digits, so that all that a network would have to learn is known exactly. You need: a weighted mean,
# Bayes' rule (lab 1), the slope of a line. Pictures are torch tensors [number, channel, row, column].
#
# Fill in each function where it says `raise NotImplementedError`, run the cell below it, and look at the picture. Check yourself as
# often as you like, and hand in the page that the second command writes:
#
#     priorbench lab check lab09_YOUR_ID.py
#     priorbench lab report lab09_YOUR_ID.py
#
# The check calls each of your functions with other pictures, of other sizes, and other numbers. So let a function use what it is
# given, and functions of this file, but no picture or number of yours from outside it.

# %%
import torch
from matplotlib import pyplot

import priors
import reports
import solvers
from reports import labs

LAB = 9
STUDENT = "nobody"

scene = labs.scene(LAB, STUDENT)  # how often your ten digits are asked for, and your own measurement of one of them
pictures, chances = scene.pictures, scene.chances  # [10, 1, 18, 18] and [10]
blurred, noise_sigma, y, truth = scene.blurred, scene.noise_sigma, scene.y, scene.truth  # y is one of the blurred, plus noise
points, point_chances = scene.points, scene.point_chances  # five pictures of two pixels [5, 1, 1, 2]: dots in a plane

titles = [f"{k}: {float(chance):.0%}" for k, chance in enumerate(chances)]
reports.show(pictures, truth, y, titles=[*titles, "the truth", "y"], path="lab09-0.png")

# %% [markdown]
# ## Task 1: a straight path
#
# Time t runs from 1, the start, down to 0, the picture. (Many papers let it run the other way.) At time t, the point of the path is
#
#     x_t = (1 - t) * picture + t * start,
#
# and its **velocity** is the derivative of x_t with respect to t. It is the same at every t: that is what straight means.


# %%
def on_path(picture, start, t):
    """The point x_t and the velocity d x_t / d t, both of the shape of picture and start; t is a number from 0 to 1."""
    raise NotImplementedError("task 1")


# %%
noise = torch.randn(pictures[:1].shape, generator=torch.Generator().manual_seed(0))
times = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1)
seen = [on_path(pictures[3:4], noise, t)[0] for t in times]
reports.show(*seen, titles=[f"t = {t:g}" for t in times], path="lab09-1.png")

# %% [markdown]
# ## Task 2: which picture is this the way to?
#
# Somebody stands at x, at time t, and does not know on which of many straight paths that is. The path to picture k ends, at t = 1, at a
# start that is drawn from noise of standard deviation `width` about a centre, `ends[k]`. So at time t the paths to picture k are spread
# about
#
#     (1 - t) * pictures[k] + t * ends[k]      with the standard deviation      t * width.
#
# The best answer to the question of the picture, in mean squared error, is the mean of all pictures, each weighed by its probability
# given x. `weights` computes these probabilities as in lab 1. (In flow matching, a network learns this answer from examples.)


# %%
def weights(x, centres, chances, sigma):
    """p(k | x), [B, K], for x [B, 1, H, W] that are one of centres [K, 1, H, W] plus noise sigma; chances [K] are those beforehand."""
    squares = torch.cdist(x.flatten(1), centres.flatten(1)) ** 2
    return torch.softmax(chances.log() - squares / (2 * sigma**2), 1)


def answer(x, t, pictures, ends, chances, width):
    """The mean [B, 1, H, W] of the pictures that x [B, 1, H, W] may be on the way to at time t.

    pictures and ends are [K, 1, H, W], chances [K]; width is a standard deviation. About three lines.
    """
    raise NotImplementedError("task 2")


# %%
nowhere = torch.zeros_like(pictures)  # the starts are white noise: all paths begin about the same centre
believed = [answer(x, t, pictures, nowhere, chances, 1.0) for x, t in zip(seen, times, strict=True)]
titles = [f"x at t = {t:g}" for t in times] + [f"answer at t = {t:g}" for t in times]
reports.show(*seen, *believed, titles=titles, path="lab09-2.png")

# %% [markdown]
# ## Task 3: Euler's steps
#
# If the answer D = answer(x, t) were the picture, the velocity would be (x - D) / t: from D to x, in the time t. Now D is a mean of many
# pictures, so the velocity is a mean of many velocities, and following it bends the path. To follow it, go in small steps:
#
#     for each time t and the one after it, u:      x = x + (u - t) * (x - D) / t
#
# `times` falls and ends with 0. `believe(x, t)` is a function that gives D.


# %%
def euler(x, times, believe):
    """Where x [B, 1, H, W] comes to, from times[0] to times[-1]. About four lines."""
    raise NotImplementedError("task 3")


# %%
def even(first, steps):
    """Times from first to 0 in equal steps."""
    return [first * (1 - i / steps) for i in range(steps)] + [0.0]


def believe_points(x, t):
    return answer(x, t, points, torch.zeros_like(points), point_chances, 1.0)


rng = torch.Generator().manual_seed(0)
starts = torch.randn((60, 1, 1, 2), generator=rng)
drawn = points[torch.multinomial(point_chances, 60, replacement=True, generator=rng)]
times = even(1.0, 40)
bent = torch.stack([starts] + [euler(starts, times[: i + 2], believe_points) for i in range(40)])
one = euler(starts, [1.0, 0.0], believe_points)
figure, axes = pyplot.subplots(1, 3, figsize=(8, 2.9), sharex=True, sharey=True, layout="constrained")
ways = {"pairs": torch.stack([starts, drawn]), "flow": bent, "one step": torch.stack([starts, one])}
for ax, (title, way) in zip(axes, ways.items(), strict=True):
    ax.plot(way[..., 0, 0, 0], way[..., 0, 0, 1], color="grey", linewidth=0.6)
    ax.plot(points[:, 0, 0, 0], points[:, 0, 0, 1], "ko")
    ax.plot(way[-1, :, 0, 0, 0], way[-1, :, 0, 0, 1], "r.", markersize=4)
    ax.set_title(title, size=9)
    ax.set(xticks=[], yticks=[])
figure.savefig("lab09-3.png", dpi=150)

# %% [markdown]
# Left, pictures and starts that were drawn together, and their straight paths. Middle, the flow: it ends at the same points, as often, but
# its paths bend, since no two of them can be at one place at the same time: from there on, they would be one. Right, one step from
# t = 1: at the start nothing is known, and the answer is the mean.
#
# ## Task 4: the same loop
#
# With white noise as the start, x_t = (1 - t) * picture + t * noise. Divide by (1 - t): that is the picture, plus noise of some standard
# deviation sigma. So every denoiser, `prior.denoise(x, sigma)`, can be asked for D. Which picture do you give it, and which sigma?
# (At t = 1 that would divide by zero. Begin just below.)


# %%
def from_slot(prior, x, t):
    """The answer D [B, 1, H, W] to x at time t, of a prior that has denoise(x, sigma); 0 < t < 1. One or two lines."""
    raise NotImplementedError("task 4")


# %%
digits = priors.load("digits")  # ten digits at nine places, each pixel with an uncertainty of its own; known exactly, too
times = even(0.99, 24)
noise = torch.randn((6, 1, 18, 18), generator=torch.Generator().manual_seed(1))
flowed = euler(noise, times, lambda x, t: from_slot(digits, x, t))
levels = [t / (1 - t) for t in times[:-1]]
looped = solvers.generate(digits, (1, 18, 18), 6, method="ddim", levels=levels, start=noise / (1 - times[0])).samples
print(f"Euler's steps of the flow and DDIM of the library differ by {float((flowed - looped).abs().max()):.1g} at most")
reports.show(flowed, looped, titles=["flow, Euler"] * 6 + ["diffusion, DDIM"] * 6, path="lab09-4.png")

# %% [markdown]
# The two are one method: the flow's straight paths are the diffusion's, seen through a lens that zooms with t.
#
# ## Task 5: Heun's steps
#
# Euler takes the velocity at the beginning of a step for all of it, and where paths bend, it leaves them. Heun's step looks ahead:
#
#     v = (x - D(x, t)) / t                  the velocity here
#     ahead = x + (u - t) * v                where Euler would go
#     w = (ahead - D(ahead, u)) / u          the velocity there
#     x = x + (u - t) * (v + w) / 2          go with the mean of both
#
# The last step, to u = 0, would divide by zero: there, stay with Euler's. So n steps ask for D 2 n - 1 times.


# %%
def heun(x, times, believe):
    """Where x [B, 1, H, W] comes to by Heun's steps; arguments as those of ``euler``. About eight lines."""
    raise NotImplementedError("task 5")


# %%
gaussian = priors.load("gaussian")


def believe_gaussian(x, t):
    return from_slot(gaussian, x, t)


exact = heun(noise, even(0.99, 400), believe_gaussian)


def off(follow, n):
    """How far n steps end from where 400 end."""
    return float((follow(noise, even(0.99, n), believe_gaussian) - exact).square().mean().sqrt())


counts = (2, 4, 8, 16, 32, 64)
figure, ax = pyplot.subplots(figsize=(4, 3), layout="constrained")
ax.loglog(counts, [off(euler, n) for n in counts], "o-", label="Euler")
ax.loglog([2 * n - 1 for n in counts], [off(heun, n) for n in counts], "o-", label="Heun")
ax.set(xlabel="calls of the denoiser", ylabel="rms distance from 400 steps")
ax.legend(frameon=False)
figure.savefig("lab09-5.png", dpi=150)

# %% [markdown]
# Once steps are small enough, twice as many halve Euler's error, and quarter Heun's. With how many calls does Heun begin to pay?
#
# ## A flow from the measurement
#
# Now let the start be the measurement itself: the paths to picture k begin about `blurred[k]`, with the noise of the camera. Nothing is
# drawn any more. The flow turns y into a picture, and whoever runs it again gets the same one.

# %%
regressed = (weights(y, blurred, chances, noise_sigma)[0, :, None, None, None] * pictures).sum(0, keepdim=True)
times = even(1.0, 16)
flowed = heun(y, times, lambda x, t: answer(x, t, pictures, blurred, chances, noise_sigma))
reports.show(truth, y, regressed, flowed, titles=["the truth", "y", "regression: the mean", "flow from y"], path="lab09-6.png")

# %% [markdown]
# ## Task 6: from a regressor to a sampler
#
# The regression answers with the mean of all pictures that may be behind y, the flow with one of them, and neither tells of the others.
# Put noise at the start, and the spread comes back. For a given y:
#
#     p = the probabilities of the pictures, given y        weights(y, blurred, chances, noise_sigma)[0]
#     r = the regression's answer, their mean [1, 1, H, W]
#     n starts: r plus white noise of standard deviation jitter, another one for each
#     follow the flow by heun from all starts at once. All its paths begin about r, with the width jitter,
#     and its pictures have the chances p
#
# In `answer`, r is then the end of every path, whichever picture it leads to: `r.expand_as(pictures)` repeats it for each.
# `rng` is a torch.Generator, for `torch.randn(shape, generator=rng, dtype=y.dtype)`.


# %%
def refine(y, pictures, blurred, chances, noise_sigma, jitter, times, n, rng):
    """n samples [n, 1, H, W] of the picture behind y [1, 1, H, W]; pictures and blurred are [K, 1, H, W]. About six lines."""
    raise NotImplementedError("task 6")


# %%
rng = torch.Generator().manual_seed(2)
samples = refine(y, pictures, blurred, chances, noise_sigma, 0.3, times, 300, rng)
titles = ["regression", *(f"sample {i + 1}" for i in range(4)), "where they differ (std x 2)"]
reports.show(regressed, samples[:4], 2 * samples.std(0), titles=titles, path="lab09-7.png")


def shares(found):
    """How often each picture is the nearest one to those found."""
    nearest = torch.cdist(found.flatten(1), pictures.flatten(1)).argmin(1)
    return " ".join(f"{float((nearest == k).float().mean()):5.2f}" for k in range(len(pictures)))


print("exact given y:     ", " ".join(f"{float(p):5.2f}" for p in weights(y, blurred, chances, noise_sigma)[0]))
print("flow from y:       ", shares(flowed))
for jitter in (0.3, 0.1, 0.03, 0.01):
    print(f"jitter {jitter:<12g}", shares(refine(y, pictures, blurred, chances, noise_sigma, jitter, times, 300, rng)))

# %%
which = torch.multinomial(chances, 300, replacement=True, generator=rng)  # three hundred digits, each measured and restored
measured = blurred[which] + noise_sigma * torch.randn((300, *y.shape[1:]), generator=rng)
means = torch.einsum("bk,kchw->bchw", weights(measured, blurred, chances, noise_sigma), pictures)
ones = heun(measured, times, lambda x, t: answer(x, t, pictures, blurred, chances, noise_sigma))
drawn = [refine(each[None], pictures, blurred, chances, noise_sigma, 0.3, times, 1, rng) for each in measured]
squares = [float((found - pictures[which]).square().mean()) for found in (means, ones, torch.cat(drawn))]
print("mean squared error: regression {:.4f}, flow from y {:.4f}, a sample {:.4f}".format(*squares))
figure, ax = pyplot.subplots(figsize=(4, 2), layout="constrained")
ax.barh(["regression", "flow from y", "a sample"], squares)
ax.invert_yaxis()
ax.set(xlabel="mean squared error, 300 measurements")
figure.savefig("lab09-8.png", dpi=150)

# %% [markdown]
# ## The question
#
# The flow from y and the flow from the noisy regression both end at sharp pictures. Which of the two can tell how sure it is, and what
# did sharpness cost in squared error? Why must the jitter be neither zero nor, with so few steps, very small? Answer in three to six
# sentences, with numbers from your own figures.

# %%
ANSWER = """"""
