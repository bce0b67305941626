"""Code tests: no code earns what it doesn't compute, and none gets out of its process."""

from __future__ import annotations

import json
import platform
import struct
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from rft.grading.code_tests import running, scoring, syscall_filter
from rft.grading.code_tests.running import run_calls
from rft.grading.code_tests.scoring import score_code

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
HAS_FILTER = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")
TESTS = [{"call": "add(2, 3)", "equals": 5}, {"call": "add('a', 'b')", "equals": "ab"}]

HOSTILE = {
    "ends the process": "import os; os._exit(0)",
    "ends the interpreter": "raise SystemExit(0)",
    "ends it in the call": "import os\ndef add(a, b): os._exit(0)",
    "prints results": "print('[5]\\n[\"ab\"]\\n' * 9); print('2 passed')",
    "writes true to every descriptor": "import os\nfor n in range(40):\n    try: os.write(n, b'[true]\\n' * 3)\n"
    "    except OSError: pass\ndef add(a, b): return True",
    "equal to anything": "class A:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n"
    "def add(a, b): return A()",
    "a number equal to anything": "class A(int):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
    "def add(a, b): return A(7)",
    "a string equal to anything": "class A(str):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
    "def add(a, b): return A('')",
    "patches eval": "import builtins\nbuiltins.eval = lambda *a: True",
    "patches json": "import json\njson.dumps = lambda *a, **k: '[true]'\ndef add(a, b): return 1",
    "patches the comparison": "import math\nmath.isclose = lambda *a, **k: True\ndef add(a, b): return 1.0",
    "looks for the tests in the frames": "import sys\ndef add(a, b):\n    frame = sys._getframe()\n    while frame:\n"
    "        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:\n"
    "            if isinstance(value, dict) and 'equals' in value: return value['equals']\n"
    "        frame = frame.f_back",
    "looks for the tests in all objects": "import gc\ndef add(a, b):\n    for value in gc.get_objects():\n"
    "        if isinstance(value, dict) and 'equals' in value: return value['equals']",
    "reads the memory of the parent": "import os\ndef add(a, b):\n    for line in open(f'/proc/{os.getppid()}/maps'):\n"
    "        return 5",
    "reads the job again": "import os\ndef add(a, b): return os.read(0, 100).decode() or None",
    "raises a flag": "assert False, 'passed'",
    "forks": "import os\nwhile True: os.fork()",
    "starts a shell": "import subprocess\ndef add(a, b): return len(subprocess.check_output(['echo', '1234']))",
    "kills the parent": "import os\nos.kill(os.getppid(), 9)",
    "kills all": "import os\nos.kill(-1, 9)",
    "leaves the group": "import os\nos.setsid()",
    "takes all memory": "held = [bytearray(10**8) for _ in range(100)]",
    "recurses": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "sleeps": "import time\ntime.sleep(60)",
    "takes no alarm": "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
    "a huge result": "def add(a, b): return 'x' * 10**8",
    "a result within itself": "def add(a, b):\n    a = []\n    a.append(a)\n    return a",
    "a deep result": "def add(a, b):\n    a = []\n    for _ in range(10**5): a = [a]\n    return a",
    "an endless integer": "def add(a, b): return 10 ** 10**4",
    "not a number": "def add(a, b): return float('nan')",
    "ends the alarm by itself": "import signal, os\nos.kill(os.getpid(), signal.SIGKILL)",
    "a crash": "import ctypes\nctypes.string_at(0)",
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_trick_earns_anything(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not HAS_FILTER:
        pytest.skip("this machine's system calls aren't filtered")
    monkeypatch.setattr(scoring, "run_calls", partial(run_calls, seconds=2))  # one of them takes all that there is
    answer = f"```python\n{HOSTILE[kind]}\n```"
    assert score_code(answer, None, {"tests": TESTS}).value == 0


@pytest.mark.skipif(not HAS_FILTER, reason="this machine's system calls aren't filtered")
@pytest.mark.parametrize(
    "attempt",
    [
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', 9001))",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getpid(), 0)",
        "os.setsid()",
        "open('made', 'w')",
        f"open({str(ROOT / 'README.md')!r}, 'a')",
        "os.mkdir('made')",
        "os.unlink('/tmp/none')",
        "os.symlink('a', 'b')",
        "os.rename('a', 'b')",
        "os.chmod('.', 0o777)",
        "os.memfd_create('made')",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "resource.prlimit(os.getppid(), resource.RLIMIT_AS)",
    ],
)
def test_what_the_kernel_refuses(attempt: str) -> None:
    caught = "    except PermissionError:\n        return 'refused'"
    code = f"import os, resource, socket\ndef f():\n    try:\n        {attempt}\n{caught}"
    assert run_calls(code, ["f()"]).values == [["refused"]]


def test_the_environment_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    seen = run_calls("import os\ndef f(): return dict(os.environ)", ["f()"]).values[0]
    assert "canary" not in json.dumps(seen)
    assert {name for name, _ in seen[0]["dict"]} <= {"LC_CTYPE", "PYTHONHASHSEED", "LD_LIBRARY_PATH"}


def test_the_code_runs_in_an_empty_directory_that_is_removed() -> None:
    code = "import os\ndef f(): return [os.getcwd(), os.listdir()]"
    (directory, listing), *_ = run_calls(code, ["f()"]).values[0]
    assert listing == []
    assert not Path(directory).exists()


def test_an_endless_case_costs_only_itself() -> None:
    code = "def f(n):\n    while n: pass\n    return n"
    results = run_calls(code, ["f(0)", "f(1)", "f(0)"])
    assert results.values == [[0], None, [0]]
    assert results.in_time


def test_what_comes_before_a_crash_counts() -> None:
    code = "import os\ndef f(n): return n or os._exit(1)"
    assert run_calls(code, ["f(1)", "f(0)", "f(1)"]).values == [[1], None, None]


def test_the_whole_has_a_limit_of_its_own() -> None:
    code = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ndef f(n):\n    while n: pass\n    return n"
    results = run_calls(code, ["f(0)", "f(1)", "f(0)"], seconds=2)
    assert results.values == [[0], None, None]
    assert not results.in_time


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_of_the_filter_lands_within_it(machine: str) -> None:
    steps = list(struct.iter_unpack("=HBBI", syscall_filter.program(machine)))
    for at, (_, true, false, _) in enumerate(steps):
        assert at + 1 + max(true, false) < len(steps) + (at == len(steps) - 1)
    assert [step[0] for step in steps[-2:]] == [0x06, 0x06]
    targets = {at + 1 + distance for at, step in enumerate(steps[:-2]) for distance in step[1:3] if distance}
    assert targets == {len(steps) - 2, len(steps) - 1}


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    assert syscall_filter.program("riscv64") == b""


def test_no_process_of_the_code_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_filter", lambda: "")  # an ordinary user's limit of processes forbids it all the same
    code = "import os, time\ndef f():\n    child = os.fork()\n    if not child: time.sleep(60)\n    return child"
    returned = run_calls(code, ["f()"]).values[0]
    end = time.monotonic() + 5  # a signal takes its time to arrive
    while returned and _runs(returned[0]) and time.monotonic() < end:
        time.sleep(0.01)
    assert returned is None or not _runs(returned[0])


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
