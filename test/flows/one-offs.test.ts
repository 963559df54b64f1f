import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { deploy } from "../support/deployed-app.ts";
import { removeWorkspaces, startGit, workspace } from "../support/git-client.ts";
import { ADMIN_TOKEN, startPaas, type Paas } from "../support/paas.ts";
import { overload } from "../support/overload.ts";
import { eventually } from "../git/eventually.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let authority = "";
beforeAll(async () => {
  paas = await startPaas({ PAAS_API_TLS_PORT: "0" });
  await deploy(paas, "runs", { text: "up" });
  await paas.api("PATCH", "/apps/runs/config-vars", { GREETING: "hello" });
  authority = await readFile(join(paas.dataDir, "tls", "ca.pem"), "utf8");
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

/** Another one after each start. */
const tlsPort = (): number => Number(/over TLS\s+https:\/\/localhost:(\d+)/.exec(paas.output())?.[1]);

type Started = { attach_url: string; name: string; id: string };
const run = (command: string, more: object = {}, path = "/apps/runs/dynos") => paas.api<Started>("POST", path, { command, attach: true, ...more });
const TERMINAL = { TERM: "xterm", COLUMNS: 100, LINES: 30 };

/** A client as Heroku's: TLS, the secret, the greeting thrown away. (Heroku's throws the first chunk away, whatever it holds; on a busy machine that may be more.) */
async function meet(url: string): Promise<{ socket: tls.TLSSocket; text(): string; ended: Promise<string> }> {
  const { hostname, port, pathname } = new URL(url.replace("rendezvous:", "https:"));
  const socket = tls.connect({ host: hostname, port: Number(port), servername: "localhost", ca: authority });
  await once(socket, "secureConnect");
  socket.write(`${pathname.slice(1)}\r\n`);
  const chunks: Buffer[] = [];
  socket.on("data", (octets: Buffer) => chunks.push(octets));
  const text = (): string => Buffer.concat(chunks).toString().replace(/^rendezvous\r\n/, "");
  return { socket, text, ended: once(socket, "end").then(text) };
}

describe("a one-off dyno", () => {
  it("runs a command in a fresh dyno of the release, with its config, and is gone when the command has ended", async () => {
    const { status, body } = await run('echo "$GREETING from $DYNO"; exit 3');
    expect([status, body.name]).toEqual([201, expect.stringMatching(/^run\.\d{4}$/)]);
    const { ended } = await meet(body.attach_url);
    expect(await ended).toBe(`hello from ${body.name}\n`);
    await eventually("the dyno is gone", async () => (await paas.containers("one-off")).length === 0, 10_000 * overload());
  });

  it("gives a person a terminal of their size, that echoes, and that Ctrl-C and Ctrl-D reach", async () => {
    const { body } = await run("bash --norc", { env: TERMINAL });
    const client = await meet(body.attach_url);
    const shows = (what: string, pattern: RegExp) => eventually(what, () => pattern.test(client.text()), 10_000 * overload());
    client.socket.write("stty size; tty\n");
    await shows("the size", /30 100\r\n\/dev\/pts\/\d/);
    // What the shell prints by itself says how far it is; what is typed in between would be lost with Ctrl-C.
    client.socket.write("echo sleep''ing; sleep 1000\n");
    await shows("the command, echoed, and what it prints", /echo sleep''ing; sleep 1000\r\n[^]*sleeping\r\n/);
    client.socket.write("\x03");
    await shows("the shell's next question", /sleeping\r\n[^]*\^C[^]*\$ $/);
    client.socket.write("echo still ''here\n");
    await shows("the next command's output", /still here\r\n[^]*\$ $/);
    client.socket.write("\x04");
    expect(await client.ended).toContain("still here");
  });

  it("reads piped input to its end, which may come before the program runs, and passes every character through", async () => {
    const { body } = await run("cat; echo \uFFFF done", { env: { TERM: "xterm" } });
    const client = await meet(body.attach_url);
    client.socket.write("žluťoučký 🐎\nlast line without end\x04");
    expect(await client.ended).toBe("žluťoučký 🐎\nlast line without end\uFFFF done\n");
  });

  it("without a terminal passes on both outputs of the program in the order in which it wrote them", async () => {
    const { body } = await run("for i in $(seq 50); do echo $i; echo $((i + 100)) >&2; done");
    const { ended } = await meet(body.attach_url);
    expect(await ended).toBe(Array.from({ length: 50 }, (_, i) => `${i + 1}\n${i + 101}\n`).join(""));
  });

  it("is fetched once, by its secret alone; whoever comes later, or with another, gets nothing", async () => {
    const { body } = await run("echo mine");
    expect(await (await meet(body.attach_url)).ended).toBe("mine\n");
    for (const url of [body.attach_url, body.attach_url.replace(/[0-9a-f]{64}$/, "0".repeat(64))]) {
      const late = await meet(url);
      expect(await late.ended).not.toContain("mine");
    }
  });

  it("ends when its client leaves", async () => {
    const { body } = await run("sleep 1000");
    const client = await meet(body.attach_url);
    const listed = async () => (await paas.api<{ name: string; state: string }[]>("GET", "/apps/runs/dynos")).body.map(({ name, state }) => [name, state]);
    await expect.poll(listed, { timeout: 10_000 * overload() }).toEqual([[body.name, "up"], ["web.1", "up"]]);
    client.socket.destroy();
    await eventually("the dyno is gone", async () => (await paas.containers("one-off")).length === 0, 10_000 * overload());
  });

  it("that is detached runs on over a restart of the control plane, is listed, and is stopped by its name", async () => {
    const { body } = await paas.api<{ name: string; attach_url: null }>("POST", "/apps/runs/dynos", { command: "sleep 1000" });
    expect(body.attach_url).toBeNull();
    await paas.kill();
    await paas.start();
    const names = async () => (await paas.api<{ name: string }[]>("GET", "/apps/runs/dynos")).body.map(({ name }) => name);
    expect(await names()).toEqual([body.name, "web.1"]);
    expect((await paas.api("POST", `/apps/runs/dynos/${body.name}/actions/stop`)).status).toBe(202);
    expect(await names()).toEqual(["web.1"]);
  });

  it("that is detached and ends by itself is removed", async () => {
    await paas.api("POST", "/apps/runs/dynos", { command: "true" });
    await eventually("the dyno is gone", async () => (await paas.containers("detached")).length === 0, 10_000 * overload());
  });

  it("cannot be had by too many at once", async () => {
    const asked = await Promise.all(Array.from({ length: 12 }, () => paas.api<Started>("POST", "/apps/runs/dynos", { command: "sleep 1000" })));
    const limited = asked.filter(({ status }) => status === 201);
    expect(asked.map(({ status }) => status).sort()).toEqual([...limited.map(() => 201), 422, 422]);
    expect(new Set(limited.map(({ body }) => body.name)).size).toBe(10);
    const one = await run("true");
    expect(one.status).toBe(422);
    expect((one.body as unknown as { message: string }).message).toContain("PAAS_ONE_OFF_DYNOS");
    await Promise.all(limited.map(({ body }) => paas.api("DELETE", `/apps/runs/dynos/${body.name}`)));
    await eventually("they are gone", async () => (await paas.containers("detached")).length === 0, 10_000 * overload());
  });

  it("may also be a command inside a dyno that runs, which goes on when the command has ended", async () => {
    const before = (await paas.containers("dyno")).map(({ Id }) => Id);
    const { body } = await run("echo $DYNO; hostname", {}, "/apps/runs/dynos/web.1");
    expect(await (await meet(body.attach_url)).ended).toBe("web.1\nweb-1\n");
    expect((await paas.containers("dyno")).map(({ Id, State }) => [Id, State])).toEqual(before.map((id) => [id, "running"]));
  });
});

describe("git and API over TLS", () => {
  it("are trusted by the authority that was made, and by nobody without it", async () => {
    const ask = (ca?: string): Promise<number> => new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port: tlsPort(), path: "/account", servername: "localhost", agent: false, ...(ca === undefined ? {} : { ca }), headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }, (reply) => {
        reply.resume().on("end", () => resolve(reply.statusCode ?? 0));
      }).on("error", reject).end();
    });
    expect(await ask(authority)).toBe(200);
    await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/UNABLE|SELF_SIGNED/) as string });
  });

  it("take a push through an https remote", async () => {
    const repository = await workspace();
    await repository.commit({ "index.html": "over TLS" });
    const { code, output } = await startGit(repository.dir, ["push", `https://heroku:${ADMIN_TOKEN}@localhost:${tlsPort()}/secure.git`, "main"], { GIT_SSL_CAINFO: join(paas.dataDir, "tls", "ca.pem") }).done;
    expect(code, output).toBe(0);
    expect((await paas.get("secure")).body).toContain("over TLS");
  });
});
