"""People sign in over real requests, against the real store: and what somebody may try instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ridealong.config import Settings
from ridealong.core.people import MemberRole
from ridealong.store import members, tenants
from ridealong.store.embedded import SUPERUSER, EmbeddedPostgres
from tests.integration.postcall.test_pipeline import dump_of
from tests.integration.web.people import PASSWORD, House, house, is_problem

ADMIN, MANAGER, REP = "ada@acme.example", "max@acme.example", "rita@acme.example"


@pytest.fixture
async def acme(store_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    """A server with an admin, a manager and a rep."""
    async with house(store_settings, tmp_path / "recordings") as made:
        for email, role in ((ADMIN, MemberRole.ADMIN), (MANAGER, MemberRole.MANAGER), (REP, MemberRole.REP)):
            await made.member(email, role)
        yield made


# ------------------------------------------------------------------------------------------------ the first set-up


async def test_the_first_admin_is_made_with_the_code_that_the_server_printed(
    store_settings: Settings, tmp_path: Path
) -> None:
    async with house(store_settings, tmp_path / "recordings") as fresh, fresh.browser() as browser:
        assert (await browser.get("/v1/session")).json() == {"signed_in": False, "setup_needed": True, "oidc": None}
        wanted = {
            "setup_code": "guessed",
            "organisation": "Acme Ltd",
            "name": "Ada",
            "email": " Ada@Acme.Example ",
            "password": PASSWORD,
        }
        assert is_problem(await browser.ask("POST", "/v1/setup", wanted), 403, "wrong_setup_code")
        assert (await fresh.people.setup_needed()) is True
        right = wanted | {"setup_code": fresh.people.setup_code.code}
        assert is_problem(await browser.ask("POST", "/v1/setup", right | {"password": "short"}), 422, "weak_password")
        assert is_problem(await browser.ask("POST", "/v1/setup", right | {"email": "ada"}), 422, "bad_email")
        made = await browser.ask("POST", "/v1/setup", right)
        assert made.status_code == 201
        said = made.json()
        assert said["tenant"] == {"slug": "acme", "name": "Acme Ltd"}
        assert (said["member"]["email"], said["member"]["role"], said["member"]["rep_id"]) == (ADMIN, "admin", ADMIN)
        assert said == (await browser.get("/v1/session")).json()
        async with fresh.browser() as other:
            assert is_problem(
                await other.ask("POST", "/v1/setup", right | {"email": "eve@x.yz"}), 409, "already_set_up"
            )
            assert (await other.get("/v1/session")).json()["setup_needed"] is False


# ------------------------------------------------------------------------------------------------ signing in and out


async def test_a_member_signs_in_and_out_again(acme: House) -> None:
    async with acme.browser() as browser:
        answer = await browser.sign_in(REP.upper())
        assert answer.json()["member"]["email"] == REP
        kept = browser.cookie
        assert (await browser.get("/v1/calls")).status_code == 200
        assert (await browser.ask("DELETE", "/v1/session")).status_code == 204
        assert "ridealong_session" not in browser.http.cookies
        stolen = {"Cookie": f"ridealong_session={kept}"}
        assert is_problem(await browser.get("/v1/calls", **stolen), 401, "signed_out")
        assert (await browser.get("/v1/session", **stolen)).json()["signed_in"] is False


async def test_no_answer_tells_whether_an_address_is_known(acme: House) -> None:
    async with acme.browser() as browser:
        wrong = await browser.sign_in(REP, "not the password")
        unknown = await browser.sign_in("nobody@acme.example", "not the password")
        odd = await browser.sign_in("\x00", "x")
    assert is_problem(wrong, 401, "wrong_credentials")
    assert wrong.json() == unknown.json() == odd.json()


async def test_the_stand_in_for_nobody_lets_nobody_in(acme: House) -> None:
    passwords = acme.people.passwords
    for kept in (None, "$argon2id$v=19$m=64,t=1,p=1$broken"):
        assert await passwords.verify(kept, PASSWORD) is False
    assert await passwords.verify(None, "nobody has this password") is False


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(acme: House) -> None:
    async with acme.browser() as browser:
        plain = (await browser.sign_in(REP)).headers["set-cookie"]
        assert "HttpOnly" in plain
        assert "SameSite=lax" in plain
        assert "Path=/" in plain
        assert "Max-Age=2592000" in plain
        assert "Secure" not in plain
    async with acme.browser(**{"X-Forwarded-Proto": "https"}) as browser:
        assert "; Secure" in (await browser.sign_in(REP)).headers["set-cookie"]


async def test_a_session_that_somebody_planted_is_not_the_one_that_signs_in(acme: House) -> None:
    async with acme.browser(REP) as attacker, acme.browser() as victim:
        planted = attacker.cookie
        victim.http.cookies.set("ridealong_session", planted)
        answer = await victim.ask("POST", "/v1/session", {"email": ADMIN, "password": PASSWORD})
        fresh = answer.cookies["ridealong_session"]
        assert fresh != planted
        assert is_problem(await attacker.get("/v1/calls"), 401, "signed_out")
    async with acme.browser() as victim:
        victim.http.cookies.set("ridealong_session", "made-up-by-somebody")
        assert (await victim.sign_in(ADMIN)).cookies["ridealong_session"] != "made-up-by-somebody"


async def test_nothing_secret_lies_in_the_database_or_the_logs(
    acme: House, postgres: EmbeddedPostgres, database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with acme.browser(ADMIN) as browser:
        invite = (await browser.ask("POST", "/v1/members", {"email": "n@x.yz", "name": "N", "role": "rep"})).json()
        made = (await browser.ask("POST", "/v1/api-keys", {"label": "crm", "scopes": ["read"]})).json()
        dump = dump_of(postgres.url(user=SUPERUSER, database=database), "ridealong")
        said = "".join(capfd.readouterr())
        secrets = (browser.cookie, browser.csrf or "?", PASSWORD, invite["invite"].split("=")[1], made["token"])
        for secret in secrets:
            assert secret not in dump
            assert secret not in said
    assert "$argon2id$" in dump


# ------------------------------------------------------------------------------------------------ other sites' pages


async def test_a_change_by_cookie_needs_the_session_s_word(acme: House) -> None:
    new = {"label": "crm", "scopes": ["read"]}
    async with acme.browser(ADMIN) as browser, acme.browser(ADMIN) as other:
        right, browser.csrf = browser.csrf, None
        assert is_problem(await browser.ask("POST", "/v1/api-keys", new), 403, "bad_csrf")
        for wrong in (other.csrf or "?", "x", browser.cookie):
            assert is_problem(await browser.ask("POST", "/v1/api-keys", new, X_CSRF_Token=wrong), 403, "bad_csrf")
        assert is_problem(await browser.ask("DELETE", "/v1/session"), 403, "bad_csrf")
        assert (await browser.ask("POST", "/v1/api-keys", new, X_CSRF_Token=right or "?")).status_code == 201
        # A program without a browser sends no cookie that somebody else could use.
        token = {"Authorization": f"Bearer {acme.token}"}
        assert (await browser.ask("POST", "/v1/api-keys", new, **token)).status_code == 201


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://user@127.0.0.1", "nonsense", "http://["]
)
async def test_another_site_s_page_changes_nothing_even_with_the_word(acme: House, origin: str) -> None:
    async with acme.browser(ADMIN) as browser:
        browser.origin = origin
        new = {"label": "crm", "scopes": ["read"]}
        assert is_problem(await browser.ask("POST", "/v1/api-keys", new), 403, "foreign_origin")
        assert is_problem(await browser.sign_in(REP), 403, "foreign_origin")
        assert is_problem(await browser.ask("DELETE", "/v1/session"), 403, "foreign_origin")
        assert (await browser.get("/v1/session")).json()["member"]["email"] == ADMIN


async def test_behind_a_proxy_the_stated_address_counts_and_no_other(store_settings: Settings, tmp_path: Path) -> None:
    async with house(store_settings, tmp_path / "r", public_url="https://calls.example") as made:
        await made.member(ADMIN, MemberRole.ADMIN)
        async with made.browser() as browser:
            browser.origin = "https://calls.example"
            assert "; Secure" in (await browser.sign_in(ADMIN)).headers["set-cookie"]
            for foreign in (made.address, "http://calls.example", "https://calls.example:444"):
                browser.origin = foreign
                assert is_problem(await browser.sign_in(ADMIN), 403, "foreign_origin")


# ------------------------------------------------------------------------------------------------ guessing


async def test_who_guesses_is_made_to_wait(acme: House) -> None:
    async with acme.browser() as browser:
        for _ in range(8):
            assert is_problem(await browser.sign_in(REP, "a guess"), 401, "wrong_credentials")
        refused = await browser.sign_in(REP.upper() + " ", "a guess")
        assert is_problem(refused, 429, "too_many_attempts")
        assert 1 <= int(refused.headers["retry-after"]) <= 61
        assert is_problem(await browser.sign_in(REP), 429, "too_many_attempts"), "the right one is not told either"
        assert (await browser.sign_in(ADMIN)).status_code == 200, "others are not locked out with it"


async def test_one_network_cannot_try_many_addresses(acme: House) -> None:
    async with acme.browser() as browser:
        for number in range(40):
            await browser.sign_in(f"somebody-{number}@acme.example", "Summer2026!")
        assert is_problem(await browser.sign_in("another@acme.example", "x"), 429, "too_many_attempts")
        elsewhere = await browser.ask(
            "POST", "/v1/session", {"email": ADMIN, "password": PASSWORD}, X_Forwarded_For="203.0.113.9"
        )
        assert elsewhere.status_code == 200


# ------------------------------------------------------------------------------------------------ members


async def test_an_invitation_works_once(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser() as new:
        added = await admin.ask(
            "POST", "/v1/members", {"email": "Neo@acme.example", "name": "Neo", "role": "rep", "rep_id": "rep-9"}
        )
        assert added.status_code == 201
        assert added.json()["member"]["rep_id"] == "rep-9"
        path, _, token = added.json()["invite"].partition("?invite=")
        assert path == "/join"
        assert is_problem(await new.sign_in("neo@acme.example", ""), 401, "wrong_credentials")
        shown = await new.get(f"/v1/invites?invite={token}")
        assert shown.json() == {"email": "neo@acme.example", "name": "Neo", "organisation": "Acme"}
        weak = await new.ask("POST", "/v1/invites", {"invite": token, "password": "aaaaaaaaaaaa"})
        assert is_problem(weak, 422, "weak_password")
        joined = await new.ask("POST", "/v1/invites", {"invite": token, "password": "four plain words here"})
        assert joined.status_code == 201
        assert joined.json()["member"]["name"] == "Neo"
        again = await new.ask("POST", "/v1/invites", {"invite": token, "password": "another four words"})
        assert is_problem(again, 404, "unknown_invite")
        assert is_problem(await new.get(f"/v1/invites?invite={token}"), 404, "unknown_invite")
        assert (await new.sign_in("neo@acme.example", "four plain words here")).status_code == 200
        twice = await admin.ask("POST", "/v1/members", {"email": "neo@acme.example", "name": "X", "role": "rep"})
        assert is_problem(twice, 409, "email_taken")


async def test_a_new_invitation_replaces_the_earlier_one_and_a_password_ends_all_sessions(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser(REP) as rep:
        member = next(m for m in (await admin.get("/v1/members")).json()["members"] if m["email"] == REP)
        path = f"/v1/members/{member['member_id']}/invite"
        first, second = [(await admin.ask("POST", path)).json()["invite"].split("=")[1] for _ in range(2)]
        async with acme.browser() as new:
            body = {"password": "four plain words here"}
            assert is_problem(await new.ask("POST", "/v1/invites", body | {"invite": first}), 404, "unknown_invite")
            assert (await new.ask("POST", "/v1/invites", body | {"invite": second})).status_code == 201
        assert is_problem(await rep.get("/v1/calls"), 401, "signed_out")


async def test_an_expired_session_or_invitation_is_none(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser(REP) as rep:
        member = next(m for m in (await admin.get("/v1/members")).json()["members"] if m["email"] == REP)
        invite = (await admin.ask("POST", f"/v1/members/{member['member_id']}/invite")).json()["invite"].split("=")[1]
        async with acme.store.tenant(acme.tenant_id) as connection:
            await connection.execute(
                "UPDATE session SET expires_at = now() WHERE member_id = %s", [member["member_id"]]
            )
            await connection.execute("UPDATE invite SET expires_at = now()")
        assert is_problem(await rep.get("/v1/calls"), 401, "signed_out")
        assert is_problem(await rep.get(f"/v1/invites?invite={invite}"), 404, "unknown_invite")


async def test_a_session_slides_on_while_it_is_used(acme: House) -> None:
    async with acme.browser(REP) as rep:
        async with acme.store.tenant(acme.tenant_id) as connection:
            await connection.execute("UPDATE session SET expires_at = now() + interval '1 hour'")
        assert (await rep.get("/v1/calls")).status_code == 200
        async with acme.store.tenant(acme.tenant_id) as connection:
            row = await (
                await connection.execute("SELECT min(expires_at) > now() + interval '29 days' FROM session")
            ).fetchone()
        assert row == (True,)


async def test_who_is_disabled_is_out_at_once(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser(REP) as rep:
        member = next(m for m in (await admin.get("/v1/members")).json()["members"] if m["email"] == REP)
        path = f"/v1/members/{member['member_id']}"
        changed = await admin.ask("PATCH", path, {"disabled": True})
        assert changed.json()["disabled_at"] is not None
        assert is_problem(await rep.get("/v1/calls"), 401, "signed_out")
        assert is_problem(await rep.sign_in(REP), 401, "wrong_credentials")
        assert is_problem(await admin.ask("POST", f"{path}/invite"), 409, "member_disabled")
        assert (await admin.ask("PATCH", path, {"disabled": False})).json()["disabled_at"] is None
        assert (await rep.sign_in(REP)).status_code == 200


async def test_the_last_admin_stays_one(acme: House) -> None:
    async with acme.browser(ADMIN) as admin:
        found = {m["email"]: m["member_id"] for m in (await admin.get("/v1/members")).json()["members"]}
        for change in ({"role": "rep"}, {"disabled": True}, {"role": "manager", "disabled": False}):
            answer = await admin.ask("PATCH", f"/v1/members/{found[ADMIN]}", change)
            assert is_problem(answer, 409, "last_admin")
        assert (await admin.ask("PATCH", f"/v1/members/{found[ADMIN]}", {"name": "Ada L."})).json()["name"] == "Ada L."
        assert (await admin.ask("PATCH", f"/v1/members/{found[MANAGER]}", {"role": "admin"})).status_code == 200
        assert (await admin.ask("PATCH", f"/v1/members/{found[ADMIN]}", {"role": "rep"})).status_code == 200
        # The role holds from the next request on.
        assert is_problem(await admin.get("/v1/members"), 403, "forbidden")


async def test_what_a_role_may_not_is_refused(acme: House) -> None:
    new = {"email": "x@y.zz", "name": "X", "role": "admin"}
    async with acme.browser(MANAGER) as manager, acme.browser(REP) as rep:
        assert len((await manager.get("/v1/members")).json()["members"]) == 3
        assert is_problem(await rep.get("/v1/members"), 403, "forbidden")
        for somebody in (manager, rep):
            assert is_problem(await somebody.ask("POST", "/v1/members", new), 403, "forbidden")
            assert is_problem(await somebody.get("/v1/api-keys"), 403, "forbidden")
            assert is_problem(await somebody.ask("PUT", "/v1/rubrics/mine", {}), 403, "forbidden")
            assert is_problem(await somebody.get("/v1/models"), 403, "forbidden")


async def test_another_tenant_s_members_do_not_exist(acme: House) -> None:
    rival = (await tenants.create_tenant(acme.store, "rival", "Rival")).tenant_id
    theirs = await acme.member("boss@rival.example", MemberRole.ADMIN, tenant_id=rival)
    async with acme.browser(ADMIN) as admin:
        assert is_problem(await admin.ask("PATCH", f"/v1/members/{theirs}", {"role": "rep"}), 404, "unknown_member")
        assert is_problem(await admin.ask("POST", f"/v1/members/{theirs}/invite"), 404, "unknown_member")
        assert "rival" not in (await admin.get("/v1/members")).text
        taken = {"email": "boss@rival.example", "name": "X", "role": "rep"}
        assert is_problem(await admin.ask("POST", "/v1/members", taken), 409, "email_taken")


async def test_a_password_is_changed_by_who_knows_it(acme: House) -> None:
    async with acme.browser(REP) as here, acme.browser(REP) as there:
        change = {"old": "wrong", "new": "four plain words here"}
        assert is_problem(await here.ask("POST", "/v1/session/password", change), 403, "wrong_password")
        assert (await here.ask("POST", "/v1/session/password", change | {"old": PASSWORD})).status_code == 204
        assert (await here.get("/v1/calls")).status_code == 200
        assert is_problem(await there.get("/v1/calls"), 401, "signed_out")
        assert is_problem(await there.sign_in(REP), 401, "wrong_credentials")


@pytest.mark.parametrize(
    "new",
    [
        {"email": "x@y.zz", "name": " ", "role": "rep"},
        {"email": "x@y.zz", "name": "a\x00b", "role": "rep"},
        {"email": "x@y.zz", "name": "a\nb", "role": "rep"},
        {"email": "x@y.zz", "name": "X", "role": "owner"},
        {"email": "x@y.zz", "name": "X", "role": "rep", "rep_id": ""},
        {"email": "x@y.zz", "name": "X", "role": "rep", "is_admin": True},
        {"email": "x y@y.zz", "name": "X", "role": "rep"},
        {"email": "x\x00@y.zz", "name": "X", "role": "rep"},
        {"email": "x@y.zz", "name": "\ud800", "role": "rep"},
    ],
)
async def test_what_is_no_member_is_told(acme: House, new: dict[str, object]) -> None:
    async with acme.browser(ADMIN) as admin:
        answer = await admin.ask("POST", "/v1/members", new)
        assert answer.status_code == 422, answer.text


async def test_keys_for_programs_are_made_listed_and_revoked(acme: House) -> None:
    async with acme.browser(ADMIN) as admin, acme.browser() as program:
        made = await admin.ask("POST", "/v1/api-keys", {"label": "CRM", "scopes": ["read"], "expires_days": 30})
        assert made.status_code == 201
        key, token = made.json()["api_key"], {"Authorization": f"Bearer {made.json()['token']}"}
        assert (key["label"], key["scopes"], key["revoked_at"]) == ("CRM", ["read"], None)
        assert key["expires_at"] is not None
        assert (await program.get("/v1/calls", **token)).status_code == 200
        assert is_problem(await program.get("/v1/api-keys", **token), 403, "forbidden")
        assert (await admin.get("/v1/api-keys")).json()["api_keys"][0] == key
        assert (await admin.ask("DELETE", f"/v1/api-keys/{key['token_id']}")).status_code == 204
        assert is_problem(await program.get("/v1/calls", **token), 401, "unknown_token")
        assert is_problem(await admin.ask("DELETE", f"/v1/api-keys/{acme.tenant_id}"), 404, "not_found")
        assert (await admin.get("/v1/api-keys")).json()["api_keys"][0]["revoked_at"] is not None


async def test_two_who_set_up_at_once_do_not_both_become_the_first(store_settings: Settings, tmp_path: Path) -> None:
    async with house(store_settings, tmp_path / "r") as fresh:
        async with fresh.store.tenant(fresh.tenant_id) as first:
            assert await members.hold_first_setup(first)
            await members.add_member(first, email="a@x.yz", name="A", role=MemberRole.ADMIN)
        async with fresh.store.tenant(fresh.tenant_id) as second:
            assert not await members.hold_first_setup(second)


async def test_a_browser_without_a_session_is_told_to_sign_in(acme: House) -> None:
    async with acme.browser() as nobody:
        assert is_problem(await nobody.get("/v1/calls"), 401, "missing_token")
        assert is_problem(await nobody.ask("POST", "/v1/session/password", {"old": "x", "new": "y"}), 401, "signed_out")
        assert (await nobody.ask("DELETE", "/v1/session")).status_code == 204
