"""A call's page: its answers are what the description says, its speakers can be corrected, its claims voted on."""

from __future__ import annotations

from uuid import uuid4

import pytest

from ridealong.store import tenants
from ridealong.web.answers.artifact import ArtifactShown, FeedbackAnswer, MomentsAnswer
from ridealong.web.answers.calls import CallDetail, CallPage, Mark, SearchAnswer, StatisticsAnswer, TranscriptShown
from ridealong.web.answers.talk import Comment, CommentsAnswer, VotesAnswer
from tests.integration.pages.conftest import Pages, closed


async def test_every_answer_about_a_call_is_what_the_description_says(pages: Pages) -> None:
    call_id = await pages.call()
    at = f"/calls/{call_id}"
    page = await pages.get("/calls", CallPage)
    assert (page["total"], page["next"], len(page["calls"])) == (1, None, 1)
    detail = await pages.get(at, CallDetail)
    assert detail["review"] == {"status": "finished", "failure": None}
    assert detail["review_outdated"] is False
    transcript = await pages.get(f"{at}/transcript", TranscriptShown)
    assert len(transcript["utterances"]) > 10
    moments = await pages.get(f"{at}/moments", MomentsAnswer)
    assert moments["moments"]
    artifact = await pages.get(f"{at}/artifact", ArtifactShown)
    assert artifact["sections"]
    assert page["calls"][0]["score"] == artifact["score"]
    statistics = (await pages.get(f"{at}/statistics", StatisticsAnswer))["statistics"]
    told = {s["id"]: s["value"] for s in statistics if s["speaker_id"] is None}
    # The table of formulas and the statistics know the same names.
    assert {k: v for k, v in told.items() if v is not None} == artifact["statistics"]["values"]
    assert all((s["value"] is None) == (s["absent"] is not None) for s in statistics)
    for speaker in artifact["statistics"]["speakers"]:
        own = {s["id"]: s["value"] for s in statistics if s["speaker_id"] == speaker["speaker_id"]}
        assert {k: v for k, v in own.items() if v is not None} == speaker["values"]
    hits = await pages.get("/search?q=price", SearchAnswer)
    assert hits["hits"]
    exported = await pages.client.get(f"/v1{at}/export?format=json")
    assert f'filename="call-{call_id}.json"' in exported.headers["content-disposition"]
    closed(CallDetail, exported.json()["call"])
    closed(ArtifactShown, exported.json()["artifact"])
    written = await pages.client.get(f"/v1{at}/export?format=md")
    assert written.text.startswith("#")
    assert pages.address in written.text, "a file is opened away from the server"


async def test_a_corrected_role_moves_the_transcript_and_the_statistics_and_outdates_the_review(pages: Pages) -> None:
    call_id = await pages.call()
    at = f"/calls/{call_id}"
    before = await pages.get(f"{at}/artifact")
    first, second = (await pages.get(at))["speakers"][:2]
    for speaker, role in ((first, second["role"]), (second, first["role"])):
        path = f"{at}/speakers/{speaker['speaker_id']}"
        answer = await pages.ask("PUT", path, json={"role": role, "name": " Dana  "})
    closed(CallDetail, answer)
    assert answer["review_outdated"] is True
    for speaker, role in ((first, second["role"]), (second, first["role"])):
        (shown,) = (s for s in answer["speakers"] if s["speaker_id"] == speaker["speaker_id"])
        assert (shown["role"], shown["source"], shown["confidence"]) == (role, "stated", 1.0)
        assert (shown["name"], shown["corrected_by"]) == ("Dana", "API")
    transcript = await pages.get(f"{at}/transcript")
    said = {u["speaker_id"]: u["role"] for u in transcript["utterances"]}
    assert said[first["speaker_id"]] == second["role"]
    after = await pages.get(f"{at}/artifact")
    ratios = [a["statistics"]["values"]["talk_ratio_of_speech"] for a in (before, after)]
    assert ratios[0] + ratios[1] == pytest.approx(1.0, abs=0.001)
    claims = [[f["claim_id"] for s in a["sections"] for f in s["findings"]] for a in (before, after)]
    assert claims[0] == claims[1], "nobody changes what a reviewer concluded"

    closed(CallDetail, await pages.ask("POST", f"{at}/review", 202))
    await pages.reviewed(call_id)
    again = await pages.get(at)
    assert again["review_outdated"] is False
    # Back to how it was heard: again another than the review was made with.
    path = f"{at}/speakers/{first['speaker_id']}"
    assert (await pages.ask("PUT", path, json={"role": first["role"]}))["review_outdated"] is True
    assert (await pages.ask("PUT", path, json={"name": None}))["speakers"][0]["name"] is None


async def test_who_does_not_speak_cannot_be_corrected(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    at = f"/calls/{call_id}/speakers"
    await pages.refused("PUT", f"{at}/77", 404, "unknown_speaker", json={"role": "rep"})
    for wrong in ({}, {"role": None}, {"role": "boss"}, {"name": "x" * 101}, {"name": "a\x00b"}, {"nam": "x"}):
        await pages.refused("PUT", f"{at}/0", 422, "bad_request", json=wrong)
    await pages.refused("PUT", f"/calls/{uuid4()}/speakers/0", 404, "unknown_call", json={"role": "rep"})


async def test_votes_stay_with_claims_that_a_review_made_again_states_again(pages: Pages) -> None:
    call_id = await pages.call()
    at = f"/calls/{call_id}"
    artifact = await pages.get(f"{at}/artifact")
    claim = artifact["sections"][0]["findings"][0]
    path = f"{at}/claims/{claim['claim_id']}/votes"
    answer = await pages.ask("POST", path, json={"verdict": "disagree", "note": "he said it later"})
    closed(VotesAnswer, answer)
    assert [(v["verdict"], v["note"]) for v in answer["votes"]] == [("disagree", "he said it later")]
    # One opinion each: the last.
    await pages.ask("POST", path, json={"verdict": "agree"})
    votes = (await pages.get(f"{at}/votes", VotesAnswer))["votes"]
    assert [(v["claim_id"], v["verdict"]) for v in votes] == [(claim["claim_id"], "agree")]
    await pages.ask("POST", f"{at}/review", 202)
    remade = await pages.reviewed(call_id)
    assert remade["sections"][0]["findings"][0] == claim, "the same words and the same proof are the same claim"
    assert (await pages.get(f"{at}/votes"))["votes"] == votes
    assert (await pages.ask("POST", path, json={"verdict": None}))["votes"] == []
    await pages.refused("POST", f"{at}/claims/{uuid4()}/votes", 404, "unknown_claim", json={"verdict": "agree"})
    await pages.refused("POST", path, 422, "bad_request", json={"verdict": "perhaps"})


async def test_feedback_marks_and_comments_are_kept_and_go_with_the_call(pages: Pages) -> None:
    call_id = await pages.call()
    at = f"/calls/{call_id}"
    moment = (await pages.get(f"{at}/moments"))["moments"][0]
    path = f"{at}/moments/{moment['moment_id']}/feedback"
    await pages.ask("POST", path, json={"verdict": "wrong"})
    answer = await pages.ask("POST", path, json={"verdict": "helpful"})
    closed(FeedbackAnswer, answer)
    assert [f["verdict"] for f in answer["feedback"]] == ["helpful"]
    (shown,) = (m for m in (await pages.get(f"{at}/moments"))["moments"] if m["moment_id"] == moment["moment_id"])
    assert shown["feedback"] == answer["feedback"]
    await pages.refused("POST", f"{at}/moments/{uuid4()}/feedback", 404, "unknown_moment", json={"verdict": "wrong"})

    made = await pages.ask("POST", f"{at}/marks", 201, json={"at_ts": 5000})
    closed(Mark, made)
    assert (await pages.get(at, CallDetail))["marks"] == [made]
    await pages.refused("POST", f"{at}/marks", 422, "bad_request", json={"at_ts": 2**31 - 1})

    said = "<script>alert(1)</script> \U0001f642"
    comment = await pages.ask("POST", f"{at}/comments", 201, json={"at_ts": 9000, "text": said})
    closed(Comment, comment)
    assert comment["text"] == said
    reply = await pages.ask(
        "POST", f"{at}/comments", 201, json={"at_ts": 9000, "text": "yes", "reply_to": comment["comment_id"]}
    )
    elsewhere = {"at_ts": 1, "text": "x", "reply_to": str(uuid4())}
    await pages.refused("POST", f"{at}/comments", 404, "unknown_comment", json=elsewhere)
    await pages.refused("POST", f"{at}/comments", 422, "bad_request", json={"at_ts": 1, "text": " \n "})
    assert (await pages.get("/calls", CallPage))["calls"][0]["comments"] == 2
    await pages.ask("DELETE", f"{at}/comments/{comment['comment_id']}", 204)
    comments = (await pages.get(f"{at}/comments", CommentsAnswer))["comments"]
    assert [(c["text"], c["deleted"]) for c in comments] == [("", True), ("yes", False)]
    assert comments[1] == reply
    await pages.ask("DELETE", at, 204)
    await pages.refused("GET", f"{at}/comments", 404, "unknown_call")
    async with pages.store.tenant(pages.tenant_id) as connection:
        for table in ("comment", "call_mark", "moment_feedback", "claim_vote", "speaker_correction", "share"):
            row = await (await connection.execute(f"SELECT count(*) FROM {table}")).fetchone()  # pyright: ignore
            assert row == (0,), table


async def test_whose_deal_a_call_is_can_be_said_later_and_finds_it(pages: Pages) -> None:
    call_id, other = await pages.call(reviewed=False), await pages.call(reviewed=False)
    path = f"/calls/{call_id}/context"
    nothing = {"customer": "", "deal": "", "call_type": "", "stage": ""}
    assert (await pages.get(f"/calls/{call_id}", CallDetail))["context"] == nothing
    answer = await pages.ask("PUT", path, json={"customer": " Northwind  Ltd ", "deal": "2027", "stage": "evaluation"})
    closed(CallDetail, answer)
    said = nothing | {"customer": "Northwind Ltd", "deal": "2027", "stage": "evaluation"}
    assert answer["context"] == said
    answer = await pages.ask("PUT", path, json={"stage": "", "call_type": "demo"})
    assert answer["context"] == said | {"stage": "", "call_type": "demo"}, "what is left out stays"
    for asked in ({"customer": "northwind LTD"}, {"deal": "2027"}, {"customer": "Northwind Ltd", "deal": "2027"}):
        page = await pages.get("/calls", CallPage, params=asked)
        assert [call["call_id"] for call in page["calls"]] == [str(call_id)], asked
    assert (await pages.get("/calls", params={"customer": "North"}))["calls"] == []
    assert (await pages.get(f"/calls/{other}"))["context"] == nothing
    for wrong in ({}, {"customer": None}, {"stage": "x" * 65}, {"deal": "a\x00b"}, {"owner": "x"}):
        await pages.refused("PUT", path, 422, "bad_request", json=wrong)


WRITES = (
    ("PUT", "/speakers/0", {"role": "rep"}),
    ("PUT", "/context", {"stage": "won"}),
    ("POST", "/review", None),
    ("POST", f"/claims/{uuid4()}/votes", {"verdict": "agree"}),
    ("POST", f"/moments/{uuid4()}/feedback", {"verdict": "wrong"}),
    ("POST", "/marks", {"at_ts": 1}),
    ("POST", "/comments", {"at_ts": 1, "text": "x"}),
    ("DELETE", f"/comments/{uuid4()}", None),
    ("POST", "/shares", {}),
    ("DELETE", f"/shares/{uuid4()}", None),
    ("POST", "/messages", {"text": "x"}),
)


async def test_what_is_another_tenants_does_not_exist_and_a_reading_token_writes_nothing(pages: Pages) -> None:
    call_id = await pages.call(reviewed=False)
    theirs, reading = await pages.other_tenant(), await pages.token_of(tenants.Scope.READ)
    for method, part, body in WRITES:
        path = f"/calls/{call_id}{part}"
        await pages.refused(method, path, 404, "unknown_call", json=body, headers=theirs)
        await pages.refused(method, path, 403, "forbidden", json=body, headers=reading)
    for part in ("/votes", "/comments", "/shares", "/statistics", "/waveform", "/export?format=json"):
        await pages.refused("GET", f"/calls/{call_id}{part}", 404, "unknown_call", headers=theirs)
    assert (await pages.get("/calls", headers=theirs))["total"] == 0
