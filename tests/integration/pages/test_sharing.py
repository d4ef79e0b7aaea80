"""Shares and playlists: who has a link reads one call, and a playlist cites what is said."""

from __future__ import annotations

from uuid import uuid4

import httpx

from ridealong.store import tenants
from ridealong.web.answers.talk import (
    NewShare,
    Playlist,
    PlaylistItem,
    PlaylistsAnswer,
    PlaylistShown,
    SharedCall,
    SharesAnswer,
)
from tests.integration.pages.conftest import Pages, closed


async def test_a_share_shows_its_call_and_its_part_until_it_is_revoked(pages: Pages) -> None:
    call_id, other = await pages.call(), await pages.call(reviewed=False)
    at = f"/calls/{call_id}"
    report = await pages.ask("POST", f"{at}/shares", 201, json={"expires_s": 3600})
    closed(NewShare, report)
    whole = await pages.ask("POST", f"{at}/shares", 201, json={"scope": "call", "audio": True})
    async with httpx.AsyncClient(base_url=pages.address, timeout=60) as stranger:

        async def status(path: str, share: dict[str, str]) -> int:
            token = share["url"].rpartition("/")[2]
            return (await stranger.get(f"/v1{path}{'&' if '?' in path else '?'}share={token}")).status_code

        opened = await stranger.get("/v1" + report["url"])
        closed(SharedCall, opened.json())
        assert (opened.json()["scope"], opened.json()["audio"]) == ("report", False)
        assert pages.token not in opened.text
        for part in ("", "/artifact", "/report", "/statistics", "/export?format=html"):
            assert await status(at + part, report) == await status(at + part, whole) == 200, part
        for part in ("/transcript", "/moments", "/export?format=json"):
            assert (await status(at + part, report), await status(at + part, whole)) == (403, 200), part
        # No recording belongs to the written call: that it has none is told to whoever may hear it.
        assert (await status(f"{at}/audio.wav", report), await status(f"{at}/audio.wav", whole)) == (403, 404)
        for part in ("/votes", "/comments", "/shares"):
            assert await status(at + part, whole) == 401, part
        for path in ("/calls", "/live", "/team", "/playlists", "/search?q=price", "/documents"):
            assert await status(path, whole) == 401, path
        assert await status(f"/calls/{other}", whole) == 404
        token = whole["url"].rpartition("/")[2]
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await stranger.get(f"/v1{at}", headers=bearer)).status_code == 401, "a share is no token"
        page = (await stranger.get(f"/v1{at}/report", params={"share": token})).text
        assert f"audio.wav?share={token}" in page

        shares = (await pages.get(f"{at}/shares", SharesAnswer))["shares"]
        assert [s["share_id"] for s in shares] == [whole["share_id"], report["share_id"]]
        await pages.ask("DELETE", f"{at}/shares/{whole['share_id']}", 204)
        assert await status(at, whole) == 404
        assert (await stranger.get("/v1" + whole["url"])).json()["code"] == "unknown_share"
        assert await status(at, report) == 200
    async with pages.store.tenant(pages.tenant_id) as connection:
        await connection.execute(
            "UPDATE share SET created_at = now() - interval '2 d', expires_at = now() - interval '1 d'"
        )
    gone = await pages.client.get("/v1" + report["url"])
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_share")
    await pages.refused("POST", f"{at}/shares", 422, "bad_request", json={"expires_s": 1})


async def test_a_playlist_cites_what_is_said_and_follows_a_claim_through_a_new_review(pages: Pages) -> None:
    call_id = await pages.call()
    at = f"/calls/{call_id}"
    made = await pages.ask("POST", "/playlists", 201, json={"name": "Good openings"})
    closed(Playlist, made)
    items = f"/playlists/{made['playlist_id']}/items"
    said = (await pages.get(f"{at}/transcript"))["utterances"][3]
    span = {"call_id": str(call_id), "start_ts": said["start_ts"] + 1, "end_ts": said["end_ts"], "note": " listen "}
    item = await pages.ask("POST", items, 201, json=span)
    closed(PlaylistItem, item)
    assert (item["quote"], item["speaker_id"], item["note"]) == (said["text"], said["speaker_id"], "listen")
    assert (item["kind"], item["id"], item["start_ts"]) == ("utterance", None, said["start_ts"] + 1)

    claim = (await pages.get(f"{at}/artifact"))["sections"][0]["findings"][0]
    cited = claim["evidence"][0]
    of = {"call_id": str(call_id), "start_ts": cited["start_ts"], "end_ts": cited["end_ts"]}
    by_claim = await pages.ask("POST", items, 201, json={**of, "claim_id": claim["claim_id"]})
    assert (by_claim["kind"], by_claim["id"], by_claim["quote"]) == ("claim", claim["claim_id"], cited["quote"])
    moment = (await pages.get(f"{at}/moments"))["moments"][0]
    proof = moment["evidence"][0]
    clip = {"call_id": str(call_id), "start_ts": proof["start_ts"], "end_ts": proof["end_ts"]}
    by_moment = await pages.ask("POST", items, 201, json={**clip, "moment_id": moment["moment_id"]})
    assert (by_moment["kind"], by_moment["quote"]) == ("moment", proof["quote"])

    beyond = {"call_id": str(call_id), "start_ts": 10**9, "end_ts": 10**9 + 1}
    await pages.refused("POST", items, 422, "ungrounded", json=beyond)
    await pages.refused("POST", items, 422, "ungrounded", json={**beyond, "claim_id": claim["claim_id"]})
    await pages.refused("POST", items, 404, "unknown_claim", json={**of, "claim_id": str(uuid4())})
    await pages.refused("POST", items, 404, "unknown_moment", json={**of, "moment_id": claim["claim_id"]})
    await pages.refused("POST", items, 422, "bad_request", json={**of, "end_ts": of["start_ts"]})
    await pages.refused("POST", items, 404, "unknown_call", json={**of, "call_id": str(uuid4())})

    await pages.ask("POST", f"{at}/review", 202)
    await pages.reviewed(call_id)
    shown = await pages.get(f"/playlists/{made['playlist_id']}", PlaylistShown)
    assert shown["items"] == [item, by_claim, by_moment]
    await pages.ask("DELETE", f"{items}/{item['item_id']}", 204)
    assert (await pages.get("/playlists", PlaylistsAnswer))["playlists"][0]["items"] == 2
    theirs, reading = await pages.other_tenant(), await pages.token_of(tenants.Scope.READ)
    await pages.refused("GET", f"/playlists/{made['playlist_id']}", 404, "unknown_playlist", headers=theirs)
    await pages.refused("POST", "/playlists", 403, "forbidden", json={"name": "x"}, headers=reading)
    await pages.ask("DELETE", at, 204)
    assert (await pages.get(f"/playlists/{made['playlist_id']}"))["items"] == []
    await pages.ask("DELETE", f"/playlists/{made['playlist_id']}", 204)
    await pages.refused("GET", f"/playlists/{made['playlist_id']}", 404, "unknown_playlist")
