/** The one script of all pages. */

import { demoPage } from './demo_page.ts';
import { homePage } from './home_page.ts';
import { playerPage } from './player_page.ts';

const PAGES: Readonly<Record<string, () => void>> = { player: playerPage, demo: demoPage };

(PAGES[document.documentElement.dataset['page'] ?? ''] ?? homePage)();
