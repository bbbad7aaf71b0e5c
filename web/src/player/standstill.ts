/** Whether an element stands although it has media: WebKitGTK loses a seek that it is asked for as its first media comes in. */

const STANDS_S = 1.5;
const AHEAD_S = 0.5;

export class Standstill {
  #time = NaN;
  #since = 0;

  /** From time to time while it should play and does not; `ahead`: buffered, s. True where it is to be moved on. */
  seen(time: number, ahead: number, now: number): boolean {
    if (time !== this.#time || ahead < AHEAD_S) {
      this.#time = time;
      this.#since = now;
      return false;
    }
    const stands = now - this.#since >= STANDS_S;
    this.#since = stands ? now : this.#since;
    return stands;
  }
}
