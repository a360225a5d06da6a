"""A small sign-in page for the sandbox sites that have a sign-in, for a real browser.

It does what the sites' own pages do: asks who it is (a guest, at Z.AI), sends the form to the site's sign-in API, keeps
the token as localStorage `token`, makes a signed-in call, and goes to the front page.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

PATH: Final = "/auth"


@dataclass(frozen=True, slots=True)
class SignInForm:
    """How a site's page signs in. Paths are of the site itself."""

    sign_in: str
    who: str
    guest_first: bool = False
    """The page asks who it is before anybody has signed in."""
    hashed: bool = False
    """The password goes as lower-case hex SHA-256."""
    captcha: bool = False
    """The form goes with the answer of a solved captcha."""


FORMS: Final[dict[str, SignInForm]] = {
    "zai": SignInForm("/api/v1/auths/signin", "/api/v1/auths/", guest_first=True, captcha=True),
    "k2think": SignInForm("/api/v1/auths/signin", "/api/v1/auths/"),
    "qwen": SignInForm("/api/v2/auths/signin", "/api/v1/auths/", hashed=True),
}

_SCRIPT: Final = """
const form = FORM;
const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, "0")).join("");
const sha256 = async (text) => hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
const said = (words) => { document.querySelector("output").textContent = words; };

async function signIn(email, password) {
  const body = { email, password: form.hashed ? await sha256(password) : password };
  if (form.captcha) body.captcha_verify_param = "solved by the person";
  const answer = await fetch(form.sign_in, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  const found = await answer.json().catch(() => ({}));
  const token = found.token || found.data?.access_token || found.data?.token || "";
  if (!answer.ok || found.success === false) return said("wrong e-mail or password");
  if (token) localStorage.setItem("token", token);
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  await fetch(form.who, { headers });
  location.assign("/");
}

document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(event.target.email.value, event.target.password.value);
});
(async () => {
  if (form.guest_first) await fetch(form.who);
  if (form.auto) await signIn(form.auto.email, form.auto.password);
})();
"""
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name} sandbox: sign in</title></head>
<body><h1>{name} sandbox</h1>
<form><label>E-mail <input name="email" type="email" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button></form><output></output>
<script>{script}</script></body></html>
"""


def sign_in_page(name: str, *, email: str = "", password: str = "") -> str:
    """The page of a site in FORMS. With e-mail and password it signs in by itself: in a test nobody types."""
    shape: dict[str, Any] = asdict(FORMS[name])
    if email:
        shape["auto"] = {"email": email, "password": password}
    return _PAGE.format(name=name, script=_SCRIPT.replace("FORM", json.dumps(shape).replace("<", "\\u003c"), 1))


def sign_in_pages(name: str) -> dict[str, str]:
    """The pages a browser finds at the site, by path."""
    return {PATH: sign_in_page(name)} if name in FORMS else {}
