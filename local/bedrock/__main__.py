"""``python -m local.bedrock``: the stand-in for Amazon Bedrock on this machine."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from local.bedrock.loopback import listen

# Before numpy is imported anywhere: two threads on a busy machine with two cores are several times slower than one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> int:
    """Serve until SIGTERM or SIGINT; 0 after an orderly end, 1 if the port is taken."""
    given = _arguments()
    try:
        listener = listen(given.port)
    except OSError as error:
        print(f"Port {given.port} cannot be used: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 1

    import uvicorn  # noqa: PLC0415  # a taken port is told at once, without waiting for imports

    from local.bedrock.authorization.by_emulator import ByEmulator  # noqa: PLC0415
    from local.bedrock.server import create_app  # noqa: PLC0415
    from local.bedrock.settings import Settings  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    settings = Settings(
        state=given.state,
        aws_endpoint=given.aws_endpoint,
        region=given.region,
        event_source=given.event_source,
        seed=given.seed,
        emulator_key=given.emulator_key.read_text() if given.emulator_key else "",
        record_calls=given.record_calls,
    )
    authorizer = ByEmulator(settings.aws_endpoint, settings.emulator_key) if settings.emulator_key else None
    config = uvicorn.Config(
        create_app(settings, authorizer), log_config=None, access_log=False, timeout_graceful_shutdown=3
    )
    # uvicorn raises the signal again once all is closed; that must not look like a crash.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    logging.getLogger("local.bedrock").info("listening on 127.0.0.1:%d", listener.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.bedrock", description=__doc__)
    parser.add_argument("--port", type=int, default=4610, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder that survives a restart")
    parser.add_argument("--aws-endpoint", required=True, help="where S3, STS, Lambda and EventBridge are")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--event-source", default="aws.bedrock", help="source of the job state-change events")
    parser.add_argument("--seed", type=int, default=0, help="of all sampling and training")
    parser.add_argument(
        "--emulator-key",
        type=Path,
        help="file with what the emulator asks for; without, callers' rights aren't checked",
    )
    parser.add_argument("--record-calls", type=Path, help="folder for a record of the calls that jobs' roles make")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
