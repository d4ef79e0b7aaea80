"""What a hosted review costs beside the models' own time: `python -m ridealong.app.bench.hosted`.

A written call of an hour, on an embedded database of its own, reviewed by models that answer over HTTP on loopback
after fixed delays, in OpenAI's wire. A review cannot be quicker than its slowest draft and the check after it: what it
takes beyond that is ours, with the models' server in the same process.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID

import typer
from aiohttp import web

from ridealong.app import reviewing
from ridealong.app.bench.measure import Row
from ridealong.app.bench.review import one_review
from ridealong.config import Settings
from ridealong.core.errors import Unavailable
from ridealong.embedding.minilm import load_embedder
from ridealong.llm.house import ModelHouse
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.store import Store
from ridealong.store.tenants import create_tenant

Json = dict[str, Any]
CHECK_S: Final = 0.7
QUICK_S: Final = 1.5
REAL_S: Final = (5.0, 15.0)


@dataclass(kw_only=True, slots=True)
class FrontierStandIn:
    """Answers each question well, `delay_s` later; where that is a range, each section has its own delay in it."""

    delay_s: tuple[float, float]
    prompts: list[str] = field(default_factory=list[str])

    def app(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024**2)
        app.add_routes([web.post("/v1/chat/completions", self._complete)])
        return app

    async def _complete(self, request: web.Request) -> web.Response:
        body: Json = await request.json()
        prompt = "\n\n".join(_text(message["content"]) for message in body["messages"])
        claims = _part(prompt, "claims")
        if claims:
            content: Json = {
                "verdicts": [{"claim": n, "support": "supported"} for n in range(1, 1 + len(claims.splitlines()))]
            }
            await asyncio.sleep(CHECK_S)
        else:
            task: Json = json.loads(_part(prompt, "task"))
            content = _review(task, prompt)
            await asyncio.sleep(self.chain_of(_step_of(task)))
        words = json.dumps(content)
        self.prompts.append(prompt)
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(words) // 4}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": words}}
        return web.json_response({"id": "1", "model": body["model"], "choices": [choice], "usage": usage})

    def chain_of(self, name: str) -> float:
        """Seconds for the draft of that name, the same in every run."""
        least, most = self.delay_s
        return least + (most - least) * (zlib.crc32(name.encode()) % 101) / 100


def _text(content: object) -> str:
    return content if isinstance(content, str) else "\n\n".join(part["text"] for part in content)  # pyright: ignore


def _part(prompt: str, tag: str) -> str:
    found = re.search(rf"^<{tag}>\n(.*?)\n</{tag}>$", prompt, re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def _step_of(task: Json) -> str:
    """Which step asks: sections by their id."""
    steps = {"names": "outline", "list": "next_actions", "last_no": "gaps", "write": "follow_up"}
    return str(task.get("section") or next((step for key, step in steps.items() if key in task), "coaching"))


def _of_findings(task: Json, prompt: str) -> Json:
    quotes = [quote for line in _part(prompt, "found").splitlines() for quote in json.loads(line).get("quotes", [])]
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
    if "names" in task:
        middle = len(spoken) // 2
        spans = [(0, middle - 1), (middle, len(spoken) - 1)]
        return nothing | {
            "stages": [
                {"key": str(n), "stage": "demo", "first_no": spoken[a][0], "last_no": spoken[b][0], **proof(a)}
                for n, (a, b) in enumerate(spans)
            ]
        }
    if "list" in task:
        return nothing | {"next_actions": [{"key": str(n), "who": "rep", "due": None, **proof(n)} for n in range(4)]}
    if "section" not in task:
        moment = {"title": "Worth a look", "advice": "Ask once more.", "why": "It might have led somewhere."}
        moments = [{"key": str(n), **moment, **proof(n)} for n in range(5)]
        return {"findings": [], "coaching_moments": moments}
    findings = [
        {"criterion_id": c["id"], "score": "yes", **proof(n, c.get("role", ""))} for n, c in enumerate(task["criteria"])
    ]
    return {"findings": findings, "coaching_moments": []}


async def measure(minutes: float, runs: int) -> Json:
    embedder = load_embedder()
    local = InThreads(LocalReviewer(embedder))
    report: Json = {"minutes": minutes}
    for name, delay_s, times in (("fixed", (QUICK_S, QUICK_S), runs), ("real", REAL_S, 1)):
        stand_in = FrontierStandIn(delay_s=delay_s)
        runner = web.AppRunner(stand_in.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with tempfile.TemporaryDirectory(prefix="ridealong-") as folder:
            models_file = Path(folder) / "models.yaml"
            models_file.write_text("models: [{id: compatible:stand-in, context_tokens: 400000}]\n", encoding="utf-8")
            settings = Settings(
                data_dir=Path(folder),
                models_file=models_file,
                review_models="compatible:stand-in",
                compatible_url=f"http://127.0.0.1:{runner.addresses[0][1]}",
            )
            house = ModelHouse(settings)
            store = await Store.open(settings)
            reviewer = reviewing.reviewer(settings, house, embedder, local)
            pipeline = await ReviewPipeline.open(store, embedder, reviewer)
            try:
                tenant_id = (await create_tenant(store, "bench", "Bench")).tenant_id
                seconds = [
                    await one_review(store, pipeline, tenant_id, minutes, embedder, with_vectors=True)
                    for _ in range(times)
                ]
                await _check(store, tenant_id)
            finally:
                await pipeline.close()
                await store.close()
                await house.close()
                await runner.cleanup()
        sections = ("coaching", "opening", "understanding", "listening", "objections", "qualification", "next_step")
        first = max(stand_in.chain_of(step) for step in (*sections, "outline", "next_actions")) + CHECK_S
        # What reads the sections' findings waits for them.
        models_s = first + max(stand_in.chain_of(step) for step in ("gaps", "follow_up")) + CHECK_S
        report[name] = {
            "models_s": round(models_s, 2),
            "review_s": round(median(seconds), 2),
            "worst_s": round(max(seconds), 2),
            "overhead_s": round(median(seconds) - models_s, 3),
            "tokens": tokens(stand_in.prompts, reviews=times),
        }
    return report


CACHE_WRITE: Final = 1.25
CACHE_READ: Final = 0.1
"""Of a prompt token's price, what vendors ask for keeping a marked prefix and for reading it."""


def tokens(prompts: list[str], *, reviews: int) -> Json:
    """Prompt tokens of one review (four characters each), and what they are of two ways without a shared prefix.

    `sections_alone`: one call a section, each with the transcript, and nothing else of a review. `every_step`: the same
    steps as ours, each with the transcript. Checks are ours alone: neither way has any.
    """
    asked = {prompt: _step_of(json.loads(_part(prompt, "task"))) for prompt in prompts if _part(prompt, "task")}
    of_the_call = [prompt for prompt in asked if _part(prompt, "transcript")]
    prefix = max(len(prompt[: prompt.index("</transcript>")]) for prompt in of_the_call)
    raw = sum(map(len, prompts)) / reviews
    # The first question of a review pays for keeping the prefix, the others for reading it.
    kept = len(of_the_call) / reviews * prefix
    cached = raw - kept + prefix * (CACHE_WRITE + CACHE_READ * (len(of_the_call) / reviews - 1))
    whole = {"coaching", "outline", "next_actions", "gaps", "follow_up"}
    alone = sum(len(prompt) for prompt, step in asked.items() if step not in whole) / reviews
    every = sum(len(p) + (0 if _part(p, "transcript") else prefix) for p in asked) / reviews
    return {
        "raw": round(raw / 4),
        "with_cache": round(cached / 4),
        "prefix": round(prefix / 4),
        "sections_alone": round(alone / 4),
        "every_step": round(every / 4),
        "share_of_every_step": round(cached / every, 3),
        "share_of_sections_alone": round(cached / alone, 3),
        "raw_share_of_every_step": round(raw / every, 3),
        "raw_share_of_sections_alone": round(raw / alone, 3),
    }


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
    found = asyncio.run(measure(60.0, 5))
    fixed, real = found["fixed"], found["real"]
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
            what="the same with models that take 5–15 s a section",
            value=f"{real['review_s']:.1f} s (models {real['models_s']:.1f} s)",
            floor="≤ 30 s",
            aim="≤ 20 s",
            ok=real["review_s"] <= 30,
            numbers=dict(real),
        ),
        Row(
            part="hosted",
            what="tokens of that review, of one call a step with the transcript repeated",
            value=(
                f"{real['tokens']['share_of_every_step']:.0%} at a cache's prices"
                f" ({real['tokens']['raw_share_of_every_step']:.0%} of them sent;"
                f" against the sections alone {real['tokens']['share_of_sections_alone']:.0%})"
            ),
            floor="≤ 30 %",
            aim="≤ 15 %",
            ok=real["tokens"]["share_of_every_step"] <= 0.3,
            numbers=dict(real["tokens"]),
        ),
    ]


def main(minutes: float = 60.0, runs: int = 5) -> None:
    """Print the figures as JSON."""
    sys.stdout.write(json.dumps(asyncio.run(measure(minutes, runs)), indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
