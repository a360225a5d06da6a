"""The form of an API: how it differs from OpenAI's own; flags that the request and the decoder go by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from providers.contract.errors import ErrorKind

type MaxTokensName = Literal["as_sent", "max_tokens", "max_completion_tokens"]
type ThinkingSwitch = Literal["as_sent", "type", "enable_thinking", "template"]
type SearchSwitch = Literal["as_sent", "enable_search", "tool"]
type ReasoningField = Literal["learn", "reasoning_content", "reasoning", "thinking", "tags", "drop"]
type TagForm = Literal["none", "explicit", "implicit"]


@dataclass(frozen=True, slots=True)
class Form:
    """The defaults are OpenAI's form, everything passed on as the client sent it."""

    chat_path: str = "chat/completions"
    """Taken from `base_url`; with a leading slash, from the root of its host."""
    completions_path: str = "completions"
    """Where raw prompts go (/v1/completions), with an API that has such a thing."""
    responses_path: str = "responses"
    """Where Responses are asked for, with an API that has them."""
    images_generations_path: str = "images/generations"
    images_edits_path: str = "images/edits"
    """Empty where an API makes pictures and changes none."""
    models_path: str = "models"
    paths: Mapping[str, str] = field(default_factory=dict)
    """Of the endpoints that are passed on (`rerank`, `audio/speech` …): where they are, if not at the path of that name
    below `base_url`."""
    stream_usage: bool | None = None
    """Whether it takes `stream_options.include_usage`: True asks for it in every stream, False never sends it, None (it
    is not known) only where the client does. What the API refuses is not sent again."""
    max_tokens_name: MaxTokensName = "as_sent"
    thinking: ThinkingSwitch = "as_sent"
    """What `reasoning_effort` and the thinking variants become: `reasoning_effort` itself, `thinking: {type}`,
    `enable_thinking`, or fields of `chat_template_kwargs`."""
    effort_models: tuple[str, ...] = ()
    """Beginnings of the site's model ids that take `reasoning_effort` beside `thinking: {type}`."""
    efforts: tuple[str, ...] = ()
    """The values of `reasoning_effort` there are, lowest first; the nearest is sent. Empty: all."""
    search: SearchSwitch = "as_sent"
    """What `web_search_options` and the search variants become: untouched, `enable_search`, or Z.AI's own tool."""
    developer_role: bool = False
    """Knows the role `developer`; otherwise it becomes `system`."""
    plain_content: bool = False
    """Wants content that is all text as one string."""
    thinking_streams_only: bool = False
    """Thinks in streams only: a whole answer with thinking is asked for as a stream and put together here."""
    reasoning_field: ReasoningField = "learn"
    """What the `reasoning_content` of earlier answers, which clients send back, becomes: that name, `reasoning`,
    `thinking` parts of the content, a `<think>` tag in it, nothing; or (`learn`) whatever name the API's own answers
    use for it."""
    think_tags: TagForm = "none"
    """Reasoning stands inside the text: behind an opening tag (`explicit`), maybe with a closing tag alone
    (`implicit`; text is held back until it is clear what it is)."""
    finish_reasons: Mapping[str, str] = field(default_factory=dict)
    """Finish reasons of its own → OpenAI's, or an ErrorKind for those that mean a failure."""
    error_codes: Mapping[str, ErrorKind] = field(default_factory=dict)
