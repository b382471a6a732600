// Walks through the page as a person would, in a real browser against the real server, and looks at every screen with
// axe on the way. tests/e2e/test_page.py starts the server and calls it:
//
//   node walk.mjs '{"url":..., "width":1440, "scheme":"light", "email":..., "password":..., "agent":{...}, "shots":null}'
//
// Prints a line for each step and ends with status 1 at the first that is not true, saying what the page shows then.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.cwd(), 'x.js')); // the packages lie where we were started
const { chromium } = require('playwright-core');
const axe = require('axe-core').source;

const plan = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: plan.chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const context = await browser.newContext({
  viewport: { width: plan.width, height: plan.width > 700 ? 900 : 740 },
  colorScheme: plan.scheme,
  permissions: ['clipboard-read', 'clipboard-write'],
  ignoreHTTPSErrors: true,
});
const page = await context.newPage();
page.setDefaultTimeout(30_000);
const narrow = plan.width <= 700;
const begun = Date.now();

const complaints = []; // what the browser's console had to say
let expected = []; // parts of addresses that are meant to fail right now
page.on('console', (message) => {
  const where = message.location().url;
  if (!['error', 'warning'].includes(message.type()) || expected.some((part) => where.includes(part))) return;
  complaints.push(`${message.text()} (${where})`);
});
page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
page.on('request', (request) => {
  if (!request.url().startsWith(plan.url) && !request.url().startsWith('data:')) complaints.push(`asked elsewhere: ${request.url()}`);
});

let agent;
let at = 'the beginning';
function say(step) {
  at = step;
  console.log(`${String(Date.now() - begun).padStart(6)} ms  ${step}`);
}
function must(condition, sentence) {
  if (!condition) throw new Error(sentence);
}
async function until(sentence, condition, ms = 30_000) {
  const end = Date.now() + ms;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${sentence}`);
    await new Promise((done) => setTimeout(done, 40));
  }
}

// What only the one who started us can do; the answer is a line on our standard input.
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function ask(what) {
  console.log(`ASK ${what}`);
  must(!(await answers.next()).done, `somebody does what was asked: ${what}`);
}

// Nothing serious, nothing wider than the screen, nothing in the console.
async function inspect(name) {
  await page.evaluate(() => Promise.all(document.getAnimations().filter((each) => each.effect?.getTiming().iterations !== Infinity).map((each) => each.finished.catch(() => 0))));
  const found = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ['violations'] })`);
  const serious = found.violations.filter((each) => ['serious', 'critical'].includes(each.impact));
  must(serious.length === 0, `axe on ${name}: ${serious.map((each) => `${each.id} (${each.help}) at ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`).join('; ')}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  must(wide <= 0, `${name} is ${wide} px wider than the screen`);
  must(complaints.length === 0, `the console on ${name}: ${complaints.join('; ')}`);
  if (plan.shots) {
    mkdirSync(plan.shots, { recursive: true });
    await page.screenshot({ path: join(plan.shots, `${name}-${plan.width}-${plan.scheme}.png`) });
  }
}

const rows = page.locator('.rows > li');
const text = async (locator) => (await locator.innerText()).trim();
async function go(name) {
  await page.getByRole('navigation').getByRole('link', { name }).click();
}

async function signIn() {
  await page.goto(plan.url);
  await page.getByRole('heading', { name: 'Sign in to Reeve' }).waitFor();
  await inspect('sign-in');
  expected = ['/v1/session'];
  await page.getByLabel('E-mail').fill(plan.email);
  await page.getByLabel('Password').fill('not the password');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  say('a wrong password is refused with a word');
  expected = [];
  await page.getByLabel('Password').fill(plan.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Logs' }).waitFor({ state: 'attached' });
  say('signed in');
  const stored = await page.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie]));
  must(!stored.includes('eyJ') && !stored.includes('reeve_session'), `a credential is within a script's reach: ${stored}`);
  await page.getByText('No lines', { exact: true }).waitFor();
  await inspect('logs-empty');
  say('an empty store is an empty state, not an error');
}

async function enrol() {
  await go('Fleet');
  await page.getByText('No hosts yet').waitFor();
  await inspect('fleet-empty');
  await page.getByRole('button', { name: 'Enrol a host' }).click();
  const command = await text(page.getByLabel('The command that enrols a host'));
  await page.getByRole('button', { name: 'Copy' }).click();
  must((await page.evaluate(() => navigator.clipboard.readText())) === command, 'the command that was copied is the one that is shown');
  await inspect('enrol');
  const [program, ...words] = command.split(' ');
  must(program === 'reeve-agent', `the command begins with reeve-agent, not ${program}`);
  const done = spawnSync(plan.agent.program, [...words, '--config', plan.agent.config], { encoding: 'utf8' });
  must(done.status === 0, `the command enrols: ${done.stderr}`);
  await page.getByText(`${plan.agent.host} is enrolled`).waitFor();
  say('the one command enrols the host, and the page notices');
  agent = spawn(plan.agent.program, ['run', '--config', plan.agent.config], { stdio: 'ignore' });
  await page.getByText('and online').waitFor();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.locator('[data-agent]').click();
  await page.getByText('Last seen').waitFor();
  await inspect('fleet');
  say('the agent is online');
}

async function search() {
  await go('Logs');
  await until('the lines are shown', async () => (await page.keyboard.press('r'), await page.waitForTimeout(300), (await rows.count()) > 50));
  await until('the histogram counts all lines', async () => /\b60\d lines/.test(await text(page.locator('figcaption'))) || (await page.keyboard.press('r'), await page.waitForTimeout(300), false));
  await inspect('logs');
  await page.keyboard.press('/');
  await page.keyboard.type('Card DECLINED', { delay: 20 });
  await until('only lines with both words are shown', async () => {
    const bodies = await page.locator('.rows .body').allTextContents();
    return bodies.length > 0 && bodies.every((body) => body.includes('card declined'));
  });
  must((await page.locator('.rows mark').count()) >= 2, 'what was searched for is marked');
  must(page.url().includes('q=Card+DECLINED'), `the address holds the search: ${page.url()}`);
  await inspect('search');
  say('typing searches');

  const shared = page.url();
  await page.keyboard.press('Escape');
  await page.keyboard.press('x');
  await until('all lines are back', async () => (await rows.count()) > 50);
  await page.goto('about:blank');
  await page.goto(shared);
  await until('a link carries the search', async () => (await rows.count()) > 0 && (await page.getByLabel('Search the logs').inputValue()) === 'Card DECLINED');
  await page.keyboard.press('x');
  say('a link carries the whole state, and the session');

  await page.locator('.rows .value', { hasText: 'shop' }).first().click();
  await page.getByRole('button', { name: 'Take away the filter service shop' }).waitFor();
  await page.getByRole('button', { name: 'error+' }).click();
  await until('only errors of the service are shown', async () => {
    const levels = await page.locator('.rows > li .level .unseen').allTextContents();
    return levels.length > 0 && levels.every((level) => level === 'error');
  });
  await page.keyboard.press('x');
  await until('the filters are gone', async () => !page.url().includes('service='));
  say('a click on a value filters by it');

  await until('hostile text is on the page, as text', async () => {
    await page.goto(`${plan.url}/#/logs?q=onerror`);
    return (await page.locator('.rows .body').allTextContents()).some((body) => body.includes('<img src=x onerror=alert(1)>'));
  });
  must((await page.locator('.rows img').count()) === 0, 'no line became an element');
  await page.keyboard.press('x');
  await until('all lines are back', async () => (await rows.count()) > 50);
  say('markup in a line stays text');
}

async function brush() {
  const plot = page.getByRole('slider');
  await plot.scrollIntoViewIfNeeded();
  const before = await text(page.locator('figcaption'));
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 30, { steps: 5 });
  await page.mouse.up();
  await until('the range is the one that was brushed', async () => /from=\d{4}-.*&to=\d{4}-/.test(page.url()));
  await until('fewer lines are counted', async () => (await text(page.locator('figcaption'))) !== before);
  const params = new URL(page.url().replace('#/', '')).searchParams;
  const [from, to] = [Date.parse(params.get('from')), Date.parse(params.get('to'))];
  await until('every line lies within', async () => {
    const times = (await page.locator('.rows > li time').evaluateAll((all) => all.map((each) => Date.parse(each.dateTime))));
    return times.length > 0 && times.every((time) => time >= from && time < to);
  });
  await inspect('brushed');
  await page.goBack();
  await until('back takes the brush back', async () => !page.url().includes('to='));
  await until('all lines are back', async () => (await rows.count()) > 50);
  await plot.focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'Shift+ArrowRight', 'Enter']) await page.keyboard.press(key);
  await until('the keyboard brushes as well', async () => page.url().includes('to='));
  await page.goBack();
  await until('all lines are back', async () => (await rows.count()) > 50);
  say('a brush over the histogram sets the range, by mouse and by keyboard');
}

async function openLine() {
  for (const key of ['j', 'j', 'k', 'Enter']) await page.keyboard.press(key);
  await page.locator('.details').waitFor();
  await page.keyboard.press('c');
  await page.locator('.around li[aria-current]').waitFor();
  must((await page.locator('.around li').count()) > 3, 'the lines around it are shown');
  await inspect('line');
  await page.keyboard.press('Enter');
  await until('Enter closes the line again', async () => (await page.locator('.details').count()) === 0);
  say('a line opens to its fields and to the lines around it, from the keyboard');

  await page.keyboard.press('g');
  await page.locator('[data-template]').first().waitFor();
  await inspect('groups');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await until('a group leads to its lines', async () => page.url().includes('template=') && (await rows.count()) > 0);
  await page.keyboard.press('x');
  say('one key groups the lines');
}

async function live() {
  await page.keyboard.press('l');
  await page.locator('.dot.on').waitFor();
  const waits = [];
  for (let i = 0; i < 5; ++i) {
    const mark = `live line ${plan.width}-${plan.scheme}-${i}`;
    const written = Date.now();
    appendFileSync(plan.agent.log, `${new Date().toISOString()} INFO ${mark}\n`);
    await until(`${mark} is shown`, async () => (await page.locator('.rows .body', { hasText: mark }).count()) === 1);
    waits.push(Date.now() - written);
  }
  say(`lines appear as they are written; ms from file to screen: ${waits.join(' ')}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  for (let i = 0; i < 3; ++i) appendFileSync(plan.agent.log, `${new Date().toISOString()} WARN held line ${i}\n`);
  await page.getByRole('button', { name: '3 new' }).waitFor();
  must((await page.locator('.rows .body', { hasText: 'held line' }).count()) === 0, 'while paused, nothing moves');
  await inspect('live');
  await page.getByRole('button', { name: '3 new' }).click();
  await until('the held lines are shown', async () => (await page.locator('.rows .body', { hasText: 'held line' }).count()) === 3);
  say('paused, new lines wait behind a pill');

  expected = ['/v1/']; // while the server is away, whatever is asked fails
  await ask('kill the server');
  for (let i = 0; i < 2; ++i) appendFileSync(plan.agent.log, `${new Date().toISOString()} INFO written meanwhile ${i}\n`);
  await page.getByText('Stale since').waitFor();
  await inspect('live-cut');
  await ask('start the server');
  await page.locator('.dot.on').waitFor();
  await until('what was written meanwhile is there, once', async () => (await page.locator('.rows .body', { hasText: 'written meanwhile' }).count()) === 2);
  expected = [];
  await page.keyboard.press('l');
  say('a killed server: stale since when, back by itself, nothing missed');
}

async function failures() {
  expected = ['/v1/agents'];
  await page.route('**/v1/agents*', (route) =>
    route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ status: 503, code: 'unavailable', detail: 'the disk is full', request_id: 'r-1' }) }));
  await go('Fleet');
  await page.getByText('the disk is full').first().waitFor();
  await inspect('failed');
  await page.unroute('**/v1/agents*');
  expected = [];
  await page.getByRole('button', { name: 'Try again' }).click();
  await until('trying again helps', async () => (await page.getByText('the disk is full').count()) === 0);
  say('a failure says what failed and can be tried again');
}

async function metrics() {
  await go('Metrics');
  await until('all charts are drawn', async () => (await page.locator('.u-over').count()) >= 6, 60_000);
  await page.getByRole('group', { name: 'Host' }).getByRole('button', { name: plan.agent.host }).click();
  await until('the charts of the host are drawn', async () => (await page.locator('.legend button', { hasText: 'used' }).count()) > 0 && (await page.locator('.u-over').count()) >= 6);
  await page.locator('.u-over').first().hover({ position: { x: narrow ? 120 : 200, y: 40 } });
  await inspect('metrics');
  say('the dashboard of a host');
  await page.getByRole('button', { name: 'Explorer' }).click();
  await page.keyboard.press('/');
  await page.keyboard.type('load .5m');
  await page.getByRole('option', { name: 'system.cpu.load_average.5m' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'system.cpu.load_average.5m' }).waitFor();
  await page.locator('.u-over').waitFor();
  await page.getByLabel('Aggregate').selectOption('max');
  await until('the address holds what is explored', async () => page.url().includes('agg=max') && (await page.locator('.u-over').count()) === 1);
  await page.keyboard.press('Escape');
  await inspect('explorer');
  say('the explorer finds a series by typing');
}

async function settings() {
  await go('Settings');
  await page.getByRole('combobox', { name: `Role of ${plan.email}` }).waitFor();
  await page.getByLabel('E-mail').fill('ben@example.org');
  await page.getByRole('button', { name: 'Add a user' }).click();
  await page.getByLabel('The password of ben@example.org').waitFor();
  await inspect('users');
  await page.getByRole('button', { name: 'API keys' }).click();
  await page.getByLabel('What it is for').fill('ci');
  await page.getByRole('button', { name: 'Make a key' }).click();
  must((await text(page.getByLabel('The new key'))).startsWith('rvk_'), 'the key is shown once');
  await inspect('keys');
  await page.getByRole('button', { name: 'Audit' }).click();
  await page.getByRole('button', { name: /user\.create/ }).first().waitFor();
  await inspect('audit');
  say('users, keys and the audit');
}

async function leave() {
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  await inspect('help');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByLabel('The one of now').waitFor();
  await inspect('account');
  await page.keyboard.press('Escape');
  await page.keyboard.press('t');
  const theme = await page.evaluate(() => document.documentElement.dataset.theme);
  must(theme === (plan.scheme === 'dark' ? 'light' : 'dark'), 'one key changes the colours');
  await page.keyboard.press('t');
  await go('Fleet');
  await page.locator('[data-agent]').first().click();
  await page.getByRole('button', { name: 'Revoke…' }).click();
  await inspect('revoke');
  await page.getByRole('button', { name: `Revoke ${plan.agent.host}` }).click();
  await until('the agent is revoked', async () => (await page.locator('tr.revoked').count()) === 1);
  say('revoking asks first, and then is done');
  await page.goto(`${plan.url}/docs`);
  await page.getByText('/v1/logs/histogram').first().click();
  await page.getByText('HistogramBucket').first().waitFor();
  await inspect('docs');
  say('the API can be read at /docs');
  await page.goto(plan.url);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Reeve' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in to Reeve' }).waitFor();
  must((await context.cookies()).every((cookie) => cookie.name !== 'reeve_session' || cookie.value === ''), 'the cookie is gone');
  say('signed out');
}

// What a first visit costs, and how long a later one takes until lines are on the screen.
async function load() {
  const visit = await context.newPage();
  const wire = await context.newCDPSession(visit);
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  const names = new Map();
  const sizes = new Map();
  wire.on('Network.responseReceived', ({ requestId, response }) => names.set(requestId, new URL(response.url).pathname));
  wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => sizes.set(requestId, encodedDataLength));
  await visit.goto(`${plan.url}/#/metrics`); // the screen that needs the most
  await visit.locator('.u-over').first().waitFor();
  const ofPage = [...sizes].map(([id, size]) => [names.get(id) ?? '?', size]).filter(([path]) => !path.startsWith('/v1/'));
  const total = ofPage.reduce((sum, [, size]) => sum + size, 0);
  for (const [path, size] of ofPage) console.log(`        ${String(size).padStart(7)} B  ${path}`);
  console.log(`        ${String(total).padStart(7)} B  in all, heads included`);
  must(total > 10_000 && total < 100_000, `everything the page needs is less than 100 kB: ${total}`);
  await wire.send('Network.setCacheDisabled', { cacheDisabled: false });
  await visit.goto(`${plan.url}/#/logs`);
  await visit.locator('.rows > li').first().waitFor();
  const times = [];
  for (let i = 0; i < 5; ++i) {
    await visit.reload({ waitUntil: 'commit' });
    await visit.locator('.rows > li').first().waitFor();
    times.push(Math.round(await visit.evaluate(() => performance.now())));
  }
  say(`a warm load until lines are shown, ms: ${times.sort((a, b) => a - b).join(' ')}`);
  await visit.close();
}

let status = 0;
try {
  await signIn();
  await enrol();
  await search();
  await brush();
  await openLine();
  await live();
  await failures();
  await metrics();
  await load();
  await settings();
  await leave();
  say('walked through');
} catch (error) {
  status = 1;
  console.log(`FAILED after "${at}": ${error.message}`);
  console.log(`console: ${complaints.join('; ') || 'nothing'}`);
  console.log(`address: ${page.url()}`);
  if (plan.failure) await page.screenshot({ path: plan.failure }).catch(() => undefined);
  console.log((await page.locator('body').innerText().catch(() => '')).slice(0, 1500));
} finally {
  agent?.kill('SIGKILL');
  await browser.close();
}
process.exit(status);
