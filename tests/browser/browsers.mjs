// Starts one headless browser by puppeteer-core, with a profile of its own and no calls to its maker.

import puppeteer from 'puppeteer-core';

const CHROMIUM_FLAGS = [
  '--autoplay-policy=no-user-gesture-required',
  '--no-first-run',
  '--no-pings',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--metrics-recording-only',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',   // and nothing else is looked for either
];

const FIREFOX_PREFERENCES = {
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-provider.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.prefetch-next': false,
  'app.update.disabledForTesting': true,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false,
};

// `proxy`: an address that everything goes through, this machine's own addresses too.
export function launch({ browser, program, profile, proxy }) {
  const common = { browser, executablePath: program, headless: true, userDataDir: profile,
                   env: { ...process.env, HOME: profile } };
  if (browser === 'firefox') {
    return puppeteer.launch({ ...common, extraPrefsFirefox: FIREFOX_PREFERENCES });
  }
  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const through = proxy ? [`--proxy-server=http://${proxy}`, '--proxy-bypass-list=<-loopback>'] : [];
  return puppeteer.launch({ ...common, pipe: true, args: [...CHROMIUM_FLAGS, ...sandbox, ...through] });
}
