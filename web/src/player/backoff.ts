/** How long to wait before the next try: doubling, with a ceiling, from the start again after a success. */
export class Backoff {
  static readonly first = 0.5;
  static readonly most = 8;
  #next = Backoff.first;

  /** Seconds; `chance` from 0 to 1 spreads the tries of many viewers over a quarter of them. */
  next(chance: number): number {
    const wait = this.#next;
    this.#next = Math.min(Backoff.most, wait * 2);
    return wait * (1 + chance / 4);
  }

  succeeded(): void {
    this.#next = Backoff.first;
  }
}
