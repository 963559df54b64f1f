/** What people type about slugs and releases, and how a client builds an archive. */

import { pack } from "tar-stream";
import { smallApp } from "../support/small-app.ts";
import { scene } from "./people.ts";
import type { Step } from "./transcript.ts";

type Build = { id: string; status: string; output_stream_url: string };

export const builds: Step[] = [
  scene("a release command is retried, and an app without one is told so", async ({ commit, git }, heroku) => {
    await heroku(["releases:retry", "-a", "cliapp"], /App must have a release-phase command/, { code: 2 });
    await commit(smallApp({ text: "from the CLI", worker: true, releaseSeconds: 0 }));
    const pushed = await git("push", "heroku", "main");
    if (pushed.code !== 0) throw new Error(pushed.output);
    await heroku(["releases:retry", "-a", "cliapp"], /Retrying v\d+ on [^\n]*cliapp[^]*done, v\d+/);
    await heroku(["releases", "-a", "cliapp"], /Retry of v\d+: Deploy \w{8}/);
  }),
  scene("an archive is built into another app, and the two are compared", async ({ paas }, heroku) => {
    await heroku(["apps:create", "clitwin", "--no-remote"], /clitwin/);
    const { source_blob: source } = (await paas.api<{ source_blob: { get_url: string; put_url: string } }>("POST", "/sources")).body;
    await fetch(source.put_url, { method: "PUT", body: await archive(smallApp({ text: "from an archive" })) });
    const { id, output_stream_url: output } = (await paas.api<Build>("POST", "/apps/clitwin/builds", { source_blob: { url: source.get_url, version: "v1" } })).body;
    const printed = await (await fetch(output)).text();
    const { status } = (await paas.api<Build>("GET", `/apps/clitwin/builds/${id}`)).body;
    if (status !== "succeeded") throw new Error(printed);
    await heroku(["releases", "-a", "clitwin"], /Deploy v1/);
    await heroku(["config:set", "TWIN=1", "-a", "clitwin"], /TWIN/);
    await heroku(["apps:diff", "cliapp", "clitwin"], /slug \(checksum\)[^]*config \(TWIN\)/);
    await heroku(["apps:destroy", "-a", "clitwin", "-c", "clitwin"], /Destroying/);
  }),
];

async function archive(files: Record<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
