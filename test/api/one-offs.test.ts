import { afterAll, beforeAll, expect, test } from "vitest";
import type { App } from "../../server/domain/model.ts";
import { SECRET } from "../support/api-one-offs.ts";
import { startApiServer, type ApiServer } from "../support/api-server.ts";

let server: ApiServer;
let app: App;
beforeAll(async () => {
  server = await startApiServer();
  app = await server.pipeline.createApp("runs", server.ann.user);
  server.pipeline.deploy(app, server.ann.user);
});
afterAll(() => server.stop());

const run = (json: unknown, path = "/apps/runs/dynos") => server.ask<{ attach_url: string | null; name: string; command: string; id: string; message: string }>("POST", path, { json });
const lastAsked = (): string | undefined => server.pipeline.asked.at(-1);

test("a client at a terminal gets a URL that meets its dyno, at the host that it knows the API by; sizes come as numbers", async () => {
  const { status, body } = await run({ command: "bash", attach: true, env: { TERM: "xterm", COLUMNS: 120, LINES: 40, GREETING: "hi" } });
  expect([status, body.name, body.command]).toEqual([201, "run.1234", "bash"]);
  expect(body.attach_url).toBe(`rendezvous://127.0.0.1:3443/${SECRET}`);
  expect(lastAsked()).toBe("run bash in 120x40 TERM=xterm GREETING=hi");
});

test("without a terminal there is none, whether there is no size or the client wants none", async () => {
  await run({ command: "cat", attach: true, env: { TERM: "xterm" } });
  expect(lastAsked()).toBe("run cat TERM=xterm");
  await run({ command: "cat", attach: true, force_no_tty: true, env: { TERM: "xterm", COLUMNS: 120, LINES: 40 } });
  expect(lastAsked()).toBe("run cat TERM=xterm");
});

test("a detached one has no URL", async () => {
  const { status, body } = await run({ command: "rake db:migrate" });
  expect([status, body.attach_url]).toEqual([201, null]);
  expect(lastAsked()).toBe("detach rake db:migrate");
});

test("a command runs inside a dyno that runs, and is not found in another", async () => {
  expect((await run({ command: "ps" }, "/apps/runs/dynos/web.1")).body.attach_url).toContain("rendezvous://");
  expect((await run({ command: "ps" }, "/apps/runs/dynos/web.9")).status).toBe(404);
});

test.each([
  [{}, "command"], [{ command: "" }, "command"], [{ command: 5 }, "command"], [{ command: "a\0b" }, "command"],
  [{ command: "ls", size: "Performance-L" }, "size"], [{ command: "ls", time_to_live: 0 }, "time_to_live"], [{ command: "ls", env: { "A=B": "x" } }, "A=B"],
  [{ command: "ls", env: { A: null } }, "env"], [{ command: "ls", privileged: true }, "privileged"],
])("%j is refused and %s is named", async (json, name) => {
  const { status, body } = await run(json);
  expect(status).toBe(422);
  expect(body.message).toContain(name);
});
