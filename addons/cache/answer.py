"""A kept answer, as bytes and back. Pure."""

from dataclasses import dataclass, field

from providers.contract.events import Usage


@dataclass(slots=True)
class KeptAnswer:
    """An answer that was delivered, whole. Nothing changes it."""

    body: bytes = field(repr=False)
    """What the client was sent: a document, or all events of a stream."""
    content_type: str
    streaming: bool
    model: str
    """The model that gave it."""
    usage: Usage | None = None
    """What it took then."""

    def to_bytes(self) -> bytes:
        """A line: `s` for a stream or `w` for a whole answer, lengths of content type and model, and the counts if
        there are any. Then both texts and the body."""
        form = self.content_type.encode("utf-8", "surrogatepass")
        model = self.model.encode("utf-8", "surrogatepass")
        head, used = f"{'s' if self.streaming else 'w'} {len(form)} {len(model)}", self.usage
        if used is not None:
            counts = f"{used.prompt_tokens} {used.completion_tokens} {used.total_tokens}"
            head = f"{head} {counts} {used.reasoning_tokens} {used.cached_tokens}"
        return b"%b\n%b%b%b" % (head.encode(), form, model, self.body)

    @classmethod
    def from_bytes(cls, data: bytes) -> "KeptAnswer":
        """Of what `to_bytes` has made."""
        at = data.index(b"\n")
        kind, form, model, *counts = data[:at].split()
        begin = at + 1 + int(form)
        end = begin + int(model)
        return cls(
            data[end:],
            data[at + 1 : begin].decode("utf-8", "surrogatepass"),
            kind == b"s",
            data[begin:end].decode("utf-8", "surrogatepass"),
            _usage(counts) if counts else None,
        )


def _usage(counts: list[bytes]) -> Usage:
    prompt, completion, total, *others = counts
    reasoning, cached = (None if one == b"None" else int(one) for one in others)
    return Usage(int(prompt), int(completion), int(total), reasoning, cached)
