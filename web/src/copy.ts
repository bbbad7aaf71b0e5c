/** A line of text with a button that copies it. */

import { element, say } from './dom.ts';

const TOLD_MS = 1500;

/** The clipboard of secure pages; else the old way, which works on plain HTTP as well. */
async function copy(line: HTMLElement): Promise<boolean> {
  const text = line.textContent ?? '';
  if (navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // denied: the selection below may still do
    }
  }
  const selection = getSelection();
  selection?.selectAllChildren(line);
  return document.execCommand('copy');
}

/** `label` names the line for people and for screen readers. */
export function copyable(label: string, text: string): HTMLElement {
  const line = element('code', {}, text);
  const button = element('button', { type: 'button', class: 'copy', 'aria-label': `Copy: ${label}` }, 'Copy');
  button.addEventListener('click', async () => {
    say(button, (await copy(line)) ? 'Copied' : 'Selected');
    setTimeout(() => say(button, 'Copy'), TOLD_MS);
  });
  return element('div', { class: 'line' }, element('span', { class: 'label' }, label),
                 element('div', { class: 'copyable' }, line, button));
}
