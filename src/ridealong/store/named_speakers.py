"""Who said what is cited of several calls: one question to the database for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import AsyncConnection

from ridealong.core.transcript import Evidence, Role, TranscriptId


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedSpeaker:
    """A speaker of one transcript. `name` is None where nobody said it."""

    transcript_id: TranscriptId
    speaker_id: int
    role: Role
    name: str | None

    def as_json(self) -> dict[str, object]:
        return {
            "call_id": str(self.transcript_id.call_id),
            "revision": self.transcript_id.revision,
            "speaker_id": self.speaker_id,
            "role": self.role.value,
            "name": self.name,
        }


async def named_speakers(connection: AsyncConnection, cited: Iterable[Evidence]) -> list[NamedSpeaker]:
    """Everybody whose role or name is known in the transcripts of this evidence, and everybody whom it cites.

    What a person corrected holds against what was heard. Who is cited and known by nothing is a customer where
    somebody else is known to be the rep, as for `ReviewContext.side_of`.
    """
    wanted = {(e.transcript_id, int(e.speaker_id)) for e in cited}
    transcripts = sorted({t for t, _ in wanted}, key=lambda t: (t.call_id, t.revision))
    if not transcripts:
        return []
    cursor = await connection.execute(
        "WITH wanted AS (SELECT * FROM unnest(%s::uuid[], %s::int[]) AS t (call_id, revision)),"
        " heard AS (SELECT s.call_id, s.revision, s.speaker_id, s.role FROM wanted JOIN speaker_role s"
        " USING (call_id, revision) WHERE s.tenant_id = current_tenant()),"
        " told AS (SELECT s.call_id, s.revision, s.speaker_id, s.role, s.name FROM wanted JOIN speaker_correction s"
        " USING (call_id, revision) WHERE s.tenant_id = current_tenant())"
        " SELECT call_id, revision, speaker_id, coalesce(told.role, heard.role), nullif(btrim(told.name), '')"
        " FROM heard FULL JOIN told USING (call_id, revision, speaker_id) ORDER BY 1, 2, 3",
        [[t.call_id for t in transcripts], [t.revision for t in transcripts]],
    )
    known = {
        (TranscriptId(call_id=row[0], revision=row[1]), int(row[2])): (Role(row[3] or Role.UNKNOWN), row[4])
        for row in await cursor.fetchall()
    }
    with_rep = {transcript_id for (transcript_id, _), (role, _) in known.items() if role is Role.REP}
    return [
        NamedSpeaker(
            transcript_id=transcript_id,
            speaker_id=speaker_id,
            role=Role.CUSTOMER if role is Role.UNKNOWN and transcript_id in with_rep else role,
            name=name,
        )
        for (transcript_id, speaker_id), (role, name) in (dict.fromkeys(wanted, (Role.UNKNOWN, None)) | known).items()
    ]
