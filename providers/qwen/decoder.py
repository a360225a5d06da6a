"""The decoder of Qwen's stream: `data: {json}` frames without `[DONE]`, one delta each, sorted by `phase`.

The end is phase `answer` (or `image_gen`) with status `finished`; a finished thinking or tool phase is not. Sometimes
two candidates are interleaved: one of them counts (qwen/candidates.py). An answer may also come whole, as one JSON
object. An answer without a word is how the site's edge turns a program away (2026-06: the same calls with the browser's
own values are answered). Anything unknown is counted and passed over.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, FinishReason, Image, Reasoning, Text, ToolCallDelta
from providers.contract.operation import Decoder
from providers.formats.json_tally import holds_more
from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, loads_glued, mapping, text, unread
from providers.formats.sse import EVENT_LIMIT_BYTES, ErrorData, SseLimit, SseReader
from providers.qwen.candidates import AnswerCandidates
from providers.qwen.errors import is_challenge, is_check_page, page_in_stream, stream_error, wordless
from providers.qwen.frames import ANSWERS, DONE, ends_silently, is_whole, kinds_of, named
from providers.qwen.interception import InterceptedCalls, intercepted
from providers.qwen.native_calls import NativeCalls
from providers.qwen.sources import add_page_sources, add_search_sources, cited_text, image_urls, named_pictures
from providers.qwen.thinking import SummaryThinking
from providers.qwen.usage import read_usage
from providers.qwen.whole import text_of, whole_message, whole_reason
from providers.shared.citations import CitationStyle, Sources
from providers.shared.cumulative import CumulativeText

_THOUGHTS: Final = frozenset({"think", "ResearchPlanning", "DeepThinking", "image_gen_think"})
_DRAWINGS: Final = frozenset({"image_gen", "image_edit", "image"})
_IMAGE_TOOLS: Final = frozenset({"image_gen_tool", "image_edit_tool", "tool_call", "generate_image"})
_SILENT_TOOLS: Final = frozenset(
    {"code_interpreter", "code_working", "bio", "history_retriever", "image_zoom_in_tool", "web_search_image"}
)
_STATUSES: Final = frozenset({"", "typing", "running", "finished", "error"})
_REASONS: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "tool_calls": "stop",
    "function_call": "stop",
}
"""The tools are the site's own: a reason that speaks of them is no call for the client to make."""

_WORDS: Final = (Text, Reasoning, Image, ToolCallDelta)
_INFOS: Final = frozenset({"keep_alive", "skip_think"})
_KINDS_LIMIT: Final = 64
_PICTURES_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """Options of the decoder."""

    citations: CitationStyle = "annotations"
    file_base: str = ""
    """Where a picture lies that is named by its path only."""
    limit_bytes: int = EVENT_LIMIT_BYTES
    tools: bool = False
    """The client has tools of its own: a call of theirs may be taken for one of the site's."""
    draws: bool = False
    """The chat was made for a picture (chat_type t2i): the end of phase image_gen is its end."""


class QwenDecoder(Decoder):
    """The Decoder (providers/contract/operation.py) of one answer."""

    def __init__(self, options: DecoderOptions | None = None) -> None:
        self.unknown: Counter[str] = Counter()
        """What had no meaning here, by kind."""
        self._options = options or DecoderOptions()
        self._sse = SseReader(limit_bytes=self._options.limit_bytes, strays=True)
        self._candidates = AnswerCandidates()
        self._answer = CumulativeText(frames=3)
        self._intercepted = InterceptedCalls() if self._options.tools else None
        self._native_calls = NativeCalls() if self._options.tools else None
        self._thinking = SummaryThinking()
        self._sources = Sources()
        self._cited = cited_text(self._options.citations, self._sources)
        self._pictures: set[str] = set()
        self._usage: Mapping[str, Any] = {}
        self._reason: FinishReason | None = None
        self._frames = self._foreign = 0
        self._said = False
        self._drew = False
        """A drawing is finished: words may follow, another drawing, or nothing."""
        self._ended = False

    @property
    def response_id(self) -> str | None:
        """The site's own id of the answer, as far as it has said."""
        return self._candidates.main

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        if self._ended:
            return out
        broken: SseLimit | None = None
        try:
            payloads = self._sse.feed(data)
        except SseLimit as e:
            broken, payloads = e, e.payloads
        self._read_all(payloads, out)
        self._said = self._said or any(isinstance(event, _WORDS) for event in out)
        if broken is not None and not self._ended:
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, f"Qwen's answer cannot be read: {broken}."), out)
        return out

    def close(self) -> list[Event]:
        out: list[Event] = []
        if self._ended:
            return out
        rest = self._sse.flush()
        readable = [one for one in rest if is_whole(one)]
        self._read_all(readable, out)
        if not self._ended:
            self._stream_ended(out, cut=len(readable) < len(rest))
        return out

    def _stream_ended(self, out: list[Event], *, cut: bool) -> None:
        """Without the end mark. An empty stream is over; some forms without phases say no more than a finish_reason."""
        if self._reason is not None or self._drew or not (self._frames or cut):
            self._finish(out)
        elif self._frames and self._foreign == self._frames:
            message = "Qwen's answer is not in the form this adapter knows. The site may have changed; try again later."
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, message), out)
        else:
            message = "Qwen's answer broke off: its end mark is missing."
            self._fail(ProviderError(ErrorKind.INCOMPLETE, message), out)

    # -- frames ---------------------------------------------------------------------------------------------------
    def _read_all(self, payloads: Sequence[bytes], out: list[Event]) -> None:
        for payload in payloads:
            if self._ended:
                return
            self._read(payload, out)

    def _read(self, payload: bytes, out: list[Event]) -> None:
        frame = loads(payload, EVENT_VALUES)
        if isinstance(payload, ErrorData):
            told = frame if isinstance(frame, dict) else {"error": payload.decode("utf-8", "replace")}
            self._fail(stream_error(told), out)
            return
        if frame is not INVALID:
            self._frame(frame, out)
            return
        payload = payload.strip()
        if not payload:
            return
        if payload == DONE:
            self._finish(out)
            return
        if is_check_page(payload):
            self._fail(page_in_stream(), out)
            return
        if holds_more(payload, EVENT_VALUES):
            message = f"Qwen sent a piece of its answer that {unread(payload, EVENT_VALUES)}."
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, message), out)
            return
        frames, rest = loads_glued(payload)
        for frame in frames:
            if not self._ended:
                self._frame(frame, out)
        if rest and not self._ended:
            message = "Qwen sent a broken piece of its answer (no valid JSON). Try again."
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, message), out)

    def _frame(self, frame: Any, out: list[Event]) -> None:
        if not isinstance(frame, dict):
            self._count("frame that is no object")
            return
        choices = frame.get("choices")
        self._frames += 1
        if not self._candidates.counts(frame.get("response_id"), *kinds_of(choices)):
            return
        if ends_silently(frame) and self._candidates.leaves(frame.get("response_id")):
            return
        if isinstance(choices, list):
            if usage := frame.get("usage"):
                self._usage = mapping(usage) or self._usage
            if choices:
                self._choice(mapping(choices[0]), out)
            if frame.get("error") and not self._ended:
                self._fail(stream_error(frame), out)
        else:
            self._other_frame(frame, out)

    def _other_frame(self, frame: Mapping[str, Any], out: list[Event]) -> None:
        if (
            frame.get("error")
            or frame.get("success") is False
            or "ret" in frame
            or set(frame) == {"detail"}
            or is_challenge(frame)
        ):
            self._fail(stream_error(frame), out)
        elif "response.created" in frame:
            self._candidates.register(mapping(frame["response.created"]))
        elif "response.info" in frame:
            action = text(mapping(frame["response.info"]).get("action"))
            if action not in _INFOS:
                self._count(f"info {action}")
        elif "response.stopped" in frame:
            stopped = mapping(frame["response.stopped"]).get("response_id")
            if self._candidates.is_main(stopped) and not self._candidates.leaves(stopped):
                self._finish(out)
        elif frame.get("done") is True:
            self._finish(out)
        elif (message := whole_message(frame.get("data"))) is not None:
            self._usage = mapping(mapping(frame["data"]).get("usage")) or mapping(frame.get("usage"))
            self._keep_reason(whole_reason(frame["data"]))
            self._whole(message, out)
        elif frame.get("code") or mapping(frame.get("data")).get("code"):
            self._fail(stream_error(frame), out)
        elif "sources" in frame:
            add_page_sources(frame["sources"], self._sources)
        else:
            self._foreign += 1
            self._count(f"frame {next(iter(frame), '')}")

    def _keep_reason(self, reason: Any) -> None:
        if isinstance(reason, str) and reason:
            self._reason = _REASONS.get(reason, "stop")
            if reason not in _REASONS:
                self._count(f"finish_reason {reason}")

    def _choice(self, choice: Mapping[str, Any], out: list[Event]) -> None:
        self._keep_reason(choice.get("finish_reason"))
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict):
            self._delta(delta, out)
        elif isinstance(message, dict):
            self._whole(message, out)

    def _whole(self, message: Mapping[str, Any], out: list[Event]) -> None:
        self._think(message.get("reasoning_content"), out)
        if words := text_of(message.get("content")):
            self._words(words, out)
        if not self._ended:
            self._finish(out)

    # -- deltas ---------------------------------------------------------------------------------------------------
    def _delta(self, delta: Mapping[str, Any], out: list[Event]) -> None:
        phase, status, content = named(delta.get("phase")), named(delta.get("status")), delta.get("content")
        if phase in ANSWERS or not phase:
            self._answered(delta, out)
        elif phase == "thinking_summary":
            self._think(self._thinking.add(mapping(delta.get("extra"))), out)
            self._think(content, out)
            if status == "finished":
                self._think(self._thinking.close(), out)
        elif phase in _THOUGHTS:
            self._think(content, out)
        elif phase in _DRAWINGS:
            self._drawn(content, mapping(delta.get("extra")), out)
            if status == "finished":
                self._drew = True
                if phase == "image_gen" and self._options.draws and not content:
                    self._finish(out)
        elif phase != "KeepAlive":
            self._tool(phase, mapping(delta.get("extra")), out)
            return
        if status == "error" and not self._ended:
            self._fail(stream_error({"error": mapping(delta.get("error")) or mapping(delta.get("extra"))}), out)
        elif status and status not in _STATUSES:
            self._count(f"status {status}")

    def _answered(self, delta: Mapping[str, Any], out: list[Event]) -> None:
        """Phase answer, or none at all: a site that leaves the phase out puts thinking into `reasoning_content`."""
        if delta.get("role") == "function":
            self._count("function frame without a phase")
            return
        self._think(delta.get("reasoning_content"), out)
        if self._native_calls is not None and ("tool_calls" in delta or "function_call" in delta):
            out += self._native_calls.add(delta)
        content = delta.get("content")
        if isinstance(content, str) and (new := self._answer.add(content)):
            self._words(new, out)
        if self._ended:
            return
        if delta.get("status") == "finished" and delta.get("phase") in ("answer", None, ""):
            self._finish(out)

    def _words(self, words: str, out: list[Event]) -> None:
        """Words of the answer; those that the site puts in its place end it."""
        if (calls := self._intercepted) is not None:
            words = calls.feed(words)
        out += self._cited.feed(words)
        if calls is not None and calls.found:
            self._finish(out)

    def _think(self, words: Any, out: list[Event]) -> None:
        if isinstance(words, str) and words:
            out.append(Reasoning(words))

    def _drawn(self, content: Any, extra: Mapping[str, Any], out: list[Event]) -> None:
        """The content is the address of a picture, JSON that names some, or words about why there is none."""
        words = text(content)
        found = list(named_pictures(words, self._options.file_base))
        for url in (*found, *image_urls(extra, self._options.file_base)):
            self._picture(url, out)
        if words and not found:
            out += self._cited.feed(words)

    def _tool(self, phase: str, extra: Mapping[str, Any], out: list[Event]) -> None:
        """A tool of the site's own: its sources and pictures count, its call is no call of the client's."""
        self._think(self._thinking.close(), out)
        if phase == "web_search":
            add_search_sources(extra, self._sources)
        elif phase == "web_extractor":
            add_page_sources(extra.get("web_extract_info"), self._sources)
        elif phase == "image_search":
            add_page_sources(extra.get("search_result"), self._sources)
        elif phase in _IMAGE_TOOLS:
            for url in image_urls(extra, self._options.file_base):
                self._picture(url, out)
        elif phase not in _SILENT_TOOLS:
            self._count(f"phase {phase}")

    def _picture(self, url: str, out: list[Event]) -> None:
        """A picture once, however many frames name it."""
        if url not in self._pictures and len(self._pictures) < _PICTURES_LIMIT:
            self._pictures.add(url)
            out.append(Image(url))

    # -- the end --------------------------------------------------------------------------------------------------
    def _finish(self, out: list[Event]) -> None:
        self._wind_up(out)
        if self._intercepted is not None and self._intercepted.found:
            out.append(Failure(intercepted()))
        elif self._said or self._reason == "content_filter" or any(isinstance(event, _WORDS) for event in out):
            out.append(Finish(self._reason or "stop"))
        else:
            out.append(Failure(wordless()))

    def _fail(self, error: ProviderError, out: list[Event]) -> None:
        self._wind_up(out)
        out.append(Failure(error))

    def _wind_up(self, out: list[Event]) -> None:
        self._ended = True
        self._think(self._thinking.close(), out)
        held = self._answer.flush()
        if self._intercepted is not None:
            held = self._intercepted.feed(held) + self._intercepted.rest()
        if held:
            out += self._cited.feed(held)
        out += self._cited.flush()
        if (usage := read_usage(self._usage)) is not None:
            out.append(usage)

    def _count(self, kind: str) -> None:
        kind = kind[:60]
        self.unknown[kind if kind in self.unknown or len(self.unknown) < _KINDS_LIMIT else "others"] += 1
