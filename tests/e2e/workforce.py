"""`journeys work` (or another program that works) as a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.harness import ROOT, Server, environment

WORK = [str(Path(sys.executable).parent / "journeys"), "work"]


@contextmanager
def working(servers: Any, settings: dict[str, str], *, program: list[str] | None = None) -> Iterator[Server]:
    """A worker that may call partners on this machine, ended in any case. It need not have begun yet."""
    own = {"JOURNEYS_TARGET_NETWORKS": "127.0.0.0/8", "PYTHONPATH": str(ROOT), **settings}
    process = subprocess.Popen(
        program or WORK, env=environment(servers, **own), stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    worker = Server(process, "")
    try:
        yield worker
    finally:
        if process.poll() is None:
            worker.stop()
        if process.stdout is not None:
            process.stdout.close()
