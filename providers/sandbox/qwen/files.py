"""The files of the Qwen stand-in: grants for uploads, parsing of documents, descriptors in a turn.

Facts: a grant names the object, keys and a signed address; documents are parsed before they are sent; a model without
eyes takes a picture and ignores it without an error; a bad attachment is an error inside the stream.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

from providers.sandbox.models.files import described
from providers.sandbox.qwen.models import SandboxModel
from providers.sandbox.qwen.oss import BUCKET, GRANT_S, REGION, OssSite
from providers.sandbox.qwen.refusals import invalid, refused
from providers.sandbox.server import Request, Wire

_MEGABYTE: Final = 1024 * 1024
_LIMITS: Final = {"image": 20 * _MEGABYTE, "file": 20 * _MEGABYTE, "video": 500 * _MEGABYTE, "audio": 100 * _MEGABYTE}
_MOST: Final = {"image": 5, "file": 5, "video": 1, "audio": 1}
_CLASSES: Final = {"image": "vision", "file": "document", "video": "video", "audio": "audio"}

type StatusForm = Literal["data", "list", "items"]


@dataclass(slots=True)
class Upload:
    """One file that a grant was given for."""

    file_id: str
    owner: str
    name: str
    size: int
    kind: str
    path: str
    url: str
    asked: int = -1
    """How often its parsing was asked after; -1: it was not begun."""


@dataclass
class Files:
    """All files, and how their calls fail on demand."""

    oss: OssSite
    by_id: dict[str, Upload] = field(default_factory=dict)
    grant_fault: Literal["", "refused", "keyless", "unwrapped"] = ""
    """getstsToken: a refusal; an answer without the keys; the older form without `data`."""
    parse_fault: Literal["", "refused", "failed", "never"] = ""
    """Parsing: not begun; fails; never ends."""
    parse_rounds: int = 1
    """So often the status says that it is under way."""
    status_form: StatusForm = "data"
    """Where the records of parse/status stand."""
    drawn: dict[str, str] = field(default_factory=dict)
    """Pictures the site itself has made: address → description."""

    async def handle(self, request: Request, user: str, wire: Wire) -> bool:
        """Whether the call was one of files."""
        if request.method != "POST" or not request.path.startswith("/api/v2/files/"):
            return False
        body = request.json()
        fields = body if isinstance(body, dict) else {}
        match request.path.removeprefix("/api/v2/files/"):
            case "getstsToken":
                await wire.respond(200, self._granted(fields, user))
            case "parse":
                await wire.respond(200, self._parse(fields, user))
            case "parse/status":
                await wire.respond(200, self._status(fields, user))
            case _:
                return False
        return True

    def _granted(self, fields: Mapping[str, Any], user: str) -> dict[str, Any]:
        """A grant; the size comes as a string or a number, the type as the page's word or a MIME type."""
        name, size, kind = fields.get("filename"), _size(fields.get("filesize")), _kind(fields.get("filetype"))
        if not isinstance(name, str) or not name or size is None or not kind:
            return invalid("filename, filesize, filetype")
        if self.grant_fault == "refused" or not 0 < size <= _LIMITS[kind]:
            return refused("Bad_Request", "file size exceeds the limit")
        file_id = str(uuid.uuid4())
        path = f"{user}/{file_id}_{name}"
        grant = self.oss.grant(path)
        address = f"{self.oss.address}/{quote(path, safe='/')}"
        query = f"x-oss-expires={GRANT_S}&x-oss-signature={uuid.uuid4().hex}"
        upload = Upload(file_id, user, name, size, kind, path, f"{address}?{query}")
        self.by_id[file_id] = upload
        keys = {
            "access_key_id": grant.key_id,
            "access_key_secret": grant.secret,
            "security_token": grant.token,
        }
        where = {"file_url": upload.url, "file_path": path, "file_id": file_id, "bucketname": BUCKET}
        where |= {"region": f"oss-{REGION}", "endpoint": "oss-accelerate.aliyuncs.com"}
        data = where if self.grant_fault == "keyless" else keys | where
        return data if self.grant_fault == "unwrapped" else {"success": True, "data": data}

    def _parse(self, fields: Mapping[str, Any], user: str) -> dict[str, Any]:
        upload = self._owned(fields.get("file_id"), user)
        if upload is None or upload.path not in self.oss.objects or self.parse_fault == "refused":
            return refused("Bad_Request", "file is not exist")
        upload.asked = 0
        return {"success": True, "data": {"file_id": upload.file_id, "status": "pending"}}

    def _status(self, fields: Mapping[str, Any], user: str) -> dict[str, Any]:
        ids = fields.get("file_id_list")
        uploads = [self._owned(one, user) for one in ids] if isinstance(ids, list) else []
        if not uploads or any(upload is None or upload.asked < 0 for upload in uploads):
            return refused("Bad_Request", "file is not exist")
        records = [self._record(upload) for upload in uploads if upload is not None]
        data = records if self.status_form == "data" else {self.status_form: records}
        return {"success": True, "data": data}

    def _record(self, upload: Upload) -> dict[str, Any]:
        upload.asked += 1
        if self.parse_fault == "failed":
            return {"file_id": upload.file_id, "status": "failed", "error_msg": "the document cannot be read"}
        done = upload.asked > self.parse_rounds and self.parse_fault != "never"
        return {"file_id": upload.file_id, "status": "success" if done else "running"}

    def _owned(self, file_id: Any, user: str) -> Upload | None:
        upload = self.by_id.get(file_id) if isinstance(file_id, str) else None
        return upload if upload is not None and upload.owner == user else None

    # -- in a turn -------------------------------------------------------------------------------------------------
    def problem(self, message: Mapping[str, Any], user: str) -> str:
        """Why the attachments of a message cannot be read, or nothing: said inside the stream."""
        listed = message.get("files") or []
        for one in listed:
            if (upload := self._owned(one.get("id"), user)) is None:
                if one.get("url") in self.drawn and "id" not in one:
                    continue
                return "attachment is not exist"
            if upload.path not in self.oss.objects:
                return "attachment was not uploaded"
            if upload.kind == "file" and not self._parsed(upload):
                return "attachment is not parsed"
            if one.get("url") not in (upload.url, upload.url.partition("?")[0]) or one.get("type") != upload.kind:
                return "attachment differs from what was uploaded"
        for kind, most in _MOST.items():
            if sum(one.get("type") == kind for one in listed) > most:
                return f"too many attachments: {kind}"
        return ""

    def _parsed(self, upload: Upload) -> bool:
        return upload.asked > self.parse_rounds and self.parse_fault == ""

    def seen(self, message: Mapping[str, Any], model: SandboxModel) -> list[str]:
        """Descriptions of what the model sees: a picture needs eyes, a document does not."""
        return list(self._seen(message.get("files") or [], model))

    def _seen(self, listed: Sequence[Mapping[str, Any]], model: SandboxModel) -> Iterator[str]:
        for one in listed:
            if one["type"] != "file" and not model.vision:
                continue
            if (upload := self.by_id.get(one.get("id", ""))) is not None:
                yield described(self.oss.objects[upload.path], upload.name)
            else:
                yield self.drawn[one["url"]]


def descriptor_problem(one: Any) -> str:
    """The first field of a descriptor that is not as the page makes it, or nothing."""
    if not isinstance(one, dict):
        return "files"
    kind = one.get("type")
    if kind not in _CLASSES or not isinstance(one.get("url"), str) or not isinstance(one.get("name"), str):
        return "type"
    if one.get("showType") != kind or one.get("file_class") != _CLASSES[kind] or one.get("status") != "uploaded":
        return "showType"
    if "id" not in one:  # the short form, of a picture the site has made
        return ""
    inner = one.get("file")
    meta = inner.get("meta") if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or inner.get("id") != one["id"] or not isinstance(meta, dict):
        return "file"
    if meta.get("size") != one.get("size") or not isinstance(meta.get("content_type"), str):
        return "file.meta"
    for name in ("itemId", "uploadTaskId"):
        if not isinstance(one.get(name), str):
            return name
    parsed = meta.get("parse_meta")
    if kind == "file" and (not isinstance(parsed, dict) or parsed.get("parse_status") != "success"):
        return "file.meta.parse_meta"
    return "error" if one.get("error") else ""


def _size(value: Any) -> int | None:
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _kind(value: Any) -> str:
    """image, video, audio or file."""
    if not isinstance(value, str):
        return ""
    word = value.partition("/")[0]
    if word in ("image", "video", "audio"):
        return word
    return "file" if word in ("file", "document") or "/" in value else ""
