"""Files at Qwen: a grant of the site, the bytes to its object store, and for documents the site's reading of them.

The grant names a host and hands out secrets. The host must be one of the provider's own list, and the secrets are
values that nobody is shown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from providers.contract.call import Call
from providers.contract.chat import AttachedPart, MediaKind
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import checked_id, is_token
from providers.contract.provider import LOOPBACK_HOSTS
from providers.contract.sealed import HandedSecret, Sealed
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment, Wait, Work
from providers.contract.uploads import Accepted, MediaFile, Uploads
from providers.formats.jsontext import dumps, loads, mapping, text
from providers.qwen import data
from providers.qwen.api import QwenApi
from providers.qwen.errors import refusal
from providers.qwen.options import QwenOptions
from providers.qwen.oss_signature import ALGORITHM, UNSIGNED, scope, signature, stamp

GRANT_PATH: Final = "/api/v2/files/getstsToken"
PARSE_PATH: Final = "/api/v2/files/parse"
STATUS_PATH: Final = "/api/v2/files/parse/status"
POLL_S: Final = 0.5
POLLS: Final = 12
"""The page asks 30 times in 15 s; together with the pauses that grow this is a minute."""

_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]{1,2048}){1,16}")
_KEY: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,1024}")
_BUCKET: Final = re.compile(r"[a-z0-9-]{3,63}")
_REGION: Final = re.compile(r"(?:oss-)?([a-z0-9-]{2,40})")


def upload_urls(options: QwenOptions) -> tuple[str, ...]:
    """Where files may be sent: a fixed list. Where the site is a stand-in on this machine: those of it that are so too,
    else that very place."""
    return own_places(options, options.upload_urls)


def own_places(options: QwenOptions, urls: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the places that may be asked: where `base_url` is loopback, none of the Internet's."""
    if not _is_here(options.base_url):
        return urls
    return tuple(filter(_is_here, urls)) or (options.base_url,)


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK_HOSTS


@dataclass(frozen=True, slots=True)
class _Grant:
    """The grant for one file."""

    file_id: str
    url: str
    """Where its bytes go, without the site's signature."""
    resource: str
    region: str
    key_id: str = field(repr=False)
    key_secret: str = field(repr=False)
    token: str = field(repr=False)


class QwenUploads(Uploads):
    """The Uploads of Qwen Chat."""

    valid_s: ClassVar[float] = 3600.0  # what was uploaded can be named in later turns; for how long is a guess
    inline_chars: ClassVar[int | None] = data.INLINE_CHARS

    def __init__(self, api: QwenApi) -> None:
        self._api = api

    def accepted(self, model: str) -> Mapping[MediaKind, Accepted]:
        found = self._api.catalogue.choices.get(model)
        if found is None:
            return {}
        if found.image:
            return {} if found.editor is None else {"image": data.ACCEPTED["image"]}
        return {kind: limits for kind, limits in data.ACCEPTED.items() if kind in found.site.takes}

    def upload(self, file: MediaFile, session: Session, now: Moment) -> Work[AttachedPart]:
        asked = {"filename": file.name, "filesize": str(len(file.data)), "filetype": data.FILE_TYPES[file.kind]}
        answer: Answer = yield self._call(GRANT_PATH, asked, session, now, hides_answer=True)
        grant = _granted(answer, upload_urls(self._api.options), file.name)
        put: Answer = yield _put(grant, file, answer.at_ms or now.epoch_ms)
        if put.status != 200:
            raise _down(f"Qwen's store did not take {file.name} (status {put.status}); try again.", put.status)
        if file.kind == "document":
            yield from self._parsed(grant.file_id, file.name, session, now)
        return AttachedPart(file.kind, file.name, _descriptor(file, grant, now))

    def _parsed(self, file_id: str, name: str, session: Session, now: Moment) -> Work[None]:
        """Has the site read a document, and waits until it has."""
        answer: Answer = yield self._call(PARSE_PATH, {"file_id": file_id}, session, now)
        _checked(answer)
        for poll in range(POLLS):
            answer = yield self._call(STATUS_PATH, {"file_id_list": [file_id]}, session, now)
            record = _record(_checked(answer), file_id)
            status = text(record.get("status")).lower()
            if status in ("success", "completed", "done"):
                return
            if status in ("failed", "error"):
                why = text(record.get("error_msg")) or text(record.get("message"))
                told = f"Qwen could not read {name}: {why[:200] or 'it does not say why'}"
                raise ProviderError(ErrorKind.BAD_REQUEST, told, param="messages")
            yield Wait(POLL_S * (poll + 1))
        raise _down(f"Qwen has not read {name} in time; try again, or send less of it.")

    def _call(
        self, path: str, body: Mapping[str, Any], session: Session, now: Moment, *, hides_answer: bool = False
    ) -> Call:
        call = self._api.call("POST", path, session, now, body=dumps(body))
        return Call(call.method, call.url, call.headers, call.body, hides_answer)


def _checked(answer: Answer) -> Mapping[str, Any]:
    """The answer's object. Raises ProviderError where it is a refusal."""
    body = mapping(loads(answer.body))
    if answer.status >= 300 or body.get("success") is False or not body:
        raise refusal(answer.status, answer.headers, answer.body)
    return body


def _granted(answer: Answer, urls: tuple[str, ...], name: str) -> _Grant:
    """The grant in an answer. Raises ProviderError for one that cannot be used; its words are not told."""
    body = mapping(loads(answer.body))
    given = mapping(body.get("data"))
    if answer.status >= 300 or body.get("success") is False or not given:
        raise refusal(answer.status, answer.headers, answer.body)
    url = text(given.get("file_url")).partition("?")[0]
    base = next((base for base in urls if url.startswith(f"{base}/")), None)
    if base is None or not _PATH.fullmatch(url[len(base) :]) or "/../" in url + "/":
        raise _down(f"Qwen names a place for {name} that is none of its own; nothing was sent there.")
    key, bucket = text(given.get("file_path")), text(given.get("bucketname"))
    region = _REGION.fullmatch(text(given.get("region")))
    secrets = [text(given.get(name)) for name in ("access_key_id", "access_key_secret", "security_token")]
    if not (_KEY.fullmatch(key) and _BUCKET.fullmatch(bucket) and region and all(map(is_token, secrets))):
        raise _down(f"Qwen's grant for {name} lacks what an upload needs; nothing was sent.")
    file_id = checked_id(given.get("file_id"), "Qwen's new file")
    return _Grant(file_id, url, f"/{bucket}/{key}", region[1], *secrets)


def _put(grant: _Grant, file: MediaFile, epoch_ms: int) -> Call:
    """The call that brings the bytes: no secret of the session is in it."""
    date = stamp(epoch_ms)
    headers = {
        "content-type": file.media_type,
        "x-oss-content-sha256": UNSIGNED,
        "x-oss-date": date,
        "x-oss-security-token": grant.token,
    }
    signed = signature("PUT", grant.resource, headers, secret=grant.key_secret, region=grant.region)
    return Call(
        "PUT",
        grant.url,
        (
            ("content-type", file.media_type),
            ("x-oss-content-sha256", UNSIGNED),
            ("x-oss-date", date),
            ("x-oss-security-token", Sealed((HandedSecret("security_token", grant.token),))),
            (
                "authorization",
                Sealed(
                    (
                        f"{ALGORITHM} Credential=",
                        HandedSecret("access_key_id", grant.key_id),
                        f"/{scope(date, grant.region)},Signature=",
                        HandedSecret("signature", signed),
                    )
                ),
            ),
        ),
        file.data,
        hides_answer=True,
    )


def _descriptor(file: MediaFile, grant: _Grant, now: Moment) -> Mapping[str, Any]:
    """What names the file in a chat. Its `url` is without the site's signature, which ends after minutes while the
    descriptor stays good (two working clients of 2026-06 send it so)."""
    meta: dict[str, Any] = {"name": file.name, "size": len(file.data), "content_type": file.media_type}
    held: dict[str, Any] = {
        "created_at": now.epoch_ms,
        "data": {},
        "filename": file.name,
        "hash": None,
        "id": grant.file_id,
        "meta": meta,
        "update_at": now.epoch_ms,
    }
    kind = data.FILE_TYPES[file.kind]
    found: dict[str, Any] = {
        "type": kind,
        "file": held,
        "id": grant.file_id,
        "url": grant.url,
        "name": file.name,
        "collection_name": "",
        "progress": 0,
        "status": "uploaded",
        "greenNet": "success",
        "size": len(file.data),
        "error": "",
        "itemId": now.new_id(),
        "file_type": file.media_type,
        "showType": kind,
        "file_class": data.FILE_CLASSES[file.kind],
        "uploadTaskId": now.new_id(),
    }
    if file.kind == "document":
        meta["parse_meta"] = {"parse_status": "success"}
        held |= {"name": file.name, "size": len(file.data), "type": file.media_type}
        found |= {"context": "full", "progress": 100}
    return found


def _record(body: Mapping[str, Any], file_id: str) -> Mapping[str, Any]:
    """What a status answer says of the file."""
    held: Any = body.get("data")
    if isinstance(held, dict):
        held = held.get("list") or held.get("items") or [held]
    records = [mapping(one) for one in held[:100]] if isinstance(held, list) else []
    named = (one for one in records if file_id in (one.get("file_id"), one.get("id")))
    return next(named, records[0] if len(records) == 1 else {})


def _down(message: str, status: int | None = None) -> ProviderError:
    return ProviderError(ErrorKind.PROVIDER_DOWN, message, status=status)
