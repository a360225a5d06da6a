"""The Responses endpoint: asks and answers, what it keeps of them, and how its streams go wrong."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from providers.sandbox.openai.refusals import misbehaved
from providers.sandbox.openai.responses.answer import Answer, Numbered, event, failure_of
from providers.sandbox.openai.responses.checks import check
from providers.sandbox.openai.responses.items import check_items, items_of
from providers.sandbox.openai.responses.reading import newest_words
from providers.sandbox.openai.responses.refused import Refused, missing
from providers.sandbox.openai.responses.sealed import is_sealed
from providers.sandbox.openai.responses.speaking import answer_to
from providers.sandbox.script import Script, end, once, play, play_counted, read_script
from providers.sandbox.server import Request, Wire

PATH = "/v1/responses"


@dataclass(frozen=True, slots=True)
class Stored:
    """A response that can be gone on from: what it answered, and itself."""

    items: Sequence[Mapping[str, Any]]
    response: Mapping[str, Any]


@dataclass
class Responses:
    """The endpoint with what it keeps. `stored` by the response's id."""

    models: Sequence[str]
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    stored: dict[str, Stored] = field(default_factory=dict)
    answers: int = 0
    met: set[tuple[str, str]] = field(default_factory=set)
    """Of the site: faults that befall a prompt but once."""

    async def handle(self, request: Request, wire: Wire) -> None:
        try:
            name, _, rest = request.path.removeprefix(PATH).lstrip("/").partition("/")
            match (request.method, name, rest):
                case ("POST", "", ""):
                    await self._create(request, wire)
                case ("POST", "input_tokens", ""):
                    body, items = self._read(request)
                    tokens = max(len(json.dumps([body.get("instructions"), body.get("tools"), items])) // 4, 1)
                    await wire.respond(200, {"object": "response.input_tokens", "input_tokens": tokens})
                case ("GET", _, "") if name:
                    await wire.respond(200, self._found(name).response)
                case ("GET", _, "input_items"):
                    await wire.respond(200, _listed(self._found(name).items, request.query))
                case ("DELETE", _, "") if name:
                    self._found(name)
                    del self.stored[name]
                    await wire.respond(200, {"id": name, "object": "response", "deleted": True})
                case ("POST", _, "cancel"):
                    self._found(name)
                    raise Refused("Cannot cancel a synchronous response.")
                case _:
                    raise Refused(f"Invalid URL ({request.method} {request.path})", status=404)
        except Refused as e:
            await wire.respond(e.status, e.body())

    def _found(self, name: str) -> Stored:
        """Raises Refused."""
        if name not in self.stored:
            raise Refused(f"Response with id '{name}' not found.", status=404)
        return self.stored[name]

    # -- requests ----------------------------------------------------------------------------------------------------
    def _read(self, request: Request) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The body, and all items that it stands for. Raises Refused."""
        body = request.json()
        if not isinstance(body, dict):
            raise Refused("We could not parse the JSON body of your request.")
        if not isinstance(body.get("model"), str):
            raise missing("model")
        check(body)
        if body["model"] not in self.models:
            raise Refused(f"The requested model '{body['model']}' does not exist.", "model_not_found", "model")
        if body.get("input") is None:
            raise missing("input")
        items = [*self._before(body), *items_of(body["input"])]
        check_items(items)
        self._check_thoughts(items)
        return body, [self._referred(item) for item in items]

    def _before(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The items of the response that is gone on from."""
        name = body.get("previous_response_id")
        if name is None:
            return []
        if name not in self.stored:
            raise Refused(
                f"Previous response with id '{name}' not found.", "previous_response_not_found", "previous_response_id"
            )
        before = self.stored[name]
        return [dict(item) for item in (*before.items, *before.response["output"])]

    def _check_thoughts(self, items: Sequence[Mapping[str, Any]]) -> None:
        """A reasoning item is one of ours: sealed, or kept here."""
        for item in items:
            if item["type"] != "reasoning":
                continue
            content = item.get("encrypted_content")
            if content is None:
                self._kept_item(str(item.get("id")))
            elif not is_sealed(self.secret, item.get("id"), str(content)):
                raise Refused(
                    f"The encrypted content {str(content)[:4]}...{str(content)[-4:]} could not be verified. Reason: "
                    "Encrypted content could not be decrypted or parsed.",
                    "invalid_encrypted_content",
                )

    def _referred(self, item: dict[str, Any]) -> dict[str, Any]:
        return self._kept_item(item["id"]) if item["type"] == "item_reference" else item

    def _kept_item(self, name: str) -> dict[str, Any]:
        """Raises Refused."""
        for kept in self.stored.values():
            for item in kept.response["output"]:
                if item["id"] == name:
                    return dict(item)
        raise Refused(
            f"Item with id '{name}' not found. Items are not persisted when `store` is set to false. Try again with "
            "`store` set to true, or remove this item from your input.",
            param="input",
            status=404,
        )

    # -- answers -----------------------------------------------------------------------------------------------------
    async def _create(self, request: Request, wire: Wire) -> None:
        body, items = self._read(request)
        script = self._script(body, items)
        if await misbehaved(script, wire):
            return
        self.answers += 1
        answer = answer_to(body, items, script, self.answers, self.secret)
        if body.get("store", True):
            given = [{"id": f"msg_sandbox_in_{at}", **item} for at, item in enumerate(items, 1)]
            self.stored[answer.base["id"]] = Stored(given, answer.whole())
        failure = failure_of(script.fault)
        if not body.get("stream"):
            await wire.pause(script.delay_first_ms / 1000)
            await wire.respond(200, answer.failed(*failure) if failure else answer.whole())
            return
        await wire.begin(encoding=script.encoding)
        obfuscated = (body.get("stream_options") or {}).get("include_obfuscation") is not False
        if script.count:
            await _play_counted(wire, answer, script)
        else:
            await play(wire, _with_fault(answer, answer.events(obfuscated=obfuscated), script.fault), script)
        await end(wire, script)

    def _script(self, body: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Script:
        script = read_script(newest_words(items))
        if script.only_model not in ("", body["model"]):
            return replace(script, fault="")
        return once(script, self.met)


def _listed(items: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    ordered = list(items) if query.get("order") == "asc" else list(reversed(items))
    names = [item["id"] for item in ordered]
    if (after := query.get("after")) in names:
        ordered = ordered[names.index(after) + 1 :]
    shown = ordered[: int(query.get("limit", 20))]
    ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
    return {"object": "list", "data": shown, **ends, "has_more": len(ordered) > len(shown)}


async def _play_counted(wire: Wire, answer: Answer, script: Script) -> None:
    """The frames of one delta again and again, between the head and the tail of a stream."""
    frames = answer.events(obfuscated=False)
    delta = next(at for at, frame in enumerate(frames) if b"output_text.delta" in frame)
    rest = [frame for frame in frames[delta:] if b"output_text.delta" not in frame]
    named = {"item_id": answer.output[-1]["id"], "output_index": len(answer.output) - 1, "content_index": 0}
    word = event(
        "response.output_text.delta",
        {"type": "response.output_text.delta", **named, "delta": "word ", "logprobs": [], "sequence_number": delta},
    )
    await play(wire, frames[:delta], Script(pace_ms=0))
    await play_counted(wire, word, script)
    await play(wire, rest, Script(pace_ms=0))


def _with_fault(answer: Answer, frames: list[bytes], fault: str) -> list[bytes]:
    """The frames as a faulty server would send them."""
    middle = max(len(frames) // 2, 3)
    failure = failure_of(fault)
    at = 2 if fault.endswith("_first") else middle
    numbered = Numbered()
    numbered.number = at
    if failure is not None:
        return [*frames[:at], numbered("response.failed", response=answer.failed(*failure))]
    flat = {"code": "server_error", "message": "The engine crashed", "param": None}
    match fault:
        case "error_first":
            numbered.number = 0
            return [numbered("error", **flat)]
        case "error_mid":
            return [*frames[:middle], numbered("error", **flat)]
        case "error_nested":
            return [*frames[:middle], event("error", {"type": "error", "error": {"type": "server_error", **flat}})]
        case "truncated" | "reset" | "hang_up":
            return frames[:middle]
        case "no_terminal":
            return frames[:-1]
        case "broken_json":
            return [*frames[:middle], b'event: response.output_text.delta\ndata: {"type":"resp\n\n', *frames[middle:]]
        case "unknown_event":
            strange = event("response.of_the_future", {"type": "response.of_the_future", "x": 1})
            return [*frames[:middle], b": a comment\n\n", strange, *frames[middle:]]
        case "crlf":
            return [frame.replace(b"\n", b"\r\n") for frame in frames]
        case "done_word":
            return [*frames, b"data: [DONE]\n\n"]
    return frames
