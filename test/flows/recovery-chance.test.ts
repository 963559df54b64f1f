import { afterAll, expect, it } from "vitest";
import { removeWorkspaces } from "../support/git-client.ts";
import { killLoop } from "../support/kill-loop.ts";

afterAll(removeWorkspaces);

const KILLS = 8;

it("a control plane killed at chance instants of pushes and changes loses nothing that it acknowledged, and no request fails", { timeout: 180_000 }, async () => {
  const seed = Date.now() % 1_000_000;
  const { kills, requests, failures } = await killLoop(KILLS, seed);
  expect(kills).toHaveLength(KILLS);
  expect(failures, `seed ${seed}`).toEqual([]);
  expect(requests).toBeGreaterThan(100);
});
