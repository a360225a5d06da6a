"""The requests that a way is asked, as bytes."""

import json

from benchmarks.compare.way import Way

_WORDS = "many words of a prompt "
_PARAMETERS = {"type": "object", "properties": {f"p{at}": {"type": "string"} for at in range(6)}}


def chat(way: Way, asked: str, *, stream: bool, kb: int = 0, turns: int = 0, tools: int = 0) -> bytes:
    """A chat whose prompt says what to answer (upstream.py): `kb` of it, behind so many turns, with so many tools."""
    said = {"user": "a question of before", "assistant": "an answer of before"}
    before = [{"role": role, "content": text} for _ in range(turns) for role, text in said.items()]
    prompt = asked if not kb else f"{asked} {_WORDS * (kb * 1024 // len(_WORDS))}"
    body: dict[str, object] = {
        "model": way.model,
        "stream": stream,
        "messages": [*before, {"role": "user", "content": prompt}],
    }
    if tools:
        functions = [{"name": f"f{at}", "description": "does it", "parameters": _PARAMETERS} for at in range(tools)]
        body["tools"] = [{"type": "function", "function": function} for function in functions]
    if way.form == "anthropic":
        body["max_tokens"] = 4096
        if tools:
            body["tools"] = [
                {"name": f"f{at}", "description": "does it", "input_schema": _PARAMETERS} for at in range(tools)
            ]
    elif way.form == "responses":
        body["input"] = body.pop("messages")
        body["store"] = False
    return _request(way, "POST", way.path, json.dumps(body).encode())


def models(way: Way) -> bytes:
    return _request(way, "GET", "/v1/models", None)


def _request(way: Way, method: str, path: str, content: bytes | None) -> bytes:
    head = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{way.port}"]
    head += [f"{name}: {value}" for name, value in way.headers.items()]
    if content is not None:
        head += ["content-type: application/json", f"content-length: {len(content)}"]
    return "\r\n".join([*head, "", ""]).encode() + (content or b"")
