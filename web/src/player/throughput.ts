/** What came in over the last seconds. */

export class Throughput {
  readonly #window: number;
  #messages: { readonly at: number; readonly bytes: number }[] = [];

  constructor(window: number) {
    this.#window = window;
  }

  add(bytes: number, now: number): void {
    this.#messages.push({ at: now, bytes });
    this.#forget(now);
  }

  bitsPerSecond(now: number): number {
    this.#forget(now);
    const first = this.#messages[0];
    if (first === undefined || now - first.at < 0.5) {
      return 0;
    }
    return (this.#messages.reduce((sum, one) => sum + one.bytes, 0) * 8) / (now - first.at);
  }

  /** How far apart messages are, s; 0 while unknown. */
  secondsPerMessage(): number {
    const first = this.#messages[0];
    const last = this.#messages.at(-1);
    return first === undefined || last === undefined || this.#messages.length < 10
      ? 0
      : (last.at - first.at) / (this.#messages.length - 1);
  }

  #forget(now: number): void {
    let at = 0;
    while (at < this.#messages.length && now - (this.#messages[at]?.at ?? now) > this.#window) {
      ++at;
    }
    this.#messages.splice(0, at);
  }
}
