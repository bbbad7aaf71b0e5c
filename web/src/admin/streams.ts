/** Streams: what the node is told about them, and what is there. */

import { pagePath, withQuery } from '../address.ts';
import { parseStreams, sourceTroubles, type Stream } from '../api.ts';
import { element } from '../dom.ts';
import { stateWords } from '../list_view.ts';
import { fields, text } from '../messages.ts';
import { root } from '../root.ts';
import { apiPath } from './client.ts';
import { confirm, openForm } from './form.ts';
import { Frame, headButton, repeat, type Desk, type Section } from './section.ts';
import { ruleFields, ruleOf, sourcesOf } from './stream_form.ts';
import { buttons, rowButton, Table, tag } from './table.ts';
import { isFixed, memberOf, valueWords } from './words.ts';

const POLL_MS = 2000;
/** What the API writes in the place of a secret. */
const MASK = '***';

/** A stream that is there, or a rule, or both. */
export interface Row {
  readonly name: string;
  readonly stream: Stream | null;
  readonly rule: Readonly<Record<string, unknown>> | null;
  /** The API set the rule, so it can take it away. */
  readonly ours: boolean;
}

/** Rules first by name, each with its stream, then the streams that have none of their own. */
export function rowsOf(config: unknown, streams: readonly Stream[]): Row[] {
  const rules = fields(memberOf(config, 'values.streams')) ?? {};
  const ours = fields(memberOf(config, 'overlay.streams')) ?? {};
  const there = new Map(streams.map((one) => [one.name, one]));
  const named = Object.entries(rules).map(([name, rule]) => (
    { name, stream: there.get(name) ?? null, rule: fields(rule) ?? {}, ours: name in ours }));
  const others = streams.filter((one) => !(one.name in rules))
    .map((stream) => ({ name: stream.name, stream, rule: null, ours: false }));
  return [...named, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function settings(rule: Row['rule']): string {
  const rest = Object.entries(rule ?? {}).filter(([key]) => key !== 'source' && key !== 'name');
  return rest.length === 0 ? '–' : rest.map(([key, value]) => `${key} ${valueWords(value)}`).join(', ');
}

function stateCell({ name, stream }: Row): string {
  return stream === null ? (name.includes('*') ? 'Pattern' : 'Not there')
    : stateWords(stream);
}

export function streamsSection(desk: Desk): Section {
  const { client } = desk;
  let config: unknown = null;
  let streams: readonly Stream[] = [];

  const table = new Table<Row>('Streams and their rules', 'No stream is there, and no rule is written.', [
    { head: 'Name', kind: 'name', cell: ({ name }) => (name.includes('*')
      ? name : element('a', { href: withQuery(pagePath(name, root.pathname), desk.credentials) }, name)) },
    { head: 'State', kind: 'word', cell: stateCell },
    { head: 'Comes from', kind: 'code', cell: ({ rule, stream }) =>
      [...sourcesOf(rule?.['source']), ...(stream === null ? [] : sourceTroubles(stream))].join('\n') || (stream?.source ? `published by ${stream.source}` : '–') },
    { head: 'Rule', cell: ({ rule }) => settings(rule) },
    { head: 'Viewers', kind: 'number', cell: ({ stream }) => (stream === null ? '–' : String(stream.viewers)) },
    { head: 'Written', cell: ({ rule, ours }) => (rule === null ? '–' : tag(ours ? 'here' : 'in the file', ours ? 'ours' : '')) },
    { head: '', kind: 'buttons', cell: (row) => actions(row) },
  ], (row) => row.name);

  const fixed = () => isFixed(text(fields(memberOf(config, 'origins'))?.['streams']));
  const actions = (row: Row) => buttons(
    client.mayChange && !fixed() ? rowButton(row.rule === null ? 'Add rule' : 'Edit', row.name, () => edit(row)) : null,
    client.mayChange && row.ours ? rowButton('Remove', row.name, () => remove(row), true) : null,
    client.mayChange && row.stream !== null && row.stream.source !== '' && sourcesOf(row.rule?.['source']).length === 0
      ? rowButton('End', row.name, () => end(row), true) : null);

  const edit = (row: Row | null) => openForm({
    title: row === null ? 'Add a stream' : `Rule of ${row.name}`,
    words: 'A stream with a source is made by this node itself. Without one, it comes from whoever publishes it.',
    fields: ruleFields(row),
    submit: row === null ? 'Add' : 'Save',
    async send(values) {
      const name = text(values.get('name'));
      const before = sourcesOf(row?.rule?.['source']);
      if (sourcesOf(values.get('source')).some((one) => one.includes(MASK) && !before.includes(one))) {
        return 'streams.source: the password in it is not shown here; write it again';
      }
      const answer = await client.put(apiPath('streams', name), ruleOf(values, row?.rule ?? {}));
      return after(answer, `The rule of ${name} holds.`);
    },
  });
  const remove = ({ name }: Row) => confirm(`Remove the rule of ${name}?`,
    'Its source stops. Somebody who publishes the stream is not sent away.', 'Remove',
    async () => after(await client.remove(apiPath('streams', name)), `The rule of ${name} is gone.`));
  const end = ({ name }: Row) => confirm(`End ${name}?`,
    'Its publisher is sent away. It may come again while it has a right to.', 'End', async () => {
      const found = await client.list(`${apiPath('sessions')}?kind=publisher&stream=${encodeURIComponent(name)}`);
      if ('wrong' in found) {
        return found.wrong;
      }
      for (const one of found.value.items) {
        const ended = await client.remove(apiPath('sessions', text(fields(one)?.['id'])));
        if ('wrong' in ended) {
          return ended.wrong;
        }
      }
      return after({ value: null }, `The publisher of ${name} is sent away.`);
    });

  const add = headButton('Add a stream', () => edit(null), true);
  const frame = new Frame('Streams', 'What is there, and what this node is told about each.', [add], table.node);
  add.hidden = !client.mayChange;

  const ask = async () => {
    const [said, listed] = await Promise.all([client.get(apiPath('config')), client.get(apiPath('streams'))]);
    frame.complain('wrong' in said ? said.wrong : 'wrong' in listed ? listed.wrong : '');
    config = 'wrong' in said ? config : said.value;
    streams = 'wrong' in listed ? streams : parseStreams(listed.value);
    table.show(rowsOf(config, streams), (row) => JSON.stringify([row.rule, row.ours, row.stream?.source, client.mayChange]));
  };
  const after = async (answer: { wrong: string } | { value: unknown }, words: string): Promise<string> => {
    if ('wrong' in answer) {
      return answer.wrong;
    }
    frame.tell(words);
    await ask();
    return '';
  };
  const stop = repeat(POLL_MS, ask);
  return { node: frame.node, stop };
}
