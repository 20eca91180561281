"""How belief meets measurement: one loop around one slot, to estimate or to sample."""

from solvers.loop import Iterate, Method, loop
from solvers.methods import METHODS
from solvers.result import Diverged, Result
from solvers.solve import sample, solve

__all__ = ["METHODS", "Diverged", "Iterate", "Method", "Result", "loop", "sample", "solve"]
