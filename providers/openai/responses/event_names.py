"""The names of the events of a response's stream: data. What is in neither set may end the answer, or is not known.

Source: the API's reference of streaming events, and the types of its SDK.
"""

from typing import Final

OPENING: Final = frozenset(
    {
        "keepalive",
        "ping",
        "response.content_part.added",
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.queued",
        "response.reasoning_summary_part.added",
    }
)
"""Come before the first piece of an answer."""

_PIECES: Final = {
    "code_interpreter_call": "completed in_progress interpreting",
    "code_interpreter_call_code": "delta done",
    "content_part": "done",
    "custom_tool_call_input": "delta done",
    "file_search_call": "completed in_progress searching",
    "function_call_arguments": "delta done",
    "image_generation_call": "completed generating in_progress partial_image",
    "mcp_call": "completed failed in_progress",
    "mcp_call_arguments": "delta done",
    "mcp_list_tools": "completed failed in_progress",
    "output_item": "done",
    "output_text": "annotation.added delta done",
    "reasoning_summary_part": "done",
    "reasoning_summary_text": "delta done",
    "reasoning_text": "delta done",
    "refusal": "delta done",
    "web_search_call": "completed in_progress searching",
}
PIECES: Final = frozenset(f"response.{thing}.{end}" for thing, ends in _PIECES.items() for end in ends.split())
"""Tell something of an answer, and nothing else."""
