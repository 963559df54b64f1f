import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { remoteText } from "../support/app-folder.ts";
import { removeWorkspaces, workspace, type Workspace } from "../support/git-client.ts";
import { startPaas, type Paas } from "../support/paas.ts";
import { refusalIn } from "../support/refused-push.ts";
import { smallApp } from "../support/small-app.ts";

const json = (value: unknown): string => JSON.stringify(value);

let paas: Paas;
beforeAll(async () => {
  paas = await startPaas();
});
afterAll(async () => {
  await paas.remove();
  await removeWorkspaces();
});

async function config(app: string): Promise<Record<string, string>> {
  return (await paas.api<Record<string, string>>("GET", `/apps/${app}/config-vars`)).body;
}

async function pushed(repository: Workspace, app: string): Promise<string> {
  const result = await repository.push(paas.remote(app));
  expect(result.code, result.output).toBe(0);
  return remoteText(result.output);
}

describe("app.json at an app's first deploy", { timeout: 150_000 }, () => {
  it("sets its config vars and runs its postdeploy script, both once", async () => {
    const repository = await workspace();
    const appJson = {
      env: { GREETING: "hello", COOKIE_SECRET: { generator: "secret" }, MAIL_URL: { description: "Where mail is sent" }, NOISE: { required: false } },
      scripts: { postdeploy: 'echo "seeding with $GREETING in $DYNO of $HEROKU_RELEASE_VERSION"; printf half' }, addons: ["heroku-postgresql:mini", { plan: "heroku-redis" }], stack: "heroku-24",
    };
    await repository.commit({ ...smallApp({ text: "one" }), "app.json": json(appJson) });
    const told = refusalIn(await repository.push(paas.remote("shop")));
    expect(told).toContain(" !     app.json: this app needs config vars that have no value:\n !       MAIL_URL: Where mail is sent\n !     Set them, then push again: paas config:set -a shop MAIL_URL=…\n");
    expect(told).not.toContain("Building on");
    expect(await config("shop")).toEqual({});

    await paas.api("PATCH", "/apps/shop/config-vars", { MAIL_URL: "smtp://mail", GREETING: "mine" });
    const first = await pushed(repository, "shop");
    expect(first).toContain("-----> Setting config vars of app.json\n       COOKIE_SECRET (generated)\n");
    expect(first).toContain(" !     app.json asks for add-ons, which are not offered here: heroku-postgresql:mini, heroku-redis.\n");
    expect(first).toContain(" !     app.json asks for the stack heroku-24, which is Heroku's: the app is built on debian-12.\n");
    expect(first).toContain("deployed to paas\n-----> Running postdeploy script...\nseeding with mine in postdeploy.3 of v3\nhalf\n\nVerifying deploy... done.\n");
    const after = await config("shop");
    expect(after).toEqual({ MAIL_URL: "smtp://mail", GREETING: "mine", COOKIE_SECRET: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect((await paas.get("shop", "/env/COOKIE_SECRET")).body).toBe(after["COOKIE_SECRET"]);

    await repository.commit({ ...smallApp({ text: "two" }), "app.json": json({ ...appJson, env: { ...appJson.env, LATE: "x", LATER: {} } }) });
    const second = await pushed(repository, "shop");
    expect(second).not.toMatch(/postdeploy|Setting config vars|add-ons|heroku-24/);
    expect((await paas.get("shop")).body).toBe("two");
    expect(await config("shop")).toEqual(after);
    await expect.poll(names, { timeout: 30_000 }).toEqual(["web.1"]);
  });

  it("tells of a postdeploy script that fails, and the release serves all the same", async () => {
    const repository = await workspace();
    await repository.commit({ ...smallApp({ text: "up" }), "app.json": json({ scripts: { postdeploy: "echo no table; exit 4" } }) });
    const told = await pushed(repository, "seedless");
    expect(told).toContain("-----> Running postdeploy script...\nno table\n !     The postdeploy script exited with status 4.\n !     The release serves all the same. Run it again with: paas run -a seedless 'echo no table; exit 4'\n\nVerifying deploy... done.\n");
    expect((await paas.get("seedless")).body).toBe("up");
    expect((await paas.api<{ status: string }[]>("GET", "/apps/seedless/releases")).body.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
  });

  it("that could not be deployed leaves no config var behind, and the next push is the first deploy", async () => {
    const repository = await workspace();
    const appJson = { env: { SECRET: { generator: "secret" } }, scripts: { postdeploy: "echo seeded" } };
    await repository.commit({ Procfile: "web: exit 5\n", "app.json": json(appJson) });
    expect(refusalIn(await repository.push(paas.remote("retry")))).toContain("exited with status 5");
    expect(await config("retry")).toEqual({});
    // P6: no web process is no fault.
    await repository.commit({ Procfile: "worker: sleep 1000\n" });
    const told = await pushed(repository, "retry");
    expect(told).toContain("       Released v3\n-----> Running postdeploy script...\nseeded\n");
    expect((await paas.get("retry")).status).toBe(503);
    expect((await paas.api<{ type: string; quantity: number }[]>("GET", "/apps/retry/formation")).body.map(({ type, quantity }) => `${type}=${quantity}`)).toEqual(["worker=0"]);
    expect(Object.keys(await config("retry"))).toEqual(["SECRET"]);
  });
});

/** Names of the first app's dynos, one-off ones too. */
async function names(): Promise<string[]> {
  const { body: app } = await paas.api<{ id: string }>("GET", "/apps/shop");
  return (await paas.containers()).filter(({ Labels }) => Labels["paas.app"] === app.id && Labels["paas.type"] !== undefined).map(({ Labels }) => `${Labels["paas.type"]}.${Labels["paas.number"]}`);
}
