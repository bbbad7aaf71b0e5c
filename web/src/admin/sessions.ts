/** Who is connected, and how to send them away. */

import { element } from '../dom.ts';
import { bitrate, plural } from '../format.ts';
import { count, fields, text } from '../messages.ts';
import { apiPath } from './client.ts';
import { confirm } from './form.ts';
import { Frame, repeat, type Desk, type Section } from './section.ts';
import { buttons, rowButton, Table } from './table.ts';
import { bytesWords, sinceWords } from './words.ts';

const POLL_MS = 2000;
const SHOWN_MAX = 500;
const KINDS = [['', 'Everybody'], ['publisher', 'Publishers'], ['viewer', 'Viewers'], ['observer', 'Readers of events']] as const;

type Said = Readonly<Record<string, unknown>>;

function words(one: Said, key: string): string {
  return text(one[key]) || '–';
}

export function sessionsSection(desk: Desk): Section {
  const { client } = desk;
  const kind = element('select', { 'aria-label': 'Which' }, ...KINDS.map(([value, said]) => element('option', { value }, said)));
  const wanted = element('input', { type: 'search', placeholder: 'Stream, address or user', 'aria-label': 'Search' });
  const table = new Table<Said>('Sessions', 'Nobody is connected.', [
    { head: 'Stream', kind: 'name', cell: (one) => words(one, 'stream') },
    { head: 'Kind', kind: 'word', cell: (one) => words(one, 'kind') },
    { head: 'By', kind: 'word', cell: (one) => words(one, 'protocol') },
    { head: 'From', kind: 'code', cell: (one) => words(one, 'peer') },
    { head: 'User', cell: (one) => words(one, 'user') },
    { head: 'Since', kind: 'number', cell: (one) => sinceWords(text(one['since']), Date.now()) },
    { head: 'Rate', kind: 'number', cell: (one) => bitrate(count(one['bitrate_bps'])) },
    { head: 'Moved', kind: 'number', cell: (one) => bytesWords(count(one['bytes_in']) + count(one['bytes_out'])) },
    { head: 'Verdict', cell: (one) => text(one['verdict']) || '–' },
    { head: '', kind: 'buttons', cell: (one) => buttons(client.mayChange
      ? rowButton('End', `the session of ${words(one, 'peer')}`, () => end(one), true) : null) },
  ], (one) => text(one['id']));
  const tools = element('div', { class: 'filters' }, kind, wanted);
  const frame = new Frame('Sessions', 'Everybody who publishes, watches or reads events now.', [], tools, table.node);

  const end = (one: Said) => confirm('End this session?',
    `${words(one, 'kind')} ${words(one, 'stream')}, from ${words(one, 'peer')}. It may come again while it has a right to.`, 'End',
    async () => {
      const answer = await client.remove(apiPath('sessions', text(one['id'])));
      if ('wrong' in answer) {
        return answer.wrong;
      }
      frame.tell('The session ends.');
      await ask();
      return '';
    });
  const ask = async () => {
    const filter = kind.value === '' ? '' : `&kind=${kind.value}`;
    const listed = await client.list(`${apiPath('sessions')}?limit=${SHOWN_MAX}${filter}`);
    if ('wrong' in listed) {
      frame.complain(listed.wrong);
      return;
    }
    const sought = wanted.value.trim().toLowerCase();
    const all = listed.value.items.map(fields).filter((one) => one !== null)
      .filter((one) => ['stream', 'peer', 'user', 'protocol'].some((key) => text(one[key]).toLowerCase().includes(sought)));
    const rest = listed.value.total - listed.value.items.length;
    frame.complain('');
    frame.tell(rest > 0 ? `And ${plural(rest, 'session', 'sessions')} more.` : '');
    table.show(all, (one) => `${text(one['id'])} ${client.mayChange}`);
  };
  kind.addEventListener('change', () => void ask());
  wanted.addEventListener('input', () => void ask());
  return { node: frame.node, stop: repeat(POLL_MS, ask) };
}
