import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MODULE = join(import.meta.dirname, "../../server/engine/dockerode.ts");

test("the engine's client answers without gRPC and SSH in memory, and they can be loaded by whoever wants them", async () => {
  const script = `
    const { createRequire } = await import("node:module");
    const require = createRequire(${JSON.stringify(MODULE)});
    const { EngineClient } = await import(${JSON.stringify(MODULE)});
    const loaded = Object.keys(require.cache).filter((path) => /node_modules.(@grpc|protobufjs|ssh2)/.test(path));
    console.log(JSON.stringify({ loaded, answer: String(await new EngineClient().ping()), grpc: typeof require("@grpc/grpc-js").Server }));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  expect(JSON.parse(stdout)).toEqual({ loaded: [], answer: "OK", grpc: "function" });
});
