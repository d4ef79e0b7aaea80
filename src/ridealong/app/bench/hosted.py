"""What a hosted review costs beside the models' own time: `python -m ridealong.app.bench.hosted`.

A written call of an hour, on an embedded database of its own, reviewed by models that answer over HTTP on loopback, in
OpenAI's wire: first after fixed delays, so that what is beyond them is ours (a review cannot be quicker than a draft,
the check after it, and the same of what reads the sections' findings); then after the delays of real models.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import typer
from aiohttp import web

from ridealong.app import reviewing
from ridealong.app.bench.measure import Row
from ridealong.app.bench.review import one_review
from ridealong.app.bench.review_tokens import A_TOKEN, Exchanged, tokens
from ridealong.config import Settings
from ridealong.core.errors import Unavailable
from ridealong.embedding.minilm import load_embedder
from ridealong.llm.house import ModelHouse
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.store import Store
from ridealong.store.tenants import create_tenant

if TYPE_CHECKING:
    from ridealong.embedding import Embedder
    from ridealong.postcall.reviewer import Reviewer

Json = dict[str, Any]
CHECK_S: Final = 0.7
QUICK_S: Final = 1.5
REAL_S: Final = (5.0, 15.0)
"""What a frontier model takes for a section: waiting, thinking and its findings."""
OF_A_SECTION: Final = 250
TOKENS_A_SECOND: Final = 100.0
"""An answer of more tokens than a section's takes so much longer."""
REAL_CHECK_S: Final = (0.7, 2.0)
REAL_CLOSING_S: Final = (2.0, 4.0)
"""What a quick model takes for verdicts, and for what it writes of the sections' findings."""
DRAFTING: Final = "stand-in"
CHECKING: Final = "quick"


@dataclass(kw_only=True, slots=True, eq=False)
class ModelsStandIn:
    """Answers each question well: after fixed seconds, or, `real`, after those that a real model takes, drawn anew from
    `seed` for each question. `begun` and `ended` are the event loop's times of all that was asked."""

    real: bool
    seed: int = 0
    exchanged: list[Exchanged] = field(default_factory=list[Exchanged])
    spans: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def app(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024**2)
        app.add_routes([web.post("/v1/chat/completions", self._complete)])
        return app

    async def _complete(self, request: web.Request) -> web.Response:
        clock = asyncio.get_running_loop().time
        began = clock()
        body: Json = await request.json()
        prompt = "\n\n".join(_text(message["content"]) for message in body["messages"])
        quick = body["model"] == CHECKING
        claims = _part(prompt, "claims")
        if claims:
            step = "check"
            content: Json = {
                "verdicts": [{"claim": n, "support": "supported"} for n in range(1, 1 + len(claims.splitlines()))]
            }
        else:
            task: Json = json.loads(_part(prompt, "task"))
            step, content = _step_of(task), _review(task, prompt)
        words = json.dumps(content)
        await asyncio.sleep(self._seconds(step, words, quick=quick) - (clock() - began))
        self.exchanged.append(Exchanged(prompt=prompt, answer=words, step=step, quick=quick))
        self.spans.append((began, clock()))
        usage = {"prompt_tokens": len(prompt) // A_TOKEN, "completion_tokens": len(words) // A_TOKEN}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": words}}
        return web.json_response({"id": "1", "model": body["model"], "choices": [choice], "usage": usage})

    def _seconds(self, step: str, words: str, *, quick: bool) -> float:
        if not self.real:
            return CHECK_S if step == "check" else QUICK_S
        drawn = random.Random(f"{self.seed} {step} {zlib.crc32(words.encode())}")  # noqa: S311
        if quick:
            return drawn.uniform(*(REAL_CHECK_S if step == "check" else REAL_CLOSING_S))
        longer = max(0.0, len(words) / A_TOKEN - OF_A_SECTION) / TOKENS_A_SECOND
        return drawn.uniform(*REAL_S) + longer

    def busy_s(self) -> float:
        """Seconds in which at least one question waited for its answer."""
        total, until = 0.0, 0.0
        for began, ended in sorted(self.spans):
            total += max(0.0, ended - max(began, until))
            until = max(until, ended)
        return total


def _text(content: object) -> str:
    return content if isinstance(content, str) else "\n\n".join(part["text"] for part in content)  # pyright: ignore


def _part(prompt: str, tag: str) -> str:
    found = re.search(rf"^<{tag}>\n(.*?)\n</{tag}>$", prompt, re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def _step_of(task: Json) -> str:
    """Which step asks: sections by their ids."""
    if "sections" in task:
        return "+".join(section["section"] for section in task["sections"])
    steps = {"last_no": "gaps", "write": "follow_up", "section": str(task.get("section"))}
    if "names" in task or "list" in task:
        return "telling" if "names" in task and "list" in task else "outline" if "names" in task else "next_actions"
    return next((step for key, step in steps.items() if key in task), "coaching")


def _of_findings(task: Json, prompt: str) -> Json:
    shown = [quote for line in _part(prompt, "found").splitlines() for quote in json.loads(line).get("quotes", [])]
    quotes = [quote for quote in shown if isinstance(quote, list)]
    cited = [{"utterance_no": no, "quote": words} for no, _, words in quotes]
    proof: Json = {"statement": "This was said here.", "confidence": 0.8}
    if "write" in task:
        return {
            "sentences": [{"key": str(n), "part": "recap", **proof, "citations": [c]} for n, c in enumerate(cited[:8])]
        }
    other = next((c for c in cited if c["utterance_no"] != cited[0]["utterance_no"]), cited[0])
    gap: Json = {"key": "one", "gap": "contradiction", "title": "Two things", "sections": [], "through": None}
    return {"gaps": [{**gap, **proof, "citations": [cited[0], other]}]}


def _review(task: Json, prompt: str) -> Json:
    if _part(prompt, "found"):
        return _of_findings(task, prompt)
    spoken = [line for line in map(json.loads, _part(prompt, "transcript").splitlines()) if len(line[2].split()) > 5]

    def proof(n: int, role: str = "") -> Json:
        own = [line for line in spoken if line[1].startswith(role)]
        no, _, words = own[n % len(own)]
        return {
            "statement": "This was said here, and it shows what was asked for.",
            "citations": [{"utterance_no": no, "quote": words}],
            "confidence": 0.8,
            "through": None,
        }

    nothing: Json = {"findings": [], "coaching_moments": []}
    told: Json = {}
    if "names" in task:
        middle = len(spoken) // 2
        spans = [(0, middle - 1), (middle, len(spoken) - 1)]
        told["stages"] = [
            {"key": str(n), "stage": "demo", "first_no": spoken[a][0], "last_no": spoken[b][0], **proof(a)}
            for n, (a, b) in enumerate(spans)
        ]
    if "list" in task:
        told["next_actions"] = [{"key": str(n), "who": "rep", "due": None, **proof(n)} for n in range(4)]
    if told:
        return nothing | told
    if "section" not in task and "sections" not in task:
        moment = {"title": "Worth a look", "advice": "Ask once more.", "why": "It might have led somewhere."}
        moments = [{"key": str(n), **moment, **proof(n)} for n in range(5)]
        return {"findings": [], "coaching_moments": moments}
    findings = [
        {"criterion_id": c["id"], "score": "yes", **proof(n, c.get("role", ""))}
        for section in task.get("sections", [task])
        for n, c in enumerate(section["criteria"])
    ]
    return {"findings": findings, "coaching_moments": []}


async def measure(minutes: float, runs: int, real_runs: int) -> Json:
    embedder = load_embedder()
    local = InThreads(LocalReviewer(embedder))
    report: Json = {"minutes": minutes}
    for name, times in (("fixed", runs), ("real", real_runs)):
        stand_in = ModelsStandIn(real=name == "real")
        seconds = await _reviews(stand_in, times, minutes, embedder, local)
        report[name] = {
            "review_s": round(median(seconds), 2),
            "worst_s": round(max(seconds), 2),
            "tokens": tokens(stand_in.exchanged, reviews=times),
        }
        if stand_in.real:
            report[name]["models_s"] = round(stand_in.busy_s() / times, 2)
        else:
            # A draft and its check, and then the same of what reads the sections' findings.
            models_s = 2 * (QUICK_S + CHECK_S)
            report[name] |= {"models_s": models_s, "overhead_s": round(median(seconds) - models_s, 3)}
    return report


async def _reviews(
    stand_in: ModelsStandIn, times: int, minutes: float, embedder: Embedder, local: Reviewer
) -> list[float]:
    """Seconds of each review, one after the other, on a database of their own."""
    runner = web.AppRunner(stand_in.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with tempfile.TemporaryDirectory(prefix="ridealong-") as folder:
        models_file = Path(folder) / "models.yaml"
        entries = ", ".join(f"{{id: 'compatible:{name}', context_tokens: 400000}}" for name in (DRAFTING, CHECKING))
        models_file.write_text(f"models: [{entries}]\n", encoding="utf-8")
        settings = Settings(
            data_dir=Path(folder),
            models_file=models_file,
            review_models=f"compatible:{DRAFTING}",
            verify_model=f"compatible:{CHECKING}",
            compatible_url=f"http://127.0.0.1:{runner.addresses[0][1]}",
        )
        house = ModelHouse(settings)
        store = await Store.open(settings)
        reviewer = reviewing.reviewer(settings, house, embedder, local)
        pipeline = await ReviewPipeline.open(store, embedder, reviewer)
        try:
            tenant_id = (await create_tenant(store, "bench", "Bench")).tenant_id
            seconds: list[float] = []
            for seed in range(times):
                stand_in.seed = seed
                seconds.append(await one_review(store, pipeline, tenant_id, minutes, embedder, with_vectors=True))
            await _check(store, tenant_id)
        finally:
            await pipeline.close()
            await store.close()
            await house.close()
            await runner.cleanup()
    return seconds


async def _check(store: Store, tenant_id: UUID) -> None:
    """Raises Unavailable where a review was not made by the models alone and whole: its time would be no figure."""
    async with store.tenant(tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT reviewer, missing_sections, warnings, dropped_drafts + unchecked_claims FROM review"
        )
        for reviewer, missing, warnings, lost in await cursor.fetchall():
            if not str(reviewer).startswith("hosted") or missing or warnings or lost:
                raise Unavailable("a review was not made by the models alone: nothing was measured")


def rows() -> list[Row]:
    """The rows of `make bench`."""
    found = asyncio.run(measure(60.0, 5, 3))
    fixed, real = found["fixed"], found["real"]
    count = real["tokens"]
    return [
        Row(
            part="hosted",
            what="hosted review of a 60-minute call, beside the models' own time",
            value=f"{fixed['overhead_s']:.2f} s (models {fixed['models_s']:.1f} s, whole {fixed['review_s']:.1f} s)",
            floor="≤ 1 s",
            aim="≤ 0.3 s",
            ok=fixed["overhead_s"] <= 1.0,
            numbers=dict(fixed),
        ),
        Row(
            part="hosted",
            what="the same with models that take 5–15 s a section, checks 0.7–2 s",
            value=f"{real['review_s']:.1f} s, worst of 3 {real['worst_s']:.1f} s (models {real['models_s']:.1f} s)",
            floor="≤ 30 s",
            aim="≤ 20 s",
            ok=real["worst_s"] <= 30,
            numbers=dict(real),
        ),
        Row(
            part="hosted",
            what="prompt tokens of that review at what they cost, of one call a section with the transcript repeated",
            value=(
                f"{count['cost_share']:.0%} (both models' alike {count['alike_share']:.0%}, not from a cache"
                f" {count['fresh_share']:.0%}, sent {count['sent_share']:.0%})"
            ),
            floor="≤ 30 %",
            aim="≤ 15 %",
            ok=count["cost_share"] <= 0.3,
            numbers=dict(count),
        ),
    ]


def main(minutes: float = 60.0, runs: int = 5, real_runs: int = 3) -> None:
    """Print the figures as JSON."""
    sys.stdout.write(json.dumps(asyncio.run(measure(minutes, runs, real_runs)), indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
