"""The limited process of a grader: as warm as Lambda's, and unharmed by whatever a grader does."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.grader_pipes import Limits
from cli.grader_process import GraderProcess
from rft.gate.ports import InvocationFailed

pytestmark = pytest.mark.thorough

LINUX = sys.platform == "linux"
USUAL = Limits(seconds=10.0, memory_mb=512)
QUICK = Limits(seconds=0.5, start_seconds=5.0, memory_mb=512)

Start = Callable[..., GraderProcess]


@pytest.fixture
def grader(tmp_path: Path) -> Iterator[Start]:
    """Starts nothing yet; every process that it gave is ended with the test."""
    made: list[GraderProcess] = []

    def of(body: str, before: str = "", limits: Limits = USUAL) -> GraderProcess:
        app_py = tmp_path / "app.py"
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        app_py.write_text(f"import os, sys, time\n{before}\ndef handler(event, context):\n{lines}")
        made.append(GraderProcess(app_py, limits=limits))
        return made[-1]

    yield of
    for process in made:
        process.__exit__()


def answer(process: GraderProcess, event: Any = ()) -> Any:
    return json.loads(process.invoke(json.dumps(event).encode()).payload)


def failure(process: GraderProcess, event: Any = ()) -> tuple[str, str]:
    with pytest.raises(InvocationFailed) as failed:
        answer(process, event)
    return failed.value.kind, failed.value.detail


def processes_with(words: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_call_is_timed_and_its_answer_comes_as_it_was(grader: Start) -> None:
    process = grader("time.sleep(0.05)\nreturn [event, context.function_name]")
    called = process.invoke(b'[{"id": "\xc3\xa9"}]')
    assert json.loads(called.payload)[0] == [{"id": "é"}]
    assert 0.05 <= called.seconds < 5


def test_one_process_answers_all_calls_so_a_grader_with_a_memory_is_seen(grader: Start) -> None:
    process = grader("seen.append(1)\nreturn [len(seen), os.getpid()]", "seen = []")
    first, second = answer(process), answer(process)
    assert (first[0], second[0]) == (1, 2)
    assert first[1] == second[1]


def test_the_context_is_lambdas(grader: Start) -> None:
    process = grader(
        "return [context.aws_request_id, context.memory_limit_in_mb, context.invoked_function_arn,"
        " context.get_remaining_time_in_millis()]"
    )
    first, second = answer(process), answer(process)
    assert first[0] != second[0]
    assert first[1] == "512"
    assert first[2].startswith("arn:aws:lambda:")
    assert 0 < first[3] <= 10_000


@pytest.mark.parametrize(
    ("returned", "payload"),
    [
        ("float('nan')", b"NaN"),
        ("__import__('decimal').Decimal('0.5')", b"0.5"),
        ("'é'", '"é"'.encode()),
        ("b'[1]'", b"[1]"),
        ("None", b"null"),
    ],
)
def test_an_answer_is_written_as_lambdas_runtime_writes_it(grader: Start, returned: str, payload: bytes) -> None:
    assert grader(f"return {returned}").invoke(b"[]").payload == payload


def test_a_large_event_and_a_large_answer_pass(grader: Start) -> None:
    text = "x" * 3_000_000
    assert answer(grader("return event[0] * 2"), [text]) == text * 2


# -- what goes wrong, by its kind ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise ValueError('the secret answer')", ("raised", "ValueError at app.py:4")),
        ("raise KeyboardInterrupt", ("raised", "KeyboardInterrupt at app.py:4")),
        ("raise type('Odd', (BaseException,), {})('x')", ("raised", "Odd at app.py:4")),
        ("return (n for n in event)", ("raised", "Runtime.MarshalError")),
        ("return {1, 2}", ("raised", "Runtime.MarshalError")),
        ("def deep(n): return deep(n + 1)\ndeep(0)", ("raised", "RecursionError at app.py:4")),
        ("return [0] * 10**9", ("out-of-memory", "MemoryError")),
        ("return 'x' * 7_000_000", ("too-large", "its answer")),
        ("sys.exit(3)", ("exited", "exit status 3")),
        ("sys.exit('because of an answer')", ("exited", "exit status 1")),
        ("sys.exit()", ("exited", "exit status 0")),
        ("os._exit(4)", ("exited", "exit status 4")),
        ("os.kill(os.getpid(), 15)", ("exited", "SIGTERM")),
        ("import ctypes; ctypes.string_at(0)", ("exited", "SIGSEGV")),
        ("os.kill(os.getpid(), 9)", ("out-of-memory", "SIGKILL")),
        ("os.closerange(3, 64); return []", ("exited", "exit status 1")),
        (
            "for n in range(3, 64):\n    try: os.write(n, b'Z' * 64)\n    except OSError: pass",
            ("exited", "what it sends is no answer"),
        ),
    ],
)
def test_what_went_wrong_is_told_by_its_kind_and_quotes_no_data(
    grader: Start, body: str, told: tuple[str, str]
) -> None:
    if "10**9" in body and not LINUX:
        pytest.skip("macOS does not limit memory")
    assert failure(grader(body)) == told


@pytest.mark.parametrize("body", ["while True: pass", "time.sleep(60)"])
def test_a_call_ends_at_its_time_limit(grader: Start, body: str) -> None:
    block = "import signal\nfor n in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM): signal.signal(n, signal.SIG_IGN)"
    assert failure(grader(body, block, limits=QUICK)) == ("timed-out", "0.5 s")


@pytest.mark.parametrize("body", ["os._exit(1)", "time.sleep(60)"])
def test_after_a_death_the_next_call_finds_a_new_process(grader: Start, body: str) -> None:
    process = grader(f"if event: {body}\nreturn os.environ['HOME']", limits=QUICK)
    before = answer(process)
    failure(process, [1])
    assert answer(process) != before
    assert not Path(before).exists()


def test_an_error_does_not_end_the_process(grader: Start) -> None:
    process = grader("if event: 1 / 0\nreturn os.getpid()")
    before = answer(process)
    assert failure(process, [1])[0] == "raised"
    assert answer(process) == before


@pytest.mark.parametrize(
    ("before", "detail"),
    [
        ("import numpty", "ModuleNotFoundError: No module named 'numpty'"),
        ("import beside", "ModuleNotFoundError: No module named 'beside'"),
        ("1 +", "SyntaxError: invalid syntax (app.py, line 2)"),
        ("sys.exit(2)", "it ended in its import: exit status 2"),
        ("os._exit(2)", "it ended in its import: exit status 2"),
        ("while True: pass", "its import takes over 0.5 s"),
    ],
)
def test_a_grader_that_can_not_be_imported_is_refused(
    grader: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, detail: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").write_text("")
    limits = Limits(start_seconds=0.5 if "True" in before else 10)
    assert failure(grader("return []", before, limits=limits)) == ("refused", detail)


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("score = 1", "AttributeError: module 'app' has no attribute 'handler'"),
        ("handler = 1", "TypeError: handler is not a function"),
    ],
)
def test_a_file_without_a_handler_is_refused(tmp_path: Path, content: str, detail: str) -> None:
    (tmp_path / "app.py").write_text(content)
    with GraderProcess(tmp_path / "app.py") as process:
        assert failure(process) == ("refused", detail)


def test_an_event_above_lambdas_limit_is_not_sent(grader: Start) -> None:
    assert failure(grader("return 1"), ["x" * 7_000_000]) == ("too-large", "an event of 7.0 MB")


def test_where_score_failed_is_told(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from rft.grading import grader\ndef score(sample):\n    return sample.metadata['none']\n"
        "handler = grader(score)"
    )
    item = {"id": "1", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "secret"}]}
    with GraderProcess(tmp_path / "app.py") as process:
        kind, detail = failure(process, [item, item])
    assert (kind, detail) == ("raised", "EverySampleFailed: KeyError at app.py:3")


def test_a_dataclass_of_a_grader_finds_its_module(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\nfrom typing import ClassVar\n"
        "@dataclass\nclass Case:\n    name: str\n    kind: ClassVar[int] = 1\n"
        "def handler(event, context): return Case('x').name"
    )
    with GraderProcess(tmp_path / "app.py") as process:
        assert answer(process) == "x"


# -- what it can take and harm -------------------------------------------------------------------------------------


def test_no_credential_and_no_setting_of_ours_is_in_its_environment(
    grader: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "GITHUB_TOKEN",
        "PYTHONPATH",
        "HTTP_PROXY",
    ):
        monkeypatch.setenv(name, "a-secret")
    process = grader(
        "seen = []\n"
        "for n in ('self', *(n for n in os.listdir('/proc') if n.isdigit())):\n"
        "    try: seen.append(open(f'/proc/{n}/environ').read())\n"
        "    except OSError: pass\n"
        "return [dict(os.environ), seen, os.path.expanduser('~'), 'a-secret' in ''.join(seen)]"
    )
    environment, others, home, _ = answer(process)
    assert "a-secret" not in json.dumps([environment, others])
    assert environment["AWS_REGION"] == "us-east-1"
    assert home == environment["HOME"] != os.environ.get("HOME")


def test_it_starts_in_an_empty_folder_that_goes_with_it(grader: Start) -> None:
    process = grader("open('left', 'w').close()\nreturn [os.getcwd(), os.listdir('.')]")
    folder, files = answer(process)
    assert files == ["left"]
    process.__exit__()
    assert not Path(folder).exists()


def test_it_can_write_no_large_file(grader: Start) -> None:
    process = grader("with open('big', 'wb') as f: f.write(b'x' * 10**8)")
    assert failure(process) == ("raised", "OSError at app.py:4")


def test_its_limits_are_set(grader: Start) -> None:
    limits = answer(
        grader(
            "import resource as r\nreturn [r.getrlimit(n)[1] for n in (r.RLIMIT_CORE, r.RLIMIT_CPU, r.RLIMIT_NOFILE)]"
        )
    )
    assert limits == [0, 1800, 256]


def test_all_that_it_prints_is_kept_out_of_its_answer_and_its_end_is_kept(grader: Start) -> None:
    process = grader(
        "print('first')\nsys.stdout.write('x' * 50_000_000)\nos.write(1, b'raw')\nos.write(2, b'last')\nreturn [1]"
    )
    assert answer(process) == [1]
    assert process.words.endswith("xrawlast")
    assert len(process.words) == 64 * 1024


def test_a_replaced_json_changes_the_graders_own_work_only(grader: Start) -> None:
    process = grader("import json\njson.loads = json.dumps = lambda *_: 'mine'\nos.write = os.read = print\nreturn [1]")
    assert answer(process) == [1]
    assert answer(process) == [1]


def test_threads_that_stay_hold_nothing_up(grader: Start) -> None:
    process = grader("import threading\nthreading.Thread(target=time.sleep, args=(60,)).start()\nreturn [1]")
    assert answer(process) == [1]
    began = time.monotonic()
    process.__exit__()
    assert time.monotonic() - began < 30


@pytest.mark.skipif(not LINUX, reason="needs /proc")
@pytest.mark.parametrize("escape", ["", "os.setsid()"])
def test_a_fork_bomb_ends_with_the_call(grader: Start, tmp_path: Path, escape: str) -> None:
    fork = f"for _ in range(40):\n    if os.fork() == 0:\n        {escape or 'pass'}\n        time.sleep(60)"
    body = f"{fork}\ntime.sleep(60)"
    process = grader(body, limits=QUICK)
    process.start()
    if "processes" in process.unlimited and escape:
        pytest.skip("this system gives no process numbers of their own")
    assert failure(process)[0] in {"timed-out", "raised"}
    process.__exit__()
    assert processes_with(str(tmp_path)) == []


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_a_grader_that_leaves_its_session_ends_with_the_call(grader: Start, tmp_path: Path) -> None:
    assert failure(grader("os.setsid(); time.sleep(60)", limits=QUICK))[0] == "timed-out"
    assert processes_with(str(tmp_path)) == []


def test_there_is_no_network(grader: Start) -> None:
    process = grader("import socket\nsocket.create_connection(('127.0.0.1', event[0]), 2)")
    process.start()
    if "network" in process.unlimited:
        pytest.skip("this system gives no network of its own")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert failure(process, [server.getsockname()[1]]) == ("raised", "OSError at app.py:5")


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_it_ends_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context):\n    while True: pass")
    caller = os.fork()
    if caller == 0:
        tempfile.tempdir = str(tmp_path)  # nobody is left to remove its folder
        with GraderProcess(tmp_path / "app.py") as process:
            process.invoke(b"[]")
        os._exit(0)
    deadline = time.monotonic() + 20
    while not processes_with(str(tmp_path / "app.py")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(caller, signal.SIGKILL)
    os.waitpid(caller, 0)
    while processes_with(str(tmp_path / "app.py")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes_with(str(tmp_path / "app.py")) == []


@pytest.mark.skipif(not LINUX, reason="needs /proc")
def test_without_own_numbers_and_network_it_is_said_and_all_else_holds(
    grader: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS, or where the system lets nobody have namespaces."""
    child = tmp_path / "child.py"
    source = Path("cli/grader_child.py").read_text()
    child.write_text(source.replace("os.unshare(", "os.setns(0, "))
    monkeypatch.setattr("cli.grader_pipes._CHILD", child)
    process = grader("if event: time.sleep(60)\nos.setsid()\nreturn [1]", limits=QUICK)
    assert answer(process) == [1]
    assert process.unlimited == ("network", "processes")
    assert failure(process, [1])[0] == "timed-out"
    assert processes_with(str(tmp_path)) == []
