import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker, install, type Installation } from "./workshop.ts";

const NODE = "/opt/paas/node/bin/node";
const SERVER = `exec ${NODE} -e 'require("http").createServer((q, r) => r.end("served")).listen(5000, () => console.log("listening"))'`;

let ours: Installation;
beforeAll(async () => void (ours = await install()));
afterAll(() => ours?.clear());

/** Runs a script of app.json as an app's tests; @returns what came of it and what was printed */
async function tests(env: Record<string, string>, { appId = ours.spec("").appId, timeoutMs = 30_000 } = {}) {
  let printed = "";
  const runId = randomUUID();
  const ended = await ours.engine.runTests({ runId, appId, image: ours.image, env, memoryMb: 256 }, { write: (text) => void (printed += text) }, timeoutMs);
  expect(await docker.listContainers({ all: true, filters: { name: [runId] } })).toEqual([]);
  return { ...ended, printed };
}

test("tests do not reach the app's dynos, find no cache and none of what starts them", async () => {
  const dyno = await ours.engine.startDyno(ours.spec(SERVER));
  await ours.printed(dyno, "listening");
  const knock = (seconds: number): string => `timeout ${seconds} bash -c '</dev/tcp/${dyno.address}/5000' 2>/dev/null && echo reached || echo unreachable`;
  expect(await ours.output(knock(15))).toBe("reached\n");
  const { code, printed } = await tests({ PAAS_TEST: `${knock(3)}; ls -A /cache; env | grep PAAS_; echo $A; exit 3`, A: "b c" });
  expect({ code, printed }).toEqual({ code: 3, printed: "-----> Running tests\nunreachable\nb c\n" });
  await ours.engine.discardDyno(dyno.id, 0);
});

test("the setup comes before the tests, and where it fails there are none", async () => {
  expect(await tests({ PAAS_TEST_SETUP: "echo one > file", PAAS_TEST: "cat file" })).toMatchObject({ code: 0, timedOut: false, printed: "-----> Running test-setup script\n-----> Running tests\none\n" });
  expect(await tests({ PAAS_TEST_SETUP: "exit 7", PAAS_TEST: "echo never" })).toMatchObject({ code: 7, printed: "-----> Running test-setup script\n" });
});

test("what takes too long is ended, with all that it has started", async () => {
  expect(await tests({ PAAS_TEST: "echo begun; sleep 3600 & sleep 3600" }, { timeoutMs: 3000 })).toMatchObject({ timedOut: true, printed: "-----> Running tests\nbegun\n" });
});

test("without a script the buildpack's bin/test is asked, in Heroku's way; without either nobody is", async () => {
  expect(await tests({})).toMatchObject({ code: 65, printed: "" });
  const pack = `mkdir -p pack/bin && printf '#!/bin/bash\\necho "in $1: $(cat "$2/A")"; exit 4' >pack/bin/test && chmod +x pack/bin/test && printf /app/pack >/opt/paas/out/testpack`;
  expect(await ours.output(`${pack} && /opt/paas/bin/test; echo $?`, { env: { A: "two\nlines" } })).toBe("-----> Running tests\nin /app: two\nlines\n4\n");
});
