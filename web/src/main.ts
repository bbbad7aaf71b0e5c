/** The one script of both pages. */

import { homePage } from './home_page.ts';
import { playerPage } from './player_page.ts';

if (document.documentElement.dataset['page'] === 'player') {
  playerPage();
} else {
  homePage();
}
