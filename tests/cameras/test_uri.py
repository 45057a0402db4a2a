from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.errors import UnsupportedSourceError
from cameras.uri import Address, camera_name, kind_of, local_path, redact

calm = settings(deadline=None, derandomize=True)
awkward = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=20)


@calm
@given(awkward, awkward, st.sampled_from(["rtsp", "rtsps", "RTSP", "http"]))
def test_no_part_of_user_and_password_is_ever_written(user: str, password: str, scheme: str) -> None:
    # Whatever they hold, and escaped or not.
    address = Address(f"{scheme}://{user}:{password}@10.1.2.3:554/live/1")
    assert repr(address) == str(address) == f"{address}" == f"{scheme}://10.1.2.3:554/live/1"
    assert address.reveal() == f"{scheme}://{user}:{password}@10.1.2.3:554/live/1"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("rtsp://10.1.2.3/live", "rtsp://10.1.2.3/live"),
        ("rtsp://10.1.2.3/live?user=a&password=b", "rtsp://10.1.2.3/live?…"),
        ("rtsp://10.1.2.3/user=admin_password=tlJw_channel=1.sdp", "rtsp://10.1.2.3/…"),
        ("rtsp://10.1.2.3/%70assword=tlJw", "rtsp://10.1.2.3/…"),
        ("rtsp://10.1.2.3/live#s3cret", "rtsp://10.1.2.3/live"),
        ("rtsp://[fe80::1]:8554/a", "rtsp://[fe80::1]:8554/a"),
        ("videos/user@home/password.mp4", "videos/user@home/password.mp4"),
        ("webcam:0", "webcam:0"),
    ],
)
def test_what_an_address_shows(uri: str, shown: str) -> None:
    assert redact(uri) == shown


@pytest.mark.parametrize(
    ("uri", "kind", "name"),
    [
        ("rtsp://user:pass@10.1.2.3:554/live/1?token=9", "rtsp", "10.1.2.3-554-live-1"),
        ("RTSPS://cam.shop/password=x", "rtsp", "cam.shop"),
        ("webcam:12", "webcam", "webcam-12"),
        ("some where/Über den Tresen.mp4", "video", "ber-den-Tresen"),
        ("clip.GIF", "video", "clip"),
        ("a/picture.JPG", "pictures", "picture"),
        ("file:///some%20where/clip.mkv", "video", "clip"),
        ("...mp4", "video", "camera"),
    ],
)
def test_the_kind_and_the_name_of_a_source(uri: str, kind: str, name: str) -> None:
    assert kind_of(uri) == kind
    assert camera_name(uri) == name


def test_a_folder_is_called_by_its_name_with_its_dots(tmp_path: Path) -> None:
    home = tmp_path / "till.2"
    home.mkdir()
    assert (kind_of(str(home)), camera_name(str(home) + "/")) == ("pictures", "till.2")
    assert local_path(home.as_uri()) == home


@calm
@given(st.text(max_size=30))
def test_every_name_is_safe_in_a_path_and_a_key(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*|camera", camera_name(f"rtsp://{text}"))


@pytest.mark.parametrize("uri", ["http://u:hush@x/a.mp4", "ftp://u:hush@x", "webcam:front", "webcam:-1"])
def test_an_address_of_another_kind_is_refused_without_its_credentials(uri: str) -> None:
    with pytest.raises(UnsupportedSourceError, match="webcam:NUMBER") as caught:
        kind_of(uri)
    assert "hush" not in str(caught.value)
