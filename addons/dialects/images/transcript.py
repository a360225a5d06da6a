"""Requests for pictures and their answers as people read them: no picture's content, and no query of a link. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.dialects.openai.transcript import OpenAITranscript
from addons.dialects.transcript import FrameReader, Passage, as_text, one_line, shortened
from providers.formats.jsontext import loads, mapping, text

_CONTENT: Final = ("b64_json", "partial_image_b64")
_SOURCES: Final = ("image", "images", "mask")


class PicturesTranscript:
    """The Transcript of OpenAI's pictures."""

    def asked(self, body: str) -> Iterator[Passage | str]:
        """Parameters and the prompt; of a form, how large it is."""
        if body.startswith("--"):
            yield f"a form of {len(body)} characters, with pictures in it"
            return
        raw = loads(body.encode("utf-8", "surrogatepass"))
        if not isinstance(raw, dict):
            yield from ("the client's request is no JSON object:", shortened(body))
            return
        told = {name: value for name, value in raw.items() if name not in ("model", "prompt", *_SOURCES)}
        if told:
            yield "parameters: " + ", ".join(f"{name}={shortened(as_text(told[name]), 200)}" for name in told)
        for name in _SOURCES:
            if name in raw:
                yield f"{name}: {_size_of(raw[name])}"
        yield Passage("prompt", as_text(raw.get("prompt", "")))

    def answered(self, delivered: str, held: int = 0) -> Iterator[Passage | str]:
        for frame in _frames_of(delivered):
            data = frame.get("data")
            for datum in map(mapping, data if isinstance(data, list) else [frame]):
                yield from _told(datum)

    def error_of(self, delivered: str) -> str:
        return OpenAITranscript().error_of(delivered)

    def frames(self) -> FrameReader:
        return _FrameReader()


class _FrameReader:
    def __init__(self) -> None:
        self.head: list[str] = []

    def words(self, frame: Mapping[str, Any]) -> list[str]:
        told = {name: _size_of(value) if name in _CONTENT else value for name, value in frame.items()}
        return [one_line(as_text(told))]


def _told(datum: Mapping[str, Any]) -> Iterator[Passage | str]:
    if url := text(datum.get("url")):
        yield f"picture: {shortened(url.partition('?')[0], 200)}"
    for name in _CONTENT:
        if name in datum:
            yield f"{name}: {_size_of(datum[name])}"
    if revised := text(datum.get("revised_prompt")):
        yield Passage("revised prompt", revised)


def _size_of(value: Any) -> str:
    return f"({len(as_text(value))} characters)"


def _frames_of(delivered: str) -> Iterator[dict[str, Any]]:
    lines = delivered.split("\n")
    for one in [line[5:] for line in lines if line.startswith("data:")] or [delivered]:
        value = loads(one.encode("utf-8", "surrogatepass"))
        if isinstance(value, dict):
            yield value
