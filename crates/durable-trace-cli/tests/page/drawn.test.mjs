// The page over timelines from nowhere: it needs nothing but itself.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { end, names, open, rowOf, start } from './browser.mjs';
import { empty, HOSTILE, hostile, large, order, TRACE, trouble } from './fixtures.mjs';

before(start);
after(end);

const active = (page) => page.$eval('#rows .row.active .label', (label) => label.textContent).catch(() => null);
// The address follows a moment later.
const hash = async (page) => {
  await page.waitForTimeout(250);
  return page.evaluate(() => Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
};
const count = (page) => page.textContent('#count');
// A bar's share of the track, from 0 to 1.
const share = (locator) => locator.evaluate((bar) => bar.getBoundingClientRect().width / bar.closest('.track').getBoundingClientRect().width);

for (const [name, data, title, rows] of [['order', order(), 'order', 15], ['trouble', trouble(), 'order', 8], ['hostile', hostile(), HOSTILE, 4], ['empty', empty(), 'empty', 0], ['large', large(500), 'order', 500]]) {
  test(`draws ${name}, logs nothing and asks nobody`, async () => {
    const { page, close } = await open(data);
    assert.equal(await page.textContent('h1'), title);
    assert.equal(await page.getAttribute('#grid', 'aria-rowcount'), String(rows + 1));
    await close();
  });
}

test('what stands at the head: status, duration, running and asleep, invocations, the trace', async () => {
  const { page, close } = await open(order());
  const figures = await page.textContent('#figures');
  for (const part of ['Duration2 d', 'Running442 ms', 'Asleep2 d (>99 %)', 'Invocations3', 'Started2026-11-28 06:00:00 UTC']) assert.ok(figures.includes(part), `${part}: ${figures}`);
  assert.equal(await page.textContent('#heading .pill'), 'SUCCEEDED');
  assert.equal(await page.getAttribute('.trace a', 'href'), `https://app.datadoghq.com/apm/trace/${TRACE}`);
  await close();
});

test('time asleep is folded, with the length that was slept, until the true scale is asked for', async () => {
  const { page, close } = await open(order(), { hash: '#view=Operations' });
  assert.equal(await page.locator('#under .fold').count(), 2);
  assert.deepEqual(await page.locator('#axis .slept').allTextContents(), ['947 ms', '2 d']);
  const payment = rowOf(page, 'payment').locator('[data-attempt="1"]');
  assert.ok(await share(payment) > 0.1, 'an attempt of 183 ms is to be seen beside two days');
  const packing = rowOf(page, 'packing');
  assert.ok(await share(packing.locator('.beyond')) < 0.25, 'two days are folded');
  await page.click('[data-toggle=scale]');
  assert.equal(await page.locator('#under .fold').count(), 0);
  assert.equal(await page.getAttribute('[data-toggle=scale]', 'aria-pressed'), 'true');
  assert.ok(await share(packing.locator('.bar')) > 0.95, 'two days are nearly all there is');
  await page.click('[data-toggle=scale]');
  assert.equal(await page.locator('#under .fold').count(), 2);
  await close();
});

test('invocations are bands with their numbers, and what ran longer is wider', async () => {
  const { page, close } = await open(order());
  assert.equal(await page.locator('#under .band').count(), 3);
  assert.deepEqual(await page.locator('#axis .invocation').allTextContents(), ['invocation 0', '#1', '#2']);
  const widths = await page.$$eval('#under .band', (bands) => bands.map((band) => band.getBoundingClientRect().width));
  assert.ok(Math.abs(widths[0] / widths[1] - 333 / 48) < 0.2, `running time is to one scale: ${widths}`);
  await close();
});

test('attempts are parts of a bar, and a failed one is told from the others without colour', async () => {
  const { page, close } = await open(order(), { hash: '#view=Operations&row=op-2' });
  const payment = rowOf(page, 'payment');
  assert.equal(await payment.locator('[data-attempt]').count(), 2);
  assert.equal(await payment.locator('[data-attempt="1"].bar-bad .sign').count(), 1, 'a sign');
  assert.equal(await payment.locator('[data-attempt="2"] .sign').count(), 0);
  assert.match(await payment.locator('.track').getAttribute('aria-label'), /2 attempts, 1 failed/);
  const table = await page.textContent('#panel .row-details table');
  assert.match(table, /FAILED183 ms1 s.*CardDeclined: try again in a second.*SUCCEEDED13\.5 ms/);
  await payment.locator('[data-attempt="1"]').hover();
  assert.match(await page.textContent('#tip'), /attempt 1, FAILED, 183 ms.*CardDeclined/);
  await close();
});

test('replays are dimmed, and a switch hides them', async () => {
  const { page, close } = await open(order());
  assert.equal(await page.locator('.row.replay').count(), 1);
  assert.ok(Number(await page.$eval('.row.replay .instant', (bar) => getComputedStyle(bar).opacity)) < 0.5);
  await page.click('[data-toggle=replays]');
  assert.equal(await page.locator('.row.replay').count(), 0);
  assert.equal((await names(page)).length, 14);
  await page.click('[data-toggle=replays]');
  assert.equal(await page.locator('.row.replay').count(), 1);
  await close();
});

test('checkpoints are marked, and told in both notations with what has changed', async () => {
  const { page, close } = await open(trouble());
  assert.equal(await page.locator('.row.kind-checkpoint .point').count(), 2);
  const panel = await page.textContent('#panel');
  for (const part of ['_datadog_0', TRACE, '9241389164803743001', '_dd.p.dm=-0', 'Changedorigin', 'its payload is not JSON']) assert.ok(panel.includes(part), part);
  await close();
});

test('warnings are counted at the head and told in the panel', async () => {
  const { page, close } = await open(trouble());
  await page.click('#heading .warnings');
  assert.match(await page.textContent('#panel'), /anchor-moved.*names another parent/);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY');
  await close();
});

test('what has not ended is open to the right', async () => {
  const { page, close } = await open(trouble(), { hash: '#row=e' });
  const approval = rowOf(page, 'approval');
  assert.equal(await approval.locator('.bar-open').count(), 1);
  assert.match(await approval.locator('.track').getAttribute('aria-label'), /has not ended.*waits for callback c-1/);
  assert.match(await page.textContent('#panel'), /Duration9 min so far/);
  await close();
});

test('kinds are filtered, and what matches brings its ancestors', async () => {
  const { page, close } = await open(trouble());
  for (const kind of ['step', 'callback', 'context', 'checkpoint', 'condition', 'execution']) await page.click(`[data-kind=${kind}]`);
  assert.deepEqual(await names(page), ['trouble', 'notify', 'mail']);
  assert.equal(await count(page), '1 of 8 rows match');
  assert.equal(await rowOf(page, 'notify').evaluate((row) => row.classList.contains('context-only')), true);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.kind), 'execution', 'the button that was pressed has the focus still');
  await close();
});

test('errors alone can be shown, and e goes to the next', async () => {
  const { page, close } = await open(order());
  await page.click('[data-toggle=errors]');
  assert.deepEqual(await names(page), ['order', 'order', 'payment']);
  await page.focus('#grid');
  await page.keyboard.press('e');
  assert.equal(await active(page), 'payment');
  await close();
});

test('a search narrows to what matches, Enter goes there, Escape takes it back', async () => {
  const { page, close } = await open(order());
  await page.focus('#grid');
  await page.keyboard.press('/');
  await page.keyboard.type('parcel label');
  await page.keyboard.press('Enter');
  assert.deepEqual(await names(page), ['order', 'order', 'order', 'order', 'shipment', 'parcel.label']);
  assert.equal(await active(page), 'parcel.label');
  assert.equal(await count(page), '1 of 15 rows match');
  await page.keyboard.press('Escape');
  assert.equal((await names(page)).length, 15);
  assert.equal(await active(page), 'parcel.label', 'what was found stays chosen');
  await page.fill('#search', 'try again');
  await page.waitForFunction(() => document.querySelector('#count').textContent.startsWith('1 of'));
  assert.equal((await names(page)).at(-1), 'payment', 'messages of errors are searched too');
  await close();
});

test('a link leads to its row, in its view, whatever is closed, and follows what is chosen', async () => {
  const { page, close } = await open(order(), { hash: '#view=Operations&row=op-5' });
  assert.equal(await active(page), 'shipment');
  assert.equal(await page.textContent('[role=tab][aria-selected=true]'), 'Operations6');
  await rowOf(page, 'validation').click();
  assert.deepEqual(await hash(page), { view: 'Operations', row: 'op-1' });
  await page.click('#tab-0');
  await rowOf(page, 'shipment').click();
  assert.deepEqual(await hash(page), { view: 'Trace', row: '14' });
  await page.click('[data-toggle=closed]');
  assert.equal((await names(page)).includes('parcel.label'), false);
  await page.evaluate(() => { location.hash = '#row=15'; });
  await page.waitForFunction(() => document.querySelector('.row.active .label')?.textContent === 'parcel.label');
  await page.evaluate(() => { location.hash = '#row=op-4'; });
  await page.waitForFunction(() => document.querySelector('.row.active .label')?.textContent === 'packing');
  assert.equal((await hash(page)).view, 'Operations', 'the view that has the row');
  await close();
});

test('the keyboard goes everywhere', async () => {
  const { page, close } = await open(order());
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  await page.focus('#grid');
  await press('ArrowDown');
  assert.deepEqual(await hash(page), { view: 'Trace', row: '1' });
  await press('End');
  assert.equal(await active(page), 'parcel.label');
  await press('ArrowLeft');
  assert.equal(await active(page), 'shipment', 'to its parent');
  await press('ArrowLeft');
  assert.equal(await page.getAttribute('.row.active', 'aria-expanded'), 'false', 'closed');
  assert.equal((await names(page)).length, 14);
  await press('ArrowRight');
  assert.equal(await page.getAttribute('.row.active', 'aria-expanded'), 'true', 'open');
  await press('ArrowRight');
  assert.equal(await active(page), 'parcel.label', 'to its first child');
  await press('Home', 'ArrowDown', 'ArrowDown');
  assert.equal(await active(page), 'validation');
  assert.equal(await page.getAttribute('#grid', 'aria-activedescendant'), await page.getAttribute('.row.active', 'id'));
  await press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'panel');
  await press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'grid');
  const wide = await share(rowOf(page, 'validation').locator('.bar'));
  await press('+');
  assert.ok(await share(rowOf(page, 'validation').locator('.bar')) > wide * 1.5, 'plus zooms');
  await press('0');
  assert.ok(Math.abs(await share(rowOf(page, 'validation').locator('.bar')) - wide) < 0.01, 'zero shows all');
  await close();
});

test('while a key is held the address follows, but not with every row', async () => {
  const { page, close } = await open(large(500));
  await page.focus('#grid');
  await page.evaluate(() => {
    window.changes = 0;
    const change = history.replaceState.bind(history);
    history.replaceState = (...given) => {
      window.changes += 1;
      change(...given);
    };
  });
  for (let index = 0; index < 300; index += 1) await page.keyboard.press('ArrowDown');
  const last = await page.$eval('.row.active .label', (label) => label.textContent.replace('step ', 's'));
  assert.equal((await hash(page)).row, last);
  assert.ok(await page.evaluate(() => window.changes) < 100);
  await close();
});

test('a stretch of the axis is drawn out to see it closer', async () => {
  const { page, close } = await open(order());
  const box = await page.locator('#axis').boundingBox();
  await page.mouse.move(box.x + 10, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + 60, box.y + 30);
  await page.mouse.up();
  assert.ok(await share(rowOf(page, 'validation').locator('.bar')) > 0.3);
  await page.click('[data-toggle=fit]');
  assert.ok(await share(rowOf(page, 'validation').locator('.bar')) < 0.15);
  await close();
});

test('rows close and open with a click, all at once with a button', async () => {
  const { page, close } = await open(order());
  await rowOf(page, 'payment').locator('.twist').click();
  assert.equal((await names(page)).filter((name) => name === 'card.authorize').length, 1);
  await page.click('[data-toggle=closed]');
  assert.deepEqual(await names(page), ['order', 'order']);
  assert.equal(await page.getAttribute('[data-toggle=closed]', 'aria-pressed'), 'true');
  await page.click('[data-toggle=closed]');
  assert.equal((await names(page)).length, 15);
  await close();
});

test('any number of views are tabs, and arrows change between them', async () => {
  const data = order();
  data.views.push(...['A', 'B', 'C'].map((label) => ({ ...data.views[0], label, note: `about ${label}` })));
  const { page, close } = await open(data);
  assert.equal(await page.locator('[role=tab]').count(), 5);
  await page.focus('#tab-0');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.textContent('[role=tab][aria-selected=true]'), 'C15');
  assert.equal(await page.textContent('#view-note'), 'about C');
  assert.deepEqual(await hash(page), { view: 'C' });
  await close();
});

test('rows tell their level and place, and their bars in words', async () => {
  const { page, close } = await open(order());
  const shipment = rowOf(page, 'shipment');
  const told = await shipment.evaluate((row) => ['role', 'aria-level', 'aria-posinset', 'aria-setsize', 'aria-expanded', 'aria-selected', 'aria-rowindex'].map((name) => row.getAttribute(name)));
  assert.deepEqual(told, ['row', '5', '2', '2', 'true', 'false', '15']);
  assert.match(await shipment.locator('.track').getAttribute('aria-label'), /^starts after 2 d, lasts 25\.0 ms, in invocation 2$/);
  await close();
});

test('it is dark where the system is, or where the switch says so, which is kept', async () => {
  const light = (page) => page.$eval('#grid', (grid) => Number(/\d+/.exec(getComputedStyle(grid).backgroundColor)[0]) > 128);
  const { page, close } = await open(order(), { colorScheme: 'dark' });
  assert.equal(await light(page), false);
  await page.click('[aria-label="Light or dark"]');
  assert.equal(await light(page), true);
  await page.reload();
  assert.equal(await light(page), true, 'kept');
  await close();
  const other = await open(order(), { colorScheme: 'light' });
  assert.equal(await light(other.page), true);
  await other.close();
});

test('every row is printed, in light colours, and nothing to click on', async () => {
  const { page, close } = await open(large(500), { colorScheme: 'dark' });
  const drawn = () => page.locator('#rows .row').count();
  assert.ok(await drawn() < 100);
  await page.emulateMedia({ media: 'print' });
  await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
  assert.equal(await drawn(), 500);
  const [tools, position, colour] = await page.evaluate(() => [
    getComputedStyle(document.querySelector('#tools')).display, getComputedStyle(document.querySelector('.row')).position, getComputedStyle(document.querySelector('#grid')).backgroundColor,
  ]);
  assert.deepEqual([tools, position, colour], ['none', 'relative', 'rgb(255, 255, 255)']);
  await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
  await page.emulateMedia({ media: null });
  await page.waitForFunction(() => document.querySelectorAll('#rows .row').length < 100);
  const pdf = await page.pdf();
  assert.ok(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g).length > 5, '500 rows take more than 5 sheets');
  await close();
});

test('markup in names, messages and tags is text, and a link that is none of the web is none', async () => {
  const { page, close } = await open(hostile(), { hash: `#row=${encodeURIComponent(HOSTILE)}` });
  for (const box of await page.$$('details')) await box.evaluate((details) => { details.open = true; });
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.equal(await page.textContent('h1'), HOSTILE);
  assert.equal(await active(page), HOSTILE);
  assert.deepEqual(await names(page), [HOSTILE, '__proto__', '{{script}}{{data}}', 'a parent that comes after it']);
  assert.equal(await page.locator('img').count(), 0);
  assert.equal(await page.locator('body script').count(), 2);
  assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
  assert.match(await page.textContent('.trace'), /Open the trace/);
  await close();
});

test('the policy refuses every other script, style and connection', async () => {
  const { page, problems } = await open(order());
  const got = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.other = 1';
    const style = document.createElement('style');
    style.textContent = 'h1 { display: none }';
    document.body.append(script, style);
    const answer = await fetch('http://127.0.0.1:9/').then(() => 'answered', (error) => error.name);
    return [window.other, getComputedStyle(document.querySelector('h1')).display !== 'none', answer];
  });
  assert.deepEqual(got, [undefined, true, 'TypeError']);
  assert.ok(problems.some((problem) => problem.includes('connect-src') || problem.includes('default-src')), problems.join('\n'));
  await page.context().close();
});

test('of ten thousand rows only those in sight are in the document, wherever it is scrolled to', async () => {
  const data = large(10_000);
  const { page, close } = await open(data);
  const counted = (matches) => data.views[0].timeline.rows.filter(matches).length;
  const most = { rows: 80, nodes: 2500 };
  const held = async (why) => {
    const [rows, nodes] = await page.evaluate(() => [document.querySelectorAll('#rows .row').length, document.querySelectorAll('*').length]);
    assert.ok(rows > 10 && rows <= most.rows, `${rows} rows ${why}`);
    assert.ok(nodes <= most.nodes, `${nodes} nodes ${why}`);
  };
  await held('at first');
  assert.equal(await page.getAttribute('#grid', 'aria-rowcount'), '10001');
  for (const to of [0.25, 0.5, 0.99, 0.1]) {
    const wanted = await page.$eval('#grid', (grid, share) => {
      grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * share;
      return Math.floor(grid.scrollTop / 28) + 2;
    }, to);
    await page.waitForSelector(`.row[data-at="${wanted}"]`);
    await held(`at ${to}`);
  }
  await page.focus('#grid');
  await page.keyboard.press('End');
  assert.equal(await active(page), 'step 9999');
  assert.equal(await page.$eval('.row.active', (row) => row.getBoundingClientRect().bottom <= document.querySelector('#grid').getBoundingClientRect().bottom), true);
  await held('at the end');
  await page.$eval('#grid', (grid) => { grid.scrollTop = 0; });
  await page.waitForSelector('.row[data-at="0"]');
  assert.equal(await active(page), 'step 9999', 'the active row stays, for those who have it read');
  await page.fill('#search', 'step 997');
  const found = `${counted(({ name }) => /step.*997/.test(name))} of 10000 rows match`;
  await page.waitForFunction((text) => document.querySelector('#count').textContent === text, found);
  await held('after a search');
  await page.fill('#search', '');
  await page.waitForFunction(() => document.querySelector('#count').textContent.startsWith('10000 rows'));
  await page.click('[data-toggle=errors]');
  assert.equal(await count(page), `${counted(({ error }) => error)} of 10000 rows match`);
  await close();
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

for (const [name, data, options] of [
  ['light', order(), { hash: '#row=4' }],
  ['dark', trouble(), { colorScheme: 'dark', hash: '#row=a' }],
  ['light, with warnings', trouble(), { hash: '#row=e' }],
  ['dark, with replays', order(), { colorScheme: 'dark', hash: '#row=8' }],
  ['narrow', order(), { viewport: { width: 390, height: 800 } }],
  ['empty', empty(), {}],
]) {
  test(`axe finds nothing to mend: ${name}`, async () => {
    const { page, close } = await open(data, { bypassCSP: true, ...options });
    for (const box of await page.$$('details')) await box.evaluate((details) => { details.open = true; });
    await page.addScriptTag({ content: axe });
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] });
      return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).slice(0, 3).join(' | ')}`);
    });
    assert.deepEqual(found, []);
    await close();
  });
}

test('on a narrow screen nothing stands out to the side, and a tap opens the details', async () => {
  const { page, close } = await open(order(), { viewport: { width: 390, height: 800 } });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true);
  assert.equal(await page.isVisible('#panel'), false);
  await rowOf(page, 'validation').click();
  assert.equal(await page.isVisible('#panel'), true);
  await page.click('#panel .close');
  assert.equal(await page.isVisible('#panel'), false);
  await close();
});
