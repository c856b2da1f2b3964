// The pictures of the documents: the demo's page, in light and in dark.

import { statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { end, start, visit } from './browser.mjs';

const MOST_BYTES = 200_000;
const folder = process.argv[2];

await start();
for (const colorScheme of ['light', 'dark']) {
  const { page, close } = await visit(pathToFileURL(process.env.PAGE).href, { colorScheme, viewport: { width: 1400, height: 700 } });
  await page.waitForSelector('#axis .ticks');
  await page.locator('.row.has-error').first().click();
  await page.mouse.move(0, 0);
  const file = path.join(folder, `page-${colorScheme}.png`);
  await page.screenshot({ path: file });
  await close();
  const { size } = statSync(file);
  console.log(`${file}: ${size} bytes`);
  if (size > MOST_BYTES) process.exitCode = 1;
}
await end();
