/** The configuration: what holds, where each key comes from, and what was changed by the API over the file. */

import { element, say } from '../dom.ts';
import { fields, text } from '../messages.ts';
import { apiPath, type Answer } from './client.ts';
import { choiceField, linesField, openForm, textField, type Field, type Labels } from './form.ts';
import { Frame, headButton, repeat, type Desk, type Section } from './section.ts';
import { buttons, rowButton, Table, tag } from './table.ts';
import { isFixed, memberOf, originWords, patchOf, texts, valueWords } from './words.ts';

const POLL_MS = 10000;
/** Keys with pages of their own. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['streams', 'streams'], ['auth.users', 'users'], ['auth.tokens', 'tokens'],
]);
/** It says where changes are kept, so no change can change it. */
const UNCHANGEABLE = 'storage.path';

interface Key {
  readonly name: string;
  readonly type: string;
  readonly usual: string;
  readonly help: string;
  readonly value: unknown;
  readonly origin: string;
}

export function keysOf(config: unknown): Key[] {
  const origins = fields(memberOf(config, 'origins')) ?? {};
  const told = memberOf(config, 'keys');
  const plain = (value: unknown) => text(value).replaceAll('`', '');
  return (Array.isArray(told) ? told : []).map(fields).filter((one) => one !== null).map((one) => {
    const name = text(one['name']);
    return { name, type: plain(one['type']), usual: plain(one['default']), help: plain(one['help']),
             value: memberOf(config, `values.${name}`), origin: text(origins[name]) };
  });
}

/** What people wrote, as the type of the value that holds: a text stays a text, a number a number. */
export function valueOf(written: string, before: unknown): unknown {
  return typeof before === 'number' && /^\d{1,9}$/.test(written) ? Number(written) : written;
}

/** A map as lines of "key: value"; by a merge patch, what is not written any more is taken away. */
function mapField(name: string, labels: Labels, before: Readonly<Record<string, unknown>>): Field {
  const lines = linesField(name, { ...labels, hint: `${labels.hint} In each line a key, a colon and its value.`,
                                   value: Object.entries(before).map(([key, one]) => `${key}: ${String(one)}`) });
  return { ...lines, read: () => {
    const gone = Object.keys(before).map((key) => [key, null] as const);
    const written = texts(lines.read()).map((one) => {
      const cut = one.indexOf(':');
      return cut < 0 ? [one, ''] as const : [one.slice(0, cut).trim(), one.slice(cut + 1).trim()] as const;
    });
    return Object.fromEntries<string | null>([...gone, ...written]);
  } };
}

function fieldFor({ name, type, usual, help, value }: Key): Field {
  const last = name.split('.').at(-1) ?? name;
  const labels = { label: name, hint: `${help}. Wanted: ${type}${usual === '' ? '' : `; usually ${usual}`}.` };
  if (typeof value === 'boolean') {
    return choiceField(last, { ...labels, value: String(value), choices: [['true', 'Yes'], ['false', 'No']],
                               parse: (said) => said === 'true' });
  }
  if (Array.isArray(value)) {
    const lines = linesField(last, { ...labels, hint: `${labels.hint} One in each line.`, value: texts(value) });
    // "*" alone is no list: that is how "everybody" is written
    return { ...lines, read: () => {
      const items = texts(lines.read());
      return items.length === 1 && items[0] === '*' ? '*' : items;
    } };
  }
  if (fields(value) !== null) {
    return mapField(last, labels, fields(value) ?? {});
  }
  const written = value === null || value === undefined ? '' : String(value);
  return textField(last, { ...labels, value: written, required: true, parse: (said) => valueOf(said, value) });
}

export function configurationSection(desk: Desk): Section {
  const { client } = desk;
  const overlay = element('pre', { class: 'code', tabindex: '0', 'aria-label': 'The overlay' });
  const file = element('p', { class: 'hint' });
  const table = new Table<Key>('Keys', 'The node told no keys.', [
    { head: 'Key', kind: 'main', cell: ({ name, help }) => element('span', { class: 'key' }, element('code', {}, name),
                                                                  element('span', { class: 'hint' }, help)) },
    { head: 'Value', kind: 'code', cell: ({ name, value }) => {
      const place = ELSEWHERE.get(name);
      return place === undefined ? valueWords(value)
                                 : element('a', { href: `#manage/${place}` }, `${Object.keys(Object(value)).length} of them`);
    } },
    { head: 'From', cell: ({ origin }) => tag(originWords(origin), origin === 'overlay' ? 'ours' : '') },
    { head: '', kind: 'buttons', cell: (key) => actions(key) },
  ], ({ name }) => name);

  const actions = (key: Key) => {
    const open = client.mayChange && !ELSEWHERE.has(key.name) && key.name !== UNCHANGEABLE && !isFixed(key.origin);
    return buttons(open ? rowButton('Change', key.name, () => edit(key)) : null,
                   open && key.origin === 'overlay' ? rowButton('Take back', key.name, () => void patch(key, null)) : null);
  };
  const edit = (key: Key) => {
    const field = fieldFor(key);
    openForm({ title: 'Change a key', fields: [field], submit: 'Save', send: (values) => patch(key, values.get(field.name)) });
  };
  const patch = async (key: Key, value: unknown) => {
    const answer = await client.patch(apiPath('config'), patchOf(key.name, value));
    if ('wrong' in answer) {
      frame.complain(value === null ? answer.wrong : '');
      return answer.wrong;
    }
    frame.tell(value === null ? `${key.name} is as it was.` : `${key.name} is changed.`);
    show(answer);
    return '';
  };
  const reload = headButton('Read the file again', () => void reread());
  reload.hidden = !client.mayChange;
  const reread = async () => {
    const answer = await client.post(apiPath('config/reload'));
    frame.tell('wrong' in answer ? '' : 'The file was read.');
    if ('wrong' in answer) {
      frame.complain(answer.wrong);
    } else {
      await ask();
    }
  };
  const frame = new Frame('Configuration', 'What holds now, and where each value comes from.', [reload], file, table.node,
    element('h2', {}, 'What was changed here'),
    element('p', { class: 'hint' }, 'This lies over the file, as it is kept on the disk. Secrets are not shown.'), overlay);

  const show = (said: Answer<unknown>) => {
    if ('wrong' in said) {
      frame.complain(said.wrong);
      return;
    }
    frame.complain('');
    table.show(keysOf(said.value), (key) => JSON.stringify([key, client.mayChange]));
    const path = text(memberOf(said.value, 'file'));
    say(file, path === '' ? 'This node was started without a configuration file.' : `The file is ${path}.`);
    const changed = memberOf(said.value, 'overlay') ?? {};
    say(overlay, Object.keys(Object(changed)).length === 0 ? 'Nothing.' : JSON.stringify(changed, null, 2));
  };
  const ask = async () => show(await client.get(apiPath('config')));
  return { node: frame.node, stop: repeat(POLL_MS, ask) };
}
