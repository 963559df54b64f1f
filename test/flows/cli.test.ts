import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { removeWorkspaces, startGit, workspace, type Workspace } from "../support/git-client.ts";
import { overload } from "../support/overload.ts";
import { ADMIN_TOKEN, startPaas, type Paas } from "../support/paas.ts";
import { paasCli, type PaasCli, type RunOptions } from "../support/paas-cli.ts";
import { smallApp } from "../support/small-app.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let cli: PaasCli;
let repository: Workspace;
beforeAll(async () => {
  paas = await startPaas({ PAAS_API_TLS_PORT: "0" });
  cli = paasCli();
  repository = await workspace();
});
afterAll(async () => {
  await paas.remove();
  cli.remove();
  await removeWorkspaces();
});

const url = (): string => `https://localhost:${/over TLS\s+https:\/\/localhost:(\d+)/.exec(paas.output())?.[1]}`;
const run = (args: string[], options: RunOptions = {}) => cli.run(args, { dir: repository.dir, ...options });
const must = <T = string>(args: string[], options: RunOptions = {}) => cli.must<T>(args, { dir: repository.dir, ...options });
/** With the client's own home, as a person's git has it. */
const push = () => startGit(repository.dir, ["push", "paas", "main"], { HOME: cli.home }).done;

describe("a person with the client, over TLS", () => {
  it("is told what to trust, logs in, creates an app, and pushes to it with no token in sight", async () => {
    const refused = await run(["login", "--url", url(), "--with-token"], { input: ADMIN_TOKEN });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("--ca")]);
    await must(["login", "--url", url(), "--with-token", "--ca", join(paas.dataDir, "tls", "ca.pem")], { input: ADMIN_TOKEN });
    await must(["create", "journey"]);
    await repository.commit(smallApp({ text: "first" }));
    const { code, output } = await push();
    expect(code, output).toBe(0);
    expect((await paas.get("journey")).body).toBe("first");
    expect(await repository.must("remote", "get-url", "paas")).toBe(`${url()}/journey.git`);
  });

  it("sees what runs, changes the configuration, and reads the logs", async () => {
    expect(await must(["ps"])).toMatch(/^web\.1 +up /);
    await must(["config:set", "GREETING=hello"]);
    expect(await must(["config"])).toBe("GREETING:  hello\n");
    expect(await must(["ps:scale", "web=2"])).toContain("web=2");
    await expect.poll(() => must(["logs", "-s", "heroku"]), { timeout: 10_000 * overload() }).toContain("heroku[web.2]: ");
  });

  it("runs a command in a fresh dyno: its input, its output and its exit code are this program's", async () => {
    const { code, stdout, stderr } = await run(["run", "-e", "NAME=žluťoučký", "--", 'read line; echo "$GREETING $NAME $line"; exit 3'], { input: "piped\n" });
    expect([code, stdout, stderr]).toEqual([3, "hello žluťoučký piped\n", ""]);
    expect(await run(["run", "echo 'half"])).toMatchObject({ code: 2, stdout: expect.stringContaining("unexpected EOF") as string });
    expect(await must(["run", "--dyno", "web.1", "printf", "%s", "$DYNO of two words"])).toBe("$DYNO of two words");
  });

  it("rolls back, and the release is the old one again", async () => {
    await repository.commit(smallApp({ text: "second" }));
    expect((await push()).code).toBe(0);
    expect((await paas.get("journey")).body).toBe("second");
    const [latest, before] = await must<{ version: number; current: boolean }[]>(["releases", "--json"]);
    expect(latest?.current).toBe(true);
    expect(await must(["rollback"])).toBe(`Rolled back to v${before?.version}: live as v${(latest?.version ?? 0) + 1}.\n`);
    expect((await paas.get("journey")).body).toBe("first");
  });
});
