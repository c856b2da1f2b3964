// Chromium, and pages in it that are watched: what they log and what they ask the network for.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

const folder = mkdtempSync(path.join(tmpdir(), 'durable-trace-page-'));
let browser = null;

export async function start() {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS, headless: true });
}

export async function end() {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
}

// The document that the program made, with other data in it.
function documentOf(data) {
  const made = readFileSync(process.env.PAGE, 'utf8');
  const from = made.indexOf('id="data">') + 'id="data">'.length;
  const to = made.indexOf('</script>', from);
  return made.slice(0, from) + JSON.stringify(data).replaceAll('<', '\\u003c') + made.slice(to);
}

let count = 0;

function write(data) {
  const file = path.join(folder, `${count += 1}.html`);
  writeFileSync(file, documentOf(data));
  return pathToFileURL(file).href;
}

// A page of its own, with nothing kept from others. `problems` is what it logged and asked for, `close` fails if there is any.
export async function visit(address, options = {}) {
  const { isAllowed = (url) => url.startsWith('data:'), ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 760 }, ...rest });
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.stack}`));
  page.on('request', (request) => {
    const url = request.url().split('#')[0];
    if (url !== address.split('#')[0] && !isAllowed(url)) problems.push(`request: ${url}`);
  });
  await page.goto(address);
  return {
    page,
    problems,
    async close() {
      await context.close();
      assert.deepEqual(problems, [], 'it logs nothing and asks for nothing');
    },
  };
}

export async function open(data, { hash = '', ...options } = {}) {
  const visited = await visit(write(data) + hash, options);
  await visited.page.waitForSelector('#axis .ticks');
  return visited;
}

// The names of the rows in the document, from the top.
export async function names(page) {
  return page.$$eval('#rows .row', (rows) =>
    rows.sort((a, b) => Number(a.dataset.at) - Number(b.dataset.at)).map((row) => row.querySelector('.label').textContent));
}

export const rowOf = (page, name) => page.locator('#rows .row', { has: page.locator('.label', { hasText: new RegExp(`^${name}$`) }) }).first();
