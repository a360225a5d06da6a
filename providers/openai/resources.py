"""Files and batches at an API of the OpenAI form: what is made has an id, which is good at that account alone."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Issued, Revoked
from providers.contract.passed_on import ResourceRequest
from providers.contract.steps import Moment
from providers.formats.jsontext import dumps, text, whole
from providers.official.errors import classify
from providers.openai.passed_on import PassedTurn

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")
"""What becomes a part of paths."""
_DOCUMENT_BYTES: Final = 16 * 1024
"""Of a document that is kept, to be listed."""
_OUTPUTS: Final = (("output_file_id", "completed_at"), ("error_file_id", "failed_at"))
"""The files that a batch makes, and when."""


class ResourceTurn(PassedTurn[ResourceRequest]):
    """The Turn of what is done with a file or a batch."""

    def call(self, now: Moment) -> Call:
        request = self._request
        if request.id and not ID.fullmatch(request.id):
            raise ProviderError(ErrorKind.NOT_FOUND, f"There is no {request.resource} of such an id.", param="id")
        if not request.id:
            return super().call(now)
        return self._api.ask(request.method, f"{self._path()}{request.path}", self._session, accept="*/*")

    def _form_fields(self, model: str | None) -> Mapping[str, bytes | None]:
        return {"provider": None, "model": None}

    def _is_a_file(self) -> bool:
        return self._request.action == "content"

    def _found(self, document: Mapping[str, Any], body: bytes) -> Iterator[Event]:
        resource, found = self._request.resource, text(document.get("id"))
        if not ID.fullmatch(found) or (self._request.id and found != self._request.id):
            return
        if self._request.action == "delete":
            if document.get("deleted") is True:
                yield Revoked(resource, found)
            return
        yield Issued(resource, found, body if len(body) <= _DOCUMENT_BYTES else dumps({"id": found}))
        for name, when in _OUTPUTS if resource == "batch" else ():
            if ID.fullmatch(output := text(document.get(name))):
                yield Issued("file", output, _output(output, whole(document.get(when)) or 0))

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        request = self._request
        if request.id and status in (404, 410):
            said = classify(status, headers, body, self._api.form.error_codes).message
            message = f"The API has no {request.resource} of this id any more: {said}"
            return ProviderError(ErrorKind.NOT_FOUND, message, status=status, param="id", credential="key")
        return super().classify(status, headers, body)


def _output(file_id: str, made_at: int) -> bytes:
    """What is known of a file that a batch made, until it is asked for."""
    told = {"id": file_id, "object": "file", "bytes": 0, "created_at": made_at, "filename": f"{file_id}.jsonl"}
    return dumps({**told, "purpose": "batch_output", "status": "processed"})
