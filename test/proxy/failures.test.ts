import type net from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deafServer } from "../support/deaf-server.ts";
import { freePort } from "../support/free-port.ts";
import { rawClient, statuses, talk } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const GET = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\nhi";
const PAGE = /<\/html>\n$/;

let router: TestRouter;
let upstreams: RawUpstream[] = [];
beforeEach(async () => void (router = await testRouter({ lingerMs: 100 })));
afterEach(async () => {
  await router.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

/** Short times are for those errors alone that time makes: a busy machine would make them of others. */
async function routerWith(limits: Parameters<typeof testRouter>[0]): Promise<void> {
  await router.close();
  router = await testRouter({ lingerMs: 100, ...limits });
}

async function upstream(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const made = await rawUpstream(...args);
  upstreams.push(made);
  return made;
}

async function app(...args: Parameters<typeof rawUpstream>): Promise<RawUpstream> {
  const made = await upstream(...args);
  await router.router.switchTo(routeTo([made.port]));
  return made;
}

function logged(): string[] {
  return router.lines.map((line) => /code=(H\d\d)/.exec(line)?.[1] ?? "info");
}

describe("a route without targets", () => {
  for (const [code, status] of [["H10", 503], ["H14", 503], ["H80", 503], ["H81", 404]] as const)
    it(`answers ${status} for ${code}, and keeps the connection`, async () => {
      await routerWith({ refusedMs: 200 });
      await router.router.switchTo(routeTo([], { unavailable: code }));
      const text = await talk(router.port, GET + GET, /<\/html>[^]*<\/html>/);
      expect(statuses(text)).toEqual([status, status]);
      expect(text).toContain(code);
      expect(logged()).toEqual([code, code]);
    });
});

describe("a page of the app's own", () => {
  const pages = { errorPage: "https://pages.test/error?a=1&b=\"2\"", maintenancePage: "https://pages.test/maintenance" };

  it("is framed for what fails and for maintenance, with the status of what happened, and JSON stays JSON", async () => {
    await routerWith({ refusedMs: 200 });
    await router.router.switchTo(routeTo([], { unavailable: "H10", ...pages }));
    expect(await talk(router.port, GET, PAGE)).toMatch(/^HTTP\/1\.1 503 [^]*<iframe src="https:\/\/pages\.test\/error\?a=1&#38;b=&#34;2&#34;">/);
    expect(await talk(router.port, GET.replace("\r\n\r\n", "\r\nAccept: application/json\r\n\r\n"), /\}\n$/)).toContain('"app_crashed"');
    await router.router.switchTo(routeTo([], { unavailable: "H80", ...pages }));
    expect(await talk(router.port, GET, PAGE)).toMatch(/^HTTP\/1\.1 503 [^]*<iframe src="https:\/\/pages\.test\/maintenance">/);
    await router.router.switchTo(routeTo([], { unavailable: "H81", ...pages }));
    expect(await talk(router.port, GET, PAGE)).not.toContain("iframe");
  });

  it("that is no http URL is refused with the field's name", async () => {
    for (const errorPage of ["javascript:alert(1)", "//pages.test", "https://"])
      await expect(router.router.switchTo(routeTo([], { errorPage }))).rejects.toMatchObject({ id: "invalid_route", what: expect.stringContaining("`errorPage`") as string });
  });
});

describe("the router's own answers", () => {
  it("are 404 for a host that no route has", async () => {
    expect(statuses(await talk(router.port, GET, PAGE))).toEqual([404]);
  });

  it("are JSON for a client that prefers it, and HTML otherwise", async () => {
    const json = await talk(router.port, GET.replace("\r\n\r\n", "\r\nAccept: text/html;q=0.5, application/json\r\n\r\n"), /\}\n$/);
    expect(JSON.parse(json.split("\r\n\r\n")[1]!)).toEqual({ id: "no_such_app", message: "There is no app at this address." });
    expect(await talk(router.port, GET.replace("\r\n\r\n", "\r\nAccept: application/json;q=0.1, text/html\r\n\r\n"), PAGE)).toContain("text/html");
  });

  it("to HEAD have no body", async () => {
    expect(await talk(router.port, GET.replace("GET", "HEAD") + GET, PAGE)).toMatch(/^HTTP[^<]*\r\n\r\nHTTP\/1\.1 404/);
  });

  it("to a request whose body is still coming close the connection without cutting the answer off", async () => {
    const client = await rawClient(router.port);
    client.send(`POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(300_000)}`);
    const { text, error } = await client.closed();
    expect(text).toMatch(/404[^]*Connection: close[^]*<\/html>\n$/);
    expect(error).toBeNull();
  });
});

describe("an app that does not accept connections", () => {
  it("is tried again for a while before the client hears H21", async () => {
    await routerWith({ refusedMs: 400, setAsideMs: 300 });
    await router.router.switchTo(routeTo([await freePort()]));
    const began = performance.now();
    expect(statuses(await talk(router.port, GET, PAGE))).toEqual([503]);
    expect(performance.now() - began).toBeGreaterThan(300);
    expect(logged()).toEqual(["H21"]);
  });

  it("and comes back in time is answered as if nothing had been", async () => {
    const port = await freePort();
    await router.router.switchTo(routeTo([port]));
    const client = await rawClient(router.port);
    client.send(POST);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await upstream(answering(response("back")), port);
    expect(statuses(await client.until(/back$/))).toEqual([200]);
    client.socket.destroy();
  });

  it("gives its requests to another dyno at once, and gets none for a while", async () => {
    const well = await upstream(answering(response("well")));
    await router.router.switchTo(routeTo([await freePort(), well.port]));
    for (let i = 0; i < 20; i++) expect(await talk(router.port, POST, /well$|html/)).toContain("well");
    expect(logged()).toEqual(Array(20).fill("info"));
  });

  it("follows a flip that comes while the request is held", async () => {
    await router.router.switchTo(routeTo([await freePort()]));
    const client = await rawClient(router.port);
    client.send(GET);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await app(answering(response("next")));
    expect(statuses(await client.until(/next$/))).toEqual([200]);
    client.socket.destroy();
  });

  it("because its packets vanish is given up after the connect time (H19)", async () => {
    await routerWith({ connectMs: 200 });
    const deaf = await deafServer();
    await router.router.switchTo(routeTo([deaf.port]));
    expect(statuses(await talk(router.port, GET, PAGE))).toEqual([503]);
    expect(logged()).toEqual(["H19"]);
    deaf.close();
  });
});

describe("an app that accepts", () => {
  it("and closes without an answer gives H13", async () => {
    await app(({ socket }) => socket.end());
    expect(statuses(await talk(router.port, GET, PAGE))).toEqual([503]);
    expect(logged()).toEqual(["H13"]);
  });

  it("and stays silent gives H12 after the first-byte time, and its connection is closed", async () => {
    await routerWith({ firstByteMs: 200 });
    const silent = await app(() => {});
    const began = performance.now();
    expect(statuses(await talk(router.port, GET, PAGE))).toEqual([503]);
    expect(performance.now() - began).toBeGreaterThan(190);
    await silent.connections[0]!.closed;
    expect(logged()).toEqual(["H12"]);
  });

  it("and falls silent in its answer is cut off without a clean end (H15)", async () => {
    await routerWith({ rollingMs: 300 });
    await app(({ socket }) => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"));
    const client = await rawClient(router.port);
    client.send(GET);
    expect((await client.closed()).text).toMatch(/2\r\nab\r\n$/);
    expect(logged()).toEqual(["H15"]);
  });

  it("and answers byte by byte, each within the window, is not cut off", async () => {
    await routerWith({ rollingMs: 2_000 });
    await app(async ({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
      for (const octet of "abcde") {
        await new Promise((resolve) => setTimeout(resolve, 450));
        socket.write(octet);
      }
    });
    await talk(router.port, GET, /abcde$/);
    expect(logged()).toEqual(["info"]);
  });
});

describe("a kept connection that the app closes", () => {
  /** Answers once a connection; the second request on it is met by a close. */
  const once1 = (): ((connection: { received: string; socket: net.Socket }) => void) => (connection) => {
    if (connection.received.split("\r\n\r\n").length > 2 && !connection.received.startsWith("POST")) connection.socket.destroy();
    else if (connection.received.split("HTTP/1.1").length > 2) connection.socket.destroy();
    else connection.socket.write(response("hi"));
  };

  it("just as a GET is sent costs the client nothing", async () => {
    const racing = await app(once1());
    for (let i = 0; i < 3; i++) expect(statuses(await talk(router.port, GET, /hi$|html/))).toEqual([200]);
    expect(racing.connections).toHaveLength(3);
  });

  it("just as a POST is sent is not asked a second time", async () => {
    const racing = await app(once1());
    await talk(router.port, GET, /hi$/);
    expect(statuses(await talk(router.port, POST, /hi$|html/))).toEqual([503]);
    expect(racing.connections).toHaveLength(1);
    expect(logged()).toEqual(["info", "H13"]);
  });

  it("has rested too long for a POST: it gets a new one", async () => {
    const racing = await app(once1());
    await routerWith({ freshMs: 0 });
    await router.router.switchTo(routeTo([racing.port]));
    await talk(router.port, GET, /hi$/);
    expect(statuses(await talk(router.port, POST, /hi$|html/))).toEqual([200]);
  });
});

describe("an app that closes kept connections after a short rest", () => {
  it("costs no request, whenever it comes", async () => {
    await routerWith({ freshMs: 0 });
    const restless = await app((connection) => {
      const { socket } = connection;
      if (socket.timeout !== 30) socket.setTimeout(30, () => socket.end());
      if (/\r\n\r\n(hi)?$/.test(connection.received)) socket.write(response("ok"));
    });
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, async (_, lane) => {
        const client = await rawClient(router.port);
        const seen: number[] = [];
        for (let i = 1; i <= 30; i++) {
          client.send((lane + i) % 3 === 0 ? POST : GET);
          seen.push(...statuses(await client.until(/ok$|<\/html>\n$/)));
          client.forget();
          await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 20));
        }
        client.socket.destroy();
        return seen;
      }),
    );
    expect(outcomes.flat()).toEqual(Array(180).fill(200));
    expect(restless.connections.length).toBeGreaterThan(10);
  });
});

describe("an app with more in flight than it can work off", () => {
  it("answers H11 with Retry-After at once", async () => {
    await routerWith({ requestsPerTarget: 2 });
    const busy = await app(() => {});
    const waiting = [await rawClient(router.port), await rawClient(router.port)];
    for (const client of waiting) client.send(GET);
    await expect.poll(() => busy.connections.length).toBe(2);
    const text = await talk(router.port, GET, PAGE);
    expect(statuses(text)).toEqual([503]);
    expect(text).toContain("Retry-After: 1\r\n");
    expect(logged()).toEqual(["H11"]);
    // Once its response has begun, a stream is no backlog.
    for (const { socket } of busy.connections) socket.write("HTTP/1.1 200 OK\r\n\r\nstream");
    for (const client of waiting) await client.until(/stream/);
    const third = await rawClient(router.port);
    third.send(GET);
    await expect.poll(() => busy.connections.length).toBe(3);
    third.socket.destroy();
    for (const client of waiting) client.socket.destroy();
  });
});

describe("a slow client", () => {
  it("with its head is answered 408 after the head time", async () => {
    await routerWith({ headMs: 200 });
    const client = await rawClient(router.port);
    const began = performance.now();
    const dribble = setInterval(() => client.send("X"), 20);
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\nX-A: ");
    expect(statuses((await client.closed()).text)).toEqual([408]);
    clearInterval(dribble);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("with its body is given up after the rolling time (H28)", async () => {
    await routerWith({ rollingMs: 300 });
    const slow = await app(() => {});
    expect(statuses(await talk(router.port, POST.slice(0, -1), PAGE))).toEqual([408]);
    await slow.connections[0]!.closed;
    expect(logged()).toEqual(["H28"]);
  });

  it("that asks nothing is let go after the idle time", async () => {
    await routerWith({ clientIdleMs: 400 });
    const client = await rawClient(router.port);
    expect(await client.closed()).toEqual({ text: "", error: null });
  });
});

describe("limits of connections", () => {
  it("turn the one too many from an address away, and count down again", async () => {
    await routerWith({ connectionsPerAddress: 2, connections: 3 });
    const here = [await rawClient(router.port), await rawClient(router.port)];
    const refused = await talk(router.port, "");
    expect(statuses(refused)).toEqual([503]);
    expect(refused).toContain("H22");
    expect(router.lines).toEqual([expect.stringMatching(/^at=error code=H22 desc="Connection limit reached" .* fwd="127\.0\.0\.1" .* status=503 /)]);
    const there = await rawClient(router.port, { localAddress: "127.0.0.2" });
    there.send(GET);
    await there.until(PAGE);
    const more = await rawClient(router.port, { localAddress: "127.0.0.3" });
    expect(statuses((await more.closed()).text)).toEqual([503]);
    here[0]!.socket.destroy();
    await here[0]!.closed();
    await expect.poll(async () => statuses(await talk(router.port, GET, PAGE))).toEqual([404]);
    for (const client of [...here, there]) client.socket.destroy();
  });
});

describe("several dynos", () => {
  it("share the requests, and the busier one gets fewer", async () => {
    const busy = await upstream(() => {});
    const free = await upstream(answering(response("free")));
    await router.router.switchTo(routeTo([busy.port, free.port]));
    const stuck: Awaited<ReturnType<typeof rawClient>>[] = [];
    while (busy.connections.length < 1) {
      const client = await rawClient(router.port);
      client.send(GET);
      stuck.push(client);
      await Promise.race([client.until(/free$/), new Promise((resolve) => setTimeout(resolve, 50))]);
    }
    for (let i = 0; i < 20; i++) expect(await talk(router.port, GET, /free$|html/)).toContain("free");
    expect(busy.connections).toHaveLength(1);
    for (const client of stuck) client.socket.destroy();
  });
});
