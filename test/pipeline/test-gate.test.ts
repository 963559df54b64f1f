/** The gate before a release; the engine stands in with what builds and tests come to. */

import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { expect, test } from "vitest";
import { loadConfig } from "../../server/config.ts";
import { parseAppJson } from "../../server/domain/app-json.ts";
import type { BuildOutcome, BuildSpec, Engine, NextBuild, TestRunSpec } from "../../server/engine/engine.ts";
import { AppError } from "../../server/errors.ts";
import { createBuildLogs } from "../../server/pipeline/build-log.ts";
import type { PlatformEvent } from "../../server/pipeline/events.ts";
import type { Parts } from "../../server/pipeline/parts.ts";
import { sweepImages } from "../../server/pipeline/discard.ts";
import { createStopwatch } from "../../server/pipeline/stopwatch.ts";
import { createTestGate } from "../../server/pipeline/test-gate.ts";
import { addApp, addDeployment, addRelease, AT, openStore, scratchFolder } from "../store/test-store.ts";

type Ended = Awaited<ReturnType<Engine["runTests"]>>;
const PASSED: Ended = { code: 0, outOfMemory: false, timedOut: false };
const BUILT = { exit: { code: 0, outOfMemory: false }, timedOut: false, image: "sha256:tests", sizeBytes: 1, checksum: undefined, buildpacks: [], files: new Map() } as BuildOutcome & { timedOut: boolean };
const TESTED = { environments: { test: { env: { A: "test", SECRET: { generator: "secret" }, ASKED: {} }, scripts: { test: "npm test" } } }, env: { A: "1", B: "1" } };

function house(ended: () => Promise<Ended> = async () => PASSED, built: () => Promise<BuildOutcome & { timedOut: boolean }> = async () => BUILT) {
  const store = openStore();
  const app = addApp(store, "shop");
  const deployment = addDeployment(store, { ...addRelease(store, app), formation: {} });
  store.deployments.makeCurrent(store.deployments.move(deployment, "starting", AT), AT);
  const events: PlatformEvent[] = [];
  const asked: { build: BuildSpec[]; tests: TestRunSpec[]; removed: string[]; prepared: NextBuild[] } = { build: [], tests: [], removed: [], prepared: [] };
  const engine = {
    async build(spec, output) {
      asked.build.push(spec);
      output.write("building\n");
      const outcome = await built();
      return outcome.image === undefined ? outcome : { ...outcome, image: `image of ${spec.buildId}` };
    },
    async runTests(spec, output) {
      asked.tests.push(spec);
      output.write("testing");
      return ended();
    },
    prepareBuild: async (next) => void asked.prepared.push(next),
    removeImage: async (image) => void asked.removed.push(image),
  } satisfies Partial<Engine> as unknown as Engine;
  const buildpacks: Parts["buildpacks"] = { own: [], gather: async () => ({ inputs: [], close: async () => undefined }) };
  const parts = { store, engine, buildpacks, config: loadConfig({}), log: pino({ level: "silent" }), events: { emit: (event: PlatformEvent) => void events.push(event) }, now: () => AT } as unknown as Parts;
  const logs = createBuildLogs(scratchFolder());
  const gate = createTestGate(parts, logs);
  let printed = "";
  return {
    store, app, events, asked, gate,
    printed: () => printed,
    runs: () => store.testRuns.ofApp(app.id),
    pass: (document: object = TESTED, signal = new AbortController().signal) =>
      gate.pass({ app, user: store.user, branch: "main", source: { commit: "c0ffee", epoch: async () => undefined, archive: () => Readable.from([]), readFile: async () => undefined, subject: async () => "Say hello" }, appJson: parseAppJson(Buffer.from(JSON.stringify(document))), last: undefined },
        { write: (more) => void (printed += more) }, createStopwatch(), signal),
  };
}

test("an app without tests passes, and nothing is built, run or written down; neither where the gate is off", async () => {
  const { pass, runs, asked, store, app } = house();
  await pass({ scripts: { postdeploy: "x" }, environments: { review: {} } });
  store.switches.set(app.id, "test-gate", false, AT);
  await pass();
  expect([runs(), asked.build, asked.tests]).toEqual([[], [], []]);
});

test("tests that pass are built for tests, find their environment alone, and leave a run with all that was printed", async () => {
  const { pass, runs, asked, gate, printed, events } = house();
  await pass();
  const [run] = runs();
  expect(run).toMatchObject({ number: 1, status: "succeeded", exitCode: 0, reason: null, commit: "c0ffee", branch: "main", message: "Say hello", pipelineId: null });
  const SECRET = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
  expect(asked.build).toMatchObject([{ purpose: "test", buildId: run?.id, lastBuildpacks: [], lastImage: undefined, config: { CI: "true", A: "test", B: "1", SECRET } }]);
  expect(asked.tests[0]?.env).toEqual({
    CI: "true", A: "test", B: "1", SECRET: asked.build[0]?.config["SECRET"], PAAS_TEST: "npm test", PAAS_TEST_SETUP: "", CI_NODE_INDEX: "0", CI_NODE_TOTAL: "1",
    HEROKU_TEST_RUN_ID: run?.id, HEROKU_TEST_RUN_NUMBER: "1", HEROKU_TEST_RUN_BRANCH: "main", HEROKU_TEST_RUN_COMMIT_VERSION: "c0ffee",
  });
  expect(printed()).toBe("-----> Preparing tests\nbuilding\ntesting\n       Tests passed (test run 1)\n");
  expect(await text(gate.testOutput(run as never, "setup"))).toBe("-----> Preparing tests\nbuilding\n");
  expect(await text(gate.testOutput(run as never, "output"))).toBe("testing\n");
  expect(events.map(({ kind }) => kind)).toEqual(["tests_started", "tests_ended"]);
});

test.each<[string, Partial<Ended>, object, string, object]>([
  ["fail", { code: 3 }, TESTED, "exited with status 3", { status: "failed", exitCode: 3 }],
  ["take too long", { code: 137, timedOut: true }, TESTED, "took longer than 30 minutes and were stopped (PAAS_TEST_MINUTES)", { status: "failed", exitCode: null }],
  ["need too much memory", { code: 137, outOfMemory: true }, TESTED, "used more than 2048 MB of memory and were killed (PAAS_BUILD_MEMORY_MB)", { status: "failed", exitCode: 137 }],
  ["are nowhere", { code: 65 }, { environments: { test: {} } }, "could not be run, for neither environments.test.scripts.test of app.json nor a buildpack says how", { status: "failed", exitCode: null }],
  ["exit with 65 by themselves", { code: 65 }, TESTED, "exited with status 65", { status: "failed", exitCode: 65 }],
])("tests that %s refuse the release with the reason", async (_, how, document, sentence, ending) => {
  const { pass, runs, store } = house(async () => ({ ...PASSED, ...how }));
  const message = `The tests ${sentence}: nothing was released (test run 1).`;
  await expect(pass(document)).rejects.toMatchObject({ id: "tests_failed", message });
  expect(runs()).toMatchObject([{ ...ending, reason: message }]);
  expect(store.testRuns.images()).toEqual([`image of ${runs()[0]?.id}`]);
});

test("what was built for a run is kept for the next one to begin on, even if its tests failed; what it takes the place of goes when the deploy is over", async () => {
  const codes = [0, 3, 0];
  const { pass, gate, app, asked, runs, store } = house(async () => ({ ...PASSED, code: codes.shift() ?? 0 }));
  await pass();
  await expect(pass()).rejects.toMatchObject({ id: "tests_failed" });
  await pass();
  const images = runs().map(({ id }) => `image of ${id}`);
  expect(asked.build.map(({ lastImage }) => lastImage)).toEqual([undefined, images[0], images[1]]);
  expect([asked.removed, store.testRuns.images()]).toEqual([[], [images[2]]]);
  await gate.deployEnded(app);
  expect(asked.removed).toEqual(images.slice(0, 2));
  // And a sandbox is started for the next run, even before there is a release.
  expect(asked.prepared).toEqual([{ appId: app.id, purpose: "test", lastBuildpacks: [], lastImage: images[2], memoryMb: 2048 }]);

  let isKnown = (_image: string, _buildIds: string[]): boolean => false;
  await sweepImages({ store, engine: { sweepImages: async (known: typeof isKnown) => ((isKnown = known), true) } as unknown as Engine });
  expect(images.map((image) => isKnown(image, []))).toEqual([false, false, true]);

  store.switches.set(app.id, "test-gate", false, AT);
  await pass();
  await gate.deployEnded(app);
  expect([asked.removed, store.testRuns.images()]).toEqual([images, []]);
});

test("a build for tests that fails, and an engine that goes away, are told as themselves: the run could not take place", async () => {
  const failed = house(undefined, async () => ({ ...BUILT, exit: { code: 1, outOfMemory: false }, image: undefined }));
  await expect(failed.pass()).rejects.toMatchObject({ id: "build_failed" });
  expect(failed.runs()).toMatchObject([{ status: "errored", exitCode: null, reason: "The build failed: its output says why." }]);
  const away = house(async () => Promise.reject(new AppError("engine_unavailable", "Docker is away.")));
  await expect(away.pass()).rejects.toMatchObject({ id: "engine_unavailable" });
  expect(away.runs()).toMatchObject([{ status: "errored", reason: "Docker is away." }]);
});

test("tests that are broken off are cancelled, by the words of who did it", async () => {
  const stop = new AbortController();
  const { pass, runs } = house(async () => {
    stop.abort(new AppError("build_failed", "The build was cancelled by ann@example.com."));
    return { ...PASSED, code: 137 };
  });
  await expect(pass(TESTED, stop.signal)).rejects.toMatchObject({ message: "The build was cancelled by ann@example.com." });
  expect(runs()).toMatchObject([{ status: "cancelled", exitCode: null }]);
});

test("an app in a pipeline has the pipeline's numbers and its config vars, which win over app.json's", async () => {
  const { pass, runs, store, app, asked } = house();
  const other = addApp(store);
  const pipeline = { id: randomUUID(), name: "way", ownerId: store.user.id, createdAt: AT, updatedAt: AT };
  store.pipelines.insert(pipeline);
  for (const { id } of [app, other]) store.pipelines.couple({ id: randomUUID(), pipelineId: pipeline.id, appId: id, stage: "staging", createdAt: AT, updatedAt: AT });
  store.testRuns.insert({ id: randomUUID(), appId: other.id, pipelineId: pipeline.id, status: "failed", commit: "", branch: "", message: "", exitCode: 1, reason: null, userId: store.user.id, createdAt: AT, updatedAt: AT });
  store.testRuns.setConfig(pipeline.id, { A: "of the pipeline", NPM_TOKEN: "t" }, AT);
  await pass();
  expect(runs()).toMatchObject([{ number: 2, pipelineId: pipeline.id }]);
  expect(asked.tests[0]?.env).toMatchObject({ A: "of the pipeline", NPM_TOKEN: "t", B: "1" });
});

test("of an app's runs the last hundred are kept", async () => {
  const { pass, runs, gate } = house();
  await pass();
  const [first] = runs();
  for (let count = 0; count < 100; count += 1) await pass();
  expect(runs().map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, index) => index + 2));
  expect(await text(gate.testOutput(first as never, "output"))).toBe("");
});
