"""The example partner as a process, and what a test says to it beside the calls."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.harness import BOUND, ROOT, Server


@dataclass
class Partner:
    """A running partner. A package's endpoint is `url` and the package's name: `f"{url}/crm"`."""

    url: str
    http: httpx.Client
    server: Server

    def behave(self, **behaviour: Any) -> None:
        """How it answers every call from now on; nothing: well and at once."""
        assert self.http.put("/behaviour", json=behaviour).status_code == 200

    def calls(self, **like: str) -> list[dict[str, Any]]:
        """What it saw, a row for each Idempotency-Key: those with this `handoff`, `action` and so on."""
        seen: list[dict[str, Any]] = self.http.get("/calls").json()
        return [each for each in seen if like.items() <= each.items()]

    def forget(self) -> None:
        self.http.delete("/calls")


@contextmanager
def partner(
    *, port: int = 0, secret: str | None = None, callback: str | None = None, token: str | None = None
) -> Iterator[Partner]:
    """A partner's process, ended in any case. With `callback`, it completes there what it has accepted."""
    command = [sys.executable, "-m", "tests.e2e.partner", "--port", str(port)]
    for name, value in {"secret": secret, "callback": callback, "token": token}.items():
        command += [f"--{name}", value] if value is not None else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, f"the partner ended with {process.wait(BOUND)}"
        transport = httpx.HTTPTransport(retries=3)
        with httpx.Client(base_url=url, transport=transport, timeout=BOUND, trust_env=False) as http:
            yield Partner(url, http, Server(process, url))
    finally:
        if process.poll() is None:
            Server(process, "").stop()
        if process.stdout is not None:
            process.stdout.close()
