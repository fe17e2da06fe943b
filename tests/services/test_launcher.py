"""The launcher itself: what it says when a server is missing, and whose exit status it returns."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import FAILURE_VARIABLE, missing_services
from tests.services.process import ServiceError, Workspace, free_ports, running, workspace

ROOT = Path(__file__).resolve().parents[2]
NAMED = {
    "DATABASE_URL": "postgresql://someone@db.example/getdata",
    "REDIS_URL": "redis://cache.example:6379/1",
    "S3_ENDPOINT_URL": "https://s3.example",
    "S3_ACCESS_KEY_ID": "a",
    "S3_SECRET_ACCESS_KEY": "b",
    "S3_BUCKET_QUARANTINE": "q",
    "S3_BUCKET_RELEASED": "r",
    "S3_BUCKET_PREVIEWS": "p",
}
OTHERS = {"CELERY_BROKER_URL", "S3_REGION", "GETDATA_STORAGE", "GETDATA_REQUIRE_ALL", FAILURE_VARIABLE}


def launch(code: str, **extra: str) -> subprocess.Popen[str]:
    """Start the launcher over a small Python program, with exactly the service variables of ``extra``."""
    clean = {name: value for name, value in os.environ.items() if name not in OTHERS | set(NAMED)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.services", "--", sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | extra,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _start(space: Workspace, code: str, *, timeout: float) -> None:
    """Start a small Python program as a server that never answers.

    It runs as this user: the tests' interpreter may be closed to any other.
    """
    plain = Workspace(path=space.path, user=None)
    servers = {"thing": [sys.executable, "-c", code]}
    with running(plain, servers=servers, ready=lambda: False, timeout=timeout):
        pytest.fail("the block must not run")


def test_servers_named_by_the_environment_are_not_missing() -> None:
    assert missing_services(NAMED) == []


def test_a_missing_program_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    reasons = missing_services({"DATABASE_URL": NAMED["DATABASE_URL"]})

    assert [reason.partition(":")[0] for reason in reasons] == ["Redis", "S3 store"]
    assert "Install the package redis-server, or set REDIS_URL" in reasons[0]
    assert "Install the packages swift-proxy swift-account swift-container swift-object" in reasons[1]


def test_a_database_url_of_another_kind_is_refused_rather_than_replaced() -> None:
    (reason,) = missing_services(NAMED | {"DATABASE_URL": "sqlite:///somewhere.sqlite3"})

    assert reason.startswith("PostgreSQL: DATABASE_URL names another kind of database")


def test_an_s3_store_named_without_its_keys_is_missing() -> None:
    named = {name: value for name, value in NAMED.items() if name != "S3_SECRET_ACCESS_KEY"}

    (reason,) = missing_services(named)

    assert "S3_SECRET_ACCESS_KEY is not" in reason


def test_the_commands_exit_status_is_passed_on_and_it_has_the_last_word() -> None:
    launcher = launch("import sys; print('the last word'); sys.exit(7)", **NAMED)
    said, told = launcher.communicate(timeout=30)

    assert launcher.returncode == 7
    assert said.splitlines() == ["the last word"]
    assert "PostgreSQL at db.example:5432" in told


def test_the_command_gets_a_broker_and_s3_storage_beside_the_named_servers() -> None:
    launcher = launch("import os; print(os.environ['CELERY_BROKER_URL'], os.environ['GETDATA_STORAGE'])", **NAMED)

    assert launcher.communicate(timeout=30)[0].split() == [NAMED["REDIS_URL"], "s3"]


@pytest.mark.parametrize(("required", "status"), [("0", 0), ("1", 1)])
def test_a_missing_service_lets_the_command_speak_and_fails_only_where_all_are_required(
    tmp_path: Path, required: str, status: int
) -> None:
    launcher = launch(
        "print('one line')",
        PATH=str(tmp_path),
        DATABASE_URL=NAMED["DATABASE_URL"],
        GETDATA_REQUIRE_ALL=required,
    )
    said, told = launcher.communicate(timeout=30)

    assert launcher.returncode == status
    assert said == "one line\n"
    assert "redis-server is not installed" in told


def test_a_command_that_does_not_exist_is_a_clear_failure() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.services", "--", "no-such-command"],
        cwd=ROOT,
        env=os.environ | NAMED,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert result.returncode == 127
    assert "cannot start no-such-command: No such file or directory" in result.stderr


def test_ctrl_c_waits_for_the_command_to_tidy_up() -> None:
    code = (
        "import signal, sys, time\n"
        "asked = []\n"
        "signal.signal(signal.SIGINT, lambda *_: asked.append(1))\n"
        "print('up', flush=True)\n"
        "while not asked: time.sleep(0.02)\n"
        "time.sleep(0.3)\n"
        "print('tidied', flush=True)\n"
        "sys.exit(3)\n"
    )
    launcher = launch(code, **NAMED)
    assert launcher.stdout is not None and launcher.stdout.readline() == "up\n"

    os.killpg(launcher.pid, signal.SIGINT)
    said, told = launcher.communicate(timeout=30)

    assert (launcher.returncode, said) == (3, "tidied\n")
    assert "Traceback" not in told


def test_sigterm_is_passed_on_to_the_command() -> None:
    launcher = launch("import time; print('up', flush=True); time.sleep(30)", **NAMED)
    assert launcher.stdout is not None and launcher.stdout.readline() == "up\n"

    launcher.terminate()
    launcher.communicate(timeout=30)

    assert launcher.returncode == 128 + signal.SIGTERM


def test_a_server_that_ends_while_starting_is_reported_with_its_own_words() -> None:
    with workspace() as space, pytest.raises(ServiceError) as refusal:
        _start(space, "import sys; print('the port is taken'); sys.exit(4)", timeout=10)

    assert "thing ended with status 4 while starting" in str(refusal.value)
    assert "the port is taken" in str(refusal.value)


def test_a_server_that_never_answers_is_stopped_and_reported() -> None:
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    with workspace() as space:
        with pytest.raises(ServiceError, match=r"thing did not answer within 1 s"):
            _start(space, code, timeout=1)

        with pytest.raises(ProcessLookupError):
            os.kill(int((space.path / "pid").read_text()), 0)


def test_the_temporary_folder_is_gone_afterwards() -> None:
    with workspace() as space:
        space.write(space.folder("private") / "key", "secret")
        kept = space.path
        assert (kept / "private" / "key").stat().st_mode & 0o777 == 0o600

    assert not kept.exists()


def test_free_ports_are_different_ports() -> None:
    assert len(set(free_ports(5))) == 5
