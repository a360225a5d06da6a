"""Who is signed in at the Qwen stand-in, in both ages, and the second host that renews.

Older: one long token, in the cookie `token` and the header Authorization. Newer: an access token of fifteen minutes,
and a refresh cookie of .qwen.ai that changes with each use.
"""

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.tokens import jwt

ACCESS_S = 900
LONG_S = 30 * 86_400
_REFRESH_HEADERS = ("x-request-id", "timezone", "x-request-origin")


@dataclass
class People:
    """The one person of the stand-in and the sessions that are open."""

    user_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    email: str = "person@example.com"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    access: dict[str, float] = field(default_factory=dict)
    """Live access or long token → when it ends, Unix seconds."""
    refresh: set[str] = field(default_factory=set)
    refreshes: int = 0
    challenge_sign_in: bool = False
    challenge_refresh: bool = False
    newest: bool = True
    """Which age signs in: with refresh cookies, or with one long token."""

    def knows(self, token: str) -> bool:
        return self.access.get(token, 0) > time.time()

    def new_access(self, life_s: float = ACCESS_S) -> str:
        end = int(time.time() + life_s)
        token = jwt({"id": self.user_id, "last_password_change": 1, "exp": end, "n": uuid.uuid4().hex})
        self.access[token] = end
        return token

    def new_refresh(self) -> str:
        token = secrets.token_urlsafe(32)
        self.refresh.add(token)
        return token

    def session(self, age: Literal["new", "old"] = "new", life_s: float | None = None) -> dict[str, Any]:
        """Material for the vault."""
        if age == "old":
            token = self.new_access(LONG_S if life_s is None else life_s)
            return {"token": token, "cookies": {"token": token}}
        return {
            "token": self.new_access(3600 if life_s is None else life_s),
            "cookies": {"refresh_token": self.new_refresh(), "cna": secrets.token_urlsafe(16)},
        }

    def expire_all(self) -> None:
        """Every access token ends at once, whatever it says of itself."""
        self.access.clear()

    def who(self, request: Request) -> dict[str, Any] | None:
        if not self.knows(request.bearer):
            return None
        return {"id": self.user_id, "email": self.email, "name": "Person", "role": "user"}


def refused(code: str, details: str) -> dict[str, Any]:
    return {"success": False, "request_id": str(uuid.uuid4()), "data": {"code": code, "details": details}}


async def sign_in(people: People, request: Request, wire: Wire, *, older: bool) -> None:
    """POST …/auths/signin: the password comes as its SHA-256 in lower-case hex."""
    body = request.json()
    fields = body if isinstance(body, dict) else {}
    digest = hashlib.sha256(people.password.encode()).hexdigest()
    if older == people.newest:
        await wire.respond(404, {"detail": "Not Found"})
    elif people.challenge_sign_in:
        url = "https://chat.qwen.ai/_____tmd_____/punish?x5secdata=abc"
        await wire.respond(200, {"ret": ["FAIL_SYS_USER_VALIDATE", "RGV587_ERROR::SM::…"], "data": {"url": url}})
    elif (fields.get("email"), fields.get("password")) != (people.email, digest):
        await wire.respond(200, refused("InvalidPassword", "密码错误"))
    elif older:
        token = people.new_access(LONG_S)
        await wire.respond(
            200, {"token": token, "id": people.user_id}, headers={"set-cookie": f"token={token}; Path=/"}
        )
    else:
        cookie = f"refresh_token={people.new_refresh()}; Domain=.qwen.ai; Path=/; HttpOnly; Secure"
        data = {"success": True, "data": {"token": people.new_access(), "id": people.user_id}}
        await wire.respond(200, data, headers={"set-cookie": cookie})


@dataclass
class QwenAuthSite(Site):
    """The second host: renewal, and asking who is signed in."""

    name: str = "qwen-auth"
    people: People = field(default_factory=People)

    async def handle(self, request: Request, wire: Wire) -> None:
        route = (request.method, request.path)
        if route == ("GET", "/api/v2/auths/refresh"):
            await self._refresh(request, wire)
        elif route == ("GET", "/api/v2/auths/"):
            who = self.people.who(request)
            await wire.respond(200, {"success": True, "data": who} if who else refused("Unauthorized", "未登录"))
        elif route == ("POST", "/api/v2/auths/signin"):
            await sign_in(self.people, request, wire, older=False)
        else:
            await wire.respond(404, {"detail": "Not Found"})

    async def _refresh(self, request: Request, wire: Wire) -> None:
        """The old cookie is dead after use; without the page's three headers the call is refused."""
        missing = [name for name in _REFRESH_HEADERS if not request.headers.get(name)]
        given = request.cookies.get("refresh_token", "")
        if missing or "authorization" in request.headers:
            await wire.respond(400, refused("Bad_Request", f"invalid request header: {missing or 'authorization'}"))
        elif self.people.challenge_refresh:
            await wire.respond(200, "<html><script>aliyun_waf_aa</script></html>", "text/html")
        elif given not in self.people.refresh:
            await wire.respond(401, refused("unauthorized", "invalid token"))
        else:
            self.people.refresh.discard(given)
            self.people.refreshes += 1
            new = self.people.new_refresh()
            access = self.people.new_access()
            data = {"access_token": access, "expires_at": int(self.people.access[access]), "refresh_token": new}
            cookie = f"refresh_token={new}; Domain=.qwen.ai; Path=/; HttpOnly; Secure"
            await wire.respond(200, {"success": True, "data": data}, headers={"set-cookie": cookie})
