/** What happens, and the lines of the log, as they come: newest first. */

import { element, say } from '../dom.ts';
import { EventFeed, type Told } from './event_feed.ts';
import { Frame, headButton, type Desk, type Section } from './section.ts';
import { tag } from './table.ts';

const KEPT_MAX = 2000;
const SHOWN_MAX = 300;
const KINDS = [['', 'Everything'], ['stream', 'Streams'], ['publisher', 'Publishers'], ['viewer', 'Viewers'],
               ['verdict', 'Verdicts'], ['gap', 'Gaps filled'], ['refused', 'Refused'], ['configuration', 'Configuration'], ['log', 'Log']] as const;

function timeWords(utc: string): string {
  const at = new Date(utc);
  return Number.isNaN(at.getTime()) ? utc : at.toLocaleTimeString(undefined, { hour12: false });
}

function line(told: Told): HTMLElement {
  const row = element('li', { class: 'event' },
    element('time', { datetime: told.at, title: told.at }, timeWords(told.at)), tag(told.level || told.kind), told.stream === ''
      ? '' : element('span', { class: 'event-stream' }, told.stream), element('span', { class: 'event-text' }, told.text));
  row.dataset['kind'] = told.kind;
  row.dataset['level'] = told.level;
  return row;
}

/** Whether an event is one of the kind, and has the words in it. */
export function isWanted(told: Told, kind: string, words: string): boolean {
  return (kind === '' || told.kind === kind) &&
    `${told.stream} ${told.text} ${told.level}`.toLowerCase().includes(words.trim().toLowerCase());
}

export function eventsSection(desk: Desk): Section {
  const kind = element('select', { 'aria-label': 'Which' }, ...KINDS.map(([value, said]) => element('option', { value }, said)));
  const wanted = element('input', { type: 'search', placeholder: 'Words', 'aria-label': 'Search' });
  const list = element('ol', { class: 'events', 'aria-label': 'Events, newest first' });
  const state = element('span', { class: 'hint', role: 'status' });
  const pause = headButton('Pause', () => toggle());
  pause.setAttribute('aria-pressed', 'false');
  const frame = new Frame('Events and log', 'As they happen, newest first.', [pause],
                          element('div', { class: 'filters' }, kind, wanted, state), list);
  let kept: Told[] = [];
  let unseen: Told[] = [];
  let paused = false;
  let due = 0;

  const again = () => {
    const all = kept.filter((one) => isWanted(one, kind.value, wanted.value)).slice(-SHOWN_MAX);
    list.replaceChildren(...all.reverse().map(line));
  };
  /** At most once a frame, whatever comes. */
  const flush = () => {
    due = 0;
    if (paused) {
      say(pause, `Go on (${unseen.length} new)`);
      return;
    }
    const fresh = unseen.filter((one) => isWanted(one, kind.value, wanted.value)).slice(-SHOWN_MAX);
    kept = [...kept, ...unseen].slice(-KEPT_MAX);
    unseen = [];
    list.prepend(...fresh.reverse().map(line));
    while (list.children.length > SHOWN_MAX) {
      list.lastChild?.remove();
    }
  };
  const soon = () => {
    due ||= window.setTimeout(flush, 100);
  };
  const toggle = () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    say(pause, paused ? 'Go on' : 'Pause');
    flush();
  };
  const feed = new EventFeed(desk.credentials, (told) => {
    unseen.push(told);
    if (unseen.length > KEPT_MAX) {
      unseen.shift();
    }
    soon();
  }, (yes) => say(state, yes ? 'Live' : 'Connecting again'));
  kind.addEventListener('change', again);
  wanted.addEventListener('input', again);
  return { node: frame.node, stop: () => {
    clearTimeout(due);
    feed.stop();
  } };
}
