"""Documents: versions, roll-back, and what a document would make of a past call."""

from __future__ import annotations

from uuid import uuid4

from ridealong.app.documents import shipped_document
from ridealong.web.answers.documents import DocumentPreview, DocumentsAnswer, VersionsAnswer
from tests.integration.pages.conftest import Pages, closed


async def test_a_document_is_checked_kept_in_versions_and_rolled_back(pages: Pages) -> None:
    documents = (await pages.get("/documents", DocumentsAnswer))["documents"]
    assert {("taxonomy", "default"), ("rubric", "default"), ("rubric", "meddic"), ("template", "manager.html")} <= {
        (d["kind"], d["name"]) for d in documents
    }
    for document in documents:
        plural = {"taxonomy": "taxonomies"}.get(document["kind"], f"{document['kind']}s")
        assert await pages.ask("GET", f"/{plural}/{document['name']}"), "what is listed can be read"
        assert (document["own"], document["version"]) == (False, None)
    at = "/documents/rubric/default"
    assert (await pages.get(f"{at}/versions", VersionsAnswer))["versions"] == []
    first = shipped_document("rubric", "bant")
    second = first.replace("BANT", "Our BANT")
    await pages.ask("POST", f"{at}/check", json=None, content=first)
    wrong = await pages.refused("POST", f"{at}/check", 422, "bad_document", content=first + "\nnonsense: 1\n")
    assert wrong["line"] == len((first + "\nnonsense: 1").splitlines())
    assert (await pages.get("/documents"))["documents"] == documents, "checking keeps nothing"
    for text in (first, second):
        await pages.ask("PUT", "/rubrics/default", 204, content=text)
    versions = (await pages.get(f"{at}/versions", VersionsAnswer))["versions"]
    assert [(v["version"], v["active"], v["created_by"]) for v in versions] == [(2, True, "API"), (1, False, "API")]
    assert await pages.ask("GET", f"{at}/versions/1") == first
    await pages.ask("POST", f"{at}/versions/1/activate", 204)
    assert await pages.ask("GET", "/rubrics/default") == first
    (mine,) = (d for d in (await pages.get("/documents"))["documents"] if d["own"])
    assert (mine["kind"], mine["name"], mine["version"], mine["changed_by"]) == ("rubric", "default", 1, "API")
    await pages.refused("POST", f"{at}/versions/7/activate", 404, "unknown_document")
    await pages.ask("DELETE", at, 204)
    assert await pages.ask("GET", "/rubrics/default") == shipped_document("rubric", "default")
    assert [v["active"] for v in (await pages.get(f"{at}/versions"))["versions"]] == [False, False]
    await pages.refused("DELETE", at, 404, "unknown_document")
    await pages.refused("GET", "/documents/rubric/nobodys/versions", 404, "not_found")


async def test_a_preview_shows_what_a_document_makes_of_a_call_and_keeps_nothing(pages: Pages) -> None:
    call_id = await pages.call()
    before = await pages.get(f"/calls/{call_id}/artifact")

    async def preview(kind: str, name: str, text: str) -> dict[str, object]:
        wanted = {"text": text, "call_id": str(call_id)}
        found = await pages.ask("POST", f"/documents/{kind}/{name}/preview", json=wanted)
        closed(DocumentPreview, found)
        return found

    shown = await preview("template", "mine.html", "<h1>{{ artifact.title }}</h1>")
    assert shown["html"] == f"<h1>{before['title']}</h1>"
    assert (await preview("template", "mine.md", "{{ artifact.title }}"))["md"]
    rubric = (await preview("rubric", "default", shipped_document("rubric", "bant")))["artifact"]
    assert isinstance(rubric, dict)
    assert rubric["rubric"]["id"] == "bant" != before["rubric"]["id"]
    said = {u["no"]: u["text"] for u in (await pages.get(f"/calls/{call_id}/transcript"))["utterances"]}
    findings = [f for s in rubric["sections"] for f in s["findings"]]
    assert findings
    for finding in findings:
        for proof in finding["evidence"]:
            assert proof["quote"] in said[proof["utterance_no"]]
    moments = (await preview("taxonomy", "default", shipped_document("taxonomy", "default")))["moments"]
    assert isinstance(moments, list)
    assert moments
    # The rules about time see what the stored moments' rules saw: a stall cannot come of nothing.
    assert all(m["evidence"][0]["quote"] in said[m["evidence"][0]["utterance_no"]] for m in moments)
    assert await pages.get(f"/calls/{call_id}/artifact") == before
    assert (await pages.get("/documents"))["documents"] == [
        d for d in (await pages.get("/documents"))["documents"] if not d["own"]
    ]
    at = "/documents/template/mine.html/preview"
    await pages.refused("POST", at, 404, "unknown_call", json={"text": "x", "call_id": str(uuid4())})
    wrong = {"text": "a\n{{ nothing_there }}", "call_id": str(call_id)}
    assert (await pages.refused("POST", at, 422, "bad_document", json=wrong))["line"] == 2
