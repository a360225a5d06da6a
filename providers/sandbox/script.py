"""The script of a sandbox answer, chosen by the prompt.

The last line of the prompt may be a directive: `!sandbox fault=reset text="Hello there" pace_ms=0`. docs/sandbox.md
lists the keys. Without one, the model behind the site answers (voice.py), or a friendly text that quotes the prompt.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from providers.sandbox.models.shown import Turn
from providers.sandbox.server import Wire

PREFIX = "!sandbox"


@dataclass(frozen=True, slots=True)
class Script:
    """The plan of one answer. Times in milliseconds, sizes in bytes."""

    prompt: str = ""
    variant: str = ""
    fault: str = ""
    only_model: str = ""
    """The fault is this model's alone (official form)."""
    text: str = ""
    reasoning: str = ""
    pace_ms: float = 5
    delay_first_ms: float = 0
    count: int = 0
    """Answer in this many equal pieces, prepared once: for measuring."""
    stall_after: int = -1
    """Silence after this many frames."""
    size: int = 0
    """One piece of text of this many bytes."""
    cut: int = 0
    """Send the stream in packets of this many bytes, whatever they cut in two."""
    encoding: str = ""
    retry_after: str = ""
    slip: str = ""
    """How the model behind the site goes wrong: a name of models/slips.py."""
    answer: str | None = field(default=None, compare=False)
    """The words of the model behind the site; a directive's `text` goes before them."""
    asked: tuple[Turn, ...] = field(default=(), compare=False)
    """The turns that the prompt brings, as the site's own thread keeps them."""
    said: Turn = field(default=Turn("assistant"), compare=False)
    """The answer as the thread keeps it."""

    def pieces(self) -> list[str]:
        """The answer's text in the pieces it is sent in."""
        if self.count:
            return ["word "] * self.count
        if self.size:
            return ["x" * self.size]
        if self.answer is None or self.text:
            return split(self.text or greeting(self.prompt))
        return split(self.answer)

    def thoughts(self) -> list[str]:
        return split(self.reasoning or f"The user wrote {self.prompt[:40]!r}. I answer kindly and briefly.")


def read_script(prompt: str) -> Script:
    """The script of a prompt. A directive that cannot be read is answered as an ordinary prompt."""
    lines = prompt.rstrip().split("\n")
    last = lines[-1].strip()
    if not last.startswith(PREFIX):
        return Script(prompt=prompt.strip())
    kinds = {field.name: field.type for field in fields(Script)}
    given: dict[str, str | int | float] = {"prompt": "\n".join(lines[:-1]).strip()}
    try:
        for word in shlex.split(last[len(PREFIX) :]):
            name, _, value = word.partition("=")
            kind = kinds.get(name)
            if kind is not None:
                given[name] = int(value) if kind is int else float(value) if kind is float else value
    except ValueError:
        return Script(prompt=prompt.strip())
    return Script(**given)  # type: ignore[arg-type]


def once(script: Script, met: set[tuple[str, str]]) -> Script:
    """The script without the `_once` of its fault: the fault befalls the same prompt the first time only."""
    if not script.fault.endswith("_once"):
        return script
    one = (script.fault, script.prompt)
    fault = "" if one in met else script.fault.removesuffix("_once")
    met.add(one)
    return replace(script, fault=fault)


def is_directed(prompt: str) -> bool:
    """Whether the last line is a directive."""
    return prompt.rstrip().split("\n")[-1].strip().startswith(PREFIX)


def greeting(prompt: str) -> str:
    quote = " ".join(prompt.split())[:60] or "nothing at all"
    return (
        f"Hello from the sandbox! You wrote: “{quote}”. I am a stand-in of the real site: everything here is made up, "
        "but it arrives in the same frames, at the same pace and with the same oddities as a real answer would. 你好 🌏"
    )


def split(text: str) -> list[str]:
    """The text in pieces of about four words, as models send it."""
    words = text.split(" ")
    groups = [" ".join(words[at : at + 4]) for at in range(0, len(words), 4)]
    return [group if index == 0 else f" {group}" for index, group in enumerate(groups)]


async def play(wire: Wire, frames: Iterator[bytes] | list[bytes], script: Script) -> None:
    """Sends the frames as the script says: paced, cut, stalled."""
    await wire.pause(script.delay_first_ms / 1000)
    for number, frame in enumerate(frames):
        if number == script.stall_after:
            await wire.wait_gone()
        if script.cut:
            for at in range(0, len(frame), script.cut):
                await wire.send(frame[at : at + script.cut])
        else:
            await wire.send(frame)
        if script.pace_ms:
            await wire.pause(script.pace_ms / 1000)


async def play_counted(wire: Wire, frame: bytes, script: Script) -> None:
    """Sends the same frame `count` times: nothing is made anew, so that a measurement measures the gateway."""
    for _ in range(script.count):
        await wire.send(frame)
        if script.pace_ms:
            await wire.pause(script.pace_ms / 1000)


async def end(wire: Wire, script: Script) -> None:
    """The end of a stream, proper or as the fault has it."""
    match script.fault:
        case "reset":
            wire.reset()
        case "hang_up":
            wire.hang_up()
        case "stay_open":
            await wire.wait_gone()
    await wire.end()
