"""mitmproxy's exports of gateway flows: placeholders that say what they are, and HAR that browsers open.

mitmproxy writes no `content` members for an exchange without an answer, and browsers refuse the whole file for it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from mitmproxy import flow, http
from mitmproxy.addons import export
from mitmproxy.addons.savehar import SaveHar

from addons.inspect.flow_places import KEY as SEALED_PLACES

HINT: Final = (
    "\n# ~sealed~...~ stands for a secret that no export holds. Put your own in its place, "
    "or use mitmweb's replay button, which does it for you."
)
_NAMES: Final = ("curl", "httpie")


def explain_placeholders() -> None:
    """Makes the command-line exports of mitmproxy say that their placeholders are placeholders."""
    for name in _NAMES:
        export.formats[name] = _explained(export.formats[name])


def _explained(format_of: Callable[..., Any]) -> Callable[..., Any]:
    if getattr(format_of, "explains", False):
        return format_of

    def explained(found: flow.Flow) -> Any:
        text = format_of(found)
        if isinstance(found, http.HTTPFlow) and isinstance(text, str) and SEALED_PLACES in found.metadata:
            return text + HINT
        return text

    explained.explains = True  # type: ignore[attr-defined]  # a second load of the addon must not say it twice
    return explained


def complete_har(saver: SaveHar) -> None:
    """Makes mitmproxy's HAR complete, with each flow's comment in it."""
    plain = saver.make_har

    def complete(flows: Sequence[flow.Flow]) -> dict[str, Any]:
        har: dict[str, Any] = plain(flows)
        comments = [found.comment for found in flows if isinstance(found, http.HTTPFlow)]
        entries = har["log"]["entries"]
        for entry in entries:
            content = entry["response"]["content"]
            content.setdefault("size", 0)
            content.setdefault("mimeType", "x-unknown")
        if len(comments) == len(entries):
            for entry, comment in zip(entries, comments, strict=True):
                entry["comment"] = comment
        return har

    saver.make_har = complete  # type: ignore[method-assign]  # its commands look it up on the object
