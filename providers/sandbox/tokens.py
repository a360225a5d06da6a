"""Made-up keys and tokens that look like the real ones and open nothing."""

import base64
import json
import secrets


def jwt(claims: dict[str, object], alg: str = "ES256") -> str:
    """A token of three parts with these claims and a signature of noise."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signature = base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b"=").decode()
    return f"{part({'alg': alg, 'typ': 'JWT'})}.{part(claims)}.{signature}"


def api_key() -> str:
    return f"sk-sandbox-{secrets.token_hex(16)}"


def anthropic_key() -> str:
    return f"sk-ant-sandbox-{secrets.token_hex(16)}"
