"""A server process of a test run: started as an unprivileged user, watched until it answers, and always stopped."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Users that the Debian packages make or that every Unix has; PostgreSQL refuses to run as root.
UNPRIVILEGED = ("postgres", "swift", "redis", "nobody")


class ServiceError(RuntimeError):
    """A server did not start or did not answer; the message names the server, the cause and the end of its log."""


@dataclass(frozen=True)
class Workspace:
    """A temporary folder that the servers own.

    ``user`` is the unprivileged user the servers run as, or None when this process is itself unprivileged.
    """

    path: Path
    user: str | None

    def folder(self, name: str) -> Path:
        """Make a private folder that the servers' user owns, and return it."""
        path = self.path / name
        path.mkdir(mode=0o700)
        self._hand_over(path)
        return path

    def write(self, path: Path, text: str) -> Path:
        """Write a private file that the servers' user owns, and return its path."""
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        self._hand_over(path)
        return path

    def command(self, arguments: list[str], *, stop_signal: str = "TERM") -> list[str]:
        """Wrap a command so that it runs unprivileged and ends when this process does, however this process ends."""
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            return arguments
        wrapped = [setpriv, f"--pdeathsig={stop_signal}"]
        if self.user is not None:
            wrapped += [f"--reuid={self.user}", f"--regid={_group_of(self.user)}", "--clear-groups"]
        return [*wrapped, "--", *arguments]

    def run(self, arguments: list[str], *, name: str, timeout: float = 60) -> None:
        """Run a preparing command to its end; a failure is a ServiceError with the command's own words."""
        result = subprocess.run(
            self.command(arguments),
            cwd=self.path,
            env=_server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        if result.returncode != 0:
            raise ServiceError(f"{name} failed with status {result.returncode}:\n{_last_lines(result.stdout)}")

    def _hand_over(self, path: Path) -> None:
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Make the servers' temporary folder, and remove it at the end.

    The folder must be reachable for the servers' user and, for Swift, on a file system with user extended attributes.
    """
    user = unprivileged_user()
    path = Path(tempfile.mkdtemp(prefix="getdata-services-", dir=_suitable_parent(user)))
    try:
        path.chmod(0o711)
        yield Workspace(path=path, user=user)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def unprivileged_user() -> str | None:
    """Name the user servers run as when this process is root; None when it is not root."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return next((name for name in UNPRIVILEGED if name in known), None)


def root_without_setpriv() -> bool:
    """Whether this process is root but cannot start a server as anyone else."""
    return os.geteuid() == 0 and (shutil.which("setpriv") is None or unprivileged_user() is None)


def supports_extended_attributes(folder: Path) -> bool:
    """Whether files in ``folder`` can carry ``user.*`` extended attributes, where Swift keeps its metadata."""
    if not hasattr(os, "setxattr"):
        return False
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as probe:
            os.setxattr(probe.name, "user.getdata.probe", b"1")
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Return ``count`` different TCP ports that are free on the loopback address at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def running(
    space: Workspace,
    *,
    servers: Mapping[str, list[str]],
    ready: Callable[[], bool],
    stop_signal: signal.Signals = signal.SIGTERM,
    timeout: float = 60,
) -> Iterator[None]:
    """Start servers side by side (name -> command), wait until ``ready()`` is true, and stop them at the end.

    Raises ServiceError when one of them ends early or ``ready()`` stays false for ``timeout`` seconds.
    """
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in servers.items():
            with _log(space, name).open("wb") as output:
                started[name] = subprocess.Popen(
                    space.command(arguments, stop_signal=stop_signal.name.removeprefix("SIG")),
                    cwd=space.path,
                    env=_server_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for the tests; the servers stop when the tests have ended
                )
        _wait_until(space, ready, servers=started, timeout=timeout)
        yield
    finally:
        _stop(started.values(), stop_signal)


def _wait_until(
    space: Workspace,
    ready: Callable[[], bool],
    *,
    servers: Mapping[str, subprocess.Popen[bytes]],
    timeout: float,
) -> None:
    deadline = time.monotonic() + timeout
    while not ready():
        for name, server in servers.items():
            if server.poll() is not None:
                tail = _tail(_log(space, name))
                raise ServiceError(f"{name} ended with status {server.returncode} while starting:\n{tail}")
        if time.monotonic() > deadline:
            tails = "\n".join(f"  {name}:\n{_tail(_log(space, name))}" for name in servers)
            raise ServiceError(f"{', '.join(servers)} did not answer within {timeout:.0f} s:\n{tails}")
        time.sleep(0.05)


def _stop(servers: Iterable[subprocess.Popen[bytes]], stop_signal: signal.Signals) -> None:
    """End the servers politely, and what is left after five seconds with its whole session."""
    servers = list(servers)
    for server in servers:
        if server.poll() is None:
            server.send_signal(stop_signal)
    deadline = time.monotonic() + 5
    for server in servers:
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):  # the session may outlive its leader
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _suitable_parent(user: str | None) -> Path:
    """The first temporary folder that ``user`` can reach, if possible one with extended attributes."""
    candidates = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/dev/shm")]
    reachable = [
        folder
        for folder in candidates
        if folder.is_dir() and os.access(folder, os.W_OK) and (user is None or _open_to_all(folder))
    ]
    preferred = [folder for folder in reachable if supports_extended_attributes(folder)]
    return (preferred or reachable or candidates)[0]


def _open_to_all(folder: Path) -> bool:
    resolved = folder.resolve()
    return all(part.stat().st_mode & 0o001 for part in (resolved, *resolved.parents))


def _server_environment() -> dict[str, str]:
    """The least a server needs: no variable of the tests or of the developer's shell changes how it runs."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _log(space: Workspace, name: str) -> Path:
    return space.path / f"{name}.log"


def _tail(log: Path) -> str:
    return _last_lines(log.read_text(encoding="utf-8", errors="replace"))


def _last_lines(text: str, count: int = 15) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-count:]) or "    (it said nothing)"
