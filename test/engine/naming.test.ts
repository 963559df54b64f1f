import type Dockerode from "dockerode";
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { DynoSpec } from "../../server/engine/engine.ts";
import { bridgeName, buildName, cacheName, dynoFromContainer, dynoLabels, dynoName, networkName, ours } from "../../server/engine/naming.ts";

const INSTANCE = randomUUID();
const spec: DynoSpec = {
  appId: randomUUID(), appName: "a".repeat(30), type: "web", number: 12, releaseVersion: 7, image: "sha256:1", command: "node server.js --port $PORT",
  env: { SECRET: "not in a label" }, memoryMb: 512, fingerprint: "0123456789abcdef",
};

/** What the engine's list says of a container with these labels. */
function listed(labels: Record<string, string>, state: string, address: string): Dockerode.ContainerInfo {
  const networks = { n: { IPAddress: address } };
  return { Id: "c1", Labels: labels, State: state, Created: 1_767_225_600, NetworkSettings: { Networks: networks } } as unknown as Dockerode.ContainerInfo;
}

test("a dyno is read back from its labels as it was asked for", () => {
  const dyno = dynoFromContainer(listed(dynoLabels(INSTANCE, "dyno", spec), "running", "10.213.0.2"));
  expect(dyno).toEqual({
    id: "c1", appId: spec.appId, name: "web.12", type: "web", number: 12, releaseVersion: 7, fingerprint: spec.fingerprint, command: spec.command,
    running: true, address: "10.213.0.2", createdAt: "2026-01-01T00:00:00.000Z",
  });
});

test.each([["exited", "10.213.0.2"], ["created", ""], ["dead", ""], ["running", ""]])("a dyno in state %s with the address %j has no address", (state, address) => {
  expect(dynoFromContainer(listed(dynoLabels(INSTANCE, "dyno", spec), state, address))).toMatchObject({ running: state === "running", address: undefined });
});

test("labels say whose it is, and keep no config var", () => {
  const labels = dynoLabels(INSTANCE, "one-off", spec);
  expect(labels).toMatchObject({ "paas.instance": INSTANCE, "paas.kind": "one-off", "paas.app": spec.appId });
  expect(JSON.stringify(labels)).not.toContain("SECRET");
});

test("the filter asks for the instance always, for kind and app where they are given", () => {
  expect(ours(INSTANCE)).toEqual({ label: [`paas.instance=${INSTANCE}`] });
  expect(ours(INSTANCE, "dyno", "a1")).toEqual({ label: [`paas.instance=${INSTANCE}`, "paas.kind=dyno", "paas.app=a1"] });
});

test("names are good ones for the engine, tell two instances apart, and two dynos of one name may stand side by side", () => {
  const other = randomUUID();
  for (const name of [dynoName(INSTANCE, spec), buildName(INSTANCE, spec.appId), networkName(INSTANCE, spec.appId), cacheName(INSTANCE, spec.appId)])
    expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);
  expect(networkName(INSTANCE, spec.appId)).not.toBe(networkName(other, spec.appId));
  expect(cacheName(INSTANCE, spec.appId)).not.toBe(cacheName(other, spec.appId));
  expect(dynoName(INSTANCE, spec)).not.toBe(dynoName(INSTANCE, spec));
});

test("a bridge's name fits Linux's 15 characters and starts as the firewall's rules expect", () => {
  expect(bridgeName()).toMatch(/^paas-[0-9a-f]{10}$/);
  expect(bridgeName()).not.toBe(bridgeName());
});
