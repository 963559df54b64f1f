import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPushes } from "../../server/git/pushes.ts";
import { quarantineEnvironment } from "../../server/git/repository.ts";

const app = { id: "id-of-one", name: "one", ownerId: "id-of-alice", createdAt: "", updatedAt: "" };
const user = { id: "id-of-alice", email: "alice@example.com", name: null, admin: false, createdAt: "" };

test("what comes while a repository is looked after waits until that has ended, well or badly", async () => {
  const pushes = createPushes(() => {});
  const events: string[] = [];
  for (const outcome of ["well", "badly"]) {
    const { promise: work, resolve, reject } = Promise.withResolvers<void>();
    const resting = pushes.rest(app.id, () => work).then(String, () => "failed");
    expect(await pushes.rest(app.id, async () => {})).toBe(false);
    const waiting = pushes.atRest(app.id).then(() => events.push(outcome));
    await pushes.atRest("id-of-another");
    expect(events).not.toContain(outcome);
    if (outcome === "well") resolve();
    else reject(new Error("gc failed"));
    expect(await resting).toBe(outcome === "well" ? "true" : "failed");
    await waiting;
  }
  expect(events).toEqual(["well", "badly"]);
});

test("a repository is not looked after while something receives into it, and its claim ends with its process", async () => {
  const ended: number[] = [];
  const pushes = createPushes((push) => ended.push(push.pid));
  const child = spawn("cat");
  pushes.begin({ child, app, user, address: "127.0.0.1", directory: "/nowhere", detach: () => {} });
  const push = pushes.find(child.pid as number);
  if (!push) throw new Error("The push is not known.");
  pushes.claim(push);
  expect(pushes.deployingFor(app.id)).toBe(push);
  expect(await pushes.rest(app.id, async () => {})).toBe(false);
  expect(await pushes.rest("id-of-another", async () => {})).toBe(true);
  expect(await pushes.idle(10)).toBe(false);
  const exit = once(child, "exit");
  push.kill();
  await exit;
  expect(push.signal.aborted).toBe(true);
  expect(pushes.deployingFor(app.id)).toBeUndefined();
  expect(ended).toEqual([push.pid]);
  expect(await pushes.idle(0)).toBe(true);
});

test("a quarantine outside of the repository is not believed, a link to the outside neither", async () => {
  const dir = await mkdtemp(join(tmpdir(), "paas-quarantine-"));
  await mkdir(join(dir, "a.git/objects/tmp_objdir-1"), { recursive: true });
  await mkdir(join(dir, "a.git/objects-of-others"));
  await symlink(dir, join(dir, "a.git/objects/tmp_objdir-2"));
  const environment = (quarantine: string): Promise<Record<string, string>> => quarantineEnvironment(join(dir, "a.git"), quarantine);
  expect(await environment(join(dir, "a.git/./objects/tmp_objdir-1"))).toEqual({ GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${join(dir, "a.git/objects/tmp_objdir-1")}"` });
  for (const wrong of ["/etc", dir, join(dir, "a.git/objects/tmp_objdir-2"), join(dir, "a.git/objects-of-others"), join(dir, "a.git/objects")])
    await expect(environment(wrong), wrong).rejects.toThrow("outside of the repository");
  await rm(dir, { recursive: true, force: true });
});
