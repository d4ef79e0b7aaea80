"""A stand-in for a company's OpenID Connect provider, as strict as one, which can misbehave on demand.

It signs in whoever `person` says, at once; checks the client, the address it sends back to, PKCE, and that a code is
used once; and signs with RS256 under the keys that its JWKS tells.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "ridealong", "a secret of: the client"


class Lie(StrEnum):
    """One way in which an answer is not what it should be."""

    NONCE = "another nonce"
    NO_NONCE = "no nonce"
    AUDIENCE = "another audience"
    PARTY = "one audience of several, made for another party"
    ISSUER = "another issuer"
    EXPIRED = "expired"
    SIGNATURE = "signed with a key that is not the provider's"
    NONE = "signed with nothing (alg none)"
    CONFUSED = "signed with the public key as a shared secret"
    SECRET = "signed with the client's secret"
    CHANGED = "claims changed after signing"
    UNVERIFIED = "an address that is not verified"
    UNSAID = "nothing about whether the address is verified"
    NO_EMAIL = "no address anywhere"
    OTHER_PERSON = "userinfo of somebody else"
    BROKEN = "status 500"
    NOT_JSON = "a page of a proxy"
    DENIED = "the person said no"


class OidcStandIn:
    """The provider. `url` is its issuer while it runs."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "u-1", "email": "rita@acme.example", "name": "Rita R."}
        self.lie: Lie | None = None
        self.email_in_token = True
        self.basic = True
        self.url = ""
        self.redirect_uri = ""
        self.key = RSAKey.generate_key(2048, parameters={"kid": "k1"})
        self._stranger = RSAKey.generate_key(2048, parameters={"kid": "k1"})
        self._codes: dict[str, Mapping[str, str]] = {}
        self.asked: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[OidcStandIn]:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._describe)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._keys)
        app.router.add_get("/userinfo", self._userinfo)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def turn_keys(self) -> None:
        """Sign with a new key from now on."""
        self.key = RSAKey.generate_key(2048, parameters={"kid": secrets.token_hex(4)})

    async def _describe(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic" if self.basic else "client_secret_post"
                ],
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        self.asked.append("keys")
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(asked["scope"].split())
        if asked["client_id"] != CLIENT_ID or asked["redirect_uri"] != self.redirect_uri:
            return web.Response(status=400, text="unknown client or address")
        if self.lie is Lie.DENIED:
            back = {"error": "access_denied", "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = asked
            back = {"code": code, "state": asked["state"]}
        raise web.HTTPFound(f"{self.redirect_uri}?{urlencode(back)}")

    async def _token(self, request: web.Request) -> web.Response:
        if self.lie is Lie.BROKEN:
            return web.Response(status=500)
        if self.lie is Lie.NOT_JSON:
            return web.Response(text="<p>proxy", content_type="text/html")
        form = await request.post()
        asked = self._codes.pop(str(form.get("code")), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form.get("code_verifier")).encode()).digest())
        if (
            not self._is_client(request, form)
            or asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge.decode().rstrip("=") != asked["code_challenge"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(
            {"access_token": "an-access-token", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])}
        )

    def _is_client(self, request: web.Request, form: Mapping[str, Any]) -> bool:
        if not self.basic:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        login = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        client_id, _, secret = login.partition(":")
        return (unquote(client_id), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)

    async def _userinfo(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer an-access-token"
        told = self._told(dict(self.person))
        if self.lie is Lie.OTHER_PERSON:
            told["sub"] = "u-2"
        return web.json_response(told)

    def _told(self, person: dict[str, Any]) -> dict[str, Any]:
        person.setdefault("email_verified", True)
        if self.lie is Lie.UNVERIFIED:
            person["email_verified"] = False
        if self.lie is Lie.UNSAID:
            del person["email_verified"]
        if self.lie is Lie.NO_EMAIL:
            del person["email"]
        return person

    def _id_token(self, nonce: str) -> str:
        now, lie = int(time.time()), self.lie
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "sub": self.person["sub"],
        }
        if self.email_in_token and lie is not Lie.OTHER_PERSON:
            claims = self._told(dict(self.person)) | claims
        changes: dict[Lie, dict[str, Any]] = {
            Lie.NONCE: {"nonce": "another"},
            Lie.AUDIENCE: {"aud": "somebody-else"},
            Lie.PARTY: {"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"},
            Lie.ISSUER: {"iss": "https://evil.example"},
            Lie.EXPIRED: {"iat": now - 7200, "exp": now - 3600},
        }
        claims |= changes.get(lie, {}) if lie else {}
        if lie is Lie.NO_NONCE:
            del claims["nonce"]
        header = {"alg": "RS256", "kid": self.key.kid}
        if lie is Lie.NONE:
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if lie in (Lie.CONFUSED, Lie.SECRET):
            # By hand: the library refuses to sign with such a secret.
            secret = self.key.as_pem(private=False) if lie is Lie.CONFUSED else CLIENT_SECRET.encode()
            signed = f"{_part({'alg': 'HS256', 'kid': self.key.kid})}.{_part(claims)}"
            mark = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).decode().rstrip("=")
            return f"{signed}.{mark}"
        token = jwt.encode(header, claims, self._stranger if lie is Lie.SIGNATURE else self.key)
        if lie is Lie.CHANGED:
            head, _, signature = token.split(".")
            return f"{head}.{_part(claims | {'email': 'ada@acme.example'})}.{signature}"
        return token


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
