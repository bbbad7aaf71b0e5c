/** The rule of a stream as a form: what people leave empty is left to the rules before it. */

import { fields, text } from '../messages.ts';
import { choiceField, linesField, rare, textField, type Field } from './form.ts';
import type { Row } from './streams.ts';

const USUAL = ['', 'As usual'] as const;
/** Members of a rule that the form has; others of a rule are kept as they are. */
const DIRECT = ['source', 'transport', 'forward', 'grace', 'takeover', 'on_demand', 'idle', 'record'];
const OF_HLS = ['segment', 'window', 'always'];

function written(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

/** A rule's source is one, or a list of them; likewise where it is pushed to. */
export function sourcesOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map(text).filter((one) => one !== '');
}

function truth(value: string): unknown {
  return value === '' ? undefined : value === 'yes';
}

function truthField(name: string, label: string, hint: string, value: unknown): Field {
  return choiceField(name, { label, hint, value: value === undefined ? '' : value === true ? 'yes' : 'no', parse: truth,
                             choices: [USUAL, ['yes', 'Yes'], ['no', 'No']] });
}

/** Numbers go as numbers. */
function number(words: string): unknown {
  return /^\d{1,9}$/.test(words) ? Number(words) : words;
}

export function ruleFields(row: Row | null): Field[] {
  const rule = row?.rule ?? {};
  const hls = fields(rule['hls']) ?? {};
  const usual = [
    textField('name', { label: 'Name', value: row?.name ?? '', fixed: row !== null, required: true, placeholder: 'live/cam',
                        hint: 'A stream, or a pattern such as live/* for all below it.' }),
    linesField('source', { label: 'Source', value: sourcesOf(rule['source']), placeholder: 'test:?size=1280x720&fps=30',
                           hint: 'Leave it empty for a stream that is published to this node. ' +
                             'A line that follows stands in while those above it deliver nothing.' }),
    linesField('forward', { label: 'Pushed to', value: sourcesOf(rule['forward']), placeholder: 'rtmp://server/app/key',
                            hint: 'Other servers that get this stream while it is live, one a line.' }),
    truthField('record', 'Record', 'What comes of it is kept, as long as storage.keep says.', rule['record']),
    truthField('on_demand', 'Only while watched', 'The source starts with the first viewer.', rule['on_demand']),
    textField('idle', { label: 'Stops after', value: written(rule['idle']), placeholder: '10s',
                        hint: 'How long after its last viewer such a source goes on.' }),
  ];
  const others = [
    choiceField('transport', { label: 'RTSP by', value: text(rule['transport']), parse: (value) => (value === '' ? undefined : value),
                               hint: 'How the packets of an rtsp:// source travel.',
                               choices: [USUAL, ['auto', 'UDP, else TCP'], ['udp', 'UDP'], ['tcp', 'TCP'], ['http', 'HTTP']] }),
    textField('grace', { label: 'Grace', value: written(rule['grace']), placeholder: '10s',
                         hint: 'How long viewers wait for a publisher that was lost.' }),
    truthField('takeover', 'Takeover', 'Whoever shows the credential of the publisher takes its place.', rule['takeover']),
    textField('segment', { label: 'HLS: segment', value: written(hls['segment']), placeholder: '2s' }),
    textField('window', { label: 'HLS: segments in a list', value: written(hls['window']), placeholder: '10', parse: number }),
    truthField('always', 'HLS while nobody watches', 'Once asked for, its segments are made on.', hls['always']),
  ];
  return [...usual, ...others.map(rare)];
}

/** The rule that the form says, as the API takes it. */
export function ruleOf(values: ReadonlyMap<string, unknown>, before: Readonly<Record<string, unknown>>): unknown {
  const rule: Record<string, unknown> = { ...before };
  const hls: Record<string, unknown> = { ...fields(before['hls']) };
  const put = (place: Record<string, unknown>, key: string) => {
    delete place[key];
    const said = values.get(key);
    const value = Array.isArray(said) && said.length < 2 ? said[0] : said;
    if (value !== undefined) {
      place[key] = value;
    }
  };
  DIRECT.forEach((key) => put(rule, key));
  OF_HLS.forEach((key) => put(hls, key));
  delete rule['name'];
  delete rule['hls'];
  return Object.keys(hls).length === 0 ? rule : { ...rule, hls };
}
