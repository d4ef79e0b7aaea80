/** Keeps the screen on: a phone that sleeps stops recording, and shows no card. */

export class ScreenOn {
  private lock: WakeLockSentinel | null = null;
  private wanted = false;

  constructor() {
    // The system takes the lock whenever the page is not seen.
    document.addEventListener("visibilitychange", () => void this.ask());
  }

  static get possible(): boolean {
    return "wakeLock" in navigator;
  }

  async keep(on: boolean): Promise<void> {
    this.wanted = on;
    if (on) return await this.ask();
    await this.lock?.release().catch(() => undefined);
    this.lock = null;
  }

  private async ask(): Promise<void> {
    if (!this.wanted || document.visibilityState !== "visible" || !ScreenOn.possible) return;
    if (this.lock && !this.lock.released) return;
    try {
      this.lock = await navigator.wakeLock.request("screen");
    } catch {
      // Saving power, for example. The page says itself when it had been asleep.
    }
  }
}
