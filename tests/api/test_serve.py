"""Starting, stopping, health, and the commands."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from typer.testing import CliRunner

from api.app import create_app
from api.commands import keys
from api.live import LiveFrames
from api.serve import PageServer, ServeError
from store.errors import UnavailableError


def test_it_is_alive_and_ready(shop):
    assert httpx.get(f"{shop.url}/healthz").json() == {"status": "ok"}
    answer = httpx.get(f"{shop.url}/readyz")
    assert answer.status_code == 200
    assert {name: part["ok"] for name, part in answer.json()["parts"].items()} == {
        "bus": True, "records": True, "events": True,
    }  # fmt: skip


def test_it_is_not_ready_without_its_bus(make_settings, tmp_path):
    from store.bus import Bus

    settings = make_settings(tmp_path)
    bus = Bus.open(settings)
    with PageServer(create_app(settings, bus=bus), settings) as server:
        bus.close()
        answer = httpx.get(f"{server.url}/readyz")
    assert answer.status_code == 503
    parts = answer.json()["parts"]
    assert (parts["bus"]["ok"], parts["records"]["ok"]) == (False, True)


def test_open_streams_do_not_hold_the_server_up(make_settings, tmp_path):
    settings = make_settings(tmp_path)
    live = LiveFrames(["door"])
    ended: list[str] = []
    with PageServer(create_app(settings, live=live), settings) as server, httpx.Client() as client:
        client.get(server.link())

        def follow(path: str, cookies: httpx.Cookies) -> None:
            with httpx.stream("GET", f"{server.url}{path}", cookies=dict(cookies), timeout=30) as answer:
                opened.wait(20)
                for _ in answer.iter_bytes():
                    pass
            ended.append(path)

        paths = ["/v1/events", "/v1/cameras/door/live.mjpeg"]
        opened = threading.Barrier(len(paths) + 1)
        threads = [threading.Thread(target=follow, args=(path, client.cookies)) for path in paths]
        for thread in threads:
            thread.start()
        opened.wait(20)
    for thread in threads:
        thread.join(20)
    assert sorted(ended) == sorted(paths)


def test_a_port_in_use_is_named(make_settings, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = make_settings(tmp_path, port=port)
        with pytest.raises(ServeError, match=f"port {port}.*--port"):
            PageServer(create_app(settings), settings).start()


def test_a_part_that_is_away_is_named(make_settings, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings = make_settings(tmp_path, database_url=f"postgresql://shop:secretword@127.0.0.1:{port}/shop")
    with pytest.raises(ServeError, match="did not start") as raised:
        PageServer(create_app(settings), settings).start()
    assert isinstance(raised.value.__cause__, UnavailableError)
    assert "secretword" not in str(raised.value)


def test_keys_are_made_listed_and_revoked_by_command(tmp_path, monkeypatch):
    monkeypatch.setenv("AISLE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    run = CliRunner().invoke
    made = run(keys.app, ["create", "till display", "--scope", "live:read", "--days", "2"])
    assert made.exit_code == 0, made.output
    match = re.match(r"aisle_([0-9a-f]{12})_([\w-]{43})\n", made.stdout)
    assert match
    listed = run(keys.app, ["list"])
    assert match[1] in listed.stdout
    assert "till display" in listed.stdout
    assert "live:read" in listed.stdout
    assert match[2] not in listed.output
    assert run(keys.app, ["revoke", match[1]]).exit_code == 0
    assert "revoked" in run(keys.app, ["list"]).stdout
    again = run(keys.app, ["revoke", match[1]])
    assert again.exit_code == 2
    assert match[1] in again.output
    wrong = run(keys.app, ["create", "x", "--scope", "all"])
    assert wrong.exit_code == 2
    assert "insights:read" in wrong.output


def test_serving_by_command_prints_a_link_that_works(tmp_path):
    script = "import typer; from api.commands.serve import serve; typer.run(serve)"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    process = subprocess.Popen(
        [sys.executable, "-c", script, "--port", "0"],
        env={**environment, "AISLE_DATA_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        link = process.stdout.readline().removeprefix("Pages: ").strip()
        with httpx.Client(follow_redirects=True, timeout=20) as client:
            page = client.get(link)
        assert page.status_code == 200
        assert "Nothing has been watched yet" in page.text
        assert "key=" not in str(page.url)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert link.partition("key=")[2] not in out + err
