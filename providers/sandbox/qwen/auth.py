"""The sign-in of the Qwen stand-in, in both ages, and the second host that renews.

Older: one long token, in the cookie `token`, the header Authorization or both. Newer: an access token of fifteen
minutes in Authorization beside the jar, and a refresh cookie of .qwen.ai that changes with each use.
"""

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from providers.sandbox.qwen.refusals import WAF_JSON, WAF_PAGE, refused
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.tokens import jwt

ACCESS_S = 900
LONG_S = 30 * 86_400
GUEST = "guest"
_REFRESH_HEADERS = ("x-request-id", "timezone", "x-request-origin")

type Age = Literal["new", "old", "own"]
"""`new`: access token and refresh cookie; `old`: one long token; `own`: access token, renewed by a session token in
the cookie `token`, as one public client does it."""


@dataclass
class People:
    """The one person of the stand-in, the sessions that are open, and how sign-in and renewal go."""

    user_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    email: str = "person@example.com"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    access: dict[str, float] = field(default_factory=dict)
    """Live access or long token → when it ends, Unix seconds."""
    strangers: dict[str, str] = field(default_factory=dict)
    """Tokens of other people → their user ids."""
    long: set[str] = field(default_factory=set)
    """Tokens of the older age: the cookie alone is enough with them."""
    refresh: set[str] = field(default_factory=set)
    refreshes: int = 0
    challenge_sign_in: bool = False
    challenge_refresh: bool = False
    refuse_refresh: Literal["", "401", "403", "200"] = ""
    """How a refresh that is not accepted is said; when set, none is."""
    renewal: Literal["", "token_only", "cookie_only", "unrotated"] = ""
    """A renewal's answer: whole; only `data.token`; the new refresh cookie in Set-Cookie alone; the old one stays."""
    silent_guest: bool = False
    """A token that has ended makes a guest of the caller, without a word."""
    newest: bool = True
    """Which age signs in: with refresh cookies, or with one long token."""

    def knows(self, token: str) -> bool:
        return self.access.get(token, 0) > time.time()

    def new_access(self, life_s: float = ACCESS_S, *, user_id: str = "") -> str:
        end = int(time.time() + life_s)
        token = jwt({"id": user_id or self.user_id, "last_password_change": 1, "exp": end, "n": uuid.uuid4().hex})
        self.access[token] = end
        if user_id:
            self.strangers[token] = user_id
        return token

    def new_long(self, life_s: float = LONG_S) -> str:
        token = self.new_access(life_s)
        self.long.add(token)
        return token

    def new_refresh(self) -> str:
        token = secrets.token_urlsafe(32)
        self.refresh.add(token)
        return token

    def session(self, age: Age = "new", life_s: float | None = None) -> dict[str, Any]:
        """Material for the vault."""
        if age == "old":
            token = self.new_long(LONG_S if life_s is None else life_s)
            return {"token": token, "cookies": {"token": token}}
        cookies = {"token" if age == "own" else "refresh_token": self.new_refresh(), "cna": secrets.token_urlsafe(16)}
        return {"token": self.new_access(3600 if life_s is None else life_s), "cookies": cookies}

    def expire_all(self) -> None:
        """Every access token ends at once, whatever it says of itself."""
        self.access.clear()

    def revoke(self, token: str) -> None:
        """An access token, or what renews it, is worth nothing from now on."""
        self.access.pop(token, None)
        self.refresh.discard(token)

    def caller(self, request: Request) -> str:
        """The caller: a user id, GUEST, or nothing for a token that is none. Without Authorization only a long token
        in the cookie is a person; everybody else is a guest."""
        cookie = request.cookies.get("token", "")
        token = request.bearer if "authorization" in request.headers else cookie if cookie in self.long else ""
        if self.knows(token):
            return self.strangers.get(token, self.user_id)
        return GUEST if self.silent_guest or "authorization" not in request.headers else ""

    def has_jar(self, request: Request) -> bool:
        """Whether the cookies are those of a live session; a long token needs none."""
        cookies = request.cookies
        held = {cookies.get("token", ""), cookies.get("refresh_token", "")}
        return request.bearer in self.long or any(self.knows(token) or token in self.refresh for token in held)

    def who(self, request: Request) -> dict[str, Any] | None:
        """The answer to who-am-I; None for a token that is none."""
        caller = self.caller(request)
        if caller == GUEST:
            return {"id": str(uuid.uuid4()), "email": "", "name": "Guest", "role": "guest"}
        email = self.email if caller == self.user_id else "stranger@example.com"
        return {"id": caller, "email": email, "name": "Person", "role": "user"} if caller else None


async def sign_in(people: People, request: Request, wire: Wire, *, older: bool) -> None:
    """POST …/auths/signin: the password comes as its SHA-256 in lower-case hex."""
    body = request.json()
    fields = body if isinstance(body, dict) else {}
    digest = hashlib.sha256(people.password.encode()).hexdigest()
    if older == people.newest:
        await wire.respond(404, {"detail": "Not Found"})
    elif people.challenge_sign_in:
        await wire.respond(200, WAF_JSON)
    elif (fields.get("email"), fields.get("password")) != (people.email, digest):
        await wire.respond(200, refused("InvalidPassword", "密码错误"))
    elif older:
        token = people.new_long()
        cookie = {"set-cookie": f"token={token}; Path=/"}
        await wire.respond(200, {"token": token, "id": people.user_id, "role": "user"}, headers=cookie)
    else:
        data = {"success": True, "data": {"token": people.new_access(), "id": people.user_id}}
        await wire.respond(200, data, headers=_refresh_cookie(people.new_refresh()))


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
        cookies = request.cookies
        given = cookies.get("refresh_token") or cookies.get("token", "")
        if missing or "authorization" in request.headers:
            await wire.respond(400, refused("Bad_Request", f"invalid request header: {missing or 'authorization'}"))
        elif self.people.challenge_refresh:
            await wire.respond(200, WAF_PAGE, "text/html")
        elif given not in self.people.refresh or self.people.refuse_refresh:
            status = int(self.people.refuse_refresh or 401)
            code = {401: "unauthorized", 403: "forbidden", 200: "invalid_token"}[status]
            await wire.respond(status, refused(code, "invalid token"))
        else:
            await self._renew(given, wire, own="refresh_token" not in cookies)

    async def _renew(self, given: str, wire: Wire, *, own: bool) -> None:
        """A session token in the cookie `token` does not change; a refresh cookie does."""
        people = self.people
        people.refreshes += 1
        access = people.new_access()
        if own or people.renewal == "token_only":
            await wire.respond(200, {"success": True, "data": {"token": access}})
            return
        data = {"access_token": access, "expires_at": int(people.access[access])}
        if people.renewal == "unrotated":
            await wire.respond(200, {"success": True, "data": data})
            return
        people.refresh.discard(given)
        new = people.new_refresh()
        data |= {} if people.renewal == "cookie_only" else {"refresh_token": new}
        await wire.respond(200, {"success": True, "data": data}, headers=_refresh_cookie(new))


def _refresh_cookie(token: str) -> dict[str, str]:
    return {"set-cookie": f"refresh_token={token}; Domain=.qwen.ai; Path=/; HttpOnly; Secure; Max-Age={LONG_S}"}
