"""A stand-in for an official API of Anthropic's Messages form."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from providers.sandbox.anthropic.answer import Answer, event
from providers.sandbox.anthropic.blocks import Refused
from providers.sandbox.anthropic.checks import check, check_head
from providers.sandbox.anthropic.models import MODELS, info, page
from providers.sandbox.anthropic.reading import blocks_of
from providers.sandbox.anthropic.refusals import REQUEST_ID, error, misbehaved, refuse
from providers.sandbox.anthropic.signatures import is_signed
from providers.sandbox.anthropic.speaking import answer_to, script_of
from providers.sandbox.anthropic.tokens import counted
from providers.sandbox.script import Script, end, once, play, play_counted
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.tokens import anthropic_key


@dataclass
class AnthropicSite(Site):
    """The stand-in. `window` makes its models' context smaller; `cached` are the prefixes its prompt cache holds."""

    name: str = "anthropic"
    key: str = field(default_factory=anthropic_key)
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    window: int = 0
    cached: set[str] = field(default_factory=set)

    def session(self) -> dict[str, Any]:
        return {"api_key": self.key}

    async def handle(self, request: Request, wire: Wire) -> None:
        try:
            if wrong := self._stranger(request):
                await refuse(wire, 401, "authentication_error", wrong)
                return
            betas = [beta for part in request.headers.get("anthropic-beta", "").split(",") if (beta := part.strip())]
            check_head(request.headers.get("anthropic-version", ""), betas)
            match (request.method, request.path):
                case ("GET", "/v1/models"):
                    await self._models(request, wire)
                case ("GET", path) if path.startswith("/v1/models/") and path[11:] in MODELS:
                    await wire.respond(200, info(path[11:]), headers=REQUEST_ID)
                case ("POST", "/v1/messages"):
                    await self._messages(self._body(request, betas), wire)
                case ("POST", "/v1/messages/count_tokens"):
                    tokens = counted(self._body(request, betas, counting=True)).all
                    await wire.respond(200, {"input_tokens": tokens}, headers=REQUEST_ID)
                case _:
                    await refuse(wire, 404, "not_found_error", "Not Found")
        except Refused as e:
            missing = str(e).startswith("model: ") and "required" not in str(e)
            kind = "not_found_error" if missing else "invalid_request_error"
            await refuse(wire, 404 if missing else 400, kind, str(e))

    def _stranger(self, request: Request) -> str:
        """Why the key does not open; x-api-key goes before a bearer's."""
        key = request.headers.get("x-api-key")
        if key is not None:
            return "" if key == self.key else "invalid x-api-key"
        if request.bearer:
            return "" if request.bearer == self.key else "Invalid bearer token"
        return "x-api-key header is required"

    async def _models(self, request: Request, wire: Wire) -> None:
        found = page(request.query)
        if isinstance(found, str):
            raise Refused(found)
        await wire.respond(200, found, headers=REQUEST_ID)

    def _body(self, request: Request, betas: list[str], *, counting: bool = False) -> dict[str, Any]:
        """The body of a request that is right in all. Raises Refused."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused("Content-Type: must be application/json")
        body = request.json()
        if not isinstance(body, dict):
            raise Refused("The request body is not valid JSON")
        name = body.get("model")
        if not isinstance(name, str):
            raise Refused("model: Field required")
        if name not in MODELS:
            raise Refused(f"model: {name}")
        model = MODELS[name]
        check(body, model, request.headers["anthropic-version"], betas, counting=counting)
        self._check_signatures(body)
        window = self.window or model.window
        if not counting and (tokens := counted(body).all) > window:
            raise Refused(f"prompt is too long: {tokens} tokens > {window} maximum")
        return body

    def _check_signatures(self, body: Mapping[str, Any]) -> None:
        if (body.get("thinking") or {}).get("type") not in ("enabled", "adaptive"):
            return
        for at, message in enumerate(body["messages"]):
            for place, block in enumerate(blocks_of(message["content"])):
                kind = block["type"]
                if kind in ("thinking", "redacted_thinking") and not is_signed(self.secret, block):
                    what = "`signature`" if kind == "thinking" else "`data`"
                    raise Refused(f"messages.{at}.content.{place}: Invalid {what} in `{kind}` block")

    async def _messages(self, body: dict[str, Any], wire: Wire) -> None:
        script = self._script(body)
        if await misbehaved(script.fault, script, wire):
            return
        answer = answer_to(body, script, counted(body, self.cached), self.secret)
        if not body.get("stream"):
            await wire.pause(script.delay_first_ms / 1000)
            await wire.respond(200, answer.whole(), headers=REQUEST_ID)
            return
        await wire.begin(encoding=script.encoding, headers=REQUEST_ID)
        if script.count:
            await _play_counted(wire, answer, script)
        else:
            await play(wire, _with_fault(answer, script), script)
        await end(wire, script)

    def _script(self, body: Mapping[str, Any]) -> Script:
        script = script_of(body)
        if script.only_model not in ("", body["model"]):
            return replace(script, fault="")
        return once(script, self.met)


async def _play_counted(wire: Wire, answer: Answer, script: Script) -> None:
    block = {"type": "text", "text": ""}
    piece = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "word "})
    await play(wire, [*answer.opening(), event("content_block_start", index=0, content_block=block)], Script(pace_ms=0))
    await play_counted(wire, piece, script)
    await play(wire, [event("content_block_stop", index=0), *answer.closing()], Script(pace_ms=0))


def _with_fault(answer: Answer, script: Script) -> list[bytes]:
    """The frames as a faulty server would send them."""
    frames = answer.frames()
    middle = max(len(frames) // 2, 4)
    failed, overloaded = (
        event("error", error=error(kind, words)["error"])
        for kind, words in (("api_error", "Internal server error"), ("overloaded_error", "Overloaded"))
    )
    match script.fault:
        case "error_first":
            return [failed]
        case "overloaded_first":
            return [overloaded]
        case "error_started":
            return [*frames[:2], failed]
        case "error_mid":
            return [*frames[:middle], failed]
        case "overloaded_mid":
            return [*frames[:middle], overloaded]
        case "truncated" | "reset" | "hang_up":
            return frames[:middle]
        case "no_stop":
            return frames[:-1]
        case "no_delta":
            return [*frames[:-2], frames[-1]]
        case "broken_json":
            return [
                *frames[:middle],
                b'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n',
                *frames[middle:],
            ]
        case "unknown_event":
            strange = event("message_note", note={"of": "the future"})
            return [*frames[:middle], strange, event("ping"), b": a comment\n\n", *frames[middle:]]
        case "crlf":
            return [frame.replace(b"\n", b"\r\n") for frame in frames]
        case "unnamed":
            return [frame.partition(b"\n")[2] for frame in frames]
        case "after_stop":
            return [*frames, event("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"})]
    return frames
