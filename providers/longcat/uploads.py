"""Files at LongCat: one form to appendix-upload; a chat then names what came of it. From one client's code."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from providers.contract.chat import AttachedPart, MediaKind
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Work
from providers.contract.uploads import Accepted, MediaFile, Uploads
from providers.formats.jsontext import loads, mapping, text
from providers.longcat import data
from providers.longcat.api import LongCatApi
from providers.longcat.errors import number, refusal
from providers.shared.multipart import one_file

_GIVEN: Final = re.compile(r"[!-~]{1,2048}")
"""What the site hands out to be sent back in a chat's body."""


class LongCatUploads(Uploads):
    """The Uploads of LongCat."""

    valid_s: ClassVar[float] = 3600.0  # a guess
    one_kind: ClassVar[bool] = True

    def __init__(self, api: LongCatApi) -> None:
        self._api = api

    def accepted(self, model: str) -> Mapping[MediaKind, Accepted]:
        return data.ACCEPTED

    def upload(self, file: MediaFile, session: Session, now: Moment) -> Work[AttachedPart]:
        content_type, body = one_file(file, f"----WebKitFormBoundary{now.new_id().replace('-', '')}")
        answer: Answer = yield self._api.call(
            "POST", data.UPLOAD_PATH, session, now, body, content_type=content_type, accept="*/*"
        )
        value = mapping(loads(answer.body))
        if answer.status != 200 or number(value.get("code")):
            raise refusal(answer.status, answer.headers, answer.body)
        given = mapping(value.get("data"))
        url, key = text(given.get("url")), text(given.get("key"))
        if not _GIVEN.fullmatch(url) or not _GIVEN.fullmatch(key):
            told = f"LongCat did not say where it put {file.name}; try again."
            raise ProviderError(ErrorKind.PROVIDER_DOWN, told)
        descriptor = {
            "fileId": now.new_id().replace("-", ""),
            "fileName": file.name,
            "fileExt": file.name.rpartition(".")[2].lower(),
            "fileSize": len(file.data),
            "width": 0,
            "height": 0,
            "fileUrl": url,
            "fileKey": key,
            "uploadingStatus": "success",
            "progress": 100,
        }
        return AttachedPart(file.kind, file.name, descriptor)
