/** Every spelling of a host reaches the one app that it names, or none. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { statuses, talk } from "../support/proxy-client.ts";
import { type TestRouter, routeTo, testRouter } from "../support/proxy-router.ts";
import { type RawUpstream, answering, rawUpstream, response } from "../support/proxy-upstream.ts";

const APPS: Record<string, string> = { one: "one.test", two: "one.test.example", three: "xn--80ak6aa92e.test" };

let router: TestRouter;
const upstreams: RawUpstream[] = [];
beforeEach(async () => {
  router = await testRouter({ lingerMs: 50 });
  for (const [id, host] of Object.entries(APPS)) {
    const app = await rawUpstream(answering(response(`app ${id}.`)));
    upstreams.push(app);
    await router.router.switchTo(routeTo([app.port], { id, hosts: [host] }));
  }
});
afterEach(async () => {
  await router.close();
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

/** What a Host line gives for an app's host `h`: the app itself, or a refusal. */
const SPELLINGS: [string, (h: string) => string, "app" | 400 | 404][] = [
  ["as it is", (h) => h, "app"],
  ["upper case", (h) => h.toUpperCase(), "app"],
  ["mixed case", (h) => h[0]!.toUpperCase() + h.slice(1), "app"],
  ["with a port", (h) => `${h}:8080`, "app"],
  ["with port 0", (h) => `${h}:0`, "app"],
  ["with an empty port", (h) => `${h}:`, "app"],
  ["with a final dot", (h) => `${h}.`, "app"],
  ["with a final dot and a port", (h) => `${h}.:80`, "app"],
  ["with blanks around", (h) => ` \t${h} \t`, "app"],
  ["with two final dots", (h) => `${h}..`, 400],
  ["with a leading dot", (h) => `.${h}`, 400],
  ["with an empty label", (h) => h.replace(".", ".."), 400],
  ["empty", () => "", 400],
  ["only a dot", () => ".", 400],
  ["only a port", () => ":80", 400],
  ["with a port that is no number", (h) => `${h}:8o`, 400],
  ["with a port of six digits", (h) => `${h}:123456`, 400],
  ["with two ports", (h) => `${h}:80:80`, 400],
  ["a list", (h) => `${h},evil.test`, 400],
  ["a list of the same", (h) => `${h}, ${h}`, 400],
  ["with userinfo", (h) => `user@${h}`, 400],
  ["as userinfo", (h) => `${h}@evil.test`, 400],
  ["with a path", (h) => `${h}/x`, 400],
  ["with a query", (h) => `${h}?x`, 400],
  ["with a scheme", (h) => `http://${h}`, 400],
  ["with a backslash", (h) => `${h}\\x`, 400],
  ["percent-encoded", (h) => h.replace("t", "%74"), 400],
  ["with a NUL", (h) => `${h}\0`, 400],
  ["with a blank inside", (h) => h.replace(".", ". "), 400],
  ["with raw UTF-8", (h) => h.replace("t", "\xd1\x82"), 400],
  ["in quotes", (h) => `"${h}"`, 400],
  ["in brackets", (h) => `[${h}]`, 400],
  ["an IPv6 literal", () => "[::1]:80", 404],
  ["a broken IPv6 literal", () => "[::1", 400],
  ["an IPv4 address", () => "127.0.0.1", 404],
  ["a subdomain", (h) => `x.${h}`, 404],
  ["with a suffix", (h) => `${h}.evil.test`, 404],
  ["with a prefix", (h) => `evil-${h}`, 404],
  ["its last label", (h) => h.slice(h.indexOf(".") + 1), 404],
  ["of 254 characters", () => `${"a.".repeat(127)}a`.slice(0, 255), 400],
];

for (const [id, host] of Object.entries(APPS))
  describe(`the host ${host}`, () => {
    for (const [what, spell, outcome] of SPELLINGS)
      it(`${what} gives ${outcome === "app" ? `app ${id}` : String(outcome)}`, async () => {
        const text = await talk(router.port, `GET / HTTP/1.1\r\nHost: ${spell(host)}\r\n\r\n`, /app \w+\.|<\/html>/);
        if (outcome === "app") expect(text).toContain(`app ${id}.`);
        else expect(statuses(text)).toEqual([outcome]);
      });
  });
