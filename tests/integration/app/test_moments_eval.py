"""`ridealong moments eval`, as it is run: real calls on a database of their own, the real models."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ridealong.config import Settings
from ridealong.live.taxonomy import default_taxonomy
from ridealong.store import Store, tenants

CALLS = Path(__file__).parents[2] / "fixtures" / "labelled_calls"
ONE = CALLS / "warehouse-robots.jsonl"


def evaluated(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ridealong.app.cli", "moments", "eval", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RIDEALONG_DATA_DIR": str(data_dir), "RIDEALONG_LIVE_MODEL": "none"},
    )


def test_a_labelled_call_is_scored_with_figures_and_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = evaluated(tmp_path / "data", str(ONE), "--json", "--html", str(page))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["calls"] == 1
    assert found["utterances"] == 35
    assert [t["type"] for t in found["types"]] == [t.id for t in default_taxonomy().content_types]
    assert found["macro_f1"]["value"] > 0.5
    assert 0 < found["nudged"]["shown"] <= 6, "the policy's attention budget holds here as in a call"
    assert found["nudged"]["held_back"]
    assert found["classify"]["count"] == 35
    assert "<svg" in page.read_text()
    assert not (tmp_path / "data").exists(), "nothing of an evaluation stays, and no tenant's database is opened"


def test_the_same_moments_as_a_call_has(tmp_path: Path) -> None:
    """What `coach --transcript` decides about the same file is what is scored, nudge for nudge."""
    done = evaluated(tmp_path / "data", str(ONE), "--json")
    coached = subprocess.run(
        [sys.executable, "-m", "ridealong.app.cli", "coach", "--transcript", str(ONE), "--jsonl"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "RIDEALONG_DATA_DIR": str(tmp_path / "coach"), "RIDEALONG_LIVE_MODEL": "none"},
    )
    events = [json.loads(text) for text in coached.stdout.splitlines()]
    content = {t.id for t in default_taxonomy().content_types}
    moments = [e for e in events if e["event"] == "moment" and e["type"] in content]
    found: dict[str, Any] = json.loads(done.stdout)
    assert sum(t["found"] for t in found["types"]) == len(moments)
    assert found["nudged"]["shown"] == sum(m["tier"] == "nudge" for m in moments)


def test_a_tenants_own_taxonomy_judges(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")

    async def give_it_one_type() -> None:
        store = await Store.open(settings)
        try:
            tenant = await tenants.create_tenant(store, "acme", "Acme")
            text = (
                "types:\n  - id: robots_named\n    label: Robots\n    kind: content\n    role: customer\n"
                "    description: The customer names robots.\n    nudges: [Ask which robots they have met so far.]\n"
                "trackers:\n  - {name: Robots, type: robots_named, phrases: [robots]}\n"
            )
            async with store.tenant(tenant.tenant_id) as conn:
                await tenants.put_document(conn, tenants.DocumentKind.TAXONOMY, "default", text)
        finally:
            await store.close()

    asyncio.run(give_it_one_type())
    own = tmp_path / "own.jsonl"
    lines = ONE.read_text(encoding="utf-8").splitlines()
    labelled = [json.loads(lines[0]), *({**json.loads(text), "moments": []} for text in lines[1:])]
    for entry in labelled[1:]:
        if "robots" in entry["text"] and entry["speaker"] == 1:
            entry["moments"] = [{"type": "robots_named"}]
    own.write_text("\n".join(map(json.dumps, labelled)))
    done = evaluated(tmp_path / "data", str(own), "--tenant", "acme", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert [(t["type"], t["f1"]) for t in found["types"]] == [("robots_named", 1.0)]
    refused = evaluated(tmp_path / "data", str(ONE), "--tenant", "acme")
    assert refused.returncode == 2
    assert "not in the taxonomy; known: interruption, monologue, robots_named, silence" in " ".join(
        refused.stderr.split()
    )


def test_what_a_second_rep_says_is_judged_as_a_reps_words(tmp_path: Path) -> None:
    said = [
        (0, "Thanks for making time today. I brought our engineer along.", []),
        (1, "Good to meet you both.", []),
        (2, "I promise you that it will double your revenue within three months, guaranteed.", ["risky_promise"]),
        (1, "And how much would that cost us per month?", ["price_asked"]),
        (2, "How much do you pay for the current one per month?", []),
        (1, "About nine hundred.", []),
    ]
    lines = [
        {"no": n, "speaker": s, "start_ts": n * 5000, "end_ts": n * 5000 + 4000, "text": text}
        | {"moments": [{"type": name} for name in types]}
        for n, (s, text, types) in enumerate(said)
    ]
    counted: list[dict[str, tuple[float | None, int]]] = []
    for header in ({"rep_speakers": [0, 2]}, {"rep_speaker": 0}):
        path = tmp_path / f"two-{len(counted)}.jsonl"
        path.write_text("\n".join(map(json.dumps, [{"call": "two reps", **header}, *lines])))
        done = evaluated(tmp_path / "data", str(path), "--json")
        assert done.returncode == 0, done.stderr
        types = json.loads(done.stdout)["types"]
        counted.append(
            {t["type"]: (t["recall"], t["found"]) for t in types if t["type"] in {"risky_promise", "price_asked"}}
        )
    assert counted[0] == {"risky_promise": (1, 1), "price_asked": (1, 1)}
    assert counted[1]["risky_promise"] == (0.0, 0)
