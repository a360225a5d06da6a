"""The feature of files in a chat: what the site cannot take is refused, the rest is uploaded before the turn.

A picture may stand in any message, in earlier turns and in results of tools too. A file that the account's site has
already is not uploaded again. One that cannot be uploaded ends the request: it is never asked without it.
"""

import logging
from binascii import Error as BadBase64
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from addons.errors import GatewayError
from addons.features.feature import Applied, FeatureSteps, Served
from addons.features.media.cache import FileKey, UploadedFiles
from addons.features.media.check import check_file, check_files
from addons.features.media.kinds import HEAD_BYTES, kind_of
from addons.features.media.long_prompt import parted
from addons.features.media.parts import FilePart, file_parts, without_line_ends
from providers.contract.chat import AttachedPart, MediaKind, Message, Part, attached
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure
from providers.contract.provider import AnyProvider
from providers.contract.requests import ChatRequest, ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Answer, Fetch, Moment, Wait, Work, together
from providers.contract.uploads import Accepted, MediaFile, Uploads

log = logging.getLogger("glassgate")

CLAIM: Final = "files"
"""Says that the parts of messages with files in them are seen to."""
_SLICE_CHARS: Final = 1024 * 1024
"""Of base64, decoded before others have their turn; some milliseconds. A multiple of four."""

_SHARED_WAITS: Final = 15
"""Seconds that a request waits for another that uploads the same; then it does so itself."""


class Media:
    """The Feature of files."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        """Raises GatewayError (400) for a file that this model of the provider cannot be shown."""
        provider = served.provider
        if served.native is None or provider is None or not isinstance(request, ChatRequest):
            return None
        if (uploads := provider.uploads) is None:
            return None
        named = "image" if request.drawing is not None else ""
        parts = list(file_parts(request.messages, named, len(request.before)))
        files = _Files(provider, uploads, served.uploaded)
        steps: list[FeatureSteps] = []
        if parts:
            check_files(parts, uploads, provider.name, served.model.id, remote=served.settings.remote_media)
            steps.append(_Upload(files, {id(part.part): part.where for part in parts}))
        if served.settings.long_prompt_file and uploads.inline_chars is not None:
            steps.append(_LongPrompt(files, uploads.inline_chars))
        if not steps:
            return None
        return Applied(request, frozenset({CLAIM} if parts else ()), (_Refusals(files),), tuple(steps))


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of the accounts of one provider."""

    provider: AnyProvider
    uploads: Uploads
    uploaded: UploadedFiles
    named: list[FileKey] = field(default_factory=list)
    """Those of this attempt."""

    def bring(self, file: MediaFile, digest: str, session: Session, moment: Moment) -> Work[AttachedPart]:
        """The file as the account's site has it: from before, or uploaded now. Raises ProviderError."""
        account, person = (session.provider, session.account), session.facts.get("user_id", "")
        key = FileKey(self.provider.options.base_url, *account, person, digest, file.name)
        self.named.append(key)
        under_way = self.uploaded.under_way
        for _ in range(_SHARED_WAITS):
            if key not in under_way:
                break
            yield Wait(1.0)
        if (known := self.uploaded.find(key)) is not None:
            return known
        under_way.add(key)
        try:
            brought = yield from self.uploads.upload(file, session, moment)
        finally:
            under_way.discard(key)
        self.uploaded.keep(key, brought, self.uploads.valid_s)
        size = -(-len(file.data) // 1024)
        log.info("%s/%s: %s uploaded (%d KB)", session.provider, session.account, file.name, size)
        return brought


_OF_FILES: Final = (ErrorKind.BAD_REQUEST, ErrorKind.CONVERSATION_GONE, ErrorKind.PROVIDER_DOWN)
"""Failures that may be about a file the site has no more: it says `is not exist`, or that it failed inside."""


class _Refusals:
    """The filter that hears when a chat with files is refused: they are uploaded anew the next time."""

    done = ended = False

    def __init__(self, files: _Files) -> None:
        self._files = files

    def filter(self, events: Sequence[Event]) -> list[Event]:
        for event in events:
            if isinstance(event, Failure) and event.error.kind in _OF_FILES:
                for key in self._files.named:
                    self._files.uploaded.forget(key)
        return list(events)


@dataclass(frozen=True, slots=True)
class _Upload:
    """The work before a turn: all files of a request to the account's site."""

    files: _Files
    places: Mapping[int, str]
    """Identity of a part → where the client put it: other features may have moved it since."""

    def __call__(self, request: ModelRequest, session: Session, moment: Moment) -> Work[ModelRequest]:
        assert isinstance(request, ChatRequest)
        groups: dict[tuple[str, str, str, int], list[FilePart]] = {}
        for part in file_parts(request.messages):
            part = replace(part, where=self.places.get(id(part.part), part.where))
            groups.setdefault((part.text, part.url, part.name, part.at), []).append(part)
        each = list(groups.values())
        found = yield from together([self._one(request, group[0], session, moment) for group in each])
        brought = {id(part.part): file for group, file in zip(each, found, strict=True) for part in group}
        return replace(request, messages=tuple(_with_files(message, brought) for message in request.messages))

    def _one(self, request: ChatRequest, part: FilePart, session: Session, moment: Moment) -> Work[AttachedPart]:
        accepted = self.files.uploads.accepted(request.model)
        try:
            data, digest = yield from (self._fetched(accepted, part) if part.url else decoded(part))
            kind = part.checked(kind_of(data[:HEAD_BYTES], part.name))
            check_file(part, kind, len(data), accepted, self.files.provider.name)
        except GatewayError as refusal:
            raise _in_steps(refusal) from None
        file = MediaFile(kind.kind, part.file_name(kind.kind, kind.extension, digest), kind.media_type, data)
        return (yield from self.files.bring(file, digest, session, moment))

    def _fetched(self, accepted: Mapping[MediaKind, Accepted], part: FilePart) -> Work[tuple[bytes, str]]:
        """The bytes of a file at an address, and their SHA-256. Raises GatewayError."""
        kinds: Sequence[MediaKind] = tuple(accepted) if part.asked == "file" else (part.asked,)
        most = max((accepted[kind].most_bytes for kind in kinds if kind in accepted), default=0)
        try:
            answer: Answer = yield Fetch(part.url, most)
        except ProviderError as error:
            raise part.refusal(f"could not be fetched: {error.message.rstrip('.')}") from None
        said = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if (found := kind_of(answer.body[:HEAD_BYTES], part.name)) is not None and not _may_be(said, found.media_type):
            raise part.refusal(f"could not be fetched: its server calls it {said[:60]!r}, and it is {found.media_type}")
        return answer.body, (yield from _digest(answer.body))


@dataclass(frozen=True, slots=True)
class _LongPrompt:
    """The work before a turn: of a conversation too long for the site the older part becomes a file."""

    files: _Files
    most_chars: int

    def __call__(self, request: ModelRequest, session: Session, moment: Moment) -> Work[ModelRequest]:
        assert isinstance(request, ChatRequest)
        uploads, there = self.files.uploads, attached(request.messages)
        limits = uploads.accepted(request.model).get("document")
        found = parted(request.messages, self.most_chars)
        others = any(one.kind != "document" for one in there)
        if limits is None or found is None or len(there) >= limits.most or (uploads.one_kind and others):
            return request
        text = found.text()
        digest = yield from _digest(text)
        file = MediaFile("document", f"conversation-{digest[:8]}.txt", "text/plain", text)
        if len(text) > limits.most_bytes:
            told = f"the conversation is larger than a file may be ({limits.most_bytes // 1024 // 1024} MB)."
            raise ProviderError(ErrorKind.TOO_LONG, told, param="messages")
        brought = yield from self.files.bring(file, digest, session, moment)
        return replace(request, messages=found.with_file(brought))


def _may_be(said: str, media_type: str) -> bool:
    """Whether a file of a type may be what a server calls it; a page of words is never a picture."""
    vague = ("", "application/octet-stream", "binary/octet-stream", "application/zip")
    return said in vague or said.partition("/")[0] == media_type.partition("/")[0]


def _digest(data: bytes) -> Work[str]:
    digest = sha256()
    for at in range(0, len(data), _SLICE_CHARS):
        digest.update(data[at : at + _SLICE_CHARS])
        yield Wait()
    return digest.hexdigest()


def decoded(part: FilePart) -> Work[tuple[bytes, str]]:
    """The bytes of a part and their SHA-256; others have their turn meanwhile. Raises GatewayError."""
    found, digest, rest = bytearray(), sha256(), ""
    for at in range(part.at, len(part.text), _SLICE_CHARS):
        text = rest + without_line_ends(part.text[at : at + _SLICE_CHARS])
        whole = len(text) if at + _SLICE_CHARS >= len(part.text) else len(text) // 4 * 4
        text, rest = text[:whole], text[whole:]
        try:
            piece = a2b_base64(text, strict_mode=True)
        except (BadBase64, ValueError):
            raise part.refusal("holds no base64") from None
        found += piece
        digest.update(piece)
        yield Wait()
    return bytes(found), digest.hexdigest()


def _with_files(message: Message, brought: Mapping[int, AttachedPart]) -> Message:
    if not isinstance(message.content, tuple):
        return message
    content: tuple[Part, ...] = tuple(brought.get(id(part), part) for part in message.content)
    return replace(message, content=content)


def _in_steps(refusal: GatewayError) -> ProviderError:
    """A refusal that was found late, as work says it."""
    return ProviderError(ErrorKind.BAD_REQUEST, refusal.message, param=refusal.param, site_code=refusal.code)
