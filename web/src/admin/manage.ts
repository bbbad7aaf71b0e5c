/** The administrator's side: its pages, and the way between them. Loaded only for who may see it. */

import { element } from '../dom.ts';
import { tokensSection, usersSection } from './access.ts';
import type { Client } from './client.ts';
import { configurationSection } from './configuration.ts';
import { eventsSection } from './events.ts';
import type { Desk, Section } from './section.ts';
import { sessionsSection } from './sessions.ts';
import { streamsSection } from './streams.ts';

const PAGES: readonly (readonly [string, string, (desk: Desk) => Section])[] = [
  ['streams', 'Streams', streamsSection],
  ['sessions', 'Sessions', sessionsSection],
  ['users', 'Users', usersSection],
  ['tokens', 'Tokens', tokensSection],
  ['configuration', 'Configuration', configurationSection],
  ['events', 'Events and log', eventsSection],
];

/** `page` is what stands behind `#manage/`; one that nobody knows is the first. */
export function manageView(page: string, client: Client, credentials: string): Section {
  const [chosen, , make] = PAGES.find(([name]) => name === page) ?? PAGES[0]!;
  const menu = element('nav', { class: 'menu', 'aria-label': 'Administration' }, ...PAGES.map(([name, words]) =>
    element('a', { href: `#manage/${name}`, ...(name === chosen ? { 'aria-current': 'page' } : {}) }, words)));
  const section = make({ client, credentials });
  const only = element('p', { class: 'notice' },
    'You may look at everything here. To change something, sign in as a user with the grant admin:*.');
  only.hidden = client.mayChange;
  return { node: element('div', { class: 'manage' }, menu, element('div', { class: 'manage-main' }, only, section.node)),
           stop: () => section.stop() };
}
