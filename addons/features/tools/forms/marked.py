"""The block that a call is asked for in: `<call-MARK>{"name", "arguments"}</call-MARK>`. Pure.

Where the object begins as it was asked for (`name` first, of a tool that is known, then `arguments` as an object), its
arguments go out as they arrive. Else the object is read when it is whole. Several objects may stand in one block, in
a list, glued, in a fence; what stands between them is nothing. A block without any call is text, but for
one that a limit has cut off before its call began: that is nothing.
"""

import re
from typing import Final, Protocol

from addons.features.tools.forms.argument_stream import ArgumentStream
from addons.features.tools.forms.json_calls import calls_in
from addons.features.tools.forms.tags import TagBlock
from addons.features.tools.json_scan import JsonScan
from addons.features.tools.judge import Judge
from addons.features.tools.toolbox import Tool

CUT_OFF: Final = "a call that was cut off before its arguments"
"""The kind of drift that is counted for it."""
HELD_CHARS: Final = 512 * 1024
"""Of a block that is held back; a longer one is text."""
_HEAD_CHARS: Final = 600
_HEAD: Final = re.compile(
    r'\{\s*+(?:"id"\s*+:\s*+"[^"\\]*+"\s*+,\s*+)?+"name"\s*+:\s*+"([^"\\]++)"\s*+,\s*+'
    r'(?:"id"\s*+:\s*+"[^"\\]*+"\s*+,\s*+)?+"arguments"\s*+:\s*+\{'
)


class Sink(Protocol):
    """Where a reader of text says what it found."""

    def text(self, text: str) -> None:
        """The next piece of what is no call."""
        ...

    def call(self, tool: Tool) -> None:
        """A call begins."""
        ...

    def arguments(self, fragment: str) -> None:
        """The next piece of the arguments of the call that began last."""
        ...

    def breaks_off(self) -> None:
        """The call that began last was never finished."""
        ...

    def taken(self, source: str) -> None:
        """The text of a block whose calls were told."""
        ...


class MarkedBlock:
    """Reads what stands between the tags; `close` it at the closing one, or where the text ends."""

    def __init__(self, judge: Judge, sink: Sink, opening: str, *, follows: bool, keeps: bool) -> None:
        self.calls = 0
        self._follows = follows
        """A call stands directly before it: where it holds nothing it was meant to close that."""
        self._keeps = keeps
        """Its text is told at last, even if it is calls."""
        self._judge, self._sink = judge, sink
        self._source = [opening]
        """All text of the block, until a call is taken out of it."""
        self._held = len(opening)
        self._is_text = False
        self._object: list[str] = []
        self._scan: JsonScan | None = None
        self._streams = True
        """The object may yet begin as it was asked for."""
        self._is_rest = False
        """Of the object only what stands around its arguments is left."""
        self._stream: ArgumentStream | None = None

    def feed(self, text: str, at: int, end: int) -> None:
        """The next piece of the block: `text` from `at` up to `end`."""
        while at < end and not self._is_text:
            stop = end if self._stream is not None else min(end, at + HELD_CHARS - self._held)
            if stop <= at:
                self._give_up()
                break
            before, at = at, self._read(text, at, stop)
            if not self.calls or self._keeps:
                self._source.append(text[before:at])
            self._held += at - before if self._stream is None else 0
        if self._is_text:
            self._sink.text(text[at:end])

    def _read(self, text: str, at: int, end: int) -> int:
        if self._stream is not None:
            at = self._stream.feed(text, at, end)
            self._pass_on(self._stream)
            return at
        if self._scan is not None:
            return self._in_object(self._scan, text, at, end)
        begin = text.find("{", at, end)
        if begin < 0:
            return end
        self._object, self._scan, self._streams, self._is_rest = [], JsonScan(), True, False
        if self.calls:
            self._held = 0
        return self._in_object(self._scan, text, begin, end)

    def close(self, closing: str = "", *, complete: bool = True) -> None:
        """The block's end. Not `complete`: the answer was cut off, and nothing is finished that the model did not."""
        if self._stream is not None:
            if complete and not self._stream.in_string:
                self._stream.finish()
                self._pass_on(self._stream)
            else:
                self._sink.breaks_off()
        elif self._scan is not None and complete:
            self._end_object()
        if not self.calls and not self._is_text and complete:
            self._read_tags("".join(self._source[1:]))
        if self._is_text:
            self._sink.text(closing)
        elif not self.calls and not complete and not self._keeps:
            self._judge.unknown[CUT_OFF] += 1
        elif not self.calls:
            self._sink.text("".join(self._source) + closing)
        elif self._keeps:
            self._sink.taken("".join(self._source) + closing)

    @property
    def in_string(self) -> bool:
        """What came so far ends within a string of JSON."""
        if self._stream is not None:
            return self._stream.in_string
        return self._scan is not None and self._scan.in_string

    def _read_tags(self, source: str) -> None:
        """The block holds no object of a call: it may hold a call in tags, or none and be a closing tag misspelt."""
        if not source.strip():
            self.calls = int(self._follows)
            return
        block = TagBlock(self._judge)
        text = f"<tool_call>{source}</tool_call>"
        block.feed(text, 0, len(text))
        for one in block.calls(complete=True):
            if (call := self._judge.marked(one.said)) is not None:
                self._begin_call(call.tool)
                self._sink.arguments(call.arguments)

    # -- one object -----------------------------------------------------------------------------------------------
    def _in_object(self, scan: JsonScan, text: str, at: int, end: int) -> int:
        stop = scan.feed(text, at, end)
        self._object.append(text[at:stop])
        if self._streams:
            head = "".join(self._object)
            begun = _HEAD.match(head, 0, _HEAD_CHARS)
            tool = self._judge.tool(begun[1]) if begun else None
            self._streams = begun is None and len(head) < _HEAD_CHARS
            if begun and tool and self._judge.looks():
                self._judge.counts(tool, begun[1])
                self._begin_call(tool)
                self._stream = ArgumentStream(tool.parameters, self._judge.read_json)
                return stop - (len(head) - begun.end())
        if scan.over:
            self._end_object()
        return stop

    def _end_object(self) -> None:
        breaks_off = self._scan is not None and self._scan.in_string
        whole, self._object, self._scan = "".join(self._object), [], None
        if self._is_rest:
            return
        found = () if breaks_off else calls_in(self._judge.read_json(whole), loose=True)
        judged = [self._judge.marked(said) for said in found]
        for said, call in zip(found, judged, strict=True):
            if said.words and any(judged):
                self._sink.text(said.words)
            if call is not None:
                self._begin_call(call.tool)
                self._sink.arguments(call.arguments)
        if self.calls and not any(judged):
            self._sink.text(whole)  # an unknown name behind a call

    def _begin_call(self, tool: Tool) -> None:
        self.calls += 1
        self._held = 0
        if not self._keeps:
            self._source = []
        self._sink.call(tool)

    def _pass_on(self, stream: ArgumentStream) -> None:
        if stream.out:
            self._sink.arguments("".join(stream.out))
            stream.out.clear()
        if stream.over:
            self._stream, self._object, self._streams, self._is_rest = None, [], False, True
            self._scan = JsonScan()
            self._scan.feed('{"":0', 0, 5)

    def _give_up(self) -> None:
        self._is_text = True
        self._sink.text("".join(self._object if self.calls else self._source))
        self._source, self._object, self._scan = [], [], None
