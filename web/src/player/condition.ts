/** What a viewer is told about a stream, from what the API and the player know. */

import type { StreamState } from '../api.ts';
import type { PlayState } from './player.ts';

/** What the node says: a state, or why it does not. */
export type NodeWord = StreamState | 'missing' | 'stranger' | 'closed' | 'unreachable' | 'unasked';

export interface Condition {
  readonly state: 'connecting' | 'live' | 'waiting' | 'stale' | 'offline' | 'paused' | 'blocked' | 'unsupported' |
    'closed' | 'recorded' | 'ended';
  readonly title: string;
  readonly words: string;
}

const WORDS: Readonly<Record<Condition['state'], readonly [string, string]>> = {
  connecting: ['Connecting', 'The picture comes with the next key frame.'],
  live: ['Live', ''],
  waiting: ['Waiting', 'The publisher paused. The picture goes on as soon as it does.'],
  stale: ['Signal lost', 'The publisher went silent. The picture goes on when it is back.'],
  offline: ['Offline', 'Nobody publishes this stream now. It starts here by itself when somebody does.'],
  paused: ['Paused', 'Press play to go on at the live edge.'],
  blocked: ['Press play', 'This browser starts media only after a click.'],
  unsupported: ['Not supported', 'This browser does not play this stream.'],
  recorded: ['Recording', ''],
  ended: ['End of the recording', 'Nothing later was recorded. Choose another moment, or go back to live.'],
  closed: ['Not allowed', 'This node is closed to you: ask its owner for an address with a token.'],
};

function as(state: Condition['state'], words = ''): Condition {
  const [title, usual] = WORDS[state];
  return { state, title, words: words || usual };
}

/** The player is believed about what is on the screen, the node about why nothing is. */
export function condition(node: NodeWord, player: PlayState | 'idle', why: string): Condition {
  switch (player) {
    case 'failed':
      return as('unsupported', why);
    case 'unsupported':
    case 'blocked':
    case 'paused':
      return as(player, why);
    case 'playing':
      return as('live');
    default:
      break;
  }
  switch (node) {
    case 'stale':
    case 'offline':
      return as(node);
    case 'missing':
      return as('offline');
    case 'stranger':
    case 'closed':
      return player === 'idle' ? as('closed') : as(player === 'waiting' ? 'waiting' : 'connecting');
    case 'unreachable':
      return as('connecting', 'The node does not answer. Trying again.');
    case 'waiting':
      return as('waiting', 'The publisher is there, its first picture is not.');
    default:
      return player === 'ended' ? as('offline') : as(player === 'waiting' ? 'waiting' : 'connecting');
  }
}

/** Of a recording: the node's word on the stream says nothing about it. */
export function recordedCondition(player: PlayState | 'idle', why: string): Condition {
  switch (player) {
    case 'failed':
      return as('unsupported', why);
    case 'unsupported':
    case 'blocked':
      return as(player, why);
    case 'paused':
      return as('paused', 'Press play to go on.');
    case 'ended':
      return as('ended', why);
    case 'playing':
      return as('recorded');
    default:
      return as('connecting', 'Looking for this moment in the recording.');
  }
}

/** Whether a player that is not running should be: there is something to see, or nobody knows. */
export function worthPlaying(node: NodeWord): boolean {
  return node === 'live' || node === 'stale' || node === 'waiting';
}
