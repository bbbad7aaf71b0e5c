/** The recordings of one stream on a line: what there is, what is missing and why, and the way to any moment of it. */

import { element, say } from './dom.ts';
import { plural } from './format.ts';
import { askRecordings, type Piece, type Recordings } from './recordings.ts';
import { ScrubPicture } from './scrub_picture.ts';
import { clock, day, gapWords, lasting, LENGTHS, localTime, playableFrom, shareOf, RECORDED, ticksOf, wordsAt } from './timeline_scale.ts';

const GAPS_SHOWN = 4;
const TICK_PIXELS = 90;
const SETTLE_MS = 350;       // keys held down ask for one moment, not for many
const STEP_MS = 5000;
const BACK_MS = 10_000;
const NEW_MS = 2000;         // what is younger is not in a list yet
const LOOK_MS = 1000;
const ASK_MS_MIN = 4000;
const ASK_MS_MAX = 60_000;

/** What the timeline shows of, and does to, the player beside it. */
export interface Watched {
  /** When what is shown was captured, ms of Unix time; NaN while nothing is. */
  moment(): number;
  /** Null: what is live is played, or would be. */
  from(): number | null;
  go(moment: number | null): void;
}

function toolButton(words: string, title: string, work: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', class: 'small', title }, words);
  made.addEventListener('click', work);
  return made;
}

function place(node: HTMLElement, piece: Piece, span: Piece): HTMLElement {
  const [left, right] = [shareOf(piece.from, span), shareOf(piece.to, span)];
  node.style.left = `${left * 100}%`;
  node.style.width = `${(right - left) * 100}%`;
  return node;
}

export class Timeline {
  readonly #name: string;
  readonly #credentials: string;
  readonly #watched: Watched;
  readonly #told: (found: Recordings, span: Piece) => void;
  readonly #time = element('strong', { class: 'moment-time' });
  readonly #what = element('span', { class: 'moment-what' });
  readonly #lane = element('div', { class: 'lane' });
  readonly #marked = element('div', { class: 'marked', hidden: '' });
  readonly #pinned = element('div', { class: 'lane', 'aria-hidden': 'true' });
  readonly #head = element('div', { class: 'playhead' });
  readonly #picture: ScrubPicture;
  readonly #ticks = element('div', { class: 'ticks', 'aria-hidden': 'true' });
  readonly #rail = element('div', { id: 'rail', class: 'rail', role: 'slider', tabindex: '0', 'aria-label': 'Moment of the recording' },
                           this.#lane, this.#pinned, this.#marked, this.#head);
  readonly #gaps = element('ul', { class: 'gaps', 'aria-label': 'Missing' });
  readonly #live = toolButton('Live', 'Back to what is live now (End)', () => this.#watched.go(null));
  readonly #later = toolButton('Later', 'What follows', () => this.#shift(1));
  readonly #goTo = element('input', { id: 'go-to', type: 'datetime-local', step: '1', 'aria-label': 'Go to a time' });
  readonly #lengths = element('div', { class: 'lengths', role: 'group', 'aria-label': 'Length of the timeline' });
  #length: number = LENGTHS[1][1];
  /** The right end; null: now. */
  #end: number | null = null;
  #found: Recordings | null = null;
  #chosen: number | null = null;      // a moment under a finger or a key, until it is gone to
  #drags = false;
  #settling = 0;
  #asking = 0;
  #shown = '';
  #markedPart: Piece | null = null;
  #pins: readonly Piece[] = [];

  constructor(stream: { name: string; credentials: string }, watched: Watched,
              told: (found: Recordings, span: Piece) => void) {
    this.#name = stream.name;
    this.#credentials = stream.credentials;
    this.#watched = watched;
    this.#told = told;
    this.#picture = new ScrubPicture(stream);
    for (const [words, length] of LENGTHS) {
      const button = element('button', { type: 'button', class: 'length' }, words);
      button.addEventListener('click', () => this.#show({ length }));
      this.#lengths.append(button);
    }
    this.#goTo.addEventListener('change', () => this.#goToWritten());
    this.#listen();
  }

  /** Puts itself into the page, and asks from now on. */
  begin(node: HTMLElement, ...more: HTMLElement[]): void {
    node.append(
      element('div', { class: 'timeline-head' }, element('p', { class: 'moment' }, this.#time, this.#what), this.#lengths),
      element('div', { class: 'rail-frame' }, this.#rail, this.#picture.node, this.#ticks),
      element('div', { class: 'timeline-tools' },
        toolButton('Earlier', 'What went before', () => this.#shift(-1)), this.#later, this.#goTo,
        toolButton('Back 10 s', 'Ten seconds back', () => this.#go(this.#moment() - BACK_MS)), this.#live),
      this.#gaps, ...more);
    void this.ask();
    setInterval(() => document.hidden || this.#draw(), LOOK_MS);
    new ResizeObserver(() => this.#draw()).observe(this.#rail);
  }

  /** Asks what there is, now and every so often. */
  async ask(): Promise<void> {
    clearTimeout(this.#asking);
    const span = this.#span();
    const found = document.hidden ? null : await askRecordings(this.#name, this.#credentials, span);
    if (span.from === this.#span().from || this.#end === null) {
      this.#found = found ?? this.#found;
      this.#draw();
    }
    clearTimeout(this.#asking);
    const pause = Math.min(ASK_MS_MAX, Math.max(ASK_MS_MIN, this.#length / 200));
    this.#asking = window.setTimeout(() => void this.ask(), pause);
  }

  /** Shows which part is chosen; null: none. */
  mark(part: Piece | null): void {
    this.#markedPart = part;
    this.#drawMarked(this.#span());
  }

  /** Shows which parts are kept for good. */
  pin(pins: readonly Piece[]): void {
    this.#pins = pins;
    this.#shown = '';
    this.#draw();
  }

  /** The moment that is shown, or under a finger. */
  get at(): number {
    return this.#moment();
  }

  #now(): number {
    return Date.now() + (this.#found?.offset ?? 0);
  }

  #span(): Piece {
    const to = this.#end ?? this.#now() + this.#length / 50;
    return { from: to - this.#length, to };
  }

  #moment(): number {
    const moment = this.#chosen ?? this.#watched.moment();
    return Number.isFinite(moment) ? moment : this.#watched.from() ?? this.#now();
  }

  /** What is under way is recorded up to now, though the node lists only what is whole. */
  #grown(): Recordings | null {
    const found = this.#found;
    const last = found?.items.at(-1);
    if (found === null || last === undefined || !found.recording || this.#end !== null) {
      return found;
    }
    return { ...found, items: [...found.items.slice(0, -1), { ...last, to: Math.max(last.to, this.#now()) }] };
  }

  #go(moment: number): void {
    const found = this.#found;
    this.#chosen = null;
    const last = found?.items.at(-1);
    const open = found?.recording === true && this.#end === null && last !== undefined;
    if (moment > this.#now() - NEW_MS) {
      this.#watched.go(null);
    } else if (open && moment > last.to - NEW_MS) {
      this.#watched.go(Math.max(last.from, last.to - NEW_MS));
    } else {
      this.#watched.go(found === null ? moment : playableFrom(moment, found) ?? moment);
    }
    this.#draw();
  }

  #show({ length = this.#length, end = this.#end }: { length?: number; end?: number | null }): void {
    const middle = this.#watched.from() === null ? null : this.#moment();
    const shown = middle !== null && length < this.#length && end === this.#end ? middle + length / 2 : end;
    this.#length = length;
    this.#end = shown === null || shown >= this.#now() ? null : shown;
    this.#draw();
    void this.ask();
  }

  #shift(by: number): void {
    this.#show({ end: (this.#end ?? this.#now()) + by * this.#length * 0.8 });
  }

  #goToWritten(): void {
    const moment = Date.parse(this.#goTo.value);
    if (Number.isFinite(moment)) {
      this.#show({ end: moment + this.#length / 2 });
      this.#go(moment);
    }
  }

  #choose(moment: number): void {
    const span = this.#span();
    this.#chosen = Math.min(Math.max(moment, span.from), Math.min(span.to, this.#now()));
    this.#draw();
  }

  #listen(): void {
    const rail = this.#rail;
    const at = (event: PointerEvent) => {
      const box = rail.getBoundingClientRect();
      const { from, to } = this.#span();
      return from + (to - from) * (event.clientX - box.left) / box.width;
    };
    rail.addEventListener('pointerdown', (event) => {
      rail.setPointerCapture(event.pointerId);
      this.#drags = true;
      this.#choose(at(event));
    });
    rail.addEventListener('pointermove', (event) => {
      if (this.#drags) {
        this.#choose(at(event));
      }
      this.#look(at(event));
    });
    rail.addEventListener('pointerleave', () => this.#picture.hide());
    rail.addEventListener('pointerup', () => {
      this.#drags = false;
      this.#go(this.#moment());
    });
    rail.addEventListener('pointercancel', () => {
      this.#drags = false;
      this.#chosen = null;
    });
    rail.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Shows the picture of a moment, without going there. */
  #look(moment: number): void {
    const found = this.#found;
    this.#picture.show(moment, shareOf(moment, this.#span()), found !== null && wordsAt(moment, found) === RECORDED);
  }

  #key(event: KeyboardEvent): void {
    const step = event.shiftKey ? STEP_MS * 12 : STEP_MS;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step,
      PageDown: -this.#length / 10, PageUp: this.#length / 10 };
    const by = steps[event.key];
    if (by === undefined && event.key !== 'Home' && event.key !== 'End') {
      return;
    }
    event.preventDefault();
    this.#choose(by !== undefined ? this.#moment() + by : event.key === 'Home' ? this.#span().from : this.#now());
    this.#look(this.#moment());
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => {
      this.#go(this.#moment());
      setTimeout(() => this.#picture.hide(), SETTLE_MS);
    }, SETTLE_MS);
  }

  #draw(): void {
    const found = this.#grown();
    const span = this.#span();
    const moment = this.#moment();
    const live = this.#watched.from() === null && this.#chosen === null;
    const words = live ? 'live' : found === null ? '' : wordsAt(moment, found);
    say(this.#time, clock(moment));
    say(this.#what, `${day(moment)} · ${words}`);
    const rail = this.#rail;
    for (const [name, value] of [['valuemin', String(Math.round(span.from / 1000))],
                                 ['valuemax', String(Math.round(span.to / 1000))],
                                 ['valuenow', String(Math.round(moment / 1000))],
                                 ['valuetext', `${clock(moment)}, ${words}`]] as const) {
      rail.setAttribute(`aria-${name}`, value);
    }
    this.#head.hidden = moment < span.from || moment > span.to;
    this.#head.style.left = `${shareOf(moment, span) * 100}%`;
    this.#live.disabled = this.#watched.from() === null;
    this.#later.disabled = this.#end === null;
    [...this.#lengths.children].forEach((one, index) =>
      one.setAttribute('aria-pressed', String(LENGTHS[index]?.[1] === this.#length)));
    if (document.activeElement !== this.#goTo) {
      this.#goTo.value = localTime(moment);
    }
    this.#drawPieces(found, span);
    if (found !== null) {
      this.#told(found, span);
    }
  }

  #drawMarked(span: Piece): void {
    this.#marked.hidden = this.#markedPart === null;
    if (this.#markedPart !== null) {
      place(this.#marked, this.#markedPart, span);
    }
  }

  #drawPieces(found: Recordings | null, span: Piece): void {
    this.#drawMarked(span);
    const most = Math.max(2, Math.floor(this.#rail.clientWidth / TICK_PIXELS));
    const shown = JSON.stringify([found?.items, found?.gaps, this.#pins, Math.round(span.to / this.#length * 2000), most]);
    if (shown === this.#shown) {
      return;
    }
    this.#shown = shown;
    const drawn = (pieces: readonly Piece[], kind: string) => pieces
      .filter((one) => one.to > span.from && one.from < span.to)
      .map((one) => place(element('span', { class: kind }), one, span));
    const gaps = (found?.gaps ?? []).filter((one) => one.to > span.from && one.from < span.to);
    const missing = drawn(gaps, 'missing');
    missing.forEach((node, index) => {
      const gap = gaps[index];
      node.title = gap === undefined ? '' : gapWords(gap);
    });
    this.#lane.replaceChildren(...drawn(found?.items ?? [], 'recorded'), ...missing);
    this.#pinned.replaceChildren(...drawn(this.#pins, 'pinned'));
    const zone = -new Date(span.to).getTimezoneOffset() * 60_000;
    this.#ticks.replaceChildren(...ticksOf(span, most, zone).map((at) => {
      const tick = element('span', {}, clock(at, this.#length / most < 60_000));
      tick.style.left = `${shareOf(at, span) * 100}%`;
      return tick;
    }));
    const more = gaps.length - GAPS_SHOWN;
    this.#gaps.hidden = gaps.length === 0;
    this.#gaps.replaceChildren(
      ...gaps.slice(-GAPS_SHOWN).reverse().map((gap) => element('li', {}, gapWords(gap))),
      ...(more > 0 ? [element('li', {}, `${plural(more, 'gap', 'gaps')} more in these ${lasting(this.#length)}`)] : []));
  }
}
