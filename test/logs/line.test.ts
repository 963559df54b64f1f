/** Lines: their record on disk, Heroku's form, and text that does nothing to a terminal. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { History } from "../../server/logs/history.ts";
import { createHub } from "../../server/logs/hub.ts";
import { createClock, formatLine, fromRecord, matches, toRecord, type LogLine } from "../../server/logs/line.ts";
import { linesOf } from "../../server/logs/platform-lines.ts";
import { safeText } from "../../server/logs/safe-text.ts";
import type { PlatformEvent } from "../../server/pipeline/events.ts";

const AT = "2026-11-23T22:14:47.123456+00:00";

test("whatever a program prints, its line comes back from its record as it was, in one record", () => {
  const any = fc.record({
    at: fc.constant(AT), source: fc.constantFrom("app" as const, "heroku" as const), ps: fc.constantFrom("web.1", "router", "api", "release.12", "my_worker.3"),
    release: fc.option(fc.integer({ min: 0, max: 999_999_999 }), { nil: undefined }), text: fc.string({ unit: "binary" }).map(safeText), mark: fc.option(fc.constantFrom("3f2a9c0b1d2e:1:789", "abc:x:000"), { nil: undefined }),
  });
  fc.assert(fc.property(any, (line: LogLine) => {
    const record = toRecord(line);
    expect(record.indexOf("\n")).toBe(record.length - 1);
    expect(fromRecord(Buffer.from(record).toString("utf8", 0, Buffer.byteLength(record) - 1))).toEqual({ ...line, text: Buffer.from(line.text).toString() });
  }), { numRuns: 1000 });
});

test.each(["", "x", "2026 app[web.1] - - x", `${AT} other[web.1] - - x`, `${AT} app[web.1]`, `${AT} app[web.1] vx - y`, `${AT} app[] - - y`])("%j is no record", (text) => expect(fromRecord(text)).toBeUndefined());

test("Heroku's form, and which lines a filter takes", () => {
  const line: LogLine = { at: AT, source: "app", ps: "web.1", release: 7, text: "hello" };
  expect(formatLine(line)).toBe(`${AT} app[web.1]: hello`);
  for (const filter of [{}, { source: "app" }, { dyno: "web.1" }, { dyno: "web" }, { release: 7 }]) expect(matches(line, filter), JSON.stringify(filter)).toBe(true);
  for (const filter of [{ source: "heroku" }, { dyno: "web.10" }, { dyno: "we" }, { dyno: "web.2" }, { release: 8 }]) expect(matches(line, filter), JSON.stringify(filter)).toBe(false);
});

test("lines of one millisecond have times that grow", () => {
  let ms = 1_000;
  const clock = createClock(() => ms);
  const times = [clock(), clock(), clock()];
  ms += 1;
  times.push(clock());
  expect(times).toEqual(["1970-01-01T00:00:01.000000+00:00", "1970-01-01T00:00:01.000001+00:00", "1970-01-01T00:00:01.000002+00:00", "1970-01-01T00:00:01.001000+00:00"]);
});

describe("text for a terminal", () => {
  test.each([
    ["colours stay", "\x1b[31mred\x1b[0m \x1b[1;38;5;12mx\x1b[m \x1b[38:2:1:2:3mz", "\x1b[31mred\x1b[0m \x1b[1;38;5;12mx\x1b[m \x1b[38:2:1:2:3mz"],
    ["a screen is not cleared, a cursor not moved", "\x1b[2J\x1b[H\x1b[1A", "␛[2J␛[H␛[1A"],
    ["no title, no clipboard, no link", "\x1b]0;pwned\x07\x1b]52;c;eA==\x1b\\", "␛]0;pwned␇␛]52;c;eA==␛\\"],
    ["no device is asked, no string begun", "\x1bP$qm\x1b\\\x1b[c\x1b[6n\x1b_x\x1b^y\x1bX", "␛P$qm␛\\␛[c␛[6n␛_x␛^y␛X"],
    ["C1 is none either", "\u009b2J\u009d0;x\u0090", "\ufffd2J\ufffd0;x\ufffd"],
    ["nothing is overwritten", "secret\rpublic\bx\x00\x7f\n\x0b\x0c", "secret␍public␈x␀␡␊␋␌"],
    ["tabs and letters stay", "a\tb é€😀 ␛", "a\tb é€😀 ␛"],
    ["a colour without an end is none", `\x1b[${"1;".repeat(40)}m`, `␛[${"1;".repeat(40)}m`],
  ])("%s", (_what, given, shown) => expect(safeText(given)).toBe(shown));

  test("nothing that a terminal obeys is left but colours", () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom("\x1b", "[", "]", "m", "J", ";", "3", "\x9b", "\x07", "a", "\r", "\x0e") }), (text) => !/[\x00-\x08\x0a-\x1f\x7f-\x9f]/.test(safeText(text).replaceAll(/\x1b\[[0-9;:]*m/g, ""))), { numRuns: 2000 });
  });
});

describe("what the platform does, in Heroku's words", () => {
  const app = { id: "a", name: "shop", ownerId: "u", createdAt: AT, updatedAt: AT };
  const release = { id: "r", appId: "a", version: 5, slugId: null, config: {}, formation: { web: { quantity: 2, size: "standard" }, worker: { quantity: 0, size: "standard" } }, description: "Set FOO config vars", userId: "u", commit: null, createdAt: AT };
  const dyno = { appId: "a", name: "web.1", releaseVersion: 5 };
  const build = {} as never;
  const user = { id: "u", email: "ann@example.com", name: null, admin: false, createdAt: AT };
  test.each<[PlatformEvent, string[]]>([
    [{ kind: "app_created", app, email: "ann@example.com" }, ["app[api]: Initial release by user ann@example.com", "app[api]: Release v1 created by user ann@example.com"]],
    [{ kind: "build_started", appId: "a", build, user }, ["app[api]: Build started by user ann@example.com"]],
    [{ kind: "build_ended", appId: "a", build, succeeded: true }, ["app[api]: Build succeeded"]],
    [{ kind: "build_ended", appId: "a", build, succeeded: false }, ["app[api]: Build failed -- check your build output"]],
    [{ kind: "release_created", appId: "a", release, email: "ann@example.com" }, ["app[api]: Set FOO config vars by user ann@example.com", "app[api]: Release v5 created by user ann@example.com"]],
    [{ kind: "release_created", appId: "a", release: { ...release, description: "Scale web to 2" }, email: "ann@example.com" }, ["app[api]: Scaled to web@2:standard worker@0:standard by user ann@example.com", "app[api]: Release v5 created by user ann@example.com"]],
    [{ kind: "release_command_started", appId: "a", release, command: "rake db:migrate" }, ["heroku[release.5]: Starting process with command `rake db:migrate`"]],
    [{ kind: "release_current", appId: "a", release }, []],
    [{ kind: "release_failed", appId: "a", release, reason: "web.1 exited with status 3.\nThe last lines" }, ["app[api]: Release v5 failed: web.1 exited with status 3."]],
    [{ kind: "dyno_starting", dyno, command: "npm start" }, ["heroku[web.1]: Starting process with command `npm start`"]],
    [{ kind: "dyno_up", dyno }, ["heroku[web.1]: State changed from starting to up"]],
    [{ kind: "dyno_failed", dyno, bootSeconds: 60 }, ["heroku[web.1]: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch", "heroku[web.1]: State changed from starting to crashed"]],
    [{ kind: "dyno_failed", dyno, bootSeconds: undefined }, ["heroku[web.1]: State changed from starting to crashed"]],
    [{ kind: "dyno_crashed", dyno }, ["heroku[web.1]: State changed from up to crashed"]],
    [{ kind: "dyno_stopping", dyno }, ["heroku[web.1]: Stopping all processes with SIGTERM"]],
    [{ kind: "dyno_killed", dyno, stopSeconds: 30 }, ["heroku[web.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM", "heroku[web.1]: Stopping remaining processes with SIGKILL"]],
    [{ kind: "dyno_exited", dyno, code: 1, outOfMemory: false }, ["heroku[web.1]: Process exited with status 1"]],
    [{ kind: "dyno_exited", dyno, code: 137, outOfMemory: true }, ["heroku[web.1]: Process running mem=512M(100.0%)", "heroku[web.1]: Error R14 (Memory quota exceeded) -> The process was killed", "heroku[web.1]: Process exited with status 137"]],
    [{ kind: "app_destroyed", appId: "a" }, []],
  ])("%o", (event, texts) => {
    const { appId, lines } = linesOf(event, 512);
    expect(appId).toBe("a");
    expect(lines.map(({ source, ps, text }) => `${source}[${ps}]: ${text}`)).toEqual(texts);
  });

  test("what a person gives cannot make a second line, nor do anything to a terminal", () => {
    const appended: LogLine[] = [];
    const hub = createHub({ append: (_app: string, line: LogLine) => appended.push(line) } as unknown as History, () => AT);
    for (const line of linesOf({ kind: "dyno_starting", dyno, command: `echo a\n${AT} app[api] v9 abc:1:789 forged \x1b[2J${"x".repeat(20_000)}` }, 512).lines) hub.write("a", line);
    expect(appended.map(({ text }) => text)).toEqual([`Starting process with command \`echo a␊${AT} app[api] v9 abc:1:789 forged ␛[2J${"x".repeat(20_000)}`.slice(0, 10_000) + "…"]);
  });
});
