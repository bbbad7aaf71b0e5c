/** Plays `/NAME/index.m3u8`, or a recording's `/NAME/archive.m3u8`, by hls.js, which is loaded only then. */

import type Hls from 'hls.js';
import type { ErrorData, HlsConfig, InitPTSFoundData } from 'hls.js';
import { Backoff } from './backoff.ts';
import type { Capture } from './capture_map.ts';
import { Moving } from './moving.ts';
import { begin, type Figures, type Listener, type PlayState, type Player, type StreamAddress } from './player.ts';
import { Standstill } from './standstill.ts';
import { mediaUrl, recordedList } from './stream_address.ts';
import { Throughput } from './throughput.ts';

const MEASURED_SECONDS = 15;      // some segments
const TICK_MS = 500;
const STEP = 0.1;      // s: a seek to where it is already would be none
/** Three segments behind the edge is what RFC 8216 asks of players; ten is when to jump. */
const SETTINGS: Partial<HlsConfig> = {
  enableWorker: false,
  lowLatencyMode: false,
  liveSyncDurationCount: 3,
  liveMaxLatencyDurationCount: 10,
  maxBufferLength: 20,
  maxMaxBufferLength: 40,
  backBufferLength: 10,
};
/** Nobody is moved on to the edge: whoever watches a recording chose where. */
const RECORDED: Partial<HlsConfig> = { ...SETTINGS, liveMaxLatencyDurationCount: Infinity };
const NOTHING = 404;

export class HlsPlayer implements Player {
  readonly #media: HTMLMediaElement;
  readonly #address: StreamAddress;
  readonly #listener: Listener;
  readonly #ended = new AbortController();
  readonly #backoff = new Backoff();
  readonly #throughput = new Throughput(MEASURED_SECONDS);
  readonly #standstill = new Standstill();
  #hls: Hls | null = null;
  /** What hls.js takes off the media's own times, of each discontinuity. */
  #offsets: InitPTSFoundData['timestampOffsets'] = [];
  /** Where in a recording the list begins, and where it ends before now; null: live, and none. */
  #from: number | null;
  #to: number | null = null;
  #ticker = 0;
  #later = 0;
  #recovered = 0;

  /** `from`: a moment of the recording, in ms of Unix time; null for what is live. */
  constructor(media: HTMLMediaElement, address: StreamAddress, listener: Listener, from: number | null = null) {
    this.#media = media;
    this.#address = address;
    this.#listener = listener;
    this.#from = from;
  }

  start(): void {
    const on = (event: string, work: () => void) =>
      this.#media.addEventListener(event, work, { signal: this.#ended.signal });
    new Moving(this.#media, this.#ended.signal, (moves) => this.#moved(moves));
    on('pause', () => !this.#media.ended && this.#told('paused', ''));
    on('ended', () => this.#finished());
    this.#ticker = window.setInterval(() => this.#tick(), TICK_MS);
    void this.#load();
  }

  stop(): void {
    this.#ended.abort();
    clearInterval(this.#ticker);
    this.#unload();
  }

  figures(): Figures {
    const { currentTime, seekable } = this.#media;
    const edge = seekable.length > 0 ? seekable.end(seekable.length - 1) - currentTime : NaN;
    return {
      edge: this.#hls === null ? edge : this.#hls.latency || NaN,
      buffer: this.#buffered,
      bitrate: this.#throughput.bitsPerSecond(performance.now() / 1000),
      target: this.#hls?.targetLatency ?? NaN,
      rate: this.#media.playbackRate,
    };
  }

  pause(): void {
    this.#media.pause();
  }

  seek(moment: number): boolean {
    const there = this.#hls?.latestLevelDetails?.fragments.find(({ programDateTime, duration }) => (
      programDateTime !== null && programDateTime <= moment && moment < programDateTime + duration * 1000));
    if (this.#from === null || there === undefined) {
      return false;
    }
    this.#media.currentTime = there.start + (moment - (there.programDateTime ?? moment)) / 1000;
    void begin(this.#media, this.#listener);
    return true;
  }

  /** What was paused long ago is no longer in the list: at the live edge, then. */
  resume(): void {
    const edge = this.#from === null ? this.#hls?.liveSyncPosition ?? null : null;
    if (edge !== null && edge > this.#media.currentTime) {
      this.#media.currentTime = edge;
    }
    void begin(this.#media, this.#listener);
  }

  /** By EXT-X-PROGRAM-DATE-TIME of the list. */
  capturedAt(time: number): Capture | null {
    const shown = this.#hls?.playingDate ?? null;
    return shown === null
      ? null : { utc: shown.getTime() + (time - this.#media.currentTime) * 1000, origin: 'arrival' };
  }

  streamTimeAt(time: number): number | null {
    const shown = this.#hls?.latestLevelDetails?.fragments.find(({ start, end }) => start <= time && time < end);
    const offset = shown === undefined ? undefined : this.#offsets[shown.cc];
    return offset === undefined ? null : time + offset.baseTime / offset.timescale;
  }

  #told(state: PlayState, words: string): void {
    this.#listener.told(state, words);
  }

  async #load(): Promise<void> {
    this.#unload();
    this.#told('connecting', '');
    const { default: kind } = await import('hls.js');
    if (this.#ended.signal.aborted) {
      return;
    }
    if (!kind.isSupported()) {
      this.#told('failed', 'This browser has no Media Source Extensions, which hls.js needs.');
      return;
    }
    const hls = new kind(this.#from === null ? SETTINGS : RECORDED);
    this.#hls = hls;
    hls.on(kind.Events.MANIFEST_PARSED, () => void begin(this.#media, this.#listener));
    hls.on(kind.Events.FRAG_LOADED, (_, { payload }) =>
      this.#throughput.add(payload.byteLength, performance.now() / 1000));
    hls.on(kind.Events.INIT_PTS_FOUND, (_, { timestampOffsets }) => {
      this.#offsets = timestampOffsets;
    });
    hls.on(kind.Events.ERROR, (_, fault) => this.#trouble(kind, fault));
    hls.attachMedia(this.#media);
    hls.loadSource(this.#list());
  }

  #list(): string {
    if (this.#from === null) {
      return mediaUrl(this.#address, '/index.m3u8');
    }
    const { url, to } = recordedList(this.#address, this.#from, Date.now());
    this.#to = to;
    return url;
  }

  /** Behind a part of a recording the next one goes on. */
  #finished(): void {
    if (this.#to === null) {
      this.#told('ended', '');
    } else {
      this.#from = this.#to;
      void this.#load();
    }
  }

  #unload(): void {
    clearTimeout(this.#later);
    this.#hls?.destroy();
    this.#hls = null;
    this.#offsets = [];
  }

  #loadLater(): void {
    this.#unload();
    this.#told('connecting', '');
    this.#later = window.setTimeout(() => void this.#load(), this.#backoff.next(Math.random()) * 1000);
  }

  /** hls.js leaves a seek alone for as long as it lasts. */
  #tick(): void {
    const { paused, readyState, currentTime } = this.#media;
    const waits = !paused && readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    if (this.#standstill.seen(currentTime, waits ? this.#buffered : 0, performance.now() / 1000)) {
      this.#media.currentTime = currentTime + STEP;
    }
  }

  /** Ahead of what is shown, s. */
  get #buffered(): number {
    const { buffered, currentTime } = this.#media;
    let end = currentTime;
    for (let at = 0; at < buffered.length; ++at) {
      if (buffered.start(at) <= currentTime + STEP) {
        end = Math.max(end, buffered.end(at));
      }
    }
    return end - currentTime;
  }

  #moved(moves: boolean): void {
    this.#told(moves ? 'playing' : 'connecting', '');
    if (moves) {
      this.#backoff.succeeded();
      this.#recovered = 0;
    }
  }

  #trouble(kind: typeof Hls, fault: ErrorData): void {
    if (!fault.fatal) {
      return;
    }
    if (fault.details === kind.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR ||
        fault.details === kind.ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR) {
      this.#unload();
      this.#told('unsupported', 'This browser does not play the codecs of this stream.');
    } else if (this.#from !== null && fault.response?.code === NOTHING) {
      this.#unload();
      this.#told('ended', 'Nothing was recorded from this moment on.');
    } else if (fault.type === kind.ErrorTypes.MEDIA_ERROR && this.#recovered < 1) {
      ++this.#recovered;
      this.#hls?.recoverMediaError();
    } else {
      this.#loadLater();
    }
  }
}
