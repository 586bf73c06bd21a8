// Counts the seconds for which the page was in sight.

const LONGEST_S = 7 * 86400;

export class Stopwatch {
  constructor(seconds) {
    this.past = seconds;
    this.since = document.hidden ? null : performance.now();
    document.addEventListener("visibilitychange", () => {
      this.past = this.seconds;
      this.since = document.hidden ? null : performance.now();
    });
  }

  get seconds() {
    const running = this.since === null ? 0 : (performance.now() - this.since) / 1000;
    return Math.min(LONGEST_S, Math.round(10 * (this.past + running)) / 10);
  }
}
