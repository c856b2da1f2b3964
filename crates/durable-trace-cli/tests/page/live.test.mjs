// The page at the root of a running service: what runs is seen, and can be answered and stopped.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { end, names, rowOf, start, visit } from './browser.mjs';
import { ask, serve } from './service.mjs';

let service = null;

before(async () => {
  await start();
  service = await serve('callback', 'create-callback', 'step-wait-step', 'three-waits');
});
after(async () => {
  await service.stop();
  await end();
});

// The page, looking at one execution.
async function look(arn) {
  const visited = await visit(`${service.endpoint}/#${new URLSearchParams({ execution: arn })}`, { isAllowed: (url) => url.startsWith(`${service.endpoint}/`) || url.startsWith('data:') });
  await visited.page.waitForSelector('#rows .row');
  return visited;
}

const status = (page, word) => page.waitForFunction((wanted) => document.querySelector('#heading .pill')?.textContent === wanted, word);

// Waits for the callback of this name to be open, and chooses it.
async function chooseCallback(page, name) {
  const row = rowOf(page, name);
  await row.waitFor();
  await page.waitForSelector('#rows .row.kind-callback');
  await page.locator('#rows .row.kind-callback').first().click();
  await page.waitForSelector('#panel .actions');
}

test('its address is told on stderr, and its page is at the root', async () => {
  assert.ok(service.said.some((line) => line.endsWith(`${service.endpoint}/`)), service.said.join('\n'));
  const { status: answered, headers } = await ask(`${service.endpoint}/`);
  assert.equal(answered, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
});

test('an execution appears when it starts, and its rows as they come, without another page load', async () => {
  const { page, close } = await visit(`${service.endpoint}/`, { isAllowed: (url) => url.startsWith(`${service.endpoint}/`) || url.startsWith('data:') });
  await page.waitForSelector('#executions h2');
  await page.evaluate(() => { window.isSame = true; });
  const arn = await service.invoke('step-wait-step');
  await page.waitForSelector(`.execution[data-arn="${arn}"]`);
  await status(page, 'SUCCEEDED');
  assert.equal(await page.textContent('h1'), 'step-wait-step');
  assert.ok((await names(page)).includes('_datadog_0'));
  assert.equal(await page.evaluate(() => window.isSame), true);
  assert.match(await page.textContent('.execution[aria-current]'), /step-wait-stepSUCCEEDED/);
  await close();
});

test('what is chosen, searched for and closed stays while it runs on', async () => {
  const arn = await service.invoke('three-waits');
  const { page, close } = await look(arn);
  await page.focus('#grid');
  await page.keyboard.press('Home');
  const chosen = await page.getAttribute('.row.active', 'id');
  await page.fill('#search', 'wait');
  await page.focus('#search');
  const before = await page.getAttribute('#grid', 'aria-rowcount');
  await page.waitForFunction((count) => document.querySelector('#grid').getAttribute('aria-rowcount') !== count, before);
  assert.equal(await page.inputValue('#search'), 'wait');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  assert.equal(await page.getAttribute('.row.active', 'id'), chosen);
  await status(page, 'SUCCEEDED');
  await close();
});

test('a callback is completed from the page, and the execution succeeds with what was sent', async () => {
  const arn = await service.invoke('callback');
  const { page, close } = await look(arn);
  await chooseCallback(page, 'approval');
  await page.fill('#panel .actions textarea', '{"not": json');
  await page.click('#panel .actions .primary');
  await page.waitForFunction(() => document.querySelector('.actions .said').textContent.startsWith('The result is not JSON'));
  assert.equal((await service.execution(arn)).Status, 'RUNNING', 'nothing was sent');
  await page.fill('#panel .actions textarea', '"by Kim"');
  await page.waitForTimeout(1200);
  assert.equal(await page.inputValue('#panel .actions textarea'), '"by Kim"', 'what is typed stays while news come');
  await page.click('#panel .actions .primary');
  await status(page, 'SUCCEEDED');
  const execution = await service.execution(arn);
  assert.deepEqual([execution.Status, execution.Result], ['SUCCEEDED', '"got by Kim"']);
  await page.waitForFunction(() => !document.querySelector('#panel .actions'));
  await close();
});

test('a callback is failed from the page, and the execution fails for that reason', async () => {
  const arn = await service.invoke('create-callback');
  const { page, close } = await look(arn);
  await chooseCallback(page, 'ext');
  await page.fill('#panel [aria-label="Error type"]', 'NoBudget');
  await page.fill('#panel [aria-label="Error message"]', 'not this year');
  await page.click('#panel .actions .danger');
  await status(page, 'FAILED');
  assert.equal((await service.execution(arn)).Status, 'FAILED');
  assert.match(await page.textContent('#panel .row-details'), /NoBudget.*not this year/s);
  await close();
});

test('an execution is stopped from the page', async () => {
  const arn = await service.invoke('callback');
  const { page, close } = await look(arn);
  await page.click('#heading .stop button');
  await status(page, 'STOPPED');
  assert.equal((await service.execution(arn)).Status, 'STOPPED');
  assert.equal(await page.locator('#heading .stop').count(), 0);
  await close();
});

test('while it sleeps its time goes on, and what has the focus keeps it', async () => {
  const arn = await service.invoke('callback');
  const { page, close } = await look(arn);
  const figures = () => page.$$eval('.figure-value', (values) => values.slice(0, 3).map((value) => value.textContent));
  await page.waitForFunction(() => document.querySelectorAll('#axis .slept').length === 1);
  await page.focus('#heading .stop button');
  const [duration, running, asleep] = await figures();
  await page.waitForTimeout(1500);
  const [durationThen, runningThen, asleepThen] = await figures();
  assert.notEqual(durationThen, duration);
  assert.equal(runningThen, running);
  assert.notEqual(asleepThen, asleep);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Stop');
  // Rows are drawn anew in between.
  const box = await rowOf(page, 'approval').boundingBox();
  await page.mouse.move(box.x + 200, box.y + 10);
  await page.mouse.down();
  await page.waitForTimeout(1200);
  await page.mouse.up();
  assert.equal(await page.textContent('.row.active .label'), 'approval', 'a slow click counts');
  await close();
});

test('another execution is chosen from the list, and found by its name', async () => {
  const [first, second] = [await service.invoke('callback'), await service.invoke('create-callback')];
  const { page, close } = await look(first);
  await page.click(`.execution[data-arn="${second}"]`);
  await page.waitForFunction(() => document.querySelector('h1').textContent === 'create-callback');
  assert.equal(new URLSearchParams((await page.evaluate(() => location.hash)).slice(1)).get('execution'), second);
  await page.fill('#executions input', 'three-waits');
  assert.deepEqual(await page.$$eval('.execution strong', (names) => [...new Set(names.map((name) => name.textContent))]), ['three-waits']);
  await close();
});

test('nothing moves for those who want no motion', async () => {
  const arn = await service.invoke('callback');
  const { page, close } = await visit(`${service.endpoint}/#${new URLSearchParams({ execution: arn })}`, { reducedMotion: 'reduce', isAllowed: (url) => url.startsWith(`${service.endpoint}/`) || url.startsWith('data:') });
  await page.waitForSelector('.bar-open');
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await close();
});

test('a page of another origin can neither stop an execution nor read of it', async () => {
  const arn = await service.invoke('callback');
  const stranger = http.createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>a stranger'));
  stranger.listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const { page } = await visit(`http://127.0.0.1:${stranger.address().port}/`, { isAllowed: () => true });
  const path = `${service.endpoint}/2025-12-01/durable-executions/${encodeURIComponent(arn)}`;
  const got = await page.evaluate(async (url) => {
    const form = new URLSearchParams({ a: 'b' });
    // A simple request: browsers send it without asking the service first.
    await fetch(`${url}/stop`, { method: 'POST', mode: 'no-cors', body: form }).catch(() => null);
    return fetch(url).then(() => 'read', () => 'refused');
  }, path);
  assert.equal(got, 'refused');
  assert.equal((await service.execution(arn)).Status, 'RUNNING');
  const framed = await page.evaluate((url) => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.onload = () => resolve(frame.contentDocument === null);
    frame.src = url;
    document.body.append(frame);
  }), service.endpoint);
  assert.equal(framed, true);
  assert.equal(await page.frames()[1]?.locator('#executions').count().catch(() => 0), 0, 'the page is not framed');
  await page.context().close();
  stranger.close();
});

test('a service that is gone is told of, and what was known stays', async () => {
  const arn = await service.invoke('callback');
  const { page, problems } = await look(arn);
  await service.stop();
  await page.waitForSelector('#executions [role=alert]:not([hidden])');
  assert.match(await page.textContent('#executions [role=alert]'), /out of reach/);
  assert.ok((await names(page)).length > 0);
  assert.ok(problems.every((problem) => problem.includes('ERR_CONNECTION_REFUSED')), problems.join('\n'));
  await page.context().close();
});
