"""The files of the LongCat stand-in: their upload and their descriptors in a chat.

Facts: one part named `file`, 10 MB; pictures jpg, jpeg, png, up to nine; or one document.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.sandbox.models.files import described
from providers.sandbox.multipart import Part, one_file
from providers.sandbox.server import Request

LIMIT_BYTES: Final = 10 * 1024 * 1024
_PICTURES: Final = ("jpg", "jpeg", "png")
_DOCUMENTS: Final = ("pdf", "doc", "docx", "xls", "xlsx", "pptx", "txt")
_MOST_PICTURES: Final = 9
_FIELDS: Final = ("fileName", "fileExt", "fileSize", "fileUrl", "fileKey", "uploadingStatus")


@dataclass
class Files:
    """Uploaded files by key, with their owners."""

    by_key: dict[str, tuple[str, str, Part]] = field(default_factory=dict)
    """Key → user id, url, file."""
    fault: str = ""
    """How every upload fails: `500` or `keyless` (an answer without a key)."""

    def take(self, request: Request, user: str) -> tuple[int, dict[str, Any]]:
        """The answer to POST appendix-upload."""
        part = one_file(request)
        if self.fault == "500":
            return 500, {"code": 500, "message": "服务异常"}
        if part is None or not part.data:
            return 200, {"code": 400, "message": "参数错误: file", "data": None}
        if len(part.data) > LIMIT_BYTES or part.extension not in (*_PICTURES, *_DOCUMENTS):
            return 200, {"code": 400, "message": "文件类型或大小不支持", "data": None}
        key = f"appendix/{secrets.token_hex(12)}.{part.extension}"
        url = f"https://s3plus.example.com/longcat/{key}?sign={secrets.token_hex(8)}"
        self.by_key[key] = (user, url, part)
        data = {"url": url} if self.fault == "keyless" else {"url": url, "key": key}
        return 200, {"code": 0, "message": "success", "data": data}

    def problem(self, listed: Any, user: str) -> str:
        """What is wrong with the files of a chat, or nothing."""
        if not isinstance(listed, list) or any(not isinstance(one, dict) for one in listed):
            return "files"
        for one in listed:
            owner, url, part = self.by_key.get(str(one.get("fileKey")), ("", "", None))
            if part is None or owner != user or one.get("fileUrl") != url:
                return "files: unknown"
            if wrong := _descriptor_problem(one, part):
                return f"files.{wrong}"
        documents = [one for one in listed if one["fileExt"].lower() in _DOCUMENTS]
        if len(documents) > 1 or (documents and len(listed) > 1) or len(listed) > _MOST_PICTURES:
            return "files: too many"
        return ""

    def seen(self, listed: list[dict[str, Any]]) -> list[str]:
        """Descriptions of what the model sees."""
        parts = [self.by_key[one["fileKey"]][2] for one in listed]
        return [described(part.data, part.filename) for part in parts]


def _descriptor_problem(one: Mapping[str, Any], part: Part) -> str:
    missing = [name for name in _FIELDS if name not in one]
    if missing:
        return missing[0]
    expected = {
        "fileName": part.filename,
        "fileExt": part.extension,
        "fileSize": len(part.data),
        "uploadingStatus": "success",
        "progress": 100,
    }
    wrong = [name for name, value in expected.items() if one.get(name, value) != value]
    return wrong[0] if wrong else ""
