"""The Responses stand-in: what it keeps, reasoning that is checked, its faults."""

from typing import Any

import pytest

from providers.sandbox.openai.refusals import REFUSALS
from providers.sandbox.openai.site import OpenAISite
from tests.providers.sandbox.openai.responses.asking import WEATHER, events, post, responses
from tests.support.asked import RecordedAnswer, ask

ENCRYPTED: dict[str, Any] = {
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"summary": "auto"},
    "store": False,
}


def get(site: OpenAISite, path: str, method: str = "GET") -> RecordedAnswer:
    return ask(site, method, f"/v1/responses/{path}", authorization=f"Bearer {site.key}")


def test_an_answer_is_the_same_whole_and_streamed() -> None:
    whole = responses("text='one two three four five'").json
    found = events(responses("text='one two three four five'", stream=True))
    assert whole["output"][0]["content"][0]["text"] == "one two three four five"
    assert found[-1]["response"] == whole
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    assert found[0]["response"]["id"] == whole["id"]
    assert "obfuscation" in responses(stream=True).text
    assert "obfuscation" not in responses(stream=True, stream_options={"include_obfuscation": False}).text


def test_what_is_stored_can_be_had_gone_on_from_and_deleted() -> None:
    site = OpenAISite()
    first = post(site, {"model": "sandbox-large", "input": "My name is Ann."}).json
    onward = {"model": "sandbox-large", "input": "What is my name?", "previous_response_id": first["id"]}
    second = post(site, onward).json
    assert second["output"][0]["content"][0]["text"] == "Your name is Ann."
    assert get(site, second["id"]).json == second
    listed = get(site, f"{second['id']}/input_items?order=asc&limit=2").json
    assert ([item["role"] for item in listed["data"]], listed["has_more"]) == (["user", "assistant"], True)
    rest = get(site, f"{second['id']}/input_items?order=asc&after={listed['last_id']}").json
    assert [item["content"][0]["text"] for item in rest["data"]] == ["What is my name?"]
    assert get(site, first["id"], "DELETE").json == {"id": first["id"], "object": "response", "deleted": True}
    assert get(site, first["id"]).status == 404
    error = post(site, onward).json["error"]
    assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")


def test_what_is_not_stored_cannot_be_had() -> None:
    site = OpenAISite()
    answer = responses(site=site, store=False).json
    assert get(site, answer["id"]).json["error"]["message"] == f"Response with id '{answer['id']}' not found."
    kept = responses(site=site).json
    assert get(site, f"{kept['id']}/cancel", "POST").json["error"]["message"] == "Cannot cancel a synchronous response."
    assert get(site, f"{kept['id']}/what").status == 404


def test_reasoning_comes_back_sealed_or_must_be_kept() -> None:
    site = OpenAISite()
    thought, said = responses(site=site, **ENCRYPTED).json["output"]
    question = {"role": "user", "content": "And?"}

    def again(**changed: Any) -> RecordedAnswer:
        return post(site, {"model": "sandbox-large", "input": [{**thought, **changed}, said, question], "store": False})

    assert again().status == 200
    for wrong in ("", "x", thought["encrypted_content"][:-4] + "AAA="):
        assert again(encrypted_content=wrong).json["error"]["code"] == "invalid_encrypted_content"
    assert again(id="rs_other").json["error"]["code"] == "invalid_encrypted_content"
    gone = again(encrypted_content=None)
    assert gone.status == 404
    assert "Items are not persisted when `store` is set to false" in gone.json["error"]["message"]
    kept, words = responses(site=site, reasoning={"effort": "low"}).json["output"]
    assert post(site, {"model": "sandbox-large", "input": [kept, words, question]}).status == 200
    referred = [{"type": "item_reference", "id": words["id"]}, question]
    assert post(site, {"model": "sandbox-large", "input": referred}).status == 200


def test_what_a_request_must_have() -> None:
    site = OpenAISite()
    assert post(site, b"[]").json["error"]["message"].startswith("We could not parse")
    assert post(site, {}).json["error"]["message"] == "Missing required parameter: 'model'."
    assert post(site, {"model": "sandbox-large"}).json["error"]["param"] == "input"
    unknown = post(site, {"model": "gpt", "input": "Hi"})
    assert (unknown.status, unknown.json["error"]["code"]) == (400, "model_not_found")
    counted = post(site, {"model": "sandbox-large", "input": "Hi"}, "/v1/responses/input_tokens").json
    assert counted["object"] == "response.input_tokens"


@pytest.mark.parametrize("fault", sorted(REFUSALS))
def test_refusals_have_their_status_and_body(fault: str) -> None:
    answer = responses(f"fault={fault}")
    assert (answer.status, answer.json) == REFUSALS[fault][:2]


FAILED = {
    "failed": "server_error", "rate_limit": "rate_limit_exceeded", "context_failed": "context_length_exceeded",
    "overloaded": "server_is_overloaded", "quota_failed": "insufficient_quota", "invalid_prompt": "invalid_prompt",
}  # fmt: skip


@pytest.mark.parametrize("fault", FAILED)
def test_failures_before_and_after_the_first_word(fault: str) -> None:
    early = events(responses(f"fault={fault}_first", stream=True))
    assert [one["type"] for one in early] == ["response.created", "response.in_progress", "response.failed"]
    late = events(responses(f"fault={fault}", stream=True))
    assert "response.output_text.delta" in [one["type"] for one in late]
    assert late[-1]["response"]["error"]["code"] == FAILED[fault]
    whole = responses(f"fault={fault}").json
    assert (whole["status"], whole["error"]["code"]) == ("failed", FAILED[fault])


def test_answers_that_are_not_complete() -> None:
    for fault, reason in [("incomplete", "max_output_tokens"), ("content_filter", "content_filter")]:
        last = events(responses(f"fault={fault}", stream=True))[-1]
        assert last["type"] == "response.incomplete"
        assert last["response"]["incomplete_details"] == {"reason": reason}
        assert responses(f"fault={fault}").json["status"] == "incomplete"


def test_faults_of_the_stream_itself() -> None:
    def kinds(fault: str) -> list[str]:
        return [one["type"] for one in events(responses(f"fault={fault}", stream=True))]

    assert kinds("error_first") == ["error"]
    assert kinds("error_mid")[-2:] == kinds("error_nested")[-2:] == ["response.output_text.delta", "error"]
    assert kinds("truncated")[-1] == "response.output_text.delta"
    assert kinds("no_terminal")[-1] == "response.output_item.done"
    assert "response.of_the_future" in kinds("unknown_event")
    assert responses("fault=done_word", stream=True).text.endswith("data: [DONE]\n\n")
    assert responses("fault=reset", stream=True).end == "reset"
    assert '"resp\n' in responses("fault=broken_json", stream=True).text
    assert "\r\n\r\n" in responses("fault=crlf", stream=True).text
    assert responses("fault=json_error", stream=True).json["error"]["code"] == "engine_error"


def test_a_fault_can_be_of_one_model_and_of_one_time() -> None:
    site = OpenAISite()
    assert responses("fault=500 only_model=sandbox-small").status == 200
    assert [responses("fault=500_once", site).status for _ in range(2)] == [500, 200]


def test_counted_pieces_are_made_once() -> None:
    found = events(responses("count=50", stream=True))
    assert sum(one.get("delta") == "word " for one in found) == 50
    assert found[-1]["type"] == "response.completed"


def test_calls_in_parallel_and_their_outputs() -> None:
    site = OpenAISite()
    asked = {"role": "user", "content": "What is the weather in Paris and in London?"}
    calls = post(site, {"model": "sandbox-large", "input": [asked], "tools": [WEATHER]}).json["output"]
    assert [call["arguments"] for call in calls] == ['{"city":"Paris"}', '{"city":"London"}']
    outputs = [{"type": "function_call_output", "call_id": c["call_id"], "output": f"rain {c['id']}"} for c in calls]
    final = post(site, {"model": "sandbox-large", "input": [asked, *calls, *outputs], "tools": [WEATHER]}).json
    assert "rain fc_sandbox_1_1\nrain fc_sandbox_1_2" in final["output"][0]["content"][0]["text"]
