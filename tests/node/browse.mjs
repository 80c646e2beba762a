// A person with a browser: from the index to a feed, an entry and the one before it, in Chromium.
//
// What to do is read from standard input as JSON, and what was seen is written as JSON:
//   { browser, base, feed, width, height, scheme, shots, pages }
// browser: what `serve_chromium.mjs` wrote. base: the site's address. feed: the text of the link to a feed. shots: a folder for pictures, or
// null. pages: addresses to be judged by axe.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const task = JSON.parse(readFileSync(0, 'utf8'));
const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const browser = await chromium.connect(task.browser);

function watched(page, seen) {
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('response', (response) => seen.statuses.push([response.url(), response.status()]));
  page.on('console', (message) => seen.console.push(message.text()));
  page.on('pageerror', (error) => seen.console.push(String(error)));
  page.on('dialog', (dialog) => {
    seen.dialogs.push(dialog.message());
    return dialog.dismiss();
  });
}

const nothing = () => ({ visited: [], requests: [], statuses: [], console: [], dialogs: [] });

async function context(options) {
  return browser.newContext({
    viewport: { width: task.width, height: task.height },
    colorScheme: task.scheme,
    ...options,
  });
}

// The journey: scripts are off, as for the most careful reader.
async function walk() {
  const seen = nothing();
  const page = await (await context({ javaScriptEnabled: false })).newPage();
  watched(page, seen);
  const arrive = async (name) => {
    await page.waitForLoadState();
    seen.visited.push([page.url(), await page.title()]);
    seen.overflow ??= [];
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (wide > 0) seen.overflow.push([page.url(), wide]);
    if (task.shots) {
      await page.screenshot({ path: join(task.shots, `${name}-${task.width}-${task.scheme}.png`) });
    }
  };
  await page.goto(task.base);
  await arrive('index');
  await page.getByRole('link', { name: task.feed, exact: true }).click();
  await arrive('feed');
  await page.locator('ol.entries h3 a').first().click();
  await arrive('entry');
  seen.first = await page.evaluate(() => document.querySelector('body a')?.href);
  await page.locator('a[rel=prev]').click();
  await arrive('previous');
  return seen;
}

// Each page with scripts allowed, as far as the page itself allows them.
async function visit(addresses, options) {
  const seen = nothing();
  seen.violations = [];
  const opened = await context(options);
  for (const address of addresses) {
    const page = await opened.newPage();
    watched(page, seen);
    await page.goto(address);
    seen.visited.push([page.url(), await page.title()]);
    if (options.bypassCSP) {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const found of violations) {
        const where = found.nodes.slice(0, 3).map((node) => node.html.slice(0, 200));
        seen.violations.push([address, found.impact, found.id, where]);
      }
    }
    await page.close();
  }
  return seen;
}

const told = {};
if (task.feed) told.walk = await walk();
if (task.pages) told.judged = await visit(task.pages, { bypassCSP: true });
if (task.opened) told.opened = await visit(task.opened, {});
await browser.close();
console.log(JSON.stringify(told));
