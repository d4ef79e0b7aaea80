"""A written sales call, and calls of any length made of it: material for measuring, with nobody's real words."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from ridealong.core.artifact import StoredMoment
from ridealong.core.moments import Moment, Reason, Tier
from ridealong.core.transcript import (
    Role,
    RoleAssignment,
    Roles,
    RoleSource,
    SpeakerId,
    Transcript,
    TranscriptId,
    Utterance,
)

REP: Final = SpeakerId(0)
CUSTOMER: Final = SpeakerId(1)

_SCRIPT: Final = """
R| Hi Karen, it's Ben from Stockwise. We have half an hour, is that still okay for you?
C| Yes, that works, I have a hard stop at three though.
R| Good. I'd like to ask you a few questions about the warehouse first, then show you two screens, and at the
   end we see whether a next step makes sense.
C| Sounds fine to me.
R| How do orders come in at the moment, and who picks them?
C| Mostly by mail and some by phone. We print them and put the sheets on a board, and the pickers take the next one.
R| Okay. And what works well about that, and what doesn't?
C| Well, it's simple. But honestly we lose sheets, and nobody sees what's urgent. It's driving my shift leads
   crazy. | pain_stated
R| What happens when an urgent one gets lost?
C| Then the customer calls us the next day and we send it by courier, which eats up the whole margin.
R| How many of those do you have in a month?
C| About thirty, I'd say, and every courier run is sixty to eighty pounds.
R| So if I understand you right, you lose around thirty orders a month on the floor and pay for it twice, once
   with the courier and once with the customer's patience.
C| Exactly, yes.
R| If you could see every open order on a screen, with the urgent ones on top, what would that change for you?
C| I could stop walking the floor every hour. And I think we'd keep two or three accounts that are about to leave.
R| That hand-over board you described would be replaced by this screen here. Each picker sees the next order on
   the scanner.
C| Nice. Would that run on the scanners that we have already? They're the old blue ones. | buying_signal
R| Yes, they only need a browser.
C| We also looked at Packfast last month, they showed us something very similar. | competitor_mentioned
R| Ah, okay. What did you like about theirs?
C| The reports were good. But it took them two weeks to answer a simple question.
R| We have a customer in Derby, a parts dealer with the same kind of shelves, who went live in nine days.
C| Mm-hm.
C| And what does it cost? | price_asked
R| For your size it's four hundred and twenty a month, and the set-up is included.
C| Hm. That's quite a lot more than we wanted to spend, to be honest. | objection_raised
R| I understand, that's a fair point. When you say more than you wanted, what did you have in mind?
C| We've set aside about three thousand for the year.
R| Okay, so we're two thousand apart, and the couriers alone cost you about that every month.
C| True. I hadn't looked at it that way.
R| Who else has to agree before you can spend that?
C| My boss has to sign anything above two thousand, and finance wants to see a quote first. | decision_process
R| And how does that go, step by step, once you have the quote?
C| I put it on the list for the Monday meeting, then finance checks it, and then Martin signs. It takes about
   two weeks.
R| By when would you like to have it running?
C| Before the Christmas rush, so by the end of October at the latest.
R| And I guarantee you that you'll save at least half of the courier costs in the first month. | risky_promise
C| Okay, well, let me think about it and I'll get back to you. | stall
R| Sure. How about this: I send you the quote tonight, and we go through it together on Thursday at ten, with
   somebody from finance if you like?
C| Thursday at ten is good. I'll bring Priya from finance along. | commitment_offered
R| Great, I'm sending you the invitation right now.
C| Perfect, thanks Ben.
R| Thank you, Karen. Talk to you on Thursday.
"""

_CHATTER: Final = """
R| So on the left you see the list, and on the right there's the map of the hall.
C| Okay, I can see it.
R| You can drag a row up or down, and the order on the scanners changes right away.
C| And what's the little flag there?
R| That marks an order with a note, for example if something has to be wrapped.
C| Right.
R| The colours are the zones. Green is the front, blue is the cold room and grey is the yard.
C| Our yard has no roof, by the way, so there's nothing small out there.
R| Good to know, then we leave that one out.
C| My colleague did the last stock count, she'd like that view.
R| Here you see who scanned what and when, you can filter it by name or by day.
C| Could you make it a bit bigger? I'm on a small screen.
R| Of course, one moment.
C| That's better, thanks.
R| The labels come out of the printer that you have next to the gate, it takes the same rolls.
C| We changed the rolls last spring, the old ones kept peeling off.
R| The app is updated every other week, mostly during the night.
C| Mm-hm.
"""


def written_call(
    *, minutes: float = 0.0, call_id: UUID | None = None
) -> tuple[Transcript, Roles, tuple[StoredMoment, ...], int]:
    """(transcript, roles, moments, duration in ms) of the written call.

    `minutes` > 0 stretches it with harmless talk in varied order, spread over the call, to about that length.
    """
    transcript_id = TranscriptId(call_id=call_id or UUID(int=7))
    lines = _lines(_SCRIPT)
    chatter = _lines(_CHATTER)
    room = max(0, round(minutes * 60_000) - sum(_spoken_ms(line) for line in lines))
    each = sum(_spoken_ms(line) for line in chatter) / len(chatter)
    extra = round(room / each)
    said: list[str] = []
    for index, line in enumerate(lines):
        said.append(line)
        begin, end = extra * index // len(lines), extra * (index + 1) // len(lines)
        said += [_varied(chatter[n % len(chatter)], n) for n in range(begin, end)]
    transcript = Transcript(transcript_id)
    moments: list[StoredMoment] = []
    at = 0
    for no, line in enumerate(said):
        who, text, *types = (part.strip() for part in line.split("|"))
        end_ts = at + _spoken_ms(line) - 400
        transcript.append(
            Utterance(no=no, speaker=REP if who == "R" else CUSTOMER, start_ts=at, end_ts=end_ts, text=text)
        )
        moments += [_moment(transcript, no, name) for name in types]
        at = end_ts + 400
    roles = Roles(
        [
            RoleAssignment(speaker_id=REP, role=Role.REP, source=RoleSource.STATED, confidence=1.0),
            RoleAssignment(speaker_id=CUSTOMER, role=Role.CUSTOMER, source=RoleSource.STATED, confidence=1.0),
        ]
    )
    return transcript, roles, tuple(moments), at


def _lines(script: str) -> list[str]:
    """One line for each utterance: what is indented belongs to the line before."""
    return script.strip().replace("\n   ", " ").splitlines()


def _spoken_ms(line: str) -> int:
    """170 words a minute, and a pause of 0.4 s."""
    return len(line.split("|")[1].split()) * 353 + 400


def _varied(line: str, number: int) -> str:
    """The line a little changed, so that no two are the same and each is embedded anew."""
    openings = ("", "So, ", "Well, ", "And then, ", "Okay, ", "You know, ")
    ends = ("", " That's it.", " As you can see.", " Like that.", " More or less.")
    who, text = line.split("|")[:2]
    return (
        f"{who}| {openings[number % 6]}{text.strip()}{ends[number // 6 % 5]} {'and so on' if number % 7 == 3 else ''}"
    )


def _moment(transcript: Transcript, no: int, name: str) -> StoredMoment:
    evidence = transcript.cite_whole(no)
    return StoredMoment(
        moment_id=uuid5(transcript.id.call_id, f"{no}:{name}"),
        moment=Moment(
            type=name,
            tier=Tier.NOTED,
            reason=Reason.TYPE_IS_NOTED,
            confidence=0.9,
            nudge="",
            trigger_ts=evidence.end_ts,
            evidence=(evidence,),
        ),
    )
