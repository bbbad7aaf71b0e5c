/** Pictures of now in list and grid: each asked for every five seconds at most, and only while it is on the screen. */

import { withQuery } from './address.ts';
import type { Stream } from './api.ts';
import { drawing, element } from './dom.ts';
import { at } from './root.ts';

const EVERY_MS = 5000;
/** After one that did not come. Doubled each time. */
const AGAIN_MS = 10000;
const AGAIN_MAX_MS = 120000;
const TICK_MS = 500;
/** On HTTP/1.1 a browser has six connections to a node: these leave room for the API. */
const UNDER_WAY_MAX = 2;
const WIDTH = 320;
const SIZE_MAX = 2 << 20;
const DEADLINE_MS = 8000;

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  video: 'M4 6h10a2 2 0 0 1 2 2v1.5l4-2.5v10l-4-2.5V16a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2z',
  audio: 'M9 18V6l10-2v12M9 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0zm10-2a3 3 0 1 1-6 0 3 3 0 0 1 6 0z',
};

/** One stream's picture. */
export class Thumbnail {
  readonly name: string;
  readonly node: HTMLElement;
  readonly #canvas = element('canvas', { class: 'shot-picture', width: '16', height: '9' });
  readonly #path = drawing('path', { d: PLACEHOLDERS['video']! });
  visible = false;
  /** Something stands before it. */
  covered = false;
  /** When it may be asked for next, by performance.now(). */
  due = 0;
  #tag = '';
  #misses = 0;
  #worth = false;

  constructor(name: string) {
    this.name = name;
    this.node = element('span', { class: 'shot-frame', 'aria-hidden': 'true' },
      drawing('svg', { class: 'shot-mark', viewBox: '0 0 24 24' }, this.#path), this.#canvas);
  }

  /** Whether there is a picture to be had. */
  show(stream: Stream): void {
    const pictures = stream.tracks.length === 0 || stream.tracks.some((one) => one.kind === 'video');
    const worth = pictures && (stream.state === 'live' || stream.state === 'stale');
    if (worth && !this.#worth) {
      this.due = 0;
    }
    this.#worth = worth;
    this.#path.setAttribute('d', PLACEHOLDERS[pictures ? 'video' : 'audio']!);
  }

  get wanted(): boolean {
    return this.visible && !this.covered && this.#worth;
  }

  async ask(query: string): Promise<void> {
    this.due = performance.now() + EVERY_MS;
    const came = await this.#fetch(query).catch(() => false);
    this.#misses = came ? 0 : this.#misses + 1;
    if (!came) {
      this.due = performance.now() + Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** (this.#misses - 1));
    }
  }

  /** Whether there is a picture now, the old one or a new one. */
  async #fetch(query: string): Promise<boolean> {
    const path = at(`${this.name.split('/').map(encodeURIComponent).join('/')}.jpg`);
    const answer = await fetch(withQuery(path, `width=${WIDTH}`, query), {
      cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS),
      headers: this.#tag === '' ? {} : { 'If-None-Match': this.#tag },
    });
    if (answer.status === 304) {
      return true;
    }
    const blob = await answer.blob();
    if (!answer.ok || blob.type !== 'image/jpeg' || blob.size > SIZE_MAX) {
      return false;
    }
    const picture = await createImageBitmap(blob);
    this.#canvas.width = picture.width;
    this.#canvas.height = picture.height;
    this.#canvas.getContext('2d')?.drawImage(picture, 0, 0);
    picture.close();
    this.#tag = answer.headers.get('ETag') ?? '';
    this.node.dataset['shown'] = 'yes';
    return true;
  }
}

/** All of a page: who is on the screen and longest without a new picture comes next. */
export class Gallery {
  readonly #query: string;
  readonly #all = new Map<Element, Thumbnail>();
  readonly #seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const found = this.#all.get(target);
      if (found !== undefined) {
        found.visible = isIntersecting;
      }
    }
    this.#next();
  });
  readonly #ticker = window.setInterval(() => this.#next(), TICK_MS);
  #underWay = 0;

  constructor(query: string) {
    this.#query = query;
  }

  add(name: string): Thumbnail {
    const made = new Thumbnail(name);
    this.#all.set(made.node, made);
    this.#seen.observe(made.node);
    return made;
  }

  remove(one: Thumbnail): void {
    this.#seen.unobserve(one.node);
    this.#all.delete(one.node);
  }

  stop(): void {
    clearInterval(this.#ticker);
    this.#seen.disconnect();
    this.#all.clear();
  }

  #next(): void {
    if (document.hidden) {
      return;
    }
    const now = performance.now();
    const due = [...this.#all.values()].filter((one) => one.wanted && one.due <= now).sort((a, b) => a.due - b.due);
    for (const one of due.slice(0, UNDER_WAY_MAX - this.#underWay)) {
      ++this.#underWay;
      void one.ask(this.#query).finally(() => {
        --this.#underWay;
        this.#next();
      });
    }
  }
}
