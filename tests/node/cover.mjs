// Whether anything is painted over what the mirror itself says, in Chromium.
//
// What to do is read from standard input as JSON, and what was seen is written as JSON:
//   { browser, pages, style }
// browser: what `serve_chromium.mjs` wrote. pages: [address, [selectors]] each. style: a style sheet to add to each page.
// Every element of a selector is photographed twice: as the page is, and with all else invisible,
// which moves nothing. Where the pictures differ, something else is painted in the element's box.
// Written is [address, class of the element, whether it is covered] each.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const task = JSON.parse(readFileSync(0, 'utf8'));
const browser = await chromium.connect(task.browser);
const WIDTH = 1280;
const context = await browser.newContext({ bypassCSP: true });
const ALONE = `
  body * { visibility: hidden !important; }
  body [data-alone], body [data-alone] * { visibility: visible !important; }
`;

// Within its edges, which may lie between two pixels.
function clipOf(box) {
  return {
    x: Math.ceil(box.x) + 1,
    y: Math.ceil(box.y) + 1,
    width: Math.floor(box.width) - 3,
    height: Math.floor(box.height) - 3,
  };
}

const seen = [];
const page = await context.newPage();
for (const [address, selectors] of task.pages) {
  await page.setViewportSize({ width: WIDTH, height: 900 });
  await page.goto(address, { waitUntil: 'load' });
  await page.addStyleTag({ content: task.style });
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: WIDTH, height });
  const found = await page.locator(selectors.join()).all();
  const among = [];
  for (const element of found) {
    const clip = clipOf(await element.boundingBox());
    among.push([clip, await page.screenshot({ clip })]);
  }
  await page.addStyleTag({ content: ALONE });
  for (const [index, element] of found.entries()) {
    await element.evaluate((one) => one.setAttribute('data-alone', ''));
    const [clip, before] = among[index];
    const isCovered = !before.equals(await page.screenshot({ clip }));
    seen.push([address, await element.getAttribute('class'), isCovered]);
    await element.evaluate((one) => one.removeAttribute('data-alone'));
  }
}
await browser.close();
console.log(JSON.stringify(seen));
