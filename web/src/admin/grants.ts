/** What somebody may do, as rows of an action and a pattern. */

import { element } from '../dom.ts';
import type { Field } from './form.ts';

const ACTIONS = [['play', 'Watch'], ['publish', 'Publish'], ['archive', 'See recordings'], ['admin', 'Administer']] as const;

export function grantWords(grant: string): string {
  const cut = grant.indexOf(':');
  const [action, pattern] = [grant.slice(0, cut), grant.slice(cut + 1)];
  const words = ACTIONS.find(([one]) => one === action)?.[1] ?? action;
  return pattern === '*' ? `${words}: everything` : `${words}: ${pattern}`;
}

export function grantsField(grants: readonly string[]): Field {
  const rows = element('div', { class: 'grants' });
  const wrong = element('p', { class: 'wrong' });
  const add = (grant: string) => {
    const cut = grant.indexOf(':');
    const action = element('select', { 'aria-label': 'What' }, ...ACTIONS.map(([value, words]) => element('option', { value }, words)));
    action.value = grant.slice(0, cut);
    const pattern = element('input', { type: 'text', 'aria-label': 'Of which streams', spellcheck: 'false', autocapitalize: 'none',
                                       maxlength: '600' });
    pattern.value = grant.slice(cut + 1);
    const away = element('button', { class: 'small', type: 'button', 'aria-label': 'Remove this grant' }, '✕');
    const row = element('div', { class: 'grant' }, action, pattern, away);
    away.addEventListener('click', () => row.remove());
    rows.append(row);
  };
  grants.forEach(add);
  const more = element('button', { class: 'small', type: 'button' }, 'Add a grant');
  more.addEventListener('click', () => add('play:*'));
  const node = element('fieldset', { class: 'field' }, element('legend', {}, 'May'), rows, more,
    element('p', { class: 'hint' }, 'Of which streams: * is all of them, live/* all below live.'), wrong);
  const read = () => [...rows.children].map((row) =>
    `${row.querySelector('select')?.value ?? ''}:${row.querySelector('input')?.value.trim() ?? ''}`);
  return { name: 'allow', node, wrong, read };
}
