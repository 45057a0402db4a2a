"""Live pictures: the newest one, only while somebody looks, and never a wait for the pipeline."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest

from api.live import LiveFrames, NotLiveError, TooManyViewersError


def until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def test_a_slow_viewer_gets_the_newest_and_misses_the_rest():
    async def run() -> list[bytes]:
        live = LiveFrames()
        live.put("door", b"0")
        seen = []
        async for jpeg in live.follow("door"):
            seen.append(jpeg)
            if jpeg == b"0":
                for i in range(1, 100):
                    live.put("door", str(i).encode())
            else:
                live.end("door")
        return seen

    assert asyncio.run(run()) == [b"0", b"99"]


def test_pictures_put_by_another_thread_reach_a_waiting_viewer():
    async def run() -> list[bytes]:
        live = LiveFrames(["door"])
        thread = threading.Thread(target=lambda: (until(lambda: live.watched("door")), live.put("door", b"a")))
        thread.start()
        stream = live.follow("door")
        first = await asyncio.wait_for(anext(stream), 10)
        assert live.viewers() == {"door": 1}
        await stream.aclose()
        thread.join()
        assert not live.watched("door")
        return [first]

    assert asyncio.run(run()) == [b"a"]


def test_a_camera_has_room_for_so_many_viewers():
    async def run() -> None:
        live = LiveFrames(["door"], max_viewers=2)
        live.put("door", b"a")
        streams = [live.follow("door") for _ in range(2)]
        for stream in streams:
            await anext(stream)
        assert live.full("door")
        with pytest.raises(TooManyViewersError):
            await anext(live.follow("door"))
        await streams[0].aclose()
        assert not live.full("door")
        await streams[1].aclose()
        with pytest.raises(NotLiveError):
            await anext(live.follow("roof"))
        live.close()
        with pytest.raises(NotLiveError):
            await anext(live.follow("door"))

    asyncio.run(run())


def test_a_snapshot_makes_the_pipeline_encode_one():
    async def run() -> bytes | None:
        live = LiveFrames(["door"])
        assert not live.watched("door")
        live.put("door", b"old")
        thread = threading.Thread(target=lambda: (until(lambda: live.watched("door")), live.put("door", b"new")))
        thread.start()
        picture = await live.snapshot("door", timeout_s=10)
        thread.join()
        assert await live.snapshot("roof") is None
        live.end("door")
        assert await live.snapshot("door") == b"new"
        return picture

    assert asyncio.run(run()) == b"new"


def test_nothing_is_watched_before_somebody_looks():
    live = LiveFrames(["door"])
    live.announce("till")
    assert live.cameras() == ("door", "till")
    assert not live.watched("till")
    assert not live.watched("roof")
    assert live.latest("door") is None


def test_mjpeg_over_http_shows_each_picture_at_once(shop):
    """The head of the next part comes with a picture: Chromium shows a part only when it has read that."""
    with shop.client("live") as client, client.stream("GET", "/v1/cameras/entrance/live.mjpeg") as answer:
        kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
        assert kind == "multipart/x-mixed-replace"
        until(lambda: shop.live.watched("entrance"))
        chunks = answer.iter_bytes()
        text = b""
        for i in range(3):
            picture = b"\xff\xd8 picture %d \xff\xd9" % i
            shop.live.put("entrance", picture)
            whole = b"\r\n\r\n%b\r\n--%b\r\nContent-Type: image/jpeg\r\n\r\n" % (picture, boundary.encode())
            while whole not in text:
                text += next(chunks)
    assert text.startswith(b"--" + boundary.encode() + b"\r\n")
    until(lambda: shop.live.viewers()["entrance"] == 0)


def test_a_snapshot_over_http(shop, client):
    shop.live.put("entrance", b"\xff\xd8 snap")
    answer = client.get("/v1/cameras/entrance/snapshot.jpg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == b"\xff\xd8 snap"
    assert answer.headers["cache-control"] == "no-store"


def test_the_preview_is_the_kept_file(shop, client):
    answer = client.get("/v1/cameras/entrance/preview.jpg")
    assert answer.content == (shop.settings.previews_dir / "entrance.jpg").read_bytes()


def test_a_full_camera_says_so(make_settings, tmp_path):
    from api.app import create_app
    from api.serve import PageServer

    settings = make_settings(tmp_path)
    live = LiveFrames(["door"], max_viewers=1)
    app = create_app(settings, live=live)
    with PageServer(app, settings) as server, httpx.Client() as client:
        client.get(server.link())
        with client.stream("GET", f"{server.url}/v1/cameras/door/live.mjpeg"):
            until(lambda: live.full("door"))
            answer = client.get(f"{server.url}/v1/cameras/door/live.mjpeg")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:aisle:problem:too-many-viewers"
    assert answer.headers["retry-after"] == "10"
