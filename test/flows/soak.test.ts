import { afterAll, describe, expect, it } from "vitest";
import { soak } from "../support/deploy-soak.ts";
import { removeWorkspaces } from "../support/git-client.ts";

afterAll(removeWorkspaces);

describe("changes of an app under every kind of traffic", () => {
  it("fail none of 20,000 requests over 10 flips, answer none from an old release, and close streams only at the end of a drain", async () => {
    const { requests, reasons, failed, stale, changing, events, sockets } = await soak({ requests: 20_000, flips: 10, perSecond: 400 });
    expect({ reasons, failed, stale }).toEqual({ reasons: [], failed: 0, stale: 0 });
    expect(requests).toBeGreaterThanOrEqual(20_000);
    for (const { messages, endedByDrain } of [events, sockets]) {
      expect(messages).toBeGreaterThan(1_000);
      expect(endedByDrain).toBeGreaterThan(20);
    }
    expect(changing.count).toBeGreaterThan(500);
  }, 240_000);
});
