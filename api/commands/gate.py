"""`aisle gate`: a gate on a desk, to try the gate's path without one of metal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def gate(
    name: Annotated[str, typer.Argument(metavar="GATE", help="The gate of the plan that this one plays.")],
    image: Annotated[Path | None, typer.Option(help="Picture with the QR.", show_default=False)] = None,
    camera: Annotated[str, typer.Option(help="Camera that is shown the QR.")] = "webcam:0",
    url: Annotated[str, typer.Option(help="Where `aisle serve` listens.")] = "http://127.0.0.1:8700",
    key: Annotated[
        str, typer.Option(envvar="AISLE_KEY", help="Key with the scopes gates:write and checkout:read.")
    ] = "",
    group_size: Annotated[int, typer.Option(min=1, max=20, help="People who come in on the code.")] = 1,
    role: Annotated[str, typer.Option(help="customer, staff or tester.")] = "customer",
    wait: Annotated[float, typer.Option(help="Seconds to look for a QR.")] = 30.0,
) -> None:
    """Read an entry code, open or not, show the basket as it grows, print the receipt."""
    from api.desk_gate import DeskGate, DeskGateError, money, qr_of_camera, qr_of_file, receipt_text
    from cameras.errors import CameraError

    try:
        if not key:
            raise DeskGateError("a key is needed: `aisle keys create gate --scope gates:write --scope checkout:read`")
        code = qr_of_file(image) if image is not None else qr_of_camera(camera, wait)
        desk = DeskGate(url, key)
        try:
            decision = desk.enter(name, code, group_size=group_size, role=role)
            typer.echo(f"{'OPEN' if decision['open'] else 'SHUT'}: {decision['detail']} ({decision['reason']})")
            if not decision["open"]:
                raise typer.Exit(1)
            last = None
            for last in desk.baskets(decision["session_id"]):
                items = ", ".join(
                    f"{line['quantity']} x {line['name'] or line['gtin']}{'?' if line['state'] == 'checking' else ''}"
                    for line in last["lines"]
                )
                typer.echo(f"{last['receipt'] or last['state']:>9}  {money(last['total']):>8}  {items or 'nothing'}")
            if last is not None and last["receipt_id"] is not None:
                typer.echo(receipt_text(desk.receipt(last["receipt_id"])))
        finally:
            desk.close()
    except (CameraError, DeskGateError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
