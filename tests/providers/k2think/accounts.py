"""Sessions, requests and answers for the tests of the K2Think adapter. All secrets are made up."""

import json
from typing import Any

from providers.contract.chat import Message
from providers.contract.session import Credentials, Session
from providers.contract.steps import Answer, Moment
from providers.k2think.options import K2ThinkOptions
from providers.k2think.provider import K2Think
from providers.sandbox.tokens import jwt

MOMENT = Moment(1_790_000_000_000, lambda: "00000000-0000-4000-8000-000000000001")
TOKEN = jwt({"id": "u", "email": "a@b.example", "exp": 1_800_000_000})
V1, V2, V3 = "MBZUAI-IFM/K2-Think", "MBZUAI-IFM/K2-Think-v2", "MBZUAI-IFM/K2-Think-v3"
HELLO = (Message("user", "Hi"),)


def provider(**options: Any) -> K2Think:
    return K2Think("k2think", K2ThinkOptions(**options))


def session(**material: Any) -> Session:
    return provider().read_session("main", Credentials(**(material or {"token": TOKEN})))


def listed(*models: Any) -> Answer:
    return Answer(200, {}, json.dumps({"data": [m if isinstance(m, dict) else {"id": m} for m in models]}).encode())
