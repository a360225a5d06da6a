"""A body that asks for pictures to a ParsedRequest.

An official API gets the body as it is: JSON under its own name for the model, a form byte for byte. Where the model is
served by a web session, the form of all fields is checked here, and what is wrong with it is its `refusal`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from addons.dialects.base import Named, ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, bad_request, model_noted, read_object, validated
from addons.dialects.form import is_form, read_form
from addons.dialects.images.schema import SOURCES_LIMIT, EditBody, GenerationBody, OpenBody
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.errors import GatewayError
from providers.contract.form import Form, FormPart
from providers.contract.pictures import ImageRequest, SourcePicture

EDITS: Final = "images_edits"
_SOURCES: Final = ("image", "image[]")
"""Names of a form's pictures: one, or each of several."""
_NUMBERS: Final = frozenset({"n", "output_compression", "partial_images"})
_TRUTHS: Final = {"true": True, "false": False}


def read_pictures(body: bytes, most_values: int = VALUES_LIMIT, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
    """The request. Raises GatewayError (400) naming the field at fault."""
    if (not head.operation or head.operation == EDITS) and is_form(body, head.headers.get("content-type", "")):
        form = yield from read_form(body, head.headers.get("content-type", ""))
        fields = _fields(form)
        with model_noted(fields):
            return _parsed(fields, _form_sources(form), form)
    raw = yield from read_object(body, most_values)
    with model_noted(raw):
        edits = head.operation == EDITS or (not head.operation and ("image" in raw or "images" in raw))
        return _parsed(raw, _named_sources(raw) if edits else None)


def pictures_beginning(form: Form) -> ParsedRequest:
    """The request of a form that goes on with its pictures. Raises GatewayError (400) where a field is missing so
    far."""
    return replace(_parsed(_fields(form), _form_sources(form), form), goes_on=True)


def _parsed(
    raw: dict[str, Any], sources: Sequence[SourcePicture] | None = None, form: Form | None = None
) -> ParsedRequest:
    """The request that these fields make; `sources` are the pictures to be changed."""
    opened = validated(OpenBody, raw)
    refusal = None
    try:
        validated(GenerationBody if sources is None or form is not None else EditBody, raw)
        if sources is not None:
            _check_sources(raw, sources)
    except GatewayError as error:
        refusal = error
    n, size, wanted = raw.get("n"), raw.get("size"), raw.get("response_format")
    user = raw.get("user")
    request = ImageRequest(
        opened.model,
        opened.prompt,
        n=int(n) if isinstance(n, int | float) and not isinstance(n, bool) and n >= 1 and int(n) == n else 1,
        size=size if isinstance(size, str) else None,
        response_format=wanted if isinstance(wanted, str) else None,
        edits=sources is not None,
        sources=tuple(sources or ()),
        mask=_mask(raw, form),
        form=form,
        stream=bool(opened.stream),
        affinity=user if isinstance(user, str) else None,
        extra={name: value for name, value in raw.items() if name != "model"},
    )
    return ParsedRequest(request, refusal=refusal, names=() if form is not None else _named_files(raw))


def _check_sources(raw: dict[str, Any], sources: Sequence[SourcePicture]) -> None:
    if raw.get("image") is not None and raw.get("images") is not None:
        raise bad_request("image: the pictures stand in `image` or in `images`, not in both", "image")
    if not 0 < len(sources) <= SOURCES_LIMIT:
        raise bad_request(f"image: one picture is needed, and not more than {SOURCES_LIMIT} are taken", "image")


# -- JSON -------------------------------------------------------------------------------------------------------------
def _named_sources(raw: dict[str, Any]) -> list[SourcePicture]:
    """The pictures that stand in JSON: `images` as OpenAI has it, or `image` with data: URLs, as some clients do."""
    try:
        body = validated(EditBody, raw)
    except GatewayError:
        return []  # found again where the request is checked
    named = [body.image] if isinstance(body.image, str) else list(body.image or ())
    named += [one.image_url or one.file_id or "" for one in body.images or ()]
    return [SourcePicture(reference=reference) for reference in named]


def _named_files(raw: dict[str, Any]) -> tuple[Named, ...]:
    """The pictures that are files of an official API, which lie at one account."""
    listed = raw.get("images")
    places = [
        (f"images[{at}]", one) for at, one in enumerate(listed[:SOURCES_LIMIT] if isinstance(listed, list) else ())
    ]
    return tuple(
        Named("file", value["file_id"], f"{where}.file_id")
        for where, value in (*places, ("mask", raw.get("mask")))
        if isinstance(value, dict) and isinstance(value.get("file_id"), str)
    )


def _mask(raw: dict[str, Any], form: Form | None) -> SourcePicture | None:
    if form is not None:
        return next((_picture(part) for part in form.parts if part.name == "mask"), None)
    match raw.get("mask"):
        case str(reference):
            return SourcePicture(reference=reference)
        case {"image_url": str(reference)} | {"file_id": str(reference)}:
            return SourcePicture(reference=reference)
    return None


# -- a form -----------------------------------------------------------------------------------------------------------
def _fields(form: Form) -> dict[str, Any]:
    """The form's fields that are no pictures, with the values that the same request has in JSON."""
    found: dict[str, Any] = {}
    for part in form.parts:
        if part.name in (*_SOURCES, "mask"):
            continue
        try:
            text = part.data.decode()
        except UnicodeDecodeError:
            raise bad_request(f"{part.name[:40]}: must be text", part.name[:40] or None, "invalid_form") from None
        found[part.name] = _value(part.name, text)
    return found


def _value(name: str, text: str) -> object:
    if name == "stream":
        return _TRUTHS.get(text.strip().lower(), text)
    return int(text) if name in _NUMBERS and text.isascii() and text.isdecimal() and len(text) < 10 else text


def _form_sources(form: Form) -> list[SourcePicture]:
    return [_picture(part) for part in form.parts if part.name in _SOURCES]


def _picture(part: FormPart) -> SourcePicture:
    kind = next((value for name, value in part.headers if name.lower() == "content-type"), "")
    return SourcePicture(part.data, kind)
