"""How belief meets measurement: one loop around one slot, to estimate or to sample."""

from solvers import schedules
from solvers.loop import Iterate, Method, Task, loop
from solvers.methods import METHODS
from solvers.noise import noise_level
from solvers.result import Diverged, Result
from solvers.solve import sample, solve
from solvers.stepping import steps
from solvers.unconditional import GENERATORS, Generated, generate

__all__ = [
    "GENERATORS",
    "METHODS",
    "Diverged",
    "Generated",
    "Iterate",
    "Method",
    "Result",
    "Task",
    "generate",
    "loop",
    "noise_level",
    "sample",
    "schedules",
    "solve",
    "steps",
]
