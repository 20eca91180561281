"""Student code in its process: it cannot hang, take all memory, or end the others; and a class is graded by one command."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reports.labs import LABS, catalogue, cells, checking, handin, process
from reports.labs.process import Limits
from tests.helpers import run
from tests.reports.labs.filled import filled, here, solutions

HEAD = 'import torch\nLAB = 3\nSTUDENT = "ana"\n'


def script(written: dict[str, str] | None = None, student: str = "ana", extra: str = "") -> str:
    """Lab 3 without its pictures: functions only, of which some were ``written``."""
    bodies = {**solutions(3), **(written or {})}
    return "# %%\n" + HEAD.replace("ana", student) + extra + "".join(f"\n\n# %%\n{body}\n" for body in bodies.values())


HANG = "def {}(*given):\n    import time\n    while True:\n        time.sleep(0.01)"
HOG = "def {}(*given):\n    return [bytearray(10**8) for _ in range(10**5)]"
CRASH = "def {}(*given):\n    import ctypes\n    ctypes.string_at(0)"
EXIT = "def {}(*given):\n    import os\n    os._exit(0)"
FORK = "def {}(*given):\n    import os, time\n    os.fork()\n    while True:\n        time.sleep(1)"
ESCAPE = FORK.replace("    os.fork()", "    if os.fork() == 0:\n        os.setsid()\n        os.fork()")
DEAF = HANG.replace("    while", "    import signal\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while")
WRONG = "def misfit(x, y, h, noise_sigma):\n    return 1.0"
MINE = f"test-{os.getpid()}"  # marks the processes of this test
QUICK = Limits(seconds=60, megabytes=300, cell_seconds=5, call_seconds=1)


def checked(tmp_path: Path, text: str, limits: Limits = QUICK) -> checking.Checked:
    file = tmp_path / "lab.py"
    file.write_text(text)
    return checking.check(file, limits)


@pytest.mark.slow
@pytest.mark.parametrize("number", LABS)
def test_a_whole_solution_runs_and_draws_a_picture_for_each_task(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    found = here(filled(number, "ana"))
    assert (found.passed, found.troubles) == (len(found.verdicts), [])
    lines = sorted(cell["line"] for cell in found.cells if cell["pictures"])
    text = filled(number, "ana").splitlines()
    written = [text.index(line) + 1 for line in text if line.startswith("def ") and line[4:].split("(")[0] in functions_of(number)]
    for line, after in zip(written, [*written[1:], len(text)], strict=True):
        assert any(line < drawn < after for drawn in lines), f"no picture after the task at line {line}"


def functions_of(number: int) -> set[str]:
    return {task.function for task in catalogue.load(number).tasks}


@pytest.mark.slow
@pytest.mark.parametrize("number", LABS)
def test_a_whole_template_runs_to_its_end_and_waits(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = here(cells.of_student(catalogue.template(number), "ana"))
    assert found.passed == 0
    assert found.troubles == []
    assert all("not written yet" in each.said for each in found.verdicts)


def test_what_rests_on_another_task_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    unwritten = 'def data_step(x0, y, h, noise_sigma, width):\n    raise NotImplementedError("task 2")'
    shown = "\n\n# %%\nshown = data_step(1, 2, 3, 4, 5)\n\n# %%\nprint(shown)\n\n# %%\nprint(shows)\n"
    found = here(script({"data_step": unwritten}) + shown)
    assert [each.said for each in found.verdicts if each.function != "data_step"] == [
        "right", "right, but waits for task 2", "right, but waits for task 2", "right"]  # fmt: skip
    assert "not written yet" in found.verdicts[1].said
    assert [cell["printed"] for cell in found.cells][-2] == "waits for task 2\n"
    (trouble,) = found.troubles
    assert f"NameError in line {line_of(found, 'shows')}: name 'shows' is not defined" in trouble


def line_of(found: checking.Checked, word: str) -> int:
    return next(i for i, line in enumerate(found.script.text.splitlines(), start=1) if f"({word})" in line)


def test_what_stands_behind_an_unwritten_task_in_one_cell_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    calls = "adjoint(1, 2)\n"
    unwritten = {"adjoint": 'def adjoint(y, h):\n    raise NotImplementedError("task 1")\n\n\n' + calls}
    first, *others = script(unwritten).split("\n\n# %%\n")
    found = here("\n".join([first, *others]))
    assert "not written yet" in found.verdicts[0].said
    assert {each.said for each in found.verdicts[1:]} == {"waits for task 1"}
    assert found.troubles == []


def test_what_stands_in_a_cell_that_cannot_be_read_waits_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = here(script({"data_step": "def data_step(x0, y, h, noise_sigma, width):\n    return (x0"}))
    line = next(cell["line"] for cell in found.cells if cell["failure"])
    waits = f"waits for the cell at line {line}, which fails"
    assert [each.said for each in found.verdicts] == ["right", waits, f"right, but {waits}", f"right, but {waits}", "right"]
    assert len(found.troubles) == 1
    assert "SyntaxError" in found.troubles[0]


@pytest.mark.slow
def test_bad_functions_fail_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.uuid, "uuid4", lambda: MINE)
    bodies = {"adjoint": HANG.format("adjoint"), "data_step": HOG.format("data_step"), "hqs": FORK.format("hqs"),
              "admm": ESCAPE.format("admm")}  # fmt: skip
    found = checked(tmp_path, script(bodies))
    late = "did not end within 1 s in line"
    for each, words in zip(found.verdicts, (late, "wants more memory than there is in line", late, late), strict=False):
        assert not each.passed
        assert words in each.said
    assert found.verdicts[-1].said == "right"
    assert found.seconds < QUICK.seconds
    assert not strays()


@pytest.mark.slow
def test_functions_that_end_their_process_fail_alone(tmp_path: Path) -> None:
    found = checked(tmp_path, script({"adjoint": CRASH.format("adjoint"), "misfit": EXIT.format("misfit"), "data_step": "x = 1"}))
    assert [each.passed for each in found.verdicts] == [False, False, True, True, False]
    assert "its process died" in found.verdicts[0].said
    assert "there is no function data_step" in found.verdicts[1].said
    assert "its process died" in found.verdicts[4].said


def strays() -> list[str]:
    """Processes of students that still run."""
    found = [folder for folder in Path("/proc").glob("[0-9]*") if process.marked(folder, f"{process.MARK}={MINE}")]
    return [folder.name for folder in found]


@pytest.mark.slow
def test_what_hears_no_alarm_is_ended_from_outside(tmp_path: Path) -> None:
    found = checked(tmp_path, script({"misfit": DEAF.format("misfit")}), Limits(seconds=25, call_seconds=1))
    assert found.remark == "stopped after 25 s in the function misfit: it takes too long, or never ends"
    assert [each.said for each in found.verdicts] == ["right"] * 4 + ["not reached"]


@pytest.mark.slow
def test_a_cell_that_kills_the_process_is_left_out(tmp_path: Path) -> None:
    found = checked(tmp_path, script() + "\n\n# %%\nimport ctypes\nctypes.string_at(0)\n")
    assert found.complete
    assert "SIGSEGV" in found.remark
    assert len(found.troubles) == 1


@pytest.mark.slow
def test_what_a_script_may_and_may_not_do(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("HELP = 7\n")
    extra = (
        "import os, sys\nimport helper\nprint('helped', helper.HELP)\nprint('x' * 100_000)\nos.write(1, b'{\"event\": \"end\"}\\n')\n"
        "open('written.txt', 'w').close()\nsys.exit(3)\n"
    )
    found = checked(tmp_path, script(extra=extra))
    assert found.complete
    assert found.cells[0]["printed"].startswith("helped 7\nxxx")
    assert len(found.cells[0]["printed"]) < 30_000
    assert found.troubles == ["the cell at line 2 failed: SystemExit in line 11: 3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["helper.py", "lab.py"]  # it ran in a folder of its own


@pytest.mark.slow
def test_an_interrupt_ends_the_process(tmp_path: Path) -> None:
    file, stop = tmp_path / "lab.py", threading.Event()
    file.write_text(script(extra="while True: pass\n"))
    threading.Timer(4, stop.set).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        process.run(cells.read(file), file, Limits(), stop=stop)
    assert time.monotonic() - began < 15


@pytest.mark.slow
def test_a_class_is_graded_by_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "class"
    (folder / "Dora_42_file").mkdir(parents=True)
    (folder / "right.py").write_text(script(student="1001") + '\nANSWER = """It explains the noise."""\n')
    (folder / "wrong.py").write_text(script({"misfit": WRONG}, student="1002"))
    (folder / "hanging.py").write_text(script({"misfit": HANG.format("misfit")}, student="1003"))
    (folder / "copied.py").write_text(script(student="1004").replace("\n    residual", "\n    # mine\n    residual"))
    (folder / "notes.py").write_text("print('no lab')\n")
    (folder / "Dora_42_file" / "lab03.py").write_text(script(student="dora"))
    (folder / "Dora_42_file" / "helper.py").write_text("x = 1\n")
    arguments = ("lab", "grade", folder, "--seconds", "60", "-j", "2")
    assert run(*arguments) == 0
    told = capsys.readouterr()
    assert "student code is run as you" in told.err
    rows = {row["file"]: row for row in table(folder)}
    assert set(rows) == {"right.py", "wrong.py", "hanging.py", "copied.py", "notes.py", str(Path("Dora_42_file/lab03.py"))}
    assert [rows["right.py"][f"task {i}"] for i in range(1, 6)] == ["1"] * 5
    assert (rows["right.py"]["student"], rows["right.py"]["score"], rows["right.py"]["words"]) == ("1001", "1.00", "4")
    assert [rows["wrong.py"][f"task {i}"] for i in range(1, 6)] == ["1", "1", "1", "1", "0"]
    assert "a loop that never ends" in rows["hanging.py"]["remark"]
    assert "no line LAB" in rows["notes.py"]["remark"]
    assert "its functions are those of" in rows["copied.py"]["remark"]
    assert (folder / "grades" / rows["right.py"]["page"]).is_file()

    (folder / "wrong.py").write_text(script(student="1002"))
    assert run(*arguments) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert {line.split("] ")[1].split(":")[0] for line in lines if "kept from before" in line} == set(rows) - {"wrong.py", "notes.py"}
    assert {row["file"]: row["right"] for row in table(folder)}["wrong.py"] == "5"


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "grades" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_check_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lab03_ana.py"
    end = '\n# %%\nimport reports\nreports.show(torch.zeros(4, 4))\n\nANSWER = """<b>It</b> is so."""\n'
    file.write_text(script({"misfit": WRONG}) + end)
    assert run("lab", "check", file) == 1
    told = capsys.readouterr().out
    assert "task 1, adjoint: right" in told
    assert "4 of 5 tasks are right" in told
    assert "question: 3 words" in told
    assert run("lab", "report", file) == 0
    page = file.with_suffix(".html")
    text = page.read_text("utf-8")
    assert "data:image/png;base64," in text
    assert "&lt;b&gt;It&lt;/b&gt; is so." in text
    assert "http" not in text.replace("http-equiv", "")
    assert handin.read(page) == (cells.read(file), True)
    page.write_text(text.replace('\\"passed\\": false', '\\"passed\\": true').replace('"passed": false', '"passed": true'))
    assert handin.read(page)[1] is False
    file.write_text(script())
    assert run("lab", "check", file) == 0


@pytest.mark.slow
def test_a_class_that_is_interrupted_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(script(student="a"))
    (tmp_path / "b.py").write_text(script(student="b", extra="while True: pass\n"))
    command = [sys.executable, "-m", "reports", "lab", "grade", str(tmp_path), "-j", "1", "--seconds", "300"]
    alone, pipe = {**os.environ, "PYTHONUNBUFFERED": "1"}, subprocess.PIPE
    running = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=alone)
    assert running.stdout is not None
    assert "a.py: 5 of 5" in running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "the same command goes on from there" in told
    assert len(list((tmp_path / "grades" / "kept").glob("*.json"))) == 1


BAD = {
    "no such lab": (("start", "99", "-s", "ana"), "there is no lab 99"),
    "id that cannot be": (("start", "3", "-s", "a/b"), "the id 'a/b' cannot be"),
    "no file": (("check", "none.py"), "no file none.py"),
    "a folder to check": (("check", "."), "grade the folder"),
    "time that cannot be": (("check", "good.py", "--seconds", "0"), "the limit seconds must be positive"),
    "not a page": (("report", "good.py", "-o", "page.txt"), "with the ending .html"),
    "no folder": (("grade", "none"), "none is no folder"),
    "nothing in it": (("grade", "empty"), "holds no submission"),
    "no such sandbox": (("grade", "class", "--wrap", "no-such-sandbox -x"), "there is no command 'no-such-sandbox'"),
    "open quotation mark": (("grade", "class", "--wrap", "a 'b"), "cannot read the command"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("good.py").write_text(script())
    Path("empty").mkdir()
    Path("class").mkdir()
    Path("class/a.py").write_text(script())
    before = sorted(tmp_path.rglob("*"))
    arguments, words = BAD[name]
    assert run("lab", *arguments) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("priorbench: ")
    assert words in told
    assert sorted(tmp_path.rglob("*")) == before


def test_start_writes_a_script_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("lab", "list") == 0
    assert all(title in capsys.readouterr().out for title in list(LABS.values())[:1])
    assert run("lab", "start", "3", "--student", "ana b") == 0
    assert "lab03_ana-b.py" in capsys.readouterr().out
    assert cells.read(Path("lab03_ana-b.py")).student == "ana b"
    assert run("lab", "start", "3", "--student", "ana b") == 2
    assert "is there already" in capsys.readouterr().err
    assert run("lab", "start", "3", "--student", "ben", "--out", tmp_path) == 0
    assert Path("lab03_ben.py").is_file()


def test_pages_that_are_no_hand_ins(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    for record in ("", "{}", "[", '{"text": "x"}'):
        page.write_text(f'<html><script type="application/json" id="handin">{record}</script></html>')
        with pytest.raises(ValueError, match=r"is no hand-in|holds no|no line"):
            handin.read(page)


def test_prose_of_a_template_becomes_html() -> None:
    text = "# # Title <b>\n#\n# A `x < 1` is **bold** and *so*;\n# it goes on.\n#\n#     y = A x\n#\n# - one\n#   more\n# - two"
    found = handin.prose(text)
    assert found == (
        "<h3>Title &lt;b&gt;</h3>\n<p>A <code>x &lt; 1</code> is <strong>bold</strong> and <em>so</em>; it goes on.</p>\n"
        "<pre>y = A x</pre>\n<ul><li>one more</li><li>two</li></ul>"
    )


def test_damaged_lines_of_a_process_are_passed_over() -> None:
    told = ["{", "[]", '{"event": "begin", "at": 7}', '{"event": "answer"}', '{"no": 1}', json.dumps({"event": "cell", "line": 3})]
    found, complete = process.gathered("\n".join(told))
    assert (found.at, len(found.cells), found.answers, complete) == (7, 1, [], False)
