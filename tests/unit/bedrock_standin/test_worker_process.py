"""What a training's process is given, whatever the server's own environment says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SAY_ALL = """
import json, multiprocessing, os
from local.bedrock.training import worker, worker_process

def say(heard, told):
    told.write(json.dumps([dict(os.environ), os.getsid(0) == os.getpid(), heard.readline()]) + "\\n")
    told.flush()

worker.main = say
hear, say_here = multiprocessing.Pipe(duplex=False)
hear_here, told = multiprocessing.Pipe(duplex=False)
os.write(say_here.fileno(), b"the job\\n")
if os.fork() == 0:
    worker_process._work(hear, told, {"AWS_ACCESS_KEY_ID": "given", "AWS_SECRET_ACCESS_KEY": "also"})
    os._exit(0)
print(os.fdopen(hear_here.fileno(), closefd=False).readline())
"""


def test_a_worker_has_the_keys_it_is_given_and_nothing_else_of_aws() -> None:
    own = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "secret", "AWS_ACCESS_KEY_ID": "AKIA", "OTHER": "kept"}
    ran = subprocess.run(
        [sys.executable, "-c", SAY_ALL], env={**os.environ, **own}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    environment, leads_its_session, heard = json.loads(ran.stdout)
    of_aws = {name: value for name, value in environment.items() if name.startswith("AWS_")}
    assert of_aws == {"AWS_ACCESS_KEY_ID": "given", "AWS_SECRET_ACCESS_KEY": "also"}
    assert environment["OTHER"] == "kept"
    assert leads_its_session, "a Ctrl-C in the server's terminal is not for it"
    assert heard == "the job\n"
