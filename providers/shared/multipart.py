"""A file as a multipart/form-data body (RFC 7578)."""

from typing import Final

from providers.contract.uploads import MediaFile

_ESCAPED: Final = {'"': "%22", "\r": "%0D", "\n": "%0A"}
"""As browsers write a file's name (HTML, 4.10.21.8)."""


def one_file(file: MediaFile, boundary: str) -> tuple[str, bytes]:
    """Content type and body of a form with the one field `file`. `boundary` must be random: no file has it in it."""
    name = "".join(_ESCAPED.get(letter, letter) for letter in file.name)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {file.media_type}\r\n\r\n"
    )
    body = b"".join([head.encode(), file.data, f"\r\n--{boundary}--\r\n".encode()])
    return f"multipart/form-data; boundary={boundary}", body
