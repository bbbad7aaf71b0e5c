/** Plays the WebSocket of `/NAME.flv` by mpegts.js, which is loaded only then. */

import type Mpegts from 'mpegts.js';
import { Backoff } from './backoff.ts';
import type { Capture } from './capture_map.ts';
import { ahead } from './live_edge.ts';
import { Moving } from './moving.ts';
import { loaderOf } from './flv_loader.ts';
import { FlvTimes } from './flv_times.ts';
import { begin, NO_FIGURES, type Figures, type Listener, type Player, type StreamAddress } from './player.ts';
import { socketUrl } from './stream_address.ts';

const SETTINGS: Mpegts.Config = {
  enableWorker: false,
  enableStashBuffer: false,
  liveSync: true,
  liveSyncMaxLatency: 0.8,
  liveSyncTargetLatency: 0.4,
  liveSyncPlaybackRate: 1.05,
  autoCleanupSourceBuffer: true,
  autoCleanupMaxBackwardDuration: 10,
  autoCleanupMinBackwardDuration: 5,
};
const TROUBLES_MAX = 3;
const BITS_OF_A_KILOBYTE = 8192;

export class FlvPlayer implements Player {
  readonly #media: HTMLMediaElement;
  readonly #address: string;
  readonly #listener: Listener;
  readonly #ended = new AbortController();
  readonly #backoff = new Backoff();
  #player: Mpegts.Player | null = null;
  #times = new FlvTimes();
  #speed = 0;
  #troubles = 0;
  #later = 0;

  constructor(media: HTMLMediaElement, address: StreamAddress, listener: Listener) {
    this.#media = media;
    this.#address = socketUrl(address, '.flv');
    this.#listener = listener;
  }

  start(): void {
    new Moving(this.#media, this.#ended.signal, (moves) => this.#moved(moves));
    this.#media.addEventListener('pause', () => this.#player !== null && this.#listener.told('paused', ''),
                                 { signal: this.#ended.signal });
    void this.#load();
  }

  stop(): void {
    this.#ended.abort();
    this.#unload();
  }

  pause(): void {
    this.#media.pause();
  }

  /** From the live edge on, by a new conversation. */
  resume(): void {
    void this.#load();
  }

  figures(): Figures {
    const { buffered, currentTime, playbackRate } = this.#media;
    const ranges = Array.from({ length: buffered.length },
                              (_, at) => ({ start: buffered.start(at), end: buffered.end(at) }));
    const buffer = ahead(ranges, currentTime);
    return { ...NO_FIGURES, edge: buffer, buffer, bitrate: this.#speed, rate: playbackRate };
  }

  capturedAt(time: number): Capture | null {
    return this.#times.at(time);
  }

  #moved(moves: boolean): void {
    this.#listener.told(moves ? 'playing' : 'connecting', '');
    if (moves) {
      this.#troubles = 0;
      this.#backoff.succeeded();
    }
  }

  async #load(): Promise<void> {
    this.#unload();
    this.#listener.told('connecting', '');
    const { default: kind } = await import('mpegts.js');
    if (this.#ended.signal.aborted) {
      return;
    }
    if (!kind.isSupported()) {
      this.#listener.told('failed', 'This browser has no Media Source Extensions, which mpegts.js needs.');
      return;
    }
    kind.LoggingControl.enableAll = false;
    const times = new FlvTimes();
    this.#times = times;
    const player = kind.createPlayer({ type: 'flv', isLive: true, url: this.#address },
                                     { ...SETTINGS, customLoader: loaderOf(kind, (message) => times.tag(message)) });
    player.on(kind.Events.SCRIPTDATA_ARRIVED, (said: unknown) => times.script(said));
    this.#player = player;
    player.on(kind.Events.ERROR, (type: string, detail: string) => this.#trouble(kind, type, detail));
    player.on(kind.Events.LOADING_COMPLETE, () => this.#listener.told('ended', ''));
    player.on(kind.Events.STATISTICS_INFO, (said: { speed?: number }) => {
      this.#speed = (said.speed ?? 0) * BITS_OF_A_KILOBYTE;
    });
    player.attachMediaElement(this.#media);
    player.load();
    void begin(this.#media, this.#listener);
  }

  #unload(): void {
    clearTimeout(this.#later);
    const player = this.#player;
    this.#player = null;
    player?.destroy();
  }

  #trouble(kind: typeof Mpegts, type: string, detail: string): void {
    this.#unload();
    if (detail === kind.ErrorDetails.MEDIA_CODEC_UNSUPPORTED || detail === kind.ErrorDetails.MEDIA_MSE_ERROR) {
      this.#listener.told('unsupported', 
                          'This browser does not play the codecs of this stream as FLV. Choose another format.');
    } else if (++this.#troubles >= TROUBLES_MAX) {
      this.#listener.told('failed', `FLV does not get through (${type}).`);
    } else {
      this.#listener.told('connecting', '');
      this.#later = window.setTimeout(() => void this.#load(), this.#backoff.next(Math.random()) * 1000);
    }
  }
}
