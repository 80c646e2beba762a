// What a browser does with documents that may hold attacks: whether it runs anything, whom it asks,
// and what it finds in the page, in Chromium.
//
// What to do is read from standard input as JSON, and what was seen is written as JSON:
//   { browser, addresses, mark }
// browser: what `serve_chromium.mjs` wrote. addresses: what to open, with scripts allowed as far as the document allows them. mark: the class
// of the disclaimer.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const task = JSON.parse(readFileSync(0, 'utf8'));
const browser = await chromium.connect(task.browser);
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const seen = { dialogs: [], requests: [], console: [], popups: [], pages: {} };
let where = '';

function watched(page) {
  page.on('dialog', (dialog) => {
    seen.dialogs.push([where, dialog.message()]);
    return dialog.dismiss().catch(() => {}); // it may be gone with its page
  });
  page.on('request', (request) => {
    const { referer } = request.headers();
    seen.requests.push([where, request.resourceType(), request.url(), referer ?? '']);
  });
  page.on('console', (message) => seen.console.push([where, message.text()]));
  page.on('pageerror', (error) => seen.console.push([where, String(error)]));
  return page;
}

context.on('page', (page) => page.opener().then((opener) => opener && seen.popups.push(where)));

// What the browser itself has made of the document: no reading of ours.
function look(mark) {
  const notices = [...document.querySelectorAll(`.${mark}, [role=note]`)];
  const odd = [];
  for (const element of document.querySelectorAll('*')) {
    // In another vocabulary an attribute is a name and nothing else.
    const runs = /xhtml|svg|MathML/.test(element.namespaceURI ?? '');
    for (const { name, value } of runs ? element.attributes : []) {
      const address = ['a', 'area', 'link'].includes(element.localName) && element.protocol;
      if (name.startsWith('on') || name === 'style' || name === 'srcdoc') {
        odd.push(`${element.localName} ${name}=${value}`);
      } else if (name === 'href' && address && !/^(https?|mailto):$/.test(address)) {
        if (value !== 'data:,') odd.push(`${element.localName} ${name}=${value}`);
      }
    }
  }
  const names = [...document.querySelectorAll('*')].map(
    (element) => (element.namespaceURI?.endsWith('1999/xhtml') ? '' : 'other:') + element.localName,
  );
  return {
    kind: document.contentType,
    names: [...new Set(names)],
    odd,
    notices: notices.map((notice) => ({
      words: notice.innerText,
      visible: notice.checkVisibility({ opacityProperty: true, visibilityProperty: true }),
      height: notice.getBoundingClientRect().height,
      on_top: (() => {
        notice.scrollIntoView({ block: 'center' });
        const { left, top, width, height } = notice.getBoundingClientRect();
        const at = document.elementFromPoint(left + width / 2, top + height / 2);
        return notice.contains(at) || at?.contains(notice) === true;
      })(),
    })),
  };
}

const page = watched(await context.newPage());
for (const address of task.addresses) {
  where = address;
  await page.goto(address, { waitUntil: 'load' });
  seen.pages[address] = await page.evaluate(look, task.mark);
}
await page.waitForTimeout(200);
await browser.close();
console.log(JSON.stringify(seen));
