/** What the server answers, until its own description says so and `schema.d.ts` holds it. */

export type Role = "rep" | "manager" | "admin";

export interface Member {
  member_id: string;
  email: string;
  name: string;
  role: Role;
  rep_id: string;
  created_at: string;
  disabled_at: string | null;
}

export interface Oidc {
  name: string;
}

export interface SignedOut {
  signed_in: false;
  setup_needed: boolean;
  oidc: Oidc | null;
}

export interface SignedIn {
  signed_in: true;
  csrf: string;
  member: Member;
  tenant: { slug: string; name: string };
  setup_needed: false;
  oidc: Oidc | null;
}

export type Session = SignedOut | SignedIn;

export type RoleName = "rep" | "customer" | "unknown";

export interface Author {
  member_id: string | null;
  name: string;
}

export interface Call {
  call_id: string;
  title: string;
  rep_id: string;
  rep_name: string;
  consent: string;
  status: "live" | "ended";
  started_at: string;
  ended_at: string | null;
  ended_reason: string | null;
  audio_ms: number;
  language: string;
  external_id: string | null;
  review: { status: "queued" | "running" | "finished" | "failed"; failure: string | null } | null;
}

export interface CallRow extends Call {
  score: number | null;
  moment_counts: Record<string, number>;
  nudges: number;
  comments: number;
}

export interface CallPage {
  calls: CallRow[];
  next: string | null;
  total: number;
}

export interface Speaker {
  speaker_id: number;
  role: RoleName;
  source: "channel" | "enrolled_voice" | "stated" | "heuristic" | "none";
  confidence: number;
  name: string | null;
  corrected_by: string | null;
}

export interface Mark {
  mark_id: string;
  at_ts: number;
  by: Author;
  at: string;
}

export interface CallDetail extends Call {
  revision: number;
  speakers: Speaker[];
  gaps: { at_ts: number; duration_ms: number; reason: string }[];
  marks: Mark[];
  review_outdated: boolean;
}

export interface Word {
  text: string;
  start_ts: number;
  end_ts: number;
  estimated: boolean;
}

export interface Utterance {
  no: number;
  speaker_id: number | null;
  role: RoleName;
  start_ts: number;
  end_ts: number;
  text: string;
  words: Word[];
  overlapped: boolean;
  speaker_confidence: number;
}

export interface Transcript {
  call_id: string;
  revision: number;
  utterances: Utterance[];
}

export interface Evidence {
  utterance_no: number;
  speaker_id: number;
  start_ts: number;
  end_ts: number;
  quote: string;
}

export interface Feedback {
  verdict: "helpful" | "not_now" | "wrong";
  by: Author;
  at: string;
}

export interface Moment {
  moment_id: string;
  type: string;
  tier: "nudge" | "noted";
  reason: string;
  confidence: number;
  nudge: string;
  trigger_ts: number;
  revision: number;
  evidence: Evidence[];
  decided_by: string;
  feedback: Feedback[];
}

export interface Claim {
  claim_id: string;
  statement: string;
  confidence: number;
  evidence: Evidence[];
  through?: number | null;
}

export interface Finding extends Claim {
  criterion_id: string;
  score: "yes" | "partly" | "no";
}

export interface CoachingMoment extends Claim {
  title: string;
  advice: string;
}

export interface Section {
  section_id: string;
  title: string;
  score: number | null;
  confidence: number;
  findings: Finding[];
  not_assessed: string[];
}

export interface Artifact {
  call_id: string;
  revision: number;
  review_id: string;
  title: string;
  rubric: { id: string; title: string };
  reviewer: string;
  score: number | null;
  duration_ms: number;
  sections: Section[];
  coaching_moments: CoachingMoment[];
  missing_sections: string[];
  dropped_drafts: number;
  removed_claims: number;
  lowered_claims: number;
  unchecked_claims: number;
  warnings: string[];
}

export interface Hit {
  kind: "utterance" | "moment" | "finding" | "coaching_moment";
  id: string | null;
  type: string | null;
  call_id: string;
  revision: number;
  utterance_no: number;
  speaker_id: number | null;
  start_ts: number;
  end_ts: number;
  quote: string;
  text: string;
  score: number;
}

export interface Waveform {
  duration_ms: number;
  lanes: { speaker_id: number | null; channel: number | null; peaks: number[] }[];
}

export interface Statistic {
  id: string;
  name: string;
  value: number | null;
  unit: string;
  formula: string;
  source: string;
  speaker_id: number | null;
  absent: string | null;
  start_ts: number | null;
  end_ts: number | null;
}

export interface Vote {
  claim_id: string;
  verdict: "agree" | "disagree";
  note: string;
  by: Author;
  at: string;
}

export interface Comment {
  comment_id: string;
  at_ts: number;
  text: string;
  by: Author;
  at: string;
  reply_to: string | null;
  deleted: boolean;
}

export interface Share {
  share_id: string;
  scope: "report" | "call";
  audio: boolean;
  by: Author;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
}

export interface NewShare {
  share_id: string;
  url: string;
  expires_at: string;
  scope: "report" | "call";
  audio: boolean;
}

export interface SharedCall {
  call: Call;
  scope: "report" | "call";
  audio: boolean;
  expires_at: string;
}

export interface Playlist {
  playlist_id: string;
  name: string;
  by: Author;
  created_at: string;
  items: number;
}
