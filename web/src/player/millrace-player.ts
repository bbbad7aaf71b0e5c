/** The script at `/assets/millrace-player.js`: defines the element. */

export { MillracePlayer, TAG } from './element.ts';
