/** Users and tokens: who may do what. */

import { copyable } from '../copy.ts';
import { element } from '../dom.ts';
import { fields, text } from '../messages.ts';
import { root } from '../root.ts';
import { apiPath, type Answer } from './client.ts';
import { confirm, openForm, textField, type Field } from './form.ts';
import { grantsField, grantWords } from './grants.ts';
import { Frame, headButton, repeat, type Desk, type Section } from './section.ts';
import { buttons, rowButton, Table, tag } from './table.ts';
import { grantsOf, nameOf, originWords } from './words.ts';

const POLL_MS = 10000;
/** What the API can take away: what it made itself, and the administrator of the first start. */
const REMOVABLE = ['overlay', 'first start'];

interface Kind {
  readonly folder: 'users' | 'tokens';
  readonly title: string;
  readonly words: string;
  readonly one: string;
  readonly empty: string;
}

const USERS: Kind = { folder: 'users', title: 'Users', one: 'user', words: 'Names with a password, and what each may do.',
                      empty: 'There is no user: nobody can sign in.' };
const TOKENS: Kind = { folder: 'tokens', title: 'Tokens', one: 'token', words: 'Secret texts for programs and links.',
                       empty: 'There is no token.' };

/** "2027-01-31T12:00:00Z" in a field of the browser's own time, and back. */
export function localTime(utc: string): string {
  const at = new Date(utc);
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60000);
  return Number.isNaN(at.getTime()) ? '' : shifted.toISOString().slice(0, 16);
}

export function utcTime(local: string): string {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? local : at.toISOString().replace(/\.\d+Z$/, 'Z');
}

function section(desk: Desk, kind: Kind): Section {
  const { client } = desk;
  const path = (name: string) => apiPath(kind.folder, name);
  const table = new Table<unknown>(kind.title, kind.empty, [
    { head: 'Name', kind: 'name', cell: nameOf },
    { head: 'May', cell: (one) => element('span', { class: 'tags' }, ...grantsOf(one).map((grant) => tag(grantWords(grant)))) },
    ...(kind === TOKENS ? [{ head: 'Expires', cell: (one: unknown) => expiry(one) }] : []),
    { head: 'Written', cell: (one) => originWords(originOf(one)) },
    { head: '', kind: 'buttons', cell: (one) => actions(one) },
  ], nameOf);

  const actions = (one: unknown) => buttons(
    client.mayChange ? rowButton('Edit', nameOf(one), () => edit(one)) : null,
    client.mayChange && REMOVABLE.includes(originOf(one)) ? rowButton('Remove', nameOf(one), () => remove(one), true) : null);

  const edit = (one: unknown) => openForm({
    title: one === null ? `Add a ${kind.one}` : `Change ${nameOf(one)}`,
    fields: kind === USERS ? userFields(one) : tokenFields(one),
    submit: one === null ? 'Add' : 'Save',
    async send(values) {
      const { name, ...entry } = Object.fromEntries([...values].filter(([, value]) => value !== undefined));
      const answer = await client.put(path(text(name)), entry);
      if (!('wrong' in answer)) {
        showSecret(text(name), text(fields(answer.value)?.['token']));
      }
      return after(answer, `${text(name)} is kept.`);
    },
  });
  const remove = (one: unknown) => confirm(`Remove ${nameOf(one)}?`,
    'Whoever is connected by it is cut off within seconds.', 'Remove',
    async () => after(await client.remove(path(nameOf(one))), `${nameOf(one)} is gone.`));

  const add = headButton(`Add a ${kind.one}`, () => edit(null), true);
  add.hidden = !client.mayChange;
  const frame = new Frame(kind.title, kind.words, [add], table.node);
  const ask = async () => {
    const listed = await client.list(apiPath(kind.folder));
    frame.complain('wrong' in listed ? listed.wrong : '');
    if (!('wrong' in listed)) {
      table.show(listed.value.items);
    }
  };
  const after = async (answer: Answer<unknown>, words: string): Promise<string> => {
    if ('wrong' in answer) {
      return answer.wrong;
    }
    frame.tell(words);
    await ask();
    return '';
  };
  return { node: frame.node, stop: repeat(POLL_MS, ask) };
}

function originOf(one: unknown): string {
  return text(fields(one)?.['origin']);
}

function expiry(one: unknown): string {
  const until = text(fields(one)?.['expires']);
  return until === '' ? 'never' : new Date(until).toLocaleString();
}

function nameField(one: unknown, hint: string): Field {
  return textField('name', { label: 'Name', value: nameOf(one), fixed: one !== null, required: true, hint });
}

function userFields(one: unknown): Field[] {
  return [
    nameField(one, 'The user “anyone” is everybody who brings no proof; it needs no password.'),
    textField('password', { label: 'Password', type: 'password', autocomplete: 'new-password',
                            hint: one === null ? 'At least 8 characters.' : 'Leave it empty to keep the one there is.' }),
    grantsField(one === null ? ['play:*'] : grantsOf(one)),
  ];
}

function tokenFields(one: unknown): Field[] {
  const expires = text(fields(one)?.['expires']);
  return [
    nameField(one, one === null ? 'For people, and to take it back by.'
                                : 'A new secret is made, and the old one does not hold any more.'),
    grantsField(one === null ? ['play:*'] : grantsOf(one)),
    textField('expires', { label: 'Expires', type: 'datetime-local', value: localTime(expires), parse: utcTime,
                           hint: 'Leave it empty for a token without an end.' }),
  ];
}

/** The one time that a token's secret is shown. */
function showSecret(name: string, secret: string): void {
  if (secret === '') {
    return;
  }
  const link = `${root.href}?token=${encodeURIComponent(secret)}`;
  const lines = element('div', { class: 'lines' }, copyable('Token', secret), copyable('This page with it', link));
  openForm({ title: `The secret of ${name}`, words: 'Copy it now: it is shown this once, and only its hash is kept.',
             fields: [{ name: '', node: lines, wrong: element('p', {}), read: () => undefined }], submit: 'Done',
             send: () => Promise.resolve('') });
}

export const usersSection = (desk: Desk): Section => section(desk, USERS);
export const tokensSection = (desk: Desk): Section => section(desk, TOKENS);
