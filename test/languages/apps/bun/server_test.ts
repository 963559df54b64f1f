import { expect, test } from "bun:test";
import server from "./server.ts";

test("says", async () => {
  expect(process.env.NODE_ENV).toBe("test");
  expect(await (await server.fetch(new Request("http://app/"))).text()).toStartWith("bun says");
});
