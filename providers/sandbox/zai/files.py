"""The files of the Z.AI stand-in: their upload, their descriptors in a completion, and what a model sees of them.

Facts: one part named `file`; kinds by extension; a model that sees gets content parts with the file's id, and only
pictures, videos and documents become parts; GLM-4.6V sees by its MCP servers, GLM-5V by a feature flag.
"""

import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from providers.sandbox.models.files import described
from providers.sandbox.multipart import one_file
from providers.sandbox.server import Request

_KINDS: Final = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "bmp"), "image"),
    "mp4": "video",
    **dict.fromkeys(("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx"), "doc"),
}
_MEGABYTE: Final = 1024 * 1024
_LIMITS: Final = {"image": 50 * _MEGABYTE, "video": 200 * _MEGABYTE, "doc": 50 * _MEGABYTE, "file": 50 * _MEGABYTE}
_PARTS: Final = {"image_url": "image", "video_url": "video", "file_url": "doc"}
_RECOGNITION: Final = "vlm-image-recognition"


@dataclass(slots=True)
class Upload:
    """One file that was uploaded: the answer to its upload, its kind and its bytes."""

    answer: dict[str, Any]
    kind: str
    data: bytes = field(repr=False)


@dataclass
class Files:
    """All files of the person."""

    user_id: str
    by_id: dict[str, Upload] = field(default_factory=dict)
    fault: str = ""
    """How every upload fails: `413`, `500`, `error` (an answer that names an error), `wordless` (no id)."""

    def take(self, request: Request) -> tuple[int, dict[str, Any]]:
        """The answer to POST /api/v1/files/."""
        part = one_file(request)
        if part is None or not part.content_type:
            return 422, {"detail": [{"loc": ["body", "file"], "msg": "field required"}]}
        kind = _KINDS.get(part.extension, "file")
        if self.fault == "413" or len(part.data) > _LIMITS[kind]:
            return 413, {"detail": "File size exceeds the limit"}
        if self.fault == "500":
            return 500, {"detail": "Internal Server Error"}
        if not part.data:
            return 400, {"detail": "The content provided is empty."}
        answer = self._answer(part.filename, part.content_type, part.data)
        if self.fault == "error":
            return 200, {**answer, "error": "Failed to process the file"}
        if self.fault == "wordless":
            return 200, {name: value for name, value in answer.items() if name != "id"}
        self.by_id[answer["id"]] = Upload(answer, kind, part.data)
        return 200, answer

    def _answer(self, name: str, content_type: str, data: bytes) -> dict[str, Any]:
        file_id, now = str(uuid.uuid4()), int(time.time())
        meta = {"name": name, "content_type": content_type, "size": len(data), "data": {}}
        meta |= {"oss_endpoint": "oss-ap-southeast-1.aliyuncs.com", "cdn_url": f"https://cdn.example.com/{file_id}"}
        about = {"id": file_id, "user_id": self.user_id, "hash": hashlib.sha256(data).hexdigest(), "filename": name}
        return {**about, "data": {}, "meta": meta, "created_at": now, "updated_at": now}

    # -- in a completion -------------------------------------------------------------------------------------------
    def problem(self, body: Mapping[str, Any], *, vision: bool) -> str:
        """What is wrong with the files of a completion, or nothing."""
        listed = body.get("files") or []
        if not isinstance(listed, list):
            return "files"
        for descriptor in listed:
            if wrong := self._descriptor_problem(descriptor):
                return f"files.{wrong}"
        known = {descriptor["id"] for descriptor in listed}
        content = _content(body)
        if isinstance(content, list) and not vision:
            return "content: this model takes text"
        for kind, file_id in _shown_ids(content):
            upload = self.by_id.get(file_id)
            if upload is None or file_id not in known or upload.kind != _PARTS[kind]:
                return f"content.{kind}"
        return ""

    def _descriptor_problem(self, descriptor: Any) -> str:
        """The first field of a descriptor that is not as the page makes it."""
        upload = self.by_id.get(str(descriptor.get("id"))) if isinstance(descriptor, dict) else None
        if upload is None:
            return "id"
        answer = upload.answer
        address = f"/api/v1/files/{answer['id']}"
        expected: dict[str, Sequence[Any]] = {
            "type": (upload.kind,),
            "media": (upload.kind,),
            "file": (answer,),
            "url": (address, f"{address}/content"),
            "name": (quote(answer["filename"]), quote(answer["filename"], safe=""), answer["filename"]),
            "status": ("uploaded",),
            "size": (answer["meta"]["size"],),
            "error": ("",),
        }
        wrong = [name for name, values in expected.items() if descriptor.get(name) not in values]
        wrong += [name for name in ("itemId", "ref_user_msg_id") if not isinstance(descriptor.get(name), str)]
        return wrong[0] if wrong else ""

    def seen(self, body: Mapping[str, Any], *, vision: bool) -> list[str]:
        """Descriptions of what the model sees with this message."""
        if vision:
            ids = [file_id for _, file_id in _shown_ids(_content(body))] if _sees(body) else []
        else:  # a document's words are looked up for it
            here = body.get("current_user_message_id")
            listed = [d for d in body.get("files") or () if d.get("ref_user_msg_id") == here]
            ids = [d["id"] for d in listed if d["media"] in ("doc", "file")]
        found = [self.by_id[file_id] for file_id in ids]
        return [described(upload.data, upload.answer["filename"]) for upload in found]


def _content(body: Mapping[str, Any]) -> Any:
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return last.get("content") if isinstance(last, dict) else None


def _shown_ids(content: Any) -> Iterator[tuple[str, str]]:
    """Kind and file id of each part that is no text."""
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in _PARTS:
            inner = part.get(kind)
            yield str(kind), str(inner.get("url")) if isinstance(inner, dict) else ""


def _sees(body: Mapping[str, Any]) -> bool:
    """Whether the switches by which the model sees are on."""
    if "-5v" in str(body.get("model")).lower():
        features = body.get("features")
        return isinstance(features, dict) and features.get("vlm_tools_enable") is not None
    return _RECOGNITION in (body.get("mcp_servers") or ())
