import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERROR_STATUS } from "../../server/errors.ts";
import { startApiServer } from "../support/api-server.ts";

const rowsOf = (page: string): string[][] =>
  readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8").split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
const code = (cell = ""): string => cell.replace(/^`|`$/g, "");

test("docs/errors.md lists every error with its status, when it comes and what to do, and no other", () => {
  const rows = rowsOf("errors.md");
  expect(rows.map(([id]) => code(id)).toSorted()).toEqual(Object.keys(ERROR_STATUS).toSorted());
  expect(Object.fromEntries(rows.map(([id, status]) => [code(id), Number(status)]))).toEqual(ERROR_STATUS);
  for (const [id, , when, remedy] of rows) expect([id, when?.length, remedy?.length].every(Boolean), `${id} says when and what to do`).toBe(true);
});

test("docs/api.md lists every route that is served, each with an example of that method and path, and no other", async () => {
  const server = await startApiServer();
  const served = server.routes.filter((route) => !route.startsWith("HEAD "));
  await server.stop();
  const rows = rowsOf("api.md");
  expect(rows.map(([route]) => code(route)).toSorted()).toEqual(served.toSorted());
  for (const [route, , example] of rows) {
    const [method = "", path = ""] = code(route).split(" ");
    const curl = code(example);
    const implied = curl.includes(" -d ") ? "POST" : "GET";
    expect(/ -X (\w+)/.exec(curl)?.[1] ?? implied, curl).toBe(method);
    const pattern = path.startsWith("/build-output") ? /\$OUTPUT_STREAM_URL/ : path.startsWith("/log-sessions") ? /\$LOGPLEX_URL/ : new RegExp(`\\$API${path.replaceAll(/:\w+/g, "[^/ ]+")}$`);
    expect(curl).toMatch(pattern);
  }
});
