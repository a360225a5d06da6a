"""Requests that are passed on: their kinds are told apart, their words are found, their paths made."""

from providers.contract.passed_on import ENDPOINTS, PASSED, EmbeddingRequest, FileRequest, RerankRequest


def test_kinds_and_endpoints_are_told_apart() -> None:
    assert len({kind.kind for kind in PASSED}) == len(set(ENDPOINTS)) == len(PASSED)


def test_their_words_are_those_of_the_fields_that_are_read() -> None:
    assert list(EmbeddingRequest("m", fields={"input": "a", "user": "u"}).words()) == ["a"]
    assert list(EmbeddingRequest("m", fields={"input": [[1, 2], "b", None]}).words()) == ["b"]
    assert list(RerankRequest("m", fields={"query": "q", "documents": ["d", {"text": "e"}]}).words()) == ["q", "d"]
    assert EmbeddingRequest("m").instead() is None


def test_what_is_done_with_a_file_is_a_method_and_a_path() -> None:
    told = [
        (one.method, one.path) for one in (FileRequest("", action="create"), FileRequest("", action="delete", id="f"))
    ]
    assert told == [("POST", ""), ("DELETE", "/f")]
