/** How a card reaches somebody who is not looking: felt, heard, or on the wrist. */

import type { Card } from "../recording/cards";
import type { Settings } from "./settings";

/** Milliseconds on, off, on …; each kind is told apart without looking. Safari on iOS knows no vibration: there the card flashes. */
const PATTERNS = {
  /** Something to do. */
  single: [180],
  /** Stop doing something. */
  double: [110, 90, 110],
  /** A person wrote. */
  message: [60, 60, 60, 60, 60],
  /** A tap was taken. */
  tick: [25],
  /** Nothing is recorded, or nobody is reached. */
  trouble: [500],
} as const;

export function buzz(kind: keyof typeof PATTERNS, settings: Settings): void {
  // Before the first tap (after a reload) browsers refuse, loudly.
  if (settings.vibrate && navigator.userActivation?.hasBeenActive) navigator.vibrate?.([...PATTERNS[kind]]);
}

export const canVibrate = (): boolean => "vibrate" in navigator;
export const canSpeak = (): boolean => "speechSynthesis" in window;
export const canNotify = (): boolean => "Notification" in window && "serviceWorker" in navigator;

export function speak(text: string): void {
  if (!canSpeak()) return;
  // What was said before is late now.
  speechSynthesis.cancel();
  const words = new SpeechSynthesisUtterance(text);
  words.rate = 1.1;
  speechSynthesis.speak(words);
}

export function hush(): void {
  if (canSpeak()) speechSynthesis.cancel();
}

/** From a tap: Safari speaks later only when it was let speak once in one. */
export function primeVoice(): void {
  if (!canSpeak()) return;
  const silent = new SpeechSynthesisUtterance(" ");
  silent.volume = 0;
  speechSynthesis.speak(silent);
}

export function tell(card: Card, settings: Settings): void {
  buzz(card.haptic, settings);
  if (settings.voice) speak(card.kind === "message" && card.from ? `${card.from}: ${card.text}` : card.text);
  if (settings.notify) void notify(card);
}

/** Ask for notifications. False: the person or the browser said no. */
export async function allowNotifications(): Promise<boolean> {
  return canNotify() && (await Notification.requestPermission()) === "granted";
}

interface Actionable extends NotificationOptions {
  actions?: { action: string; title: string }[];
  renotify?: boolean;
}

async function notify(card: Card): Promise<void> {
  if (!canNotify() || Notification.permission !== "granted") return;
  const worker = await navigator.serviceWorker.getRegistration("/rep");
  if (!worker) return;
  // Most systems show two; the third is on the card.
  const verdicts = [
    { action: "helpful", title: "Helpful" },
    { action: "not_now", title: "Not now" },
  ];
  const options: Actionable = {
    body: card.text,
    // The next one takes its place.
    tag: "ridealong-card",
    renotify: true,
    silent: false,
    data: { momentId: card.momentId },
    ...(card.momentId === null ? {} : { actions: verdicts }),
  };
  await worker.showNotification(card.kind === "message" ? card.from || "Message" : "Ridealong", options);
}
