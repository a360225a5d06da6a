"""Answers that are none, as any official API may give them: a page, nothing, silence, a reset, bytes not packed."""

from providers.sandbox.server import Wire


async def answer_broken(fault: str, wire: Wire) -> bool:
    """Gives the answer of a fault; False for one that is not among these, and nothing is said then."""
    match fault:
        case "html":
            await wire.respond(200, "<html><body>Sign in</body></html>", "text/html")
        case "empty":
            await wire.begin()
            await wire.end()
        case "silence":
            await wire.wait_gone()
        case "reset_first":
            wire.reset()
        case "bad_encoding":
            await wire.respond(200, b"this is no gzip", "text/event-stream", {"content-encoding": "gzip"})
        case _:
            return False
    return True
