/** How a player stays near the live edge and keeps its buffer small: decisions only, nothing of a browser. */

/** Seconds on the media timeline; ranges in rising order, as a SourceBuffer tells them. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Playing {
  readonly ranges: readonly Range[];
  readonly time: number;
  readonly muted: boolean;
  readonly rate: number;
  /** How far behind the edge the player wants to be, s. */
  readonly target: number;
  /** Sound has just begun or stalled: a little faster now is heard less than lateness is felt later. */
  readonly beginning?: boolean;
  /** The least that was ahead of late, s, where there is sound (`Lowest`). */
  readonly lowest?: number | undefined;
}

/** `resampled`: the pitch may follow the speed. */
export type Chase = { readonly rate: number; readonly resampled?: boolean; readonly seekTo?: number };

export const RATE_MAX = 1.05;
/** Around the target nothing is done: less than a frame or two is not worth a change of speed. */
export const DEAD_BAND = 0.06;
/** So far beyond the target one seek is better than minutes of faster playback. */
export const SEEK_BEYOND = 0.5;
/** Rate gained per second of lateness. */
const GAIN = 0.25;
const RATE_STEP = 0.01;
/**
 * Sound comes at full speed to within so little of its target, s; then slowly and a third of a semitone higher, for
 * to keep the pitch Chromium looks for a fitting piece in 50 ms of sound that it must have ahead.
 */
const SOUND_SLOWS = 0.05;
const RATE_SOUND_SLOW = 1.02;
/** Its lowest point is steadier than one look. */
const DEAD_BAND_SOUND = 0.01;
/** Later on only this much is worth another speed: two clocks that drift apart, or what a stall has left behind. */
const LATE_SOUND = 0.02;
const SHORT_SOUND = 0.02;
const RATE_SOUND_BACK = 0.98;

/** Seconds between the playing position and the end of what is buffered; 0 with nothing buffered. */
export function ahead(ranges: readonly Range[], time: number): number {
  const last = ranges.at(-1);
  return last === undefined ? 0 : Math.max(0, last.end - time);
}

/**
 * What to do now. Faster sound is heard: but for the beginning its speed changes rarely and by a third of a semitone.
 * Once chasing, it goes on until the target is reached, so that the speed does not flutter at a band's edge.
 * With sound the target is for the lowest point: a browser that runs out of sound once waits for much more of it.
 */
export function chase(playing: Playing): Chase {
  const last = playing.ranges.at(-1);
  if (last === undefined) {
    return { rate: 1 };
  }
  const goal = Math.max(last.start, last.end - playing.target);
  const inside = playing.ranges.some((one) => playing.time >= one.start - 0.001 && playing.time < one.end);
  if (!inside && playing.time < last.start) {
    return { rate: 1, seekTo: goal };      // in front of everything, or in a gap: nothing will ever come there
  }
  if (goal - playing.time > SEEK_BEYOND) {
    return { rate: 1, seekTo: goal };
  }
  const late = playing.lowest === undefined ? goal - playing.time : playing.lowest - playing.target;
  const chasing = playing.rate > 1;
  if (!playing.muted && playing.beginning !== true) {
    return playing.lowest === undefined ? { rate: 1 } : keepWithSound(late, playing.rate);
  }
  const deadBand = playing.muted ? DEAD_BAND : DEAD_BAND_SOUND;
  if (late <= (chasing ? 0 : deadBand)) {
    return { rate: 1 };
  }
  if (!playing.muted) {
    return late > SOUND_SLOWS ? { rate: RATE_MAX } : { rate: RATE_SOUND_SLOW, resampled: true };
  }
  const wanted = Math.min(RATE_MAX, 1 + Math.max(RATE_STEP, late * GAIN));
  return { rate: Math.round(wanted / RATE_STEP) * RATE_STEP };
}

function keepWithSound(late: number, rate: number): Chase {
  if (late > (rate > 1 ? 0 : LATE_SOUND)) {
    return { rate: RATE_SOUND_SLOW, resampled: true };
  }
  if (-late > (rate < 1 ? 0 : SHORT_SOUND)) {
    return { rate: RATE_SOUND_BACK, resampled: true };
  }
  return { rate: 1 };
}

export const KEEP_BEHIND_MAX = 10;
const KEEP_BEHIND_MIN = 5;

/** What to take out of the buffer: nothing until 10 s lie behind, then all but 5. */
export function trim(ranges: readonly Range[], time: number): Range | null {
  const first = ranges[0];
  if (first === undefined || time - first.start <= KEEP_BEHIND_MAX) {
    return null;
  }
  return { start: 0, end: time - KEEP_BEHIND_MIN };
}

/** The least that was ahead over the last second: what comes in bursts is not mistaken for plenty. */
export class Lowest {
  #seen: { readonly at: number; readonly seconds: number }[] = [];

  /** `now` in seconds; the least of the last second. */
  add(seconds: number, now: number): number {
    this.#seen = this.#seen.filter(({ at }) => now - at < LOWEST_SECONDS);
    this.#seen.push({ at: now, seconds });
    return Math.min(...this.#seen.map((one) => one.seconds));
  }

  /** Elsewhere on the timeline. */
  forget(): void {
    this.#seen = [];
  }
}

const LOWEST_SECONDS = 1;

export const TARGET_MIN = 0.1;
/**
 * With sound, at the lowest point. Chromium runs out of sound at 0.09 (at 0.13 while it keeps the pitch at another
 * speed), and then gathers 0.4 s of it before it goes on.
 */
export const TARGET_MIN_SOUND = 0.13;
export const TARGET_MAX = 0.5;
const TARGET_STEP = 0.05;
const CALM_SECONDS = 20;
const CALM_SECONDS_MAX = 160;

/**
 * Where to aim: some frames behind the edge, further after each stall, nearer again after a calm time, which is
 * twice as long where coming nearer has just brought a stall.
 */
export class Target {
  readonly #nearest: number;
  #calmSeconds = CALM_SECONDS;
  #seconds: number;
  #changed: number;
  #cameNearer = -Infinity;

  constructor(now: number, sound = false) {
    this.#nearest = sound ? TARGET_MIN_SOUND : TARGET_MIN;
    this.#seconds = this.#nearest;
    this.#changed = now;
  }

  get seconds(): number {
    return this.#seconds;
  }

  stalled(now: number): void {
    const tooNear = now - this.#cameNearer < 2 * this.#calmSeconds;
    this.#calmSeconds = tooNear ? Math.min(CALM_SECONDS_MAX, 2 * this.#calmSeconds) : CALM_SECONDS;
    this.#seconds = Math.min(TARGET_MAX, this.#seconds + TARGET_STEP);
    this.#changed = now;
  }

  /** `now` in seconds; `frame` is the duration of a picture, s: the target holds three of them. */
  calm(now: number, frame: number): void {
    const least = Math.min(TARGET_MAX, Math.max(this.#nearest, 3 * frame));
    if (this.#seconds < least) {
      this.#seconds = least;
    } else if (now - this.#changed >= this.#calmSeconds && this.#seconds > least) {
      this.#seconds = Math.max(least, this.#seconds - TARGET_STEP);
      this.#changed = now;
      this.#cameNearer = now;
    }
  }
}
