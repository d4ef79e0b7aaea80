"""An OpenID Connect provider: found by its issuer, asked with a code, and believed only where its signature holds."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ridealong.app.people import OidcRules
from ridealong.core.errors import InvalidSettings, Refused, Unavailable
from ridealong.web.people import Identity

if TYPE_CHECKING:
    from ridealong.config import Settings

CALLBACK: Final = "/v1/oidc/callback"
_SIGNED_BY: Final = ["RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA"]
"""Keys of the provider's own alone: no shared secret signs, and `none` signs nothing."""
_KEPT_S: Final = 3600.0
_LEEWAY_S: Final = 60
_MOST_BYTES: Final = 1024 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)

Json = Mapping[str, Any]


@dataclass(kw_only=True, slots=True, eq=False)
class OidcProvider:
    """Implements `web.people.IdentityProvider`."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    name: str
    trust_email: bool = False
    """Whether an address counts of which the provider does not say that it is verified."""
    keys_again_s: float = 60.0
    """An unknown key may be a new one of the provider's; but not each token with a made-up key asks for all again."""
    _described: tuple[float, Json] | None = field(default=None, repr=False)
    _keys: tuple[float, KeySet] | None = field(default=None, repr=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def address(self, *, state: str, nonce: str, verifier: str) -> str:
        endpoint = str((await self._description())["authorization_endpoint"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = urlencode(
            {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": self.redirect_uri,
                "scope": "openid email profile",
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{asked}"

    async def identify(self, *, code: str, nonce: str, verifier: str) -> Identity:
        described = await self._description()
        answer = await self._exchange(described, code, verifier)
        claims = await self._proven(str(answer.get("id_token", "")), nonce)
        person = claims
        if not claims.get("email") and "userinfo_endpoint" in described:
            person = await self._userinfo(str(described["userinfo_endpoint"]), str(answer.get("access_token", "")))
            if person.get("sub") != claims["sub"]:
                raise Refused("oidc_refused", "the provider tells of another person than it vouches for")
        email = person.get("email")
        if not isinstance(email, str) or not email:
            raise Refused("oidc_refused", "the provider tells no e-mail address: allow the scope `email`")
        verified = person.get("email_verified", None)
        if verified not in (True, "true") and (verified is not None or not self.trust_email):
            raise Refused(
                "oidc_refused", "the provider has not verified the e-mail address (RIDEALONG_OIDC_TRUST_EMAIL)"
            )
        name = person.get("name")
        return Identity(
            subject=f"{self.issuer}#{claims['sub']}",
            email=email,
            name=" ".join(name.split())[:200] if isinstance(name, str) else "",
        )

    async def _exchange(self, described: Json, code: str, verifier: str) -> Json:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if self.client_secret is not None:
            ways = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            if "client_secret_basic" in ways:
                # Both are percent-encoded first (RFC 6749, 2.3.1).
                login = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
                headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
            else:
                form["client_secret"] = self.client_secret
        return await self._ask("POST", str(described["token_endpoint"]), form=form, headers=headers)

    async def _userinfo(self, endpoint: str, access_token: str) -> Json:
        return await self._ask("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})

    async def _proven(self, token: str, nonce: str) -> Json:
        """The claims of an ID token, once its signature and all that binds it to this sign-in hold."""
        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            try:
                read = jwt.decode(token, await self._key_set(), algorithms=_SIGNED_BY)
            except (JoseError, ValueError):
                # Perhaps with a key that is newer than those we have.
                read = jwt.decode(token, await self._key_set(anew=True), algorithms=_SIGNED_BY)
            rules.validate(read.claims)
        except (JoseError, ValueError) as error:
            # joserfc's words name the rule or the claim, never its value; foreign ones may.
            why = str(error) if isinstance(error, JoseError) else type(error).__name__
            raise Refused("oidc_refused", f"the provider's ID token does not hold: {why}") from None
        audience, party = read.claims["aud"], read.claims.get("azp")
        several = isinstance(audience, list) and len(cast("list[object]", audience)) > 1
        if (several or party is not None) and party != self.client_id:
            raise Refused("oidc_refused", "the provider's ID token was made for somebody else (`azp`)")
        return read.claims

    async def _description(self) -> Json:
        """What the provider tells of itself. Raises Unavailable."""
        async with self._asking:
            if self._described is not None and time.monotonic() - self._described[0] < _KEPT_S:
                return self._described[1]
            found = await self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise Unavailable("the provider calls itself otherwise than RIDEALONG_OIDC_ISSUER: write it as it does")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _refuse_unsafe(str(found.get(name, "")), name)
            self._described = (time.monotonic(), found)
            return found

    async def _key_set(self, *, anew: bool = False) -> KeySet:
        described = await self._description()
        async with self._asking:
            age = None if self._keys is None else time.monotonic() - self._keys[0]
            if self._keys is None or age is None or age > _KEPT_S or (anew and age >= self.keys_again_s):
                found = await self._ask("GET", str(described["jwks_uri"]))
                try:
                    keys = KeySet.import_key_set(cast("Any", {"keys": list(found["keys"])}))
                except (JoseError, ValueError, KeyError, TypeError):
                    raise Unavailable("the provider's keys cannot be read") from None
                self._keys = (time.monotonic(), keys)
            return self._keys[1]

    async def _ask(
        self, method: str, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        """A JSON object of the provider. Raises Refused where it says no, Unavailable where it says nothing usable."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.request(
                    method,
                    url,
                    data=form,
                    headers={"Accept": "application/json", **(headers or {})},
                    # Neither the code nor the secret goes to an address that somebody else names.
                    allow_redirects=False,
                ) as answer,
            ):
                body = await answer.content.read(_MOST_BYTES)
                if 400 <= answer.status < 500:
                    raise Refused("oidc_refused", f"the provider refuses the sign-in (status {answer.status})")
                if answer.status != 200:
                    raise Unavailable(f"the company's sign-in does not work at the moment (status {answer.status})")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable("the company's sign-in does not answer at the moment: try again") from error
        try:
            found = json.loads(body)
        except ValueError:
            raise Unavailable("the company's sign-in answers with something that is not JSON") from None
        if not isinstance(found, dict):
            raise Unavailable("the company's sign-in answers with something else than asked for")
        return cast("Json", found)


def _refuse_unsafe(url: str, name: str) -> None:
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise Unavailable(f"the provider's `{name}` is no https address")


def of_settings(settings: Settings) -> tuple[OidcProvider, OidcRules] | None:
    """The provider that the settings name, None without one. Raises InvalidSettings with what is missing."""
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise InvalidSettings("RIDEALONG_OIDC_ISSUER needs RIDEALONG_OIDC_CLIENT_ID: the provider tells it")
    if settings.public_url is None:
        # Of a request's own Host header anybody could make an address that a code is sent to.
        raise InvalidSettings("RIDEALONG_OIDC_ISSUER needs RIDEALONG_PUBLIC_URL: the address that people open")
    try:
        _refuse_unsafe(settings.oidc_issuer, "issuer")
    except Unavailable:
        raise InvalidSettings("RIDEALONG_OIDC_ISSUER must be an https address") from None
    secret = settings.oidc_client_secret
    provider = OidcProvider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=None if secret is None else secret.get_secret_value(),
        redirect_uri=settings.public_url + CALLBACK,
        name=settings.oidc_name,
        trust_email=settings.oidc_trust_email,
    )
    domains = frozenset(d for part in settings.oidc_domains.split(",") if (d := part.strip().lower().lstrip("@")))
    return provider, OidcRules(tenant=settings.oidc_tenant, domains=domains)
