"""A model that answers a hosted review's questions well, from the prompt alone, and one that obeys what it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ridealong.llm import Question
from ridealong.llm.prompt import joined

Json = dict[str, Any]


def part(prompt: str, tag: str) -> str | None:
    """What stands between `<tag>` and `</tag>` on lines of their own; None where it is not there exactly once."""
    found = re.findall(rf"^<{tag}>\n(.*?)\n</{tag}>$", prompt, re.DOTALL | re.MULTILINE)
    return found[0] if len(found) == 1 else None


def said(prompt: str) -> list[tuple[int, str, str]]:
    """(number, who, words) of each utterance in the prompt."""
    lines = [json.loads(line) for line in (part(prompt, "transcript") or "").splitlines()]
    return [(line[0], line[1], line[2]) for line in lines if isinstance(line, list)]


def well(prompt: str) -> Json:
    """A review that the transcript proves: the first words of an utterance of the right side for each criterion."""
    claims = part(prompt, "claims")
    if claims is not None:
        return {
            "verdicts": [{"claim": json.loads(line)["claim"], "support": "supported"} for line in claims.splitlines()]
        }
    task = json.loads(part(prompt, "task") or "{}")
    if part(prompt, "found") is not None:
        return _of_findings(task, part(prompt, "found") or "")
    spoken = [(no, who, words) for no, who, words in said(prompt) if len(words.split()) >= 5 and who != "unattributed"]
    if "names" in task or "list" in task:
        half = len(spoken) // 2
        stages = [("discovery", spoken[0], spoken[half - 1]), ("next_steps", spoken[half], spoken[-1])]
        told: Json = {}
        if "names" in task:
            told["stages"] = [
                {"key": name, "stage": name, "first_no": first[0], "last_no": last[0], **proof(*first)}
                for name, first, last in stages
            ]
        if "list" in task:
            told["next_actions"] = [{"key": "one", "who": "rep", "due": None, **proof(*spoken[-1])}]
        return {**_NONE, **told}
    if "moments" in task:
        keys = [r["draft"]["key"] for r in task["refused"]] if "refused" in task else ["one", "two"]
        return {
            "findings": [],
            "coaching_moments": [
                {
                    "key": key,
                    "title": f"Worth a look {key}",
                    "advice": "Ask once more.",
                    "why": "It might have led somewhere.",
                    **proof(*spoken[n]),
                }
                for n, key in enumerate(keys)
            ],
        }
    wanted = {r["draft"].get("criterion_id") for r in task.get("refused", [])}
    findings: list[Json] = []
    for n, criterion in criteria_of(task):
        if wanted and criterion["id"] not in wanted:
            continue
        own = [s for s in spoken if s[1].startswith(criterion.get("role", ""))] or spoken
        findings.append({"criterion_id": criterion["id"], "score": "yes", **proof(*own[n % len(own)])})
    return {"findings": findings, "coaching_moments": []}


def criteria_of(task: Json) -> list[tuple[int, Json]]:
    """The criteria that are asked about, of one section or of several, each with its place in its own."""
    return [pair for section in task.get("sections", [task]) for pair in enumerate(section["criteria"])]


_NONE: Json = {"findings": [], "coaching_moments": []}


def _of_findings(task: Json, found: str) -> Json:
    """Of what the other steps proved: one gap with both sides, and one sentence of an e-mail."""
    quotes = [
        tuple(quote)
        for line in found.splitlines()
        for quote in json.loads(line).get("quotes", [])
        if isinstance(quote, list)
    ]
    first = quotes[0]
    if "last_no" not in task:
        shown = {name: value for name, value in proof(*first).items() if name != "through"}
        return {"sentences": [{"key": "one", "part": "agreed", **shown}]}
    other = next((quote for quote in quotes if quote[0] != first[0]), first)
    both = [*proof(*first)["citations"], *proof(*other)["citations"]]
    gap = {"key": "one", "gap": "contradiction", "title": "Two things", "sections": []}
    return {"gaps": [{**proof(*first), **gap, "citations": both}]}


def proof(no: int, who: str, words: str) -> Json:
    return {
        "statement": f"The {who.split(maxsplit=1)[0]} said something that counts.",
        "citations": [{"utterance_no": no, "quote": " ".join(words.split()[:5])}],
        "confidence": 0.8,
        "through": None,
    }


def prompt_of(question: Question) -> str:
    return joined((*question.instructions, *question.material))


def answered(question: Question) -> Mapping[str, Any]:
    """`well`, as a script."""
    return well(prompt_of(question))
