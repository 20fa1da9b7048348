"""The example partner of the demonstration: a child process that answers for all systems that journeys hand over to.

It is the one that the tests use, and comes with the source only.
"""

import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.demo import Partner
from app.embedded import Child
from app.settings import Settings

PROGRAM: Final = Path(__file__).parents[1] / "tests/e2e/partner.py"


class PartnerChild(Child):
    name = "partner"
    program = ("app", "../tests/e2e/partner.py")
    ready = "http://127.0.0.1:"

    def __init__(self, data_dir: Path, secret: str | None, callback: str) -> None:
        super().__init__(data_dir)
        self.secret, self._callback = secret, callback

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        signed = ["--secret", self.secret] if self.secret else []
        return [sys.executable, str(PROGRAM), "--port", str(self.port), "--callback", self._callback, *signed]


@contextmanager
def example_partner(configured: Settings, callback: str) -> Iterator[Partner | None]:
    """Run it; None where the source is not here. Its secret is made from the key that the vault has."""
    if not PROGRAM.exists():
        yield None
        return
    key = next(iter(configured.secrets_keys), None)
    secret = None
    if key is not None:
        secret = "whsec_" + b64encode(sha256(f"{key} of the example partner".encode()).digest()).decode()
    with PartnerChild(configured.data_dir, secret, callback) as child:
        yield Partner(child.url, secret)
