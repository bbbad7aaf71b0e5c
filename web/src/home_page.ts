/** `/`: the streams as a list or as a grid, and the administrator's side. Which of them, the address' hash says. */

import { ArchivePart } from './archive_part.ts';
import { credentialsOf, withQuery } from './address.ts';
import type { Section } from './admin/section.ts';
import { Client } from './admin/client.ts';
import { askStreams, type Stream } from './api.ts';
import { element, part, poll, say } from './dom.ts';
import { gridView } from './grid_view.ts';
import { listView } from './list_view.ts';
import { placeOf } from './place.ts';
import { root } from './root.ts';
import { administers, type Session } from './session.ts';
import { SignIn } from './sign_in.ts';

const POLL_MS = 2000;
const MANAGE = 'manage';
const REFUSALS = {
  stranger: '',
  closed: 'This node shows its streams to its administrators only. If you know the name of a stream, ' +
    'open this address with the name behind it.',
  missing: 'This node has no list of streams.',
  unreachable: 'The node does not answer. Trying again.',
};

/** What stands under the head of the page, until another takes its place. */
export interface View {
  readonly node: HTMLElement;
  /** New figures of the streams; absent where they are not asked for. */
  readonly show?: (streams: readonly Stream[]) => void;
  stop(): void;
}

class Home {
  readonly #credentials = credentialsOf(location.search);
  readonly #signIn: SignIn;
  readonly #client = new Client(() => this.#session, this.#credentials, () => this.#signIn.ask());
  readonly #archive = new ArchivePart(this.#client);
  #session: Session | null = null;
  #view: View | null = null;
  #streams: readonly Stream[] | null = null;
  /** Counts the views, so that one that was loaded too late is not shown. */
  #turn = 0;

  constructor() {
    part('view').after(this.#archive.node);
    part('nav').append(this.#link('', 'Streams'), this.#link('grid', 'Grid'));
    this.#signIn = new SignIn(() => void this.#ask(), (session) => this.#met(session));
    addEventListener('hashchange', () => void this.#go());
    void this.#go();
    poll(POLL_MS, () => this.#ask());
  }

  #link(place: string, words: string): HTMLAnchorElement {
    const base = withQuery(root.pathname, this.#credentials);
    const link = element('a', { href: place === '' ? `${base}#` : `#${place}` }, words);
    link.dataset['place'] = place;
    return link;
  }

  /** The administrator's side appears for whoever has it, and for nobody else. */
  #met(session: Session | null): void {
    this.#session = session;
    const link = part('nav').querySelector(`[data-place="${MANAGE}"]`);
    if (!administers(session)) {
      link?.remove();
    } else if (link === null) {
      part('nav').append(this.#link(MANAGE, 'Manage'));
    }
    if (placeOf(location.hash).startsWith(MANAGE)) {
      void this.#go();
    }
  }

  async #go(): Promise<void> {
    const turn = ++this.#turn;
    let place = placeOf(location.hash);
    if (place.startsWith(MANAGE) && !administers(this.#session)) {
      place = '';
    }
    for (const link of part('nav').querySelectorAll<HTMLElement>('a')) {
      const [mine = ''] = place.split('/');
      link.toggleAttribute('aria-current', link.dataset['place'] === mine);
      if (link.hasAttribute('aria-current')) {
        link.setAttribute('aria-current', 'page');
      }
    }
    const view = place.startsWith(MANAGE) ? await this.#manage(place)
      : place === 'grid' ? gridView(this.#credentials) : listView(this.#credentials);
    if (turn !== this.#turn) {
      view.stop();
      return;
    }
    this.#view?.stop();
    this.#view = view;
    document.documentElement.dataset['place'] = place.split('/')[0] || 'list';
    part('view').replaceChildren(view.node);
    this.#archive.node.hidden = true;
    if (this.#streams !== null) {
      this.#show(view, this.#streams);
    }
    this.#sayNotice(document.documentElement.dataset['asked'] ?? '');
  }

  async #manage(place: string): Promise<View & Section> {
    const { manageView } = await import('./admin/manage.ts');
    return manageView(place.split('/')[1] ?? '', this.#client, this.#credentials);
  }

  async #ask(): Promise<void> {
    if (this.#view !== null && this.#view.show === undefined) {
      return;
    }
    const asked = await askStreams(this.#credentials);
    const refused = 'refused' in asked ? asked.refused : '';
    this.#signIn.want(refused || 'nothing');
    document.documentElement.dataset['asked'] = refused || 'yes';
    this.#sayNotice(refused);
    if ('value' in asked) {
      this.#streams = asked.value;
      if (this.#view !== null) {
        this.#show(this.#view, asked.value);
      }
    }
  }

  #show(view: View, streams: readonly Stream[]): void {
    view.show?.(streams);
    if (document.documentElement.dataset['place'] === 'list') {
      this.#archive.show(streams);
    }
  }

  #sayNotice(refused: string): void {
    const words = this.#view?.show === undefined ? '' : (REFUSALS as Readonly<Record<string, string>>)[refused] ?? '';
    const notice = part('notice');
    notice.hidden = words === '';
    say(notice, words);
  }
}

export function homePage(): void {
  new Home();
}
