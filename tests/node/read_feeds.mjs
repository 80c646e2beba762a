// What feed readers written in JavaScript find in documents: the paths are read from standard
// input, one a line; what comes out is a line of JSON for each.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseFeed } from 'feedsmith';
import RssParser from 'rss-parser';

const rssParser = new RssParser();

const moment = (date) => (date ? new Date(date).getTime() : null);

function byFeedsmith(text) {
  const { format, feed } = parseFeed(text);
  if (format === 'rss') {
    return feed.items.map((item) => ({
      id: item.guid?.value,
      link: item.link,
      title: item.title,
      published: moment(item.pubDate),
      body: item.content?.encoded ?? item.description,
      enclosures: (item.enclosures ?? []).map((enclosure) => enclosure.url),
    }));
  }
  if (format === 'atom') {
    const href = (entry, rel) => entry.links?.filter((link) => link.rel === rel).map((l) => l.href);
    return feed.entries.map((entry) => ({
      id: entry.id,
      link: href(entry, 'alternate')?.[0],
      title: entry.title?.value ?? entry.title,
      published: moment(entry.published),
      body: entry.content?.value ?? entry.summary?.value ?? entry.summary,
      enclosures: href(entry, 'enclosure') ?? [],
    }));
  }
  return feed.items.map((item) => ({
    id: item.id,
    link: item.url,
    title: item.title,
    published: moment(item.date_published),
    body: item.content_html,
    enclosures: (item.attachments ?? []).map((attachment) => attachment.url),
  }));
}

async function byRssParser(text) {
  const { items } = await rssParser.parseString(text);
  return items.map((item) => ({
    id: item.guid ?? item.id,
    link: item.link,
    title: item.title,
    published: moment(item.isoDate ?? item.pubDate),
    body: item['content:encoded'] ?? item.content ?? item.summary,
  }));
}

for await (const path of createInterface({ input: process.stdin })) {
  const text = readFileSync(path, 'utf8');
  const found = { feedsmith: byFeedsmith(text) };
  if (path.endsWith('.xml')) {
    found['rss-parser'] = await byRssParser(text);
  }
  console.log(JSON.stringify(found));
}
