"""Members and their sessions, put together from the store for the web and the command line."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from ridealong.core.author import Author
from ridealong.core.errors import Refused
from ridealong.core.people import Member, MemberRole, Session, check_password, read_email
from ridealong.store import Store, members, tenants
from ridealong.store.passwords import Passwords
from ridealong.web.people import ApiKey, Identity, Invitation, Opened

_NOT_ALLOWED: Final = "your company's account may not sign in here: ask an admin to add you"


@dataclass(kw_only=True, slots=True)
class SetupCode:
    """Proves that whoever makes the first admin reads the server's terminal. It is kept in memory alone."""

    code: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    def fits(self, code: str) -> bool:
        return secrets.compare_digest(self.code.encode(), code.encode(errors="replace"))


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcRules:
    """Who of those that the identity provider knows may come in."""

    tenant: str
    """The slug of the tenant whose people they are."""
    domains: frozenset[str] = frozenset()
    """Domains of addresses: who is not a member yet becomes a rep where the address is in one of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPeople:
    """Implements `web.people.People`."""

    store: Store
    first_tenant: str
    """The slug of the tenant that the first set-up is for."""
    setup_code: SetupCode = field(default_factory=SetupCode)
    passwords: Passwords = field(default_factory=Passwords)
    oidc: OidcRules | None = None

    async def setup_needed(self) -> bool:
        return not await members.any_member(self.store)

    async def set_up(self, *, code: str, organisation: str, name: str, email: str, password: str) -> Opened:
        if not await self.setup_needed():
            raise _already_set_up()
        if not self.setup_code.fits(code):
            raise Refused(
                "wrong_setup_code", "this is not the code that the server printed when it started: look there again"
            )
        email = read_email(email)
        check_password(password, email=email)
        hashed = await self.passwords.hash(password)
        tenant = await tenants.find_or_create_tenant(self.store, self.first_tenant, organisation)
        async with self.store.tenant(tenant.tenant_id) as connection:
            # Two at once: the second waits here, and finds the first one's admin.
            if not await members.hold_first_setup(connection):
                raise _already_set_up()
            await tenants.rename_tenant(connection, organisation)
            member = await members.add_member(
                connection, email=email, name=name, role=MemberRole.ADMIN, password_hash=hashed
            )
            token = await members.open_session(connection, member.member_id)
        return await self._opened(token)

    async def session_of(self, token: str) -> Session:
        session = await members.resolve_session(self.store, token)
        if session is None:
            raise Refused("signed_out", "you are signed out: sign in again")
        return session

    async def sign_in(self, email: str, password: str) -> Opened:
        known = await members.known_by_email(self.store, email.strip().lower())
        right = await self.passwords.verify(None if known is None else known.password_hash, password)
        if known is None or known.password_hash is None or not right:
            raise Refused("wrong_credentials", "the e-mail address or the password is wrong")
        renewed = await self.passwords.hash(password) if self.passwords.outdated(known.password_hash) else None
        async with self.store.tenant(known.tenant_id) as connection:
            if renewed is not None:
                await members.put_password(connection, known.member_id, renewed)
            token = await members.open_session(connection, known.member_id)
        return await self._opened(token)

    async def sign_in_identified(self, identity: Identity) -> Opened:
        if self.oidc is None:
            raise Refused("oidc_refused", _NOT_ALLOWED)
        email = read_email(identity.email)
        tenant_id = (await tenants.find_tenant(self.store, self.oidc.tenant)).tenant_id
        known = await members.known_by_email(self.store, email)
        async with self.store.tenant(tenant_id) as connection:
            # By the provider's own name first: an address may have gone over to somebody else.
            member = await members.member_of_subject(connection, identity.subject)
            if member is None and known is not None and known.tenant_id == tenant_id:
                await members.take_subject(connection, known.member_id, identity.subject)
                member = await members.find_member(connection, known.member_id)
            if member is None:
                if known is not None or email.partition("@")[2] not in self.oidc.domains:
                    raise Refused("oidc_refused", _NOT_ALLOWED)
                member = await members.add_member(
                    connection,
                    email=email,
                    name=identity.name or email,
                    role=MemberRole.REP,
                    oidc_subject=identity.subject,
                )
            if member.disabled_at is not None:
                raise Refused("oidc_refused", "your account is disabled here: ask an admin")
            token = await members.open_session(connection, member.member_id)
        return await self._opened(token)

    async def enter_demo(self, tenant_id: UUID, *, email: str, name: str, rep_id: str) -> Opened:
        """A session of the demo's own admin, who is made when missing and has no password. For the demo alone."""
        known = await members.known_by_email(self.store, read_email(email))
        async with self.store.tenant(tenant_id) as connection:
            if known is not None:
                member_id = known.member_id
            else:
                added = await members.add_member(
                    connection, email=read_email(email), name=name, role=MemberRole.ADMIN, rep_id=rep_id
                )
                member_id = added.member_id
            token = await members.open_session(connection, member_id)
        return await self._opened(token)

    async def sign_out(self, token: str) -> None:
        session = await members.resolve_session(self.store, token)
        if session is not None:
            async with self.store.tenant(session.tenant_id) as connection:
                await members.end_session(connection, session.session_id)

    async def change_password(self, session: Session, *, old: str, new: str) -> None:
        member_id = session.member.member_id
        async with self.store.tenant(session.tenant_id) as connection:
            kept = await members.password_hash_of(connection, member_id)
        if not await self.passwords.verify(kept, old):
            raise Refused("wrong_password", "the old password is wrong")
        check_password(new, email=session.member.email)
        hashed = await self.passwords.hash(new)
        async with self.store.tenant(session.tenant_id) as connection:
            await members.put_password(connection, member_id, hashed)
            await members.end_sessions(connection, member_id, but=session.session_id)

    async def members(self, tenant_id: UUID) -> Sequence[Member]:
        async with self.store.tenant(tenant_id) as connection:
            return await members.list_members(connection)

    async def add_member(
        self, tenant_id: UUID, *, email: str, name: str, role: MemberRole, rep_id: str | None
    ) -> tuple[Member, str]:
        email = read_email(email)
        async with self.store.tenant(tenant_id) as connection:
            member = await members.add_member(connection, email=email, name=name, role=role, rep_id=rep_id)
            return member, await members.make_invite(connection, member.member_id)

    async def change_member(
        self,
        tenant_id: UUID,
        member_id: UUID,
        *,
        name: str | None = None,
        role: MemberRole | None = None,
        rep_id: str | None = None,
        disabled: bool | None = None,
    ) -> Member:
        async with self.store.tenant(tenant_id) as connection:
            return await members.change_member(
                connection, member_id, name=name, role=role, rep_id=rep_id, disabled=disabled
            )

    async def invite(self, tenant_id: UUID, member_id: UUID) -> str:
        async with self.store.tenant(tenant_id) as connection:
            return await members.make_invite(connection, member_id)

    async def invitation(self, token: str) -> Invitation:
        tenant_id, member_id = await members.resolve_invite(self.store, token)
        async with self.store.tenant(tenant_id) as connection:
            member = await members.find_member(connection, member_id)
            tenant = await tenants.this_tenant(connection)
        return Invitation(email=member.email, name=member.name, organisation=tenant.name)

    async def accept(self, token: str, password: str) -> Opened:
        tenant_id, member_id = await members.resolve_invite(self.store, token)
        async with self.store.tenant(tenant_id) as connection:
            member = await members.find_member(connection, member_id)
        check_password(password, email=member.email)
        hashed = await self.passwords.hash(password)
        async with self.store.tenant(tenant_id) as connection:
            await members.use_invite(connection, token)
            await members.put_password(connection, member_id, hashed)
            # Whoever knew the old password is out.
            await members.end_sessions(connection, member_id)
            session = await members.open_session(connection, member_id)
        return await self._opened(session)

    async def api_keys(self, tenant_id: UUID) -> Sequence[ApiKey]:
        async with self.store.tenant(tenant_id) as connection:
            return [_api_key(token) for token in await tenants.list_tokens(connection) if token.call_id is None]

    async def add_api_key(
        self,
        tenant_id: UUID,
        *,
        label: str,
        scopes: frozenset[str],
        expires_in: timedelta | None,
        author: Author | None,
        own: bool,
    ) -> tuple[str, ApiKey]:
        async with self.store.tenant(tenant_id) as connection:
            made = await tenants.issue_token_within(
                connection,
                [tenants.Scope(scope) for scope in scopes],
                label=label,
                expires_in=expires_in,
                author=author,
                own=own,
            )
            return made, _api_key(await tenants.token_record(connection, made))

    async def revoke_api_key(self, tenant_id: UUID, token_id: UUID) -> None:
        try:
            await tenants.revoke_token(self.store, tenant_id, token_id)
        except Refused as refused:
            # `unknown_token` is what a caller with a bad token of its own is told.
            raise Refused("not_found", "there is no such key") from refused

    async def _opened(self, token: str) -> Opened:
        return Opened(token=token, session=await self.session_of(token))


def _already_set_up() -> Refused:
    return Refused("already_set_up", "this server has members already: sign in, or ask one of its admins to add you")


def _api_key(token: tenants.TokenRecord) -> ApiKey:
    return ApiKey(
        token_id=token.token_id,
        label=token.label,
        scopes=frozenset(str(scope) for scope in token.scopes),
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        own=token.own,
        author=token.author,
        author_disabled=token.author_disabled,
    )
