"""A gate on a desk: reads a QR from a picture or a camera, asks to open, follows the basket, fetches the receipt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray


class DeskGateError(RuntimeError):
    """The gate cannot do its work: what is wrong and what to do. Never holds a code or a key."""


def read_qr(image: NDArray[np.uint8]) -> str | None:
    """The text of the first QR in a picture, uint8 (H, W, 3) BGR; None where there is none."""
    import zxingcpp

    codes = [found for found in zxingcpp.read_barcodes(image) if found.format == zxingcpp.BarcodeFormat.QRCode]
    return str(codes[0].text) if codes else None


def qr_of_file(path: Path) -> str:
    """The text of the QR in a picture file. Raises ``DeskGateError``."""
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise DeskGateError(f"{path} is no picture that can be read; give a PNG or a JPEG")
    text = read_qr(np.asarray(image, dtype=np.uint8))
    if text is None:
        raise DeskGateError(f"{path}: there is no QR in this picture; it must be sharp, with a bright margin")
    return text


def qr_of_camera(source: str, timeout_s: float) -> str:
    """The text of the first QR that a camera (``webcam:0``, ``rtsp://...``) or a video shows.

    Raises ``DeskGateError`` when none is seen within ``timeout_s``, ``CameraError`` for a camera that cannot be opened.
    """
    from cameras.open import open_source

    deadline = time.monotonic() + timeout_s
    with open_source(source) as frames:
        for frame in frames:
            text = read_qr(frame.image)
            if text is not None:
                return text
            if time.monotonic() > deadline:
                break
    raise DeskGateError(f"{source} showed no QR within {timeout_s:g} s; hold it closer and straight")


class DeskGate:
    """Talks to the interface of a shop with a key of the scopes ``gates:write`` and ``checkout:read``."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=30.0)

    def enter(self, gate: str, code: str, *, group_size: int = 1, role: str = "customer") -> dict[str, Any]:
        """The decision on a code. Raises ``DeskGateError``."""
        body = {"code": code, "group_size": group_size, "role": role}
        return self._ask("POST", f"/v1/gates/{gate}/entries", json=body)

    def baskets(self, session_id: str) -> Iterator[dict[str, Any]]:
        """The basket whenever it changes, until its receipt is issued. Raises ``DeskGateError``."""
        path = f"/v1/sessions/{session_id}/basket/events"
        try:
            with self._client.stream("GET", path, timeout=httpx.Timeout(30.0, read=None)) as stream:
                if stream.status_code != 200:
                    stream.read()
                    raise _refused(stream)
                for line in stream.iter_lines():
                    if line.startswith("data: "):
                        yield json.loads(line.removeprefix("data: "))
        except httpx.HTTPError as error:
            raise self._away(error) from None

    def receipt(self, receipt_id: str) -> dict[str, Any]:
        """A receipt as it stands now. Raises ``DeskGateError``."""
        return self._ask("GET", f"/v1/receipts/{receipt_id}")

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def _ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **body)
        except httpx.HTTPError as error:
            raise self._away(error) from None
        if answer.status_code != 200:
            raise _refused(answer)
        found: dict[str, Any] = answer.json()
        return found

    def _away(self, error: Exception) -> DeskGateError:
        return DeskGateError(f"{self._client.base_url} does not answer ({type(error).__name__}); is `aisle serve` on?")


def _refused(answer: httpx.Response) -> DeskGateError:
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = "no reason was given"
    return DeskGateError(f"the server refused with {answer.status_code}: {detail}")


def receipt_text(receipt: Mapping[str, Any], width: int = 44) -> str:
    """A receipt in lines of text, as a till prints it."""
    rule = "-" * width
    rows = [f"Receipt {receipt['id'][:12]}  ({receipt['state']})", rule]
    for line in receipt["lines"]:
        rows.append(_row(f"{line['quantity']} x {line['name'] or line['gtin']}", line["amount"], width))
        if line["discount"]:
            rows.append(f"    {line['promotion']}: -{money(line['discount'])}")
    rows += [rule, _row(f"Total {receipt['currency']}", receipt["total"], width)]
    return "\n".join(rows)


def money(amount: int) -> str:
    """An amount in the smallest unit as units and hundredths."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def _row(text: str, amount: int, width: int) -> str:
    number = money(amount)
    return f"{text[: width - len(number) - 1]:<{width - len(number)}}{number}"
