/** Plays the WebSocket of `/NAME.mp4` by Media Source Extensions, as near to the live edge as it can. */

import { Backoff } from './backoff.ts';
import { CaptureMap, type Capture } from './capture_map.ts';
import { codecName } from '../format.ts';
import { Lowest, Target, ahead, chase, trim, type Range } from './live_edge.ts';
import { MediaBuffer, mediaSourceKind } from './media_buffer.ts';
import { parseMessage, sameKinds, type Message, type TrackWords } from '../messages.ts';
import { begin, type Figures, type Listener, type PlayState, type Player, type StreamAddress } from './player.ts';
import { socketUrl } from './stream_address.ts';
import { Throughput } from './throughput.ts';

const TICK_MS = 100;
/** Muted for so long, the sound is no longer asked for. */
const MUTED_MS = 5000;
/** Paused for so long, nothing is asked for. */
const PAUSED_MS = 1000;
/** Without a message for so long, a stall is the stream's doing, not ours. */
const QUIET_MS = 400;
/** With nothing left to show and no message for so long, the publisher or the way to it is gone. */
const SILENT_MS = 1500;
const SILENT_MESSAGES = 4;
/** Played for so long, what went wrong before is forgotten. */
const STEADY_MS = 3000;
const TROUBLES_MAX = 3;
/** So many conversations that never said a word: they do not get through. */
const SPEECHLESS_MAX = 3;
/** What the browser cannot play is asked for again so often: the publisher may send something else. */
const REFUSED_MS = 4000;
const MEASURED_SECONDS = 3;
/** So long after it began to play or stalled, sound may be a little faster, to come to the edge. */
const BEGINNING_MS = 12_000;

export class MsePlayer implements Player {
  readonly #media: HTMLMediaElement;
  readonly #address: StreamAddress;
  readonly #listener: Listener;
  readonly #ended = new AbortController();
  readonly #backoff = new Backoff();
  readonly #throughput = new Throughput(MEASURED_SECONDS);
  readonly #captures = new CaptureMap();
  readonly #lowest = new Lowest();
  #target = new Target(0);
  #socket: WebSocket | null = null;
  #buffer: MediaBuffer | null = null;
  /** The conversation that the buffer is filled by: after a new one opened, another than `#socket`. */
  #bufferOf: WebSocket | null = null;
  #tracks: readonly TrackWords[] = [];
  #type = '';
  #withSound = false;
  #playing = false;
  /** Whether anything was ever shown. */
  #begun = false;
  #troubles = 0;
  #speechless = 0;
  #refusedType = '';
  #heardAt = 0;
  #playingSince = 0;
  #stalledAt = 0;
  #ticker = 0;
  #later = 0;

  constructor(media: HTMLMediaElement, address: StreamAddress, listener: Listener) {
    this.#media = media;
    this.#address = address;
    this.#listener = listener;
  }

  start(): void {
    const on = (event: string, work: () => void) =>
      this.#media.addEventListener(event, work, { signal: this.#ended.signal });
    on('volumechange', () => this.#soundChanged());
    on('pause', () => this.#paused());
    on('play', () => this.#resumed());
    on('waiting', () => this.#stalled());
    on('timeupdate', () => this.#advanced());
    on('error', () => this.#trouble(this.#media.error?.message ?? ''));
    this.#ticker = window.setInterval(() => this.#tick(), TICK_MS);
    this.#open();
  }

  stop(): void {
    this.#ended.abort();
    clearInterval(this.#ticker);
    this.#close();
    this.#buffer?.close();
    this.#buffer = null;
    this.#media.playbackRate = 1;
    this.#media.preservesPitch = true;
  }

  figures(): Figures {
    const buffer = ahead(this.#buffer?.ranges() ?? [], this.#media.currentTime);
    return {
      edge: this.#playing ? buffer : NaN,
      buffer,
      bitrate: this.#throughput.bitsPerSecond(performance.now() / 1000),
      target: this.#target.seconds,
      rate: this.#media.playbackRate,
    };
  }

  pause(): void {
    this.#media.pause();
  }

  resume(): void {
    void begin(this.#media, this.#listener);
  }

  capturedAt(time: number): Capture | null {
    return this.#captures.at(time);
  }

  #told(state: PlayState, words: string): void {
    this.#listener.told(state, words);
  }

  #open(): void {
    this.#close();
    if (mediaSourceKind() === null) {
      this.#told('failed', 'This browser has no Media Source Extensions.');
      return;
    }
    if (this.#refusedType === '') {
      this.#told('connecting', '');
    }
    this.#playing = false;
    const audioOnly = this.#media instanceof HTMLAudioElement;
    // Whoever asks for pictures alone gets no word where there are none.
    this.#withSound = audioOnly || !this.#media.muted || this.#speechless > 0;
    const socket = new WebSocket(socketUrl(this.#address, '.mp4', this.#withSound ? '' : 'tracks=video'));
    socket.binaryType = 'arraybuffer';
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => this.#heard(message.data);
    socket.onclose = () => this.#lost();
    this.#socket = socket;
  }

  #close(): void {
    clearTimeout(this.#later);
    if (this.#socket !== null) {
      this.#socket.onmessage = null;
      this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
  }

  #lost(): void {
    this.#socket = null;
    if (++this.#speechless >= SPEECHLESS_MAX) {
      this.#speechless = 0;
      this.#told('failed', 'WebSockets do not get through to the node.');
      return;
    }
    this.#told('connecting', '');
    this.#openLater(this.#backoff.next(Math.random()) * 1000);
  }

  #openLater(milliseconds: number): void {
    clearTimeout(this.#later);
    this.#later = window.setTimeout(() => this.#open(), milliseconds);
  }

  #heard(said: string | ArrayBuffer): void {
    this.#heardAt = performance.now();
    this.#speechless = 0;
    if (typeof said !== 'string') {
      this.#throughput.add(said.byteLength, this.#heardAt / 1000);
      const bytes = new Uint8Array(said);
      this.#captures.read(bytes);
      this.#slack(this.#heardAt / 1000);
      this.#buffer?.push(bytes);
      return;
    }
    const message = parseMessage(said);
    if (message?.t === 'tracks') {
      this.#period(message);
    } else if (message?.t === 'result') {
      this.#listener.result?.(message.said);
    } else if (message?.t === 'waiting') {
      this.#playing = false;
      this.#told('waiting', '');
    } else if (message?.t === 'end') {
      this.#close();
      this.#told('ended', '');
    }
  }

  /** New tracks: the buffer goes on where it can, else there is a new one. */
  #period(said: Message & { t: 'tracks' }): void {
    this.#listener.tracks?.(said.tracks);
    const kind = mediaSourceKind();
    if (this.#ended.signal.aborted) {
      return;      // the listener wants another player
    }
    if (kind === null || !kind.isTypeSupported(said.type)) {
      this.#refuse(said);
      return;
    }
    this.#refusedType = '';
    const fresh = this.#buffer === null || this.#socketIsNew || !sameKinds(this.#tracks, said.tracks);
    if (fresh) {
      this.#buffer?.close();
      this.#buffer = new MediaBuffer(kind, this.#media, said.type, (what) => this.#trouble(what));
      this.#target = new Target(performance.now() / 1000, said.tracks.some(({ kind: one }) => one === 'audio'));
      this.#lowest.forget();
      void begin(this.#media, this.#listener);
    } else if (said.type !== this.#type) {
      this.#buffer?.changeType(said.type);
    }
    this.#bufferOf = this.#socket;
    this.#tracks = said.tracks;
    this.#type = said.type;
  }

  /** Says so once, and looks from time to time whether the publisher sends something else. */
  #refuse({ type, tracks }: Message & { t: 'tracks' }): void {
    this.#close();
    if (this.#refusedType !== type) {
      this.#refusedType = type;
      this.#told('unsupported', refusal(tracks, type));
    }
    this.#openLater(REFUSED_MS);
  }

  get #socketIsNew(): boolean {
    return this.#bufferOf !== this.#socket;
  }

  #trouble(what: string): void {
    if (this.#ended.signal.aborted) {
      return;
    }
    this.#close();
    this.#buffer?.close();
    this.#buffer = null;
    if (++this.#troubles >= TROUBLES_MAX) {
      this.#told('unsupported', `This browser cannot play the stream: ${what}`);
    } else {
      this.#told('connecting', '');
      this.#openLater(this.#backoff.next(Math.random()) * 1000);
    }
  }

  /** The picture moves: that is what live means. */
  #advanced(): void {
    const fresh = performance.now() - this.#heardAt < QUIET_MS;
    if (!this.#playing && fresh && !this.#media.paused && !this.#socketIsNew && this.#media.readyState >= 3) {
      this.#playing = true;
      this.#begun = true;
      this.#playingSince = performance.now();
      this.#told('playing', '');
    }
    if (this.#playing && performance.now() - this.#playingSince >= STEADY_MS) {
      this.#troubles = 0;
      this.#backoff.succeeded();
    }
  }

  /** A publisher that is lost says nothing: what comes no more is noticed here. */
  #listen(): void {
    const patience = Math.max(SILENT_MS, SILENT_MESSAGES * this.#throughput.secondsPerMessage() * 1000);
    if (this.#playing && this.#media.readyState < 3 && performance.now() - this.#heardAt >= patience) {
      this.#playing = false;
      this.#told('waiting', '');
    }
  }

  #tick(): void {
    if (this.#buffer === null || this.#socketIsNew) {
      return;
    }
    if (this.#media.paused) {
      this.#enter(this.#buffer.ranges());
      return;
    }
    this.#listen();
    const now = performance.now() / 1000;
    const ranges = this.#buffer.ranges();
    const media = this.#media;
    this.#target.calm(now, this.#throughput.secondsPerMessage());
    if (!media.seeking) {
      const { rate, resampled, seekTo } = chase({
        ranges, time: media.currentTime, muted: media.muted, rate: media.playbackRate,
        target: this.#target.seconds, beginning: this.#begins, lowest: this.#slack(now),
      });
      if (seekTo !== undefined) {
        media.currentTime = seekTo;
        this.#lowest.forget();
      }
      const pitched = resampled !== true && !media.muted;      // of no sound nobody hears the pitch
      if (media.preservesPitch !== pitched) {
        media.preservesPitch = pitched;
      }
      if (media.playbackRate !== rate) {
        media.playbackRate = rate;
      }
    }
    const old = trim(ranges, media.currentTime);
    if (old !== null) {
      this.#buffer.remove(old);
    }
  }

  get #begins(): boolean {
    return performance.now() - Math.max(this.#playingSince, this.#stalledAt) < BEGINNING_MS;
  }

  /** The least that was ahead of late, where there is sound: looked at before each message, when it is least. */
  #slack(now: number): number | undefined {
    const media = this.#media;
    const sound = this.#tracks.some(({ kind }) => kind === 'audio');
    return sound && this.#buffer !== null && media.readyState >= 3 && !media.seeking
      ? this.#lowest.add(ahead(this.#buffer.ranges(), media.currentTime), now) : undefined;
  }

  /** A browser that would not start before it saw something must be shown where that is. */
  #enter(ranges: readonly Range[]): void {
    const first = ranges[0];
    if (!this.#begun && first !== undefined && this.#media.currentTime < first.start && !this.#media.seeking) {
      this.#media.currentTime = first.start;
    }
  }

  #stalled(): void {
    const flows = performance.now() - this.#heardAt < QUIET_MS;
    const begins = performance.now() - this.#playingSince < STEADY_MS;
    if (this.#playing && flows && !begins && !this.#media.seeking) {
      this.#stalledAt = performance.now();
      this.#target.stalled(this.#stalledAt / 1000);
    }
  }

  #soundChanged(): void {
    const wanted = !this.#media.muted;
    if (this.#socket === null || this.#media instanceof HTMLAudioElement) {
      return;
    }
    clearTimeout(this.#later);
    if (wanted && !this.#withSound) {
      this.#open();
    } else if (!wanted && this.#withSound) {
      this.#openLater(MUTED_MS);
    }
  }

  #paused(): void {
    if (this.#socket !== null) {
      clearTimeout(this.#later);
      this.#later = window.setTimeout(() => this.#rest(), PAUSED_MS);
    }
  }

  #rest(): void {
    this.#close();
    this.#playing = false;
    this.#told(this.#begun ? 'paused' : 'blocked', '');
  }

  #resumed(): void {
    if (this.#socket === null) {
      this.#open();
    } else {
      clearTimeout(this.#later);
      this.#soundChanged();
    }
  }
}

/** What the browser cannot play, and what to do. */
function refusal(tracks: readonly TrackWords[], type: string): string {
  const names = tracks.map((one) => `${codecName(one.codec)} (${one.codec})`).join(' with ');
  const h265 = tracks.some((one) => codecName(one.codec) === 'H.265');
  return `This browser does not play ${names || type}. ` + (h265
    ? 'Firefox and Safari play H.265, and MJPEG shows it anywhere; or publish H.264.'
    : 'Try another browser, or publish H.264 with AAC.');
}
