/** Builds of archives through a whole platform: sent, built, released, served; and what becomes of one that is not taken, or not wanted any more. */

import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createInvariants } from "../support/invariants.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import { smallApp } from "../support/small-app.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

type Build = { id: string; status: string; output_stream_url: string; release: { id: string } | null; slug: { id: string } | null; source_blob: { url: string; version: string } };

let paas: Paas;
beforeAll(async () => {
  paas = await startPaas();
  await paas.api("POST", "/apps", { name: "archived" });
});
afterAll(() => paas.remove());

async function archive(files: Record<string, string>, folder = ""): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name: folder + name }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

async function start(bytes: Buffer, blob: Record<string, string> = {}, more: object = {}): Promise<Build> {
  const { source_blob: source } = (await paas.api<{ source_blob: { get_url: string; put_url: string } }>("POST", "/sources")).body;
  expect((await fetch(source.put_url, { method: "PUT", body: new Uint8Array(bytes) })).status).toBe(200);
  const { status, body } = await paas.api<Build>("POST", "/apps/archived/builds", { source_blob: { url: source.get_url, ...blob }, ...more });
  expect(status).toBe(201);
  return body;
}

/** All that the build prints, and what it is when its output has ended. */
async function ended({ id, output_stream_url }: Build): Promise<{ output: string; build: Build }> {
  const output = await (await fetch(output_stream_url)).text();
  return { output, build: (await paas.api<Build>("GET", `/apps/archived/builds/${id}`)).body };
}

it("an archive is built and serves as a push does; its failure leaves what serves, and says why; one that runs can be cancelled", async () => {
  const first = await ended(await start(await archive(smallApp({ text: "from an archive" }), "./"), { version: "v1.2" }));
  expect(first.build).toMatchObject({ status: "succeeded", release: { id: expect.any(String) }, slug: { id: expect.any(String) }, source_blob: { version: "v1.2" } });
  expect(first.output).toMatch(/^-----> Building on the Debian-12 stack\n[^]*Released v2\n[^]*Verifying deploy\.\.\. done\.\n$/);
  expect(await paas.get("archived")).toMatchObject({ status: 200, body: "from an archive" });
  expect((await paas.api("GET", "/apps/archived/releases/2")).body).toMatchObject({ description: "Deploy v1.2", slug: { id: first.build.slug?.id } });

  // Buildpacks may be given for one build alone.
  const page = await archive({ "package.json": "{}", "index.html": "a page" });
  expect((await ended(await start(page, {}, { buildpacks: [{ name: "heroku/static" }] }))).output).toContain("-----> Using buildpack: static\n-----> Static HTML app detected");
  expect(await paas.get("archived")).toMatchObject({ status: 200, body: "a page" });
  const misnamed = await paas.api("POST", "/apps/archived/builds", { source_blob: { url: "https://example.com/x" }, buildpacks: [{ url: "heroku/nodejs" }, { url: "file:///etc" }] });
  expect(misnamed).toMatchObject({ status: 422, body: { id: "invalid_params", message: expect.stringContaining("buildpacks[1].url: must be a name such as") } });

  // GitHub's archives have one folder at the top. Without a version the checksum stands for it.
  const second = await ended(await start(await archive(smallApp({ text: "from GitHub" }), "myapp-main/")));
  expect(second.build.status).toBe("succeeded");
  expect((await paas.api<{ description: string }>("GET", "/apps/archived/releases/4")).body.description).toBe(`Deploy ${second.build.source_blob.version.slice(0, 8)}`);

  const refused = await ended(await start(await archive({ ...smallApp({ text: "no" }), "../../etc/cron.d/x": "" })));
  expect(refused.build).toMatchObject({ status: "failed", release: null, slug: null });
  expect(refused.output).toBe(" !     The archive is not taken: ../../etc/cron.d/x has .. in its path.\n\n !     archived was not deployed.\n");

  const remote = await paas.api<Build>("POST", "/apps/archived/builds", { source_blob: { url: `http://127.0.0.1:${paas.apiPort}/health` } });
  expect((await ended(remote.body)).output).toContain("cannot be fetched from: 127.0.0.1 is not allowed by PAAS_FETCH_ALLOW");

  const slow = await start(await archive(smallApp({ text: "slow", releaseSeconds: 600 })));
  expect((await paas.api("POST", "/apps/archived/builds", { source_blob: { url: "https://example.com/x" } })).body).toMatchObject({ id: "deploy_in_progress" });
  expect(await paas.api("DELETE", "/apps/archived/build-cache")).toMatchObject({ status: 409, body: { id: "deploy_in_progress" } });
  const stream = (await fetch(slow.output_stream_url)).body as ReadableStream<Uint8Array>;
  let live = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    live += chunk;
    if (live.includes("Running release command")) break;
  }
  expect((await paas.api("DELETE", `/apps/archived/builds/${slow.id}`)).body).toMatchObject({ status: "failed" });
  expect(await paas.get("archived")).toMatchObject({ body: "from GitHub" });
  expect((await paas.api("DELETE", `/apps/archived/builds/${slow.id}`)).body).toMatchObject({ id: "conflict" });
  expect(await paas.api("DELETE", "/apps/archived/build-cache")).toMatchObject({ status: 202, body: {} });
  await createInvariants(paas).hold(20_000);

  // What failed for want of a config var is tried again with its slug.
  const retried = await paas.api<{ version: number }>("POST", "/apps/archived/releases", { slug: first.build.slug?.id, description: "Retry of v2: Deploy v1.2" });
  expect(retried).toMatchObject({ status: 201, body: { description: "Retry of v2: Deploy v1.2" } });
  expect(await paas.get("archived")).toMatchObject({ body: "from an archive" });
});

it("a stop of the platform breaks a build off, says so, and leaves nothing", async () => {
  const build = await start(await archive({ "package.json": JSON.stringify({ scripts: { build: "sleep 600", start: "node x.js" } }) }));
  const stream = (await fetch(build.output_stream_url)).body as ReadableStream<Uint8Array>;
  let live = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    live += chunk;
    if (live.includes("sleep 600") || live.includes("Running build")) break;
  }
  await paas.stop();
  await paas.start();
  expect((await paas.api("GET", `/apps/archived/builds/${build.id}`)).body).toMatchObject({ status: "failed" });
  expect(await paas.containers("build")).toEqual([]);
  expect(await paas.get("archived")).toMatchObject({ status: 200 });
});
