"""An answer in the words of the contract: text, calls in blocks with the mark, or plain JSON. Pure."""

import json

from providers.sandbox.models.shown import Said, Shown


def written(said: Said, shown: Shown) -> str:
    """The text of an answer."""
    if said.is_value:
        return json.dumps(said.value, ensure_ascii=False)
    blocks = [
        f"<call-{shown.mark}>\n"
        + json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
        + f"\n</call-{shown.mark}>"
        for call in said.calls
    ]
    return "\n".join([*([said.text] if said.text else []), *blocks])
