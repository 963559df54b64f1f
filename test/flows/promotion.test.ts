/** A slug's way through a pipeline, on a real engine; and a collaborator's push. */

import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { deploy } from "../support/deployed-app.ts";
import { removeWorkspaces, workspace } from "../support/git-client.ts";
import { createInvariants, type Invariants } from "../support/invariants.ts";
import { docker, startPaas, type Paas } from "../support/paas.ts";
import { smallApp } from "../support/small-app.ts";

vi.setConfig({ testTimeout: 150_000, hookTimeout: 150_000 });

let paas: Paas;
let invariants: Invariants;
beforeAll(async () => {
  paas = await startPaas();
  invariants = createInvariants(paas);
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

it("what serves in staging serves in production without a build, with production's config vars, and outlives staging", async () => {
  await deploy(paas, "flow-staging", { text: "promoted", crashOn: "CRASH" }, invariants);
  await paas.api("POST", "/apps", { name: "flow-production" });
  await paas.api("PATCH", "/apps/flow-production/config-vars", { STAGE: "production" });
  const pipeline = (await paas.api<{ id: string }>("POST", "/pipelines", { name: "flow" })).body.id;
  for (const [app, stage] of [["flow-staging", "staging"], ["flow-production", "production"]]) await paas.api("POST", "/pipeline-couplings", { app, pipeline, stage });
  const id = async (name: string) => (await paas.api<{ id: string }>("GET", `/apps/${name}`)).body.id;
  const production = await id("flow-production");

  const promote = async () => {
    const { body } = await paas.api<{ id: string }>("POST", "/pipeline-promotions", { pipeline: { id: pipeline }, source: { app: { id: await id("flow-staging") } }, targets: [{ app: { id: production } }] });
    return vi.waitFor(async () => {
      const targets = (await paas.api<{ status: string; error_message: string | null }[]>("GET", `/pipeline-promotions/${body.id}/promotion-targets`)).body;
      expect(targets[0]?.status).not.toBe("pending");
      return targets;
    }, { timeout: 60_000, interval: 100 });
  };
  expect(await promote()).toMatchObject([{ status: "succeeded" }]);
  expect(await paas.get("flow-production")).toMatchObject({ status: 200, body: "promoted" });
  expect(await paas.get("flow-production", "/env/STAGE")).toMatchObject({ body: "production" });
  expect((await paas.get("flow-staging", "/env/STAGE")).status).toBe(404);
  expect((await paas.api<unknown[]>("GET", "/apps/flow-production/builds")).body).toEqual([]);
  await invariants.hold(20_000);

  // One that does not come up leaves what served serving, and the image that staging stands on where it is.
  await paas.api("PATCH", "/apps/flow-production/config-vars", { STAGE: "broken" });
  const refused = await paas.api("PATCH", "/apps/flow-production/config-vars", { CRASH: "1" });
  expect(refused.status).toBe(422);

  expect((await paas.api("DELETE", "/apps/flow-staging")).status).toBe(200);
  expect((await paas.api("DELETE", "/apps/flow-production/dynos")).status).toBe(202);
  expect(await paas.get("flow-production")).toMatchObject({ status: 200, body: "promoted" });
  await createInvariants(paas).hold(20_000);
  expect((await paas.api("DELETE", "/apps/flow-production")).status).toBe(200);
  const images = await docker.listImages({ filters: { label: [`paas.instance=${paas.instance()}`, "paas.kind=slug"] } });
  expect(images).toEqual([]);
});

it("a collaborator pushes; a stranger and a token that may only read cannot", async () => {
  await paas.api("POST", "/apps", { name: "flow-shared" });
  const person = async (email: string) => {
    await paas.api("POST", "/admin/users", { email, password: "a password of theirs" });
    const authorization = `Basic ${Buffer.from(`${email}:a password of theirs`).toString("base64")}`;
    return async (scope: string[]) => {
      const made = await fetch(`http://127.0.0.1:${paas.apiPort}/oauth/authorizations`, { method: "POST", headers: { authorization, "content-type": "application/json" }, body: JSON.stringify({ scope }) });
      return ((await made.json()) as { access_token: { token: string } }).access_token.token;
    };
  };
  const [cat, bob] = [await person("cat@example.com"), await person("bob@example.com")];
  await paas.api("POST", "/apps/flow-shared/collaborators", { user: "cat@example.com" });
  const client = await workspace();
  await client.commit(smallApp({ text: "by a collaborator" }));
  const remote = (token: string) => `http://x:${token}@127.0.0.1:${paas.apiPort}/flow-shared.git`;
  for (const token of [await bob(["global"]), await cat(["read", "write"])]) expect((await client.push(remote(token))).code).not.toBe(0);
  expect((await client.push(remote(await cat(["write-protected"])))).code).toBe(0);
  expect(await paas.get("flow-shared")).toMatchObject({ status: 200, body: "by a collaborator" });
  const trail = (await paas.api<{ action: string; actor: { email: string }; data: object; request: object }[]>("GET", "/audit-trail/events?action=push&app=flow-shared")).body;
  expect(trail).toMatchObject([{ type: "app", actor: { email: "cat@example.com" }, data: { branch: "main", served: true }, request: { ip_address: "127.0.0.1" } }]);
});
