/** `<millrace-player src="/live/cam">`: plays a stream of a node in any page (docs/guide/embedding.md). */

import { askStream, stateToPlay, type Stream } from '../api.ts';
import { root } from '../root.ts';
import type { TrackWords } from '../messages.ts';
import type { NodeWord } from './condition.ts';
import { formatOf, type Way } from './formats.ts';
import { NO_FIGURES, type Figures, type StreamAddress } from './player.ts';
import type { Latency } from './shown_frames.ts';
import { Stage, type Shown } from './stage.ts';
import sheet from './stage.shadow.css';
import { addressOf, mediaUrl } from './stream_address.ts';
import { Viewing } from './viewing.ts';

export const TAG = 'millrace-player';
const ASK_MS = 2000;

/** What is measured now; NaN where it cannot be known. */
export interface Measured extends Figures {
  /** Pictures shown a second. */
  readonly fps: number;
  readonly dropped: number;
  readonly decoded: number;
  /** From capture to the screen by the node's clock; null while unknown. */
  readonly latency: (Latency & { readonly uncertainty: number }) | null;
}

/** The moment that an attribute says, in ms of Unix time; null for none. */
function momentOf(words: string | null): number | null {
  const moment = Date.parse(words ?? '');
  return Number.isFinite(moment) ? moment : null;
}

/** The tracks of the API's document, in the words of the WebSocket. */
export function trackWords(stream: Stream): TrackWords[] {
  return stream.tracks.map(({ kind, codec, codecString, width, height }) => (
    { kind: kind === 'audio' ? 'audio' : kind === 'video' ? 'video' : 'data', width, height,
      codec: codec === 'mjpeg' ? codec : codecString }));
}

export class MillracePlayer extends HTMLElement {
  static readonly observedAttributes = ['src', 'format', 'from', 'muted', 'controls', 'poster'];
  readonly #stage = new Stage();
  #viewing: Viewing | null = null;
  #address: StreamAddress | null = null;
  #ticker = 0;
  #told = false;
  #measured = false;
  #last = '';

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: 'open', delegatesFocus: true });
    const style = new CSSStyleSheet();
    style.replaceSync(sheet);
    shadow.adoptedStyleSheets = [style];
    shadow.append(this.#stage.node);
  }

  connectedCallback(): void {
    this.#dress();
    this.#stage.mute(this.getAttribute('muted') !== 'false');
    this.#begin();
  }

  disconnectedCallback(): void {
    this.#end();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (!this.isConnected || before === now) {
      return;
    }
    switch (name) {
      case 'src':
        this.#end();
        this.#begin();
        break;
      case 'format':
        this.#viewing?.choose(formatOf(now));
        break;
      case 'from':
        this.#viewing?.go(momentOf(now));
        break;
      case 'muted':
        this.muted = now !== null && now !== 'false';
        break;
      default:
        this.#dress();
    }
  }

  /** "live", "connecting", "waiting", "stale", "offline", "paused", "blocked", "unsupported", "closed", "recorded" or "ended". */
  get state(): string {
    return this.#viewing?.condition.state ?? 'offline';
  }
  /** Why, in words for people; '' while it is live. */
  get words(): string {
    return this.#viewing?.condition.words ?? '';
  }
  /** The way that is taken: "mse", "hls", "flv", "mjpeg", "native"; '' before one is. */
  get way(): Way | '' {
    return this.#viewing?.way ?? '';
  }
  /** Why `auto` took another way than the best; '' where it did not. */
  get note(): string {
    return this.#viewing?.note ?? '';
  }
  /** When what is shown was captured, in ms of Unix time by the word of the media; NaN where nobody says. */
  get moment(): number {
    return this.#viewing?.player?.capturedAt(this.#stage.media?.currentTime ?? NaN)?.utc ?? NaN;
  }
  /** The `<video>`, `<audio>` or `<img>` that shows the stream now; another one after a change of way. */
  get shown(): Shown {
    return this.#stage.shown;
  }
  get muted(): boolean {
    return this.#stage.media?.muted ?? true;
  }
  set muted(muted: boolean) {
    const { media } = this.#stage;
    if (media !== null) {
      this.#stage.mute(muted);
      media.volume = !muted && media.volume === 0 ? 1 : media.volume;
    }
  }
  get volume(): number {
    return this.#stage.media?.volume ?? 1;
  }
  set volume(volume: number) {
    if (this.#stage.media !== null) {
      this.#stage.media.volume = Math.min(1, Math.max(0, volume));
    }
  }

  /** What an owner knows of the stream already; from then on the element does not ask the node itself. */
  know(node: NodeWord, tracks: readonly TrackWords[] | null): void {
    this.#told = true;
    if (this.#viewing !== null) {
      this.#viewing.lean = !this.#measured;
      this.#viewing.know(node, tracks);
    }
  }

  togglePlay(): void {
    this.#viewing?.togglePlay();
  }

  toggleFullScreen(): void {
    this.#stage.toggleFullScreen(this);
  }

  /** A window of its own for the picture; false where the browser has none. */
  async togglePictureInPicture(): Promise<boolean> {
    const { media } = this.#stage;
    if (!(media instanceof HTMLVideoElement) || document.pictureInPictureEnabled !== true) {
      return false;
    }
    try {
      await (document.pictureInPictureElement === this ? document.exitPictureInPicture()
                                                       : media.requestPictureInPicture());
      return true;
    } catch {
      return false;
    }
  }

  /** The picture that is shown, as PNG; null where there is none or it may not be read. */
  snapshot(): Promise<Blob | null> {
    const canvas = document.createElement('canvas');
    const { held } = this.#stage;
    if (held === null && !this.#stage.draw(canvas)) {
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      try {
        (held ?? canvas).toBlob(resolve, 'image/png');
      } catch {
        resolve(null);      // of another origin, without its leave
      }
    });
  }

  figures(): Measured {
    const viewing = this.#viewing;
    this.#measured = true;
    if (viewing !== null) {
      viewing.lean = false;
    }
    const media = this.#stage.media;
    const quality = media instanceof HTMLVideoElement ? media.getVideoPlaybackQuality?.() : undefined;
    const seen = viewing?.frames?.latency() ?? null;
    const clock = viewing?.link?.offset() ?? null;
    const live = this.state === 'live';
    return {
      ...(viewing?.player?.figures() ?? NO_FIGURES),
      fps: live ? viewing?.frames?.fps() ?? NaN : NaN,
      dropped: quality?.droppedVideoFrames ?? NaN,
      decoded: quality?.totalVideoFrames ?? NaN,
      latency: !live || seen === null || clock === null ? null
        : { ...seen, milliseconds: seen.milliseconds + clock.offset, uncertainty: clock.uncertainty },
    };
  }

  #dress(): void {
    this.#stage.dress(this.hasAttribute('controls'), this.getAttribute('poster') ?? '');
  }

  #begin(): void {
    this.#address = addressOf(this.getAttribute('src') ?? '', root);
    if (this.#address === null) {
      return;
    }
    this.#told = false;
    this.#viewing = new Viewing(this.#stage, this.#address, formatOf(this.getAttribute('format')), () => this.#show());
    this.#viewing.onFilled = () => this.dispatchEvent(new CustomEvent('millrace-filled'));
    const from = momentOf(this.getAttribute('from'));
    if (from !== null) {
      this.#viewing.go(from);
    }
    this.#show();
    this.#ticker = window.setInterval(() => void this.#ask(), ASK_MS);
    queueMicrotask(() => void this.#ask());
  }

  #end(): void {
    clearInterval(this.#ticker);
    this.#viewing?.stop();
    this.#viewing = null;
  }

  /** How the stream is, where nobody else says so: by the API of this origin, else by whether there is media. */
  async #ask(): Promise<void> {
    const [viewing, address] = [this.#viewing, this.#address];
    if (viewing === null || address === null || this.#told || !viewing.wonders || document.hidden) {
      return;
    }
    let tracks: TrackWords[] | null = null;
    let node: NodeWord | null = null;
    if (new URL(address.root).origin === location.origin) {
      const asked = await askStream(address.name, address.credentials);
      if ('value' in asked) {
        node = asked.value === null ? 'missing' : stateToPlay(asked.value);
        tracks = asked.value === null ? null : trackWords(asked.value);
      } else if (asked.refused === 'missing' || asked.refused === 'unreachable') {
        node = asked.refused;
      }
    }
    node ??= await lookUp(address);
    if (this.#viewing === viewing && !this.#told) {
      viewing.know(node, tracks);
    }
  }

  #show(): void {
    const viewing = this.#viewing;
    if (viewing === null) {
      return;
    }
    this.#stage.say(viewing.condition);
    const { state, words } = viewing.condition;
    const now = [state, words, viewing.way, viewing.note, this.muted, this.volume].join('\n');
    if (now !== this.#last) {
      this.#last = now;
      const detail = { state, words, way: this.way, note: this.note };
      this.dispatchEvent(new CustomEvent('millrace-state', { detail }));
    }
  }
}

/** Whether there is something to play is no secret to who may play it. */
export async function lookUp(address: StreamAddress): Promise<NodeWord> {
  try {
    const { status } = await fetch(mediaUrl(address, '.flv'), { method: 'HEAD', cache: 'no-store' });
    return status === 200 ? 'live' : status === 404 ? 'missing' : status === 401 ? 'stranger'
      : status === 403 ? 'closed' : 'unreachable';
  } catch {
    return 'unreachable';
  }
}

if (customElements.get(TAG) === undefined) {
  customElements.define(TAG, MillracePlayer);
}
