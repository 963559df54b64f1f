/** A client that goes away at any octet of its request or of its answer leaves nothing behind. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rawClient } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, rawUpstream } from "../support/proxy-upstream.ts";

const BODY = "x".repeat(1_900);
const REQUEST = `POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const AT_A_TIME = 50;

let router: TestRouter;
let app: RawUpstream;
beforeEach(async () => void (router = await testRouter({ lingerMs: 100, connectionsPerAddress: 10_000 })));
afterEach(async () => {
  await router.close();
  await app.close();
});

async function offsets(count: number, abort: (offset: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += AT_A_TIME) await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count - from) }, (_, i) => abort(from + i)));
}

/** Nothing is in flight, and every connection to the app on which something was under way is closed. */
async function nothingLeft(): Promise<void> {
  await expect.poll(async () => (await router.router.health()).inFlight).toBe(0);
  await Promise.all(app.connections.map(({ closed }) => closed));
}

describe("a client that goes away", () => {
  it("at any octet of a request is logged at most once, with 499, and frees its connection to the app", async () => {
    app = await rawUpstream(() => {});
    await router.router.switchTo(routeTo([app.port]));
    await offsets(REQUEST.length, async (offset) => {
      const client = await rawClient(router.port);
      // A FIN behind the octets: a RST could overtake them.
      client.socket.end(REQUEST.slice(0, offset), "latin1");
      await client.closed();
    });
    await nothingLeft();
    // Before the head was whole there was no request.
    const begun = BODY.length;
    await expect.poll(() => router.lines.length).toBe(begun);
    expect(router.lines.filter((line) => !/code=H27 .* status=499 /.test(line))).toEqual([]);
  });

  it("at any octet of an answer's body is logged once, and frees its connection to the app", async () => {
    // The path says how much of the body is sent: there the app stops.
    app = await rawUpstream(({ received, socket }) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, Number(/ \/(\d+)/.exec(received)![1]))}`));
    await router.router.switchTo(routeTo([app.port]));
    await offsets(BODY.length, async (offset) => {
      const client = await rawClient(router.port);
      client.send(`GET /${offset} HTTP/1.1\r\nHost: app.test\r\n\r\n`);
      await client.until(new RegExp(`\r\n\r\nx{${offset}}$`));
      client.socket.resetAndDestroy();
    });
    await expect.poll(() => router.lines.length).toBe(BODY.length);
    await nothingLeft();
    expect(router.lines.filter((line) => !/code=H27 /.test(line))).toEqual([]);
  });
});
