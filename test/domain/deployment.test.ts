import { expect, test } from "vitest";
import { canBecome, isRunning, type DeploymentState } from "../../server/domain/deployment.ts";

const STATES: DeploymentState[] = ["pending", "releasing", "starting", "current", "superseded", "failed"];
const WAYS = new Set([
  "pending → releasing", "pending → starting", "pending → current", "pending → failed",
  "releasing → starting", "releasing → failed",
  "starting → current", "starting → failed",
  "current → superseded",
]);

test.each(STATES.flatMap((from) => STATES.map((to) => [from, to] as const)))("%s → %s", (from, to) => {
  expect(canBecome(from, to)).toBe(WAYS.has(`${from} → ${to}`));
});

test("work goes on in exactly the states that lead to current or failed", () => {
  expect(STATES.filter(isRunning)).toEqual(["pending", "releasing", "starting"]);
  expect(STATES.filter((state) => canBecome(state, "failed"))).toEqual(STATES.filter(isRunning));
});

test("nothing leads out of failed and superseded: a rollback is a new release", () => {
  for (const end of ["failed", "superseded"] as const) expect(STATES.filter((to) => canBecome(end, to))).toEqual([]);
});
