/** The server's answers by the names that the pages use. All of them come from its own description. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Role = Schemas["MemberRole"];
export type Member = Schemas["Member"];
export type Oidc = Schemas["Oidc"];
export type SignedIn = Schemas["SignedIn"];
export type SignedOut = Schemas["SignedOut"];
export type Session = SignedIn | SignedOut;

export type CallPage = Schemas["CallPage"];
export type CallRow = Schemas["CallRow"];
export type CallDetail = Schemas["CallDetail"];
export type Speaker = Schemas["SpeakerShown"];
export type RoleName = Speaker["role"];
export type Mark = Schemas["Mark"];
export type Hit = Schemas["HitShown"];

export type Transcript = Schemas["TranscriptShown"];
export type Utterance = Schemas["UtteranceShown"];
export type Word = Schemas["Word"];
export type Evidence = Schemas["EvidenceShown"];
export type Waveform = Schemas["Waveform"];
export type Statistic = Schemas["Statistic"];

export type Moment = Schemas["MomentShown"];
export type Feedback = Schemas["Feedback"];
export type Artifact = Schemas["ArtifactShown"];
export type Section = Schemas["SectionShown"];
export type Finding = Schemas["FindingShown"];
export type CoachingMoment = Schemas["CoachingShown"];
export type NextAction = Schemas["NextActionShown"];
export type FollowUp = Schemas["FollowUpShown"];
export type Rule = Schemas["RuleShown"];
/** What everything that a review says has: the statement, how sure it is, and its proof. */
export type Claim = Pick<
  Finding,
  | "claim_id"
  | "statement"
  | "confidence"
  | "confidence_words"
  | "doubts"
  | "evidence"
  | "through"
  | "cited_as"
  | "searched"
>;

export type Author = Schemas["Author"];
export type Vote = Schemas["Vote"];
export type Comment = Schemas["Comment"];
export type Share = Schemas["Share"];
export type NewShare = Schemas["NewShare"];
export type SharedCall = Schemas["SharedCall"];
export type Playlist = Schemas["Playlist"];
