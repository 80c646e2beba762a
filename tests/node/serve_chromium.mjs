// Chromium for the scripts beside this one: `node serve_chromium.mjs CHROMIUM` writes the address
// to connect to, and serves until its standard input ends. No host but this machine has an address.
import { chromium } from 'playwright-core';

const server = await chromium.launchServer({
  executablePath: process.argv[2],
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});
console.log(server.wsEndpoint());
process.stdin.on('end', () => server.close()).resume();
