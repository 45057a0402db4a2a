from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.bus import Bus, BusError
from store.settings import Settings

ROOT = Path(__file__).parents[2]
Eventually = Callable[[Callable[[], bool]], None]

OPEN = """
import sys
from store.bus import Bus
from store.settings import Settings
bus = Bus.open(Settings())
print(bus.server.pid, bus.server.socket, flush=True)
sys.stdin.readline()
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended counts as alive for the kernel until its parent has noticed.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("end", ["killed", "without closing"])
def test_the_server_is_gone_when_its_process_is_gone(end: str, eventually: Eventually) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OPEN], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid, path = owner.stdout.readline().split()
    assert alive(int(pid))
    if end == "killed":
        owner.send_signal(signal.SIGKILL)
    owner.communicate("\n" if end == "without closing" else None)
    eventually(lambda: not alive(int(pid)))
    eventually(lambda: not Path(path).parent.exists())


def test_only_this_user_reaches_the_server_and_no_port_is_open(bus: Bus, raw: Any) -> None:
    assert bus.server is not None
    assert stat.S_IMODE(bus.server.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(bus.server.socket.parent.stat().st_mode) == 0o700
    assert raw.config_get("port") == {"port": "0"}
    assert raw.config_get("maxmemory")["maxmemory"] == str(256 * 2**20)
    assert raw.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert raw.config_get("save") == {"save": ""}
    assert raw.config_get("appendonly") == {"appendonly": "no"}


def test_a_signal_for_the_terminals_programs_does_not_reach_the_server(bus: Bus) -> None:
    assert bus.server is not None
    assert os.getpgid(bus.server.pid) != os.getpgid(0)


def test_closing_leaves_nothing(bus_settings: Settings) -> None:
    bus = Bus.open(bus_settings)
    assert bus.server is not None
    pid, folder = bus.server.pid, bus.server.socket.parent
    bus.close()
    bus.close()
    assert not alive(pid)
    assert not folder.exists()
    assert not bus.server.revive()
    assert not alive(pid)


def test_a_folder_keeps_events_over_a_restart(bus_settings: Settings, tmp_path: Path, entered: Any) -> None:
    events = entered(20)
    with Bus.open(bus_settings, keep_in=tmp_path / "bus") as bus:
        bus.publish(events)
    with Bus.open(bus_settings, keep_in=tmp_path / "bus") as bus:
        assert [event for _, event in bus.history(3_600)] == events


def test_a_folder_serves_one_bus_at_a_time(bus_settings: Settings, tmp_path: Path) -> None:
    with (
        Bus.open(bus_settings, keep_in=tmp_path / "bus"),
        pytest.raises(BusError, match="another process keeps its bus in"),
    ):
        Bus.open(bus_settings, keep_in=tmp_path / "bus")
    Bus.open(bus_settings, keep_in=tmp_path / "bus").close()


def test_a_server_that_cannot_start_says_why(bus_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "bus" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "bus" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    before = set(Path(tempfile.gettempdir()).glob("aisle-bus-*"))
    with pytest.raises(BusError, match=r"(?s)did not start: .*manifest"):
        Bus.open(bus_settings, keep_in=tmp_path / "bus")
    mine = {path for path in set(Path(tempfile.gettempdir()).glob("aisle-bus-*")) - before if not any(path.iterdir())}
    assert mine == set()


def test_a_temporary_folder_with_too_long_a_name_is_refused(
    bus_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with pytest.raises(BusError, match="set TMPDIR"):
        Bus.open(bus_settings)
    assert list(long.iterdir()) == []
