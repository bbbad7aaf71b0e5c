/** The one script of both pages. */

import { listPage } from './list_page.ts';
import { playerPage } from './player_page.ts';

if (document.documentElement.dataset['page'] === 'player') {
  playerPage();
} else {
  listPage();
}
