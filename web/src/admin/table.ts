/** A table that becomes a list of cards where there is no room, and keeps its rows while their figures change. */

import { element, say } from '../dom.ts';

export interface Column<T> {
  readonly head: string;
  /** Text, or what stands there; made anew for each showing only where it is no text. */
  readonly cell: (item: T) => string | Node;
  /** `name` and `word` stay in one line; a name that has no room for all of it says it when it is pointed at. */
  readonly kind?: 'number' | 'code' | 'buttons' | 'main' | 'name' | 'word';
}

const classOf = (kind: Column<unknown>['kind']): string => (kind === 'name' ? 'main one-line' : kind ?? '');

/** The whole of a name, where the cell shows its beginning. */
function entitle(cell: HTMLElement, kind: Column<unknown>['kind']): void {
  if (kind === 'name') {
    cell.title = cell.textContent ?? '';
  }
}

export class Table<T> {
  readonly node: HTMLElement;
  readonly #columns: readonly Column<T>[];
  readonly #key: (item: T) => string;
  readonly #body = element('tbody', {});
  readonly #empty: HTMLElement;
  readonly #rows = new Map<string, { readonly row: HTMLTableRowElement; print: string }>();

  /** `caption` says what it lists, `empty` what it means that there is nothing. */
  constructor(caption: string, empty: string, columns: readonly Column<T>[], key: (item: T) => string) {
    this.#columns = columns;
    this.#key = key;
    this.#empty = element('p', { class: 'empty', hidden: '' }, empty);
    const head = columns.map(({ head: words, kind }) =>
      element('th', { scope: 'col', class: classOf(kind) }, ...(words === '' ? [element('span', { class: 'unseen' }, 'Actions')]
                                                                         : [words])));
    this.node = element('div', { class: 'table-frame' },
      element('table', { class: 'table' }, element('caption', { class: 'unseen' }, caption),
              element('thead', {}, element('tr', {}, ...head)), this.#body), this.#empty);
  }

  /** Shows these. `print` of an item is what its unchanging cells depend on: only with another are they made anew. */
  show(items: readonly T[], print: (item: T) => string = (item) => JSON.stringify(item)): void {
    const keys = new Set(items.map(this.#key));
    for (const [key, { row }] of this.#rows) {
      if (!keys.has(key)) {
        row.remove();
        this.#rows.delete(key);
      }
    }
    items.forEach((item, at) => {
      const row = this.#row(item, print(item));
      if (this.#body.children[at] !== row) {
        this.#body.insertBefore(row, this.#body.children[at] ?? null);
      }
    });
    this.#empty.hidden = items.length > 0;
    this.node.classList.toggle('nothing', items.length === 0);
  }

  #row(item: T, print: string): HTMLTableRowElement {
    const key = this.#key(item);
    const known = this.#rows.get(key);
    if (known === undefined) {
      const row = element('tr', {}, ...this.#columns.map(({ head, kind, cell }) => {
        const place = element('td', { 'data-head': head, class: classOf(kind) }, cell(item));
        entitle(place, kind);
        return place;
      }));
      row.dataset['key'] = key;
      this.#rows.set(key, { row, print });
      return row;
    }
    this.#columns.forEach(({ cell, kind }, at) => {
      const place = known.row.cells[at];
      if (place === undefined || (kind === 'buttons' && known.print === print)) {
        return;      // what may have the focus stays
      }
      const made = cell(item);
      if (typeof made === 'string') {
        say(place, made);
      } else if (known.print !== print) {
        place.replaceChildren(made);
      }
      entitle(place, kind);
    });
    known.print = print;
    return known.row;
  }
}

/** A button of a row; `about` tells a screen reader which row. */
export function rowButton(words: string, about: string, work: () => void, danger = false): HTMLButtonElement {
  const button = element('button', { class: danger ? 'small danger' : 'small', type: 'button', 'aria-label': `${words} ${about}` },
                         words);
  button.addEventListener('click', work);
  return button;
}

export function buttons(...all: readonly (HTMLElement | null)[]): HTMLElement {
  return element('span', { class: 'row-buttons' }, ...all.filter((one) => one !== null));
}

/** A word in a frame. */
export function tag(words: string, kind = ''): HTMLElement {
  return element('span', { class: `tag ${kind}`.trim() }, words);
}
