/** When a request may go to a dyno a second time, and which dyno it goes to. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseTarget } from "../../proxy/balance.ts";
import { DEFAULT_LIMITS } from "../../proxy/limits.ts";
import { type InFlight, LiveTarget } from "../../proxy/live-target.ts";
import { freePort } from "../support/free-port.ts";
import { statuses, talk } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawConnection, type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const GET = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
const ANSWER = /ok$|<\/html>\n$/;
const withBody = (method: string): string => `${method} / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\n\r\nbody`;

let router: TestRouter;
const upstreams: RawUpstream[] = [];
beforeEach(async () => void (router = await testRouter({ setAsideMs: 1_000 })));
afterEach(async () => {
  await router.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

async function upstream(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const made = await rawUpstream(...args);
  upstreams.push(made);
  return made;
}

const requestsOn = ({ received }: RawConnection): number => received.split(" / HTTP/1.1\r\n").length - 1;

/** Answers the first request of each connection; `second` is done with the next one on it. */
function keeping(second: (connection: RawConnection) => unknown): (connection: RawConnection) => void {
  return (connection) => void (requestsOn(connection) === 1 ? connection.socket.write(response("ok")) : second(connection));
}

async function asked(...texts: string[]): Promise<number[]> {
  const seen: number[] = [];
  for (const text of texts) seen.push(...statuses(await talk(router.port, text, ANSWER)).slice(-1));
  return seen;
}

describe("a request that its dyno's connection closes under", () => {
  for (const [name, close] of [["FIN", (socket: RawConnection["socket"]) => socket.end()], ["RST", (socket: RawConnection["socket"]) => socket.resetAndDestroy()]] as const) {
    it(`by ${name} is sent again on a new connection when it was a kept one and the method may be repeated, body and all`, async () => {
      const app = await upstream(keeping(({ socket }) => close(socket)));
      await router.router.switchTo(routeTo([app.port]));
      expect(await asked(GET, withBody("PUT"))).toEqual([200, 200]);
      expect(app.connections).toHaveLength(2);
      expect(app.connections[1]!.received).toMatch(/^PUT [^]*\r\n\r\nbody$/);
    });

    it(`by ${name} is not sent again when its method may not be repeated`, async () => {
      const app = await upstream(keeping(({ socket }) => close(socket)));
      await router.router.switchTo(routeTo([app.port]));
      expect(await asked(GET, withBody("POST"))).toEqual([200, 503]);
      expect(app.connections).toHaveLength(1);
    });

    it(`by ${name} is not sent again when the connection was a new one: the app may have worked on it`, async () => {
      const app = await upstream(({ socket }) => close(socket));
      const beside = await upstream(({ socket }) => close(socket));
      await router.router.switchTo(routeTo([app.port, beside.port]));
      expect(await asked(GET)).toEqual([503]);
      expect(app.connections.length + beside.connections.length).toBe(1);
    });
  }

  it("is sent again once only", async () => {
    let isFirst = true;
    const app = await upstream(({ socket }) => {
      if (isFirst) socket.write(response("ok"));
      else socket.end();
      isFirst = false;
    });
    await router.router.switchTo(routeTo([app.port]));
    expect(await asked(GET, GET)).toEqual([200, 503]);
    expect(app.connections).toHaveLength(2);
  });

  it("is not sent again when a part of an answer has come", async () => {
    const app = await upstream(keeping(({ socket }) => socket.end("HTTP/1.1 2")));
    await router.router.switchTo(routeTo([app.port]));
    expect(await asked(GET, GET)).toEqual([200, 502]);
    expect(app.connections).toHaveLength(1);
  });
});

describe("a dyno that refuses a connection", () => {
  it("gets no request for the time it is set aside, then some again", async () => {
    const well = await upstream(answering(response("ok")));
    const gone = await freePort();
    await router.router.switchTo(routeTo([gone, well.port]));
    // Until it is its turn, and refuses: the request is another's then, of any method.
    const refused = performance.now();
    expect(await asked(...Array.from({ length: 20 }, () => withBody("POST")))).toEqual(Array(20).fill(200));
    const back = await upstream(answering(response("ok")), gone);
    while (back.connections.length === 0) await asked(GET);
    expect(performance.now() - refused).toBeGreaterThan(990);
  });
});

describe("of several dynos", () => {
  const busy = (...loads: number[]): LiveTarget[] =>
    loads.map((load, i) => {
      const target = new LiveTarget({ id: String(i), dyno: `web.${i + 1}`, address: "127.0.0.1", port: 1 }, DEFAULT_LIMITS);
      for (let n = 0; n < load; n++) target.enter({ slot: -1, unanswered: false, cut: () => {}, targetRetired: () => {} } satisfies InFlight);
      return target;
    });
  const chosen = (targets: LiveTarget[]): number[] => {
    const counts = targets.map(() => 0);
    for (let i = 0; i < 3_000; i++) counts[targets.indexOf(chooseTarget(targets, 0))]!++;
    return counts;
  };

  it("the less busy of two random ones gets the request: the busiest of all never, each other one often", () => {
    const [none, one, two, three] = chosen(busy(0, 1, 2, 9));
    expect(three).toBe(0);
    // 3/6, 2/6 and 1/6 of all pairs.
    expect(none).toBeGreaterThan(one!);
    expect(one).toBeGreaterThan(two!);
    expect(two).toBeGreaterThan(300);
  });

  it("equally busy ones share the requests evenly", () => {
    for (const count of chosen(busy(0, 0, 0, 0))) expect(Math.abs(count - 750)).toBeLessThan(150);
  });

  it("those set aside get one only when all are", () => {
    const targets = busy(9, 0, 0);
    targets[1]!.setAsideUntil = targets[2]!.setAsideUntil = 1;
    expect(chosen(targets)).toEqual([3_000, 0, 0]);
    targets[0]!.setAsideUntil = 1;
    expect(chosen(targets)[0]).toBe(0);
  });
});
