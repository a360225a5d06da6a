"""What is refused of a chat's files before anything is uploaded: kinds, sizes and numbers that the site does not
take. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from addons.errors import GatewayError
from addons.features.media.kinds import Kind
from addons.features.media.parts import FilePart
from providers.contract.chat import MediaKind
from providers.contract.uploads import Accepted, Uploads

_CALLED: Final[Mapping[MediaKind, str]] = {
    "image": "pictures",
    "video": "videos",
    "audio": "sounds",
    "document": "documents",
}
ANOTHER: Final = "Leave it out, or use another model."
SEEING: Final = "Use a model that sees pictures: those with image among input_modalities at /v1/models."
_MB: Final = 1024 * 1024


def check_files(parts: Sequence[FilePart], uploads: Uploads, provider: str, model: str, *, remote: bool) -> None:
    """Raises GatewayError (400, `param` named) for the first part that this model of the provider does not take.

    `remote`: files at http(s) addresses are fetched; their bytes are checked when they have come.
    """
    accepted = uploads.accepted(model)
    counts: Counter[MediaKind] = Counter()
    for part in parts:
        if part.url:
            kind = _kind_at_address(part, accepted, provider, remote=remote)
        else:
            found = part.kind()
            check_file(part, found, part.most_bytes - 2, accepted, provider)
            kind = found.kind
        if kind is not None:
            counts[kind] += 1
            if counts[kind] > accepted[kind].most:
                most = accepted[kind].most
                raise _refused(
                    part, provider, f"at most {most} {_CALLED[kind]} are taken in one request", "Send fewer."
                )
        if uploads.one_kind and len(counts) > 1:
            both = " and ".join(_CALLED[one] for one in counts)
            raise _refused(part, provider, f"{both} together are not taken in one request", "Ask for each by itself.")


def check_file(part: FilePart, found: Kind, size: int, accepted: Mapping[MediaKind, Accepted], provider: str) -> None:
    """Raises GatewayError (400) where a file of this kind and size (in bytes) is not taken."""
    limits = _limits(part, found.kind, accepted, provider)
    if found.extension not in limits.extensions:
        known = ", ".join(sorted(limits.extensions))
        raise _refused(part, provider, f"it holds {found.media_type}; {_CALLED[found.kind]} may be {known}")
    if size > limits.most_bytes:
        raise _refused(part, provider, f"it is larger than {limits.most_bytes // _MB} MB")


def _kind_at_address(
    part: FilePart, accepted: Mapping[MediaKind, Accepted], provider: str, *, remote: bool
) -> MediaKind | None:
    """What a part at an address claims to be, where it says that."""
    if part.asked != "file":
        _limits(part, part.asked, accepted, provider)
    if not remote:
        why = "files at http(s) addresses are fetched only with features.remote_media: true in config.yaml"
        raise _refused(part, provider, why, "Send the file itself, as a data: URL.")
    return None if part.asked == "file" else part.asked


def _limits(part: FilePart, kind: MediaKind, accepted: Mapping[MediaKind, Accepted], provider: str) -> Accepted:
    found = accepted.get(kind)
    if found is None:
        why = f"{_CALLED[kind]} are not carried to this model"
        raise _refused(part, provider, why, SEEING if kind == "image" else ANOTHER)
    return found


def _refused(part: FilePart, provider: str, why: str, instead: str = ANOTHER) -> GatewayError:
    told = f"{part.where} is not supported by provider {provider!r} ({why}). {instead}"
    return GatewayError(400, told, param=part.where, code="unsupported_parameter")
