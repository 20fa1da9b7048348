"""The command line from outside: what it prints, what it refuses, how it ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from tests.conftest import Servers
from tests.e2e.harness import BOUND, ROOT, SECRET, environment, serving

JOURNEYS = str(Path(sys.executable).parent / "journeys")
BARE = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


def journeys(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [JOURNEYS, *arguments],
        env=BARE | environ,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )


def test_sdl_prints_the_committed_schema() -> None:
    assert journeys("sdl").stdout == (ROOT / "schema/schema.graphql").read_text()


def test_a_production_server_without_keys_refuses_in_one_line_and_binds_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = journeys("serve", "--port", str(port))
    assert refused.returncode == 1
    assert "JWT" in refused.stderr.upper()
    assert "Port" not in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_taken_port_is_named_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = journeys("serve", "--embedded", "--port", str(port), JOURNEYS_MODE="development")
    assert refused.returncode == 1
    assert str(port) in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["work"], ["indexes"], ["serve"]])
def test_a_command_without_addresses_says_which_are_missing(command: list[str]) -> None:
    refused = journeys(*command, JOURNEYS_MODE="development")
    assert refused.returncode == 1
    assert "MONGODB_URI" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_wrong_option_is_one_line() -> None:
    refused = journeys("serve", "--port", "many")
    assert refused.returncode != 0
    assert refused.stderr.count("\n") == 1
    assert "Traceback" not in refused.stderr


def test_a_wrong_setting_is_named_in_one_line() -> None:
    refused = journeys("serve", JOURNEYS_PORT="many")
    assert refused.returncode == 1
    assert "port" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_token_is_made_with_the_secret() -> None:
    made = journeys(
        "token", "--tenant", "acme", "--user", "ann", "--role", "viewer", JOURNEYS_JWT_SECRET=SECRET
    )
    claims = jwt.decode(made.stdout.strip(), SECRET, algorithms=["HS256"])
    assert (claims["tenant"], claims["sub"], claims["roles"]) == ("acme", "ann", ["viewer"])


def test_a_token_without_a_secret_is_refused() -> None:
    refused = journeys("token")
    assert refused.returncode == 1
    assert refused.stdout == ""


def test_the_doctor_finds_a_healthy_service_healthy(servers: Servers) -> None:
    indexed = journeys("indexes", **environment(servers, JOURNEYS_DATABASE="doctor"))
    assert indexed.returncode == 0, indexed.stderr
    well = journeys("doctor", **environment(servers, JOURNEYS_DATABASE="doctor"))
    assert well.returncode == 0, well.stdout
    assert "MongoDB" in well.stdout
    assert "Redis" in well.stdout


def test_what_reports_count_is_made_anew(servers: Servers) -> None:
    made = journeys("rebuild", "--tenant", "nobody", **environment(servers))
    assert made.returncode == 0, made.stderr
    assert made.stdout == "0 entries of the log were read.\n"


def test_the_doctor_names_what_is_wrong_and_shows_no_password() -> None:
    ill = journeys(
        "doctor",
        MONGODB_URI="mongodb://ann:hush@127.0.0.1:1/?serverSelectionTimeoutMS=100",
        REDIS_URL="redis://:hush@127.0.0.1:1",
    )
    assert ill.returncode == 1
    assert "BAD" in ill.stdout
    assert "hush" not in ill.stdout + ill.stderr
    assert "Traceback" not in ill.stderr


def test_ctrl_c_ends_the_worker(servers: Servers) -> None:
    command = [JOURNEYS, "work"]
    with subprocess.Popen(command, env=environment(servers), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "Working" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(3 * BOUND) in (0, 130)
        finally:
            process.kill()


def test_several_server_processes_serve_one_port(servers: Servers) -> None:
    with serving(servers, "--workers", "2") as server:
        server.stop()
        assert server.process.returncode is not None


def test_ctrl_c_leaves_no_child_of_an_embedded_server_behind(tmp_path: Path) -> None:
    environ = BARE | {"JOURNEYS_MODE": "development", "JOURNEYS_DATA_DIR": str(tmp_path / "data")}
    process = subprocess.Popen(
        [JOURNEYS, "serve", "--embedded", "--demo", "--port", "0"],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        with process.stdout:
            assert any("http://" in line for line in process.stdout)
            children = [int(path.read_text()) for path in (tmp_path / "data").rglob("*.pid")]
            assert len(children) == 3  # the database, Redis and the example partner
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(3 * BOUND) in (0, 130)
    finally:
        process.kill()  # its children end with it
        process.wait(BOUND)
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
