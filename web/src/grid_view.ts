/** Many players at once, as on a wall of screens. */

import type { Stream } from './api.ts';
import { bestColumns, GAP } from './columns.ts';
import { element } from './dom.ts';
import type { View } from './home_page.ts';
import { inOrder, isSought, SearchBox } from './search.ts';
import { Gallery } from './thumbnail.ts';
import { Tile } from './tile.ts';

/** So many players at once: browsers give no more decoders than that. The others are pictures of now. */
export const PLAYERS_MAX = 36;
const TILES_MAX = 256;
const CHOICES = ['', '1', '2', '3', '4', '6'];
const KEY = 'millrace.columns';

/** A stream of the node's own has no tracks before it begins; it is asked for its pictures. */
function hasPictures(stream: Stream): boolean {
  const unknown = stream.tracks.length === 0 && (stream.onDemand || stream.sources.length > 0);
  return unknown || stream.tracks.some(({ kind }) => kind === 'video');
}

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';      // a browser that keeps nothing
  }
}

function remember(columns: string): void {
  try {
    localStorage.setItem(KEY, columns);
  } catch {
    // as above
  }
}

export function gridView(query: string): View {
  const tiles = new Map<string, Tile>();
  const gallery = new Gallery(query);
  const list = element('ul', { class: 'grid', id: 'grid' });
  const nothing = element('p', { class: 'notice', hidden: '' }, 'There is nothing to show now.');
  const more = element('p', { class: 'notice', hidden: '' }, `A page shows ${TILES_MAX} streams at most. Search for the others.`);
  const search = new SearchBox(() => show(last));
  const columns = element('select', { 'aria-label': 'Columns' }, ...CHOICES.map((value) =>
    element('option', { value }, value === '' ? 'Fit the screen' : value === '1' ? '1 column' : `${value} columns`)));
  const whole = element('button', { class: 'choice', type: 'button' }, 'Full screen');
  const wall = element('div', { class: 'wall' }, list);
  const node = element('div', {}, element('h1', { class: 'unseen' }, 'Grid of players'),
    element('div', { class: 'filters' }, search.node, columns, whole), nothing, more, wall);
  let last: readonly Stream[] = [];

  const fit = () => {
    const chosen = Number(columns.value);
    const room = document.fullscreenElement === wall ? innerHeight : innerHeight - Math.max(0, wall.getBoundingClientRect().top + scrollY) - 2 * GAP;
    list.style.setProperty('--columns', String(chosen > 0 ? chosen : bestColumns(tiles.size, wall.clientWidth, room)));
  };
  /** The first ones on the screen play. */
  const deal = () => {
    let left = PLAYERS_MAX;
    for (const tile of tiles.values()) {
      tile.play(tile.visible && left-- > 0);
    }
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const tile = [...tiles.values()].find((one) => one.node === target);
      if (tile !== undefined) {
        tile.visible = isIntersecting;
      }
    }
    deal();
  });
  const show = (streams: readonly Stream[]) => {
    last = streams;
    const sought = inOrder(streams.filter((one) => isSought(one, search.words) && hasPictures(one)));
    const shown = sought.slice(0, TILES_MAX);
    const names = new Set(shown.map((one) => one.name));
    for (const [name, tile] of tiles) {
      if (!names.has(name)) {
        seen.unobserve(tile.node);
        gallery.remove(tile.thumbnail);
        tile.stop();
        tile.node.remove();
        tiles.delete(name);
      }
    }
    shown.forEach((stream, at) => {
      const tile = tiles.get(stream.name) ?? new Tile(stream.name, query, gallery);
      if (list.children[at] !== tile.node) {
        list.insertBefore(tile.node, list.children[at] ?? null);
      }
      if (!tiles.has(stream.name)) {
        tiles.set(stream.name, tile);
        seen.observe(tile.node);
      }
      tile.show(stream);
    });
    nothing.hidden = shown.length > 0;
    more.hidden = sought.length <= TILES_MAX;
    fit();
  };

  const resized = new ResizeObserver(fit);
  resized.observe(wall);
  columns.value = CHOICES.includes(remembered()) ? remembered() : '';
  columns.addEventListener('change', () => {
    remember(columns.value);
    fit();
  });
  whole.hidden = wall.requestFullscreen === undefined;
  whole.addEventListener('click', () => void wall.requestFullscreen().catch(() => undefined));
  return { node, show, stop: () => {
    resized.disconnect();
    seen.disconnect();
    gallery.stop();
    search.stop();
    tiles.forEach((one) => one.stop());
  } };
}
