/** What reaches the screen: pictures a second, pictures dropped, and how long ago they were captured. */

import { pageTime } from './clock_offset.ts';
import type { Capture, Origin } from './capture_map.ts';

const WINDOW_MS = 2000;
/** A browser that does not say when a picture is shown: the clock of the element is asked, so often. */
const SAMPLE_MS = 200;

export interface Latency {
  /** From capture to the screen, ms: the middle of the last two seconds. */
  readonly milliseconds: number;
  readonly origin: Origin;
  /** Whether the browser says when a picture is shown, or the element's clock stands for it. */
  readonly byFrame: boolean;
  /** How often it was looked, in those seconds. */
  readonly samples: number;
}

interface Sample {
  readonly milliseconds: number;
  readonly origin: Origin;
}

/** What reached the screen in the last two seconds. */
export class ShownLog {
  readonly #byFrame: boolean;
  #times: number[] = [];
  #samples: (Sample & { readonly at: number })[] = [];

  constructor(byFrame: boolean) {
    this.#byFrame = byFrame;
  }

  /** `pictures` were shown at `at` of performance.now(); `sample` of the last is null where nobody says. */
  add(at: number, pictures: number, sample: Sample | null): void {
    for (let count = 0; count < pictures; ++count) {
      this.#times.push(at);
    }
    if (sample !== null) {
      this.#samples.push({ at, ...sample });
    }
    this.#forget(at);
  }

  stop(): void {
    this.#times = [];
    this.#samples = [];
  }

  /** Pictures shown a second; NaN where the browser does not say. */
  fps(): number {
    this.#forget(performance.now());
    const [first, last] = [this.#times[0], this.#times.at(-1)];
    return !this.#byFrame || first === undefined || last === undefined || last - first < 400
      ? NaN : ((this.#times.length - 1) * 1000) / (last - first);
  }

  latency(): Latency | null {
    this.#forget(performance.now());
    const sorted = [...this.#samples].sort((one, other) => one.milliseconds - other.milliseconds);
    const middle = sorted[Math.floor(sorted.length / 2)];
    return middle === undefined ? null : { milliseconds: middle.milliseconds, origin: middle.origin,
                                           byFrame: this.#byFrame, samples: sorted.length };
  }

  #forget(now: number): void {
    this.#times = this.#times.filter((at) => now - at <= WINDOW_MS);
    this.#samples = this.#samples.filter(({ at }) => now - at <= WINDOW_MS);
  }
}

/** The log of an element that plays media; renewed with it. */
export class ShownFrames extends ShownLog {
  readonly #media: HTMLMediaElement;
  readonly #capturedAt: (time: number) => Capture | null;
  readonly #shows: (time: number) => void;
  #presented = 0;
  #ticker = 0;
  #stopped = false;

  /** `shows` hears the element's time of each picture that is shown. */
  constructor(media: HTMLMediaElement, capturedAt: (time: number) => Capture | null, shows: (time: number) => void) {
    const byFrame = media instanceof HTMLVideoElement && media.requestVideoFrameCallback !== undefined;
    super(byFrame);
    this.#media = media;
    this.#capturedAt = capturedAt;
    this.#shows = shows;
    if (byFrame) {
      this.#listen(media);
    } else {
      this.#ticker = window.setInterval(() => this.#look(), SAMPLE_MS);
    }
  }

  override stop(): void {
    super.stop();
    this.#stopped = true;
    clearInterval(this.#ticker);
  }

  #listen(video: HTMLVideoElement): void {
    video.requestVideoFrameCallback((_, { mediaTime, expectedDisplayTime, presentedFrames }) => {
      // A callback may stand for more pictures than one.
      const shown = Math.min(Math.max(1, presentedFrames - this.#presented), 4);
      this.#presented = presentedFrames;
      this.#shows(mediaTime);
      this.add(expectedDisplayTime, shown, this.#sample(mediaTime, performance.timeOrigin + expectedDisplayTime));
      if (!this.#stopped) {
        this.#listen(video);
      }
    });
  }

  #look(): void {
    if (!this.#media.paused && this.#media.readyState >= 3) {
      this.#shows(this.#media.currentTime);
      this.add(performance.now(), 0, this.#sample(this.#media.currentTime, pageTime()));
    }
  }

  #sample(time: number, shownAt: number): Sample | null {
    const capture = this.#capturedAt(time);
    return capture === null || this.#media.playbackRate === 0 ? null
      : { milliseconds: shownAt - capture.utc, origin: capture.origin };
  }
}
