"""Small files of each kind, and parts of messages that carry them."""

from base64 import b64encode
from typing import Any, Final

PNG: Final = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(30)
JPEG: Final = b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(30)
GIF: Final = b"GIF89a" + bytes(30)
WEBP: Final = b"RIFF\x24\0\0\0WEBPVP8 " + bytes(30)
PDF: Final = b"%PDF-1.7\n" + bytes(30)
WAV: Final = b"RIFF\x24\0\0\0WAVEfmt " + bytes(30)
MP3: Final = b"ID3\x04" + bytes(30)
MP4: Final = b"\0\0\0\x18ftypmp42" + bytes(30)


def data_url(data: bytes, said: str = "image/png") -> str:
    return f"data:{said};base64,{b64encode(data).decode()}"


def picture(data: bytes = PNG, said: str = "image/png") -> dict[str, Any]:
    """An `image_url` part."""
    return {"type": "image_url", "image_url": {"url": data_url(data, said)}}


def document(data: bytes = PDF, filename: str | None = "a.pdf") -> dict[str, Any]:
    """A `file` part."""
    named = {"filename": filename} if filename is not None else {}
    return {"type": "file", "file": {"file_data": data_url(data, "application/pdf"), **named}}


def sound(data: bytes = WAV) -> dict[str, Any]:
    """An `input_audio` part."""
    return {"type": "input_audio", "input_audio": {"data": b64encode(data).decode(), "format": "wav"}}


def video(data: bytes = MP4) -> dict[str, Any]:
    """A `video_url` part."""
    return {"type": "video_url", "video_url": {"url": data_url(data, "video/mp4")}}


def words(text: str = "What is it?") -> dict[str, Any]:
    return {"type": "text", "text": text}
