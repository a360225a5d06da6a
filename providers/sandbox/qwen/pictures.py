"""The pictures that the Qwen stand-in has made: behind signed links, which need no session and must see none."""

from typing import Final

from providers.sandbox.png import PNG
from providers.sandbox.server import Request, Wire

SIGNATURE: Final = "not-a-secret"


async def give_picture(request: Request, wire: Wire) -> None:
    """Gives a picture to whoever shows the link's signature. A session shown beside it is somebody's mistake."""
    if request.query.get("key") != SIGNATURE:
        await wire.respond(403, "<Error><Code>AccessDenied</Code></Error>", "application/xml")
    elif {"authorization", "cookie"} & request.headers.keys():
        await wire.respond(400, "<Error><Code>SessionShown</Code></Error>", "application/xml")
    elif request.path.endswith("/second.png"):
        await wire.respond(302, "", headers={"location": "https://elsewhere.example/picture.png"})
    else:
        await wire.respond(200, PNG, "image/png")
