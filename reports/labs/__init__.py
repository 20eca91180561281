"""Teaching labs that grade themselves: scripts that a student fills in, and checkers that recompute the truth from the student's id.

How a lab is added, say lab 11:

1. ``templates/lab11.py``, the script that a student gets. It is in percent format (``# %%`` begins a cell, ``# %% [markdown]`` one of
   prose in comments), so that it opens as a notebook and runs as a script. Its first code cell has the lines ``LAB = 11`` and
   ``STUDENT = "nobody"``; ``scene = labs.scene(LAB, STUDENT)`` gives it the pictures and noise of the id. Each task is one function with
   arguments, shapes and units told in its docstring, and ``raise NotImplementedError("task 1")`` as its body, followed by a cell that
   draws what it does: ``reports.show(..., path="lab11-1.png")``. The last cell is ``ANSWER = \"\"\"\"\"\"``, below the question.
2. ``checkers/lab11.py`` with ``LAB = Lab(11, title, scene, tasks, question)`` (see ``reports.labs.lab`` for the fields of ``Task``). It
   holds no answer and no solution: ``expected`` computes the truth by the library's own functions or in closed form, from arguments
   that ``make`` draws with a generator that belongs to the student's id. Keep the instances small (32 to 64 pixels): each task is called
   on two of them, and twice more if it ``uses`` others. Tolerances come from rounding, or are five standard errors of what is drawn:
   say which in ``because``. ``mistakes`` hold, for each classic mistake, what it gives, and a hint of one line.
   Common ones (sign, factors of 2 and 255, an offset, a square too much or missing, mirrored, transposed, clipped, an argument returned
   as it is), other shapes, and exceptions are recognised for all tasks by ``reports.labs.hints``.
3. One line in ``catalogue.LABS``.
4. ``tests/reports/labs/solutions/lab11.py``, the functions written, which stand nowhere else (the tests put them into the template), and
   ``tests/reports/labs/wrong/lab11.py`` with ``WRONG``: about ten wrong functions, at least one a task, each with words of the hint
   that it must get. ``tests/reports/labs/test_labs.py`` finds both by the number: the solution passes for any id, the template fails
   each task, every wrong answer is told what is wrong with it, another id has another truth.
   ``pytest -q tests/reports/labs/test_labs.py -k "11"`` runs them for one lab.

From a student's file to a verdict: ``cells`` reads the file without running it, ``process`` starts ``child``, in which the cells run
and the functions are called (``answers``), ``judge`` compares in the parent process, ``checking`` joins these, ``handin`` makes the
page and ``grading`` goes through a class.
"""

from __future__ import annotations

from reports.labs.catalogue import LABS, load, scene

__all__ = ["LABS", "load", "scene"]
