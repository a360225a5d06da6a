"""Files at Z.AI: one form to /api/v1/files/, and the descriptor with which a chat names what came of it.

As the page's script of 2026-03 does it (front prod-fe-1.0.262); a descriptor's `url` with `/content` at its end is that
of two working clients.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote

from providers.contract.chat import AttachedPart, MediaKind
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import checked_id
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Work
from providers.contract.uploads import Accepted, MediaFile, Uploads
from providers.formats.jsontext import loads, mapping, text
from providers.shared.multipart import one_file
from providers.zai import data as zai_data
from providers.zai.api import ZaiApi, refused

FILES_PATH: Final = "/api/v1/files/"
_ANSWER_BYTES: Final = 64 * 1024
"""What a file's answer may be: all of it stands in each chat that names the file."""
_KEPT: Final = ("id", "user_id", "hash", "filename", "data", "meta", "created_at", "updated_at")


class ZaiUploads(Uploads):
    """The Uploads of Z.AI."""

    valid_s: ClassVar[float] = 6 * 3600.0  # files stay in the account; how long is not known
    one_kind: ClassVar[bool] = True

    def __init__(self, api: ZaiApi) -> None:
        self._api = api

    def accepted(self, model: str) -> Mapping[MediaKind, Accepted]:
        found = self._api.catalogue.get(model)
        return zai_data.SEEN if found is not None and found.vision else zai_data.READ

    def upload(self, file: MediaFile, session: Session, now: Moment) -> Work[AttachedPart]:
        content_type, body = one_file(file, f"----WebKitFormBoundary{now.new_id().replace('-', '')}")
        answer: Answer = yield self._api.upload_call(FILES_PATH, session, content_type, body)
        given = mapping(loads(answer.body[:_ANSWER_BYTES])) if answer.status in (200, 201) else {}
        if given.get("error") or not given.get("id"):
            raise _not_taken(answer, given, file)
        return _attached(file, given, now)


def _attached(file: MediaFile, given: Mapping[str, Any], now: Moment) -> AttachedPart:
    file_id = checked_id(given["id"], "Z.AI's new file")
    media = _media(file)
    descriptor = {
        "type": media,
        "file": {name: given[name] for name in _KEPT if name in given},
        "id": file_id,
        "url": f"{FILES_PATH}{file_id}/content",
        "name": quote(file.name),
        "collection_name": text(mapping(given.get("meta")).get("collection_name")),
        "status": "uploaded",
        "size": len(file.data),
        "error": "",
        "itemId": now.new_id(),
        "media": media,
    }
    return AttachedPart(file.kind, file.name, descriptor)


def _media(file: MediaFile) -> str:
    """What the page calls the file's kind."""
    if file.kind == "document":
        return "doc" if file.name.rpartition(".")[2].lower() in zai_data.OFFICE else "file"
    return file.kind


def _not_taken(answer: Answer, given: Mapping[str, Any], file: MediaFile) -> ProviderError:
    """The refusal of a file; one that says nothing of it is the site's fault."""
    said = given or (mapping(loads(answer.body[:_ANSWER_BYTES])) if answer.status in _OF_THE_FILE else {})
    why = text(said.get("error")) or text(said.get("detail"))
    if why:
        told = f"Z.AI did not take {file.name}: {why[:200]}"
        return ProviderError(ErrorKind.BAD_REQUEST, told, param="messages", status=answer.status)
    if answer.status in (200, 201):
        return ProviderError(ErrorKind.PROVIDER_DOWN, f"Z.AI did not say where it put {file.name}; try again.")
    return refused(answer)


_OF_THE_FILE: Final = (400, 413, 415, 422)
"""Statuses that are about what was sent."""
