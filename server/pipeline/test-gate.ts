/** The app's tests, run before anything is released: built for tests on a clean slate, run where nothing outlives them, written down. */

import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { appJsonIn, declaresTests, type AppJson } from "../domain/app-json.ts";
import { applyConfigChange } from "../domain/config-vars.ts";
import { valuesOf } from "../domain/first-config.ts";
import type { App, ConfigVars, Slug, TestRun, User } from "../domain/model.ts";
import type { TestRunSpec } from "../engine/engine.ts";
import { AppError, publicMessage } from "../errors.ts";
import type { BuildLogs } from "./build-log.ts";
import { buildForTests } from "./build.ts";
import { detail, minutes, tee, topic, wholeLines, type Output } from "./output.ts";
import type { Parts } from "./parts.ts";
import { currentTarget } from "./release.ts";
import type { Source } from "./source.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** Exit code of buildpacks/test: neither app.json nor a buildpack says how to test. */
const NO_TESTS = 65;
/** Of each app; older ones are forgotten. */
const KEPT_RUNS = 100;

/** What is tested: a pushed main branch. */
export type TestOrder = { app: App; user: User; branch: string; source: Source; appJson: AppJson; last: Slug | undefined };

export type TestGate = {
  /**
   * Resolves when the tests have passed, or where there are none or the gate is off for the app. What was built is kept for the next run to begin on.
   * @throws AppError tests_failed; what the build for tests throws.
   */
  pass(order: TestOrder, output: Output, stopwatch: Stopwatch, signal: AbortSignal): Promise<void>;
  /**
   * Throws away what was built for earlier runs of the app, and prepares for the next one. Not before: the release's build may take steps from it,
   * and the engine starts nothing while it removes a large image. Never throws.
   */
  deployEnded(app: App): Promise<void>;
  /** What a run printed while it was built, or when it was tested: live while it goes on. */
  testOutput(run: TestRun, part: TestPart): Readable;
};

export type TestPart = "setup" | "output";

type Ending = Pick<TestRun, "status" | "exitCode" | "reason">;

export function createTestGate(parts: Parts, logs: BuildLogs): TestGate {
  const { store, events, now } = parts;

  const begin = async ({ app, user, branch, source }: TestOrder): Promise<TestRun> => {
    const at = now();
    const run = store.testRuns.insert({
      id: randomUUID(), appId: app.id, pipelineId: store.pipelines.couplingOf(app.id)?.pipelineId ?? null, status: "pending", commit: source.commit, branch,
      message: (await source.subject?.()) ?? "", exitCode: null, reason: null, userId: user.id, createdAt: at, updatedAt: at,
    });
    events.emit({ kind: "tests_started", appId: app.id, run, user });
    return run;
  };

  /** Images that are of no use any more, by app. */
  const outdated = new Map<string, string[]>();
  const outdate = (appId: string, images: string[]): void => void outdated.set(appId, [...(outdated.get(appId) ?? []), ...images]);

  const set = (run: TestRun, change: Partial<Ending>): void => store.testRuns.update(Object.assign(run, change, { updatedAt: now() }));

  return {
    async pass(order, output, stopwatch, signal) {
      const { app } = order;
      if (!declaresTests(order.appJson) || !store.switches.of(app.id).has("test-gate")) return outdate(app.id, store.testRuns.keepImage(app.id, undefined));
      const run = await begin(order);
      const [setup, printed] = [logs.open(logId(run, "setup")), logs.open(logId(run, "output"))];
      try {
        await test(parts, order, run, { enter: (status) => set(run, { status }), outdate: (images) => outdate(app.id, images) }, { setup: tee(output, setup), printed: tee(output, printed) }, stopwatch, signal);
        set(run, { status: "succeeded", exitCode: 0 });
        detail(output, `Tests passed (test run ${run.number})`);
      } catch (error) {
        set(run, endingOf(error, signal));
        throw error;
      } finally {
        events.emit({ kind: "tests_ended", appId: app.id, run });
        await Promise.all([setup.close(), printed.close()]);
        await logs.remove(store.testRuns.forget(app.id, KEPT_RUNS).flatMap(logIdsOf));
      }
    },
    async deployEnded(app) {
      const { id, name } = app;
      const lastImage = store.testRuns.imageOf(id);
      if (lastImage !== undefined) void parts.engine.prepareBuild({ appId: id, purpose: "test", lastBuildpacks: currentTarget(parts, app).slug?.buildpacks ?? [], lastImage, memoryMb: parts.config.limits.buildMemoryMb });
      const images = outdated.get(id) ?? [];
      outdated.delete(id);
      await Promise.all(images.map((image) => parts.engine.removeImage(image).catch((err: unknown) => parts.log.warn({ app: name, image, err }, "what was built for tests is left for the next look"))));
    },
    testOutput: (run, part) => logs.read(logId(run, part)),
  };
}

/** Both logs of a run, by the ids under which they are kept. */
export function logIdsOf(run: TestRun): string[] {
  return [logId(run, "setup"), logId(run, "output")];
}

function logId({ id }: TestRun, part: TestPart): string {
  return part === "setup" ? `${id}-setup` : id;
}

/** Tests that ended with another status than 0. */
class TestsFailed extends AppError {
  readonly exitCode: number | null;

  constructor(run: TestRun, how: string, exitCode: number | null) {
    super("tests_failed", `The tests ${how}: nothing was released (test run ${run.number}).`);
    this.exitCode = exitCode;
  }
}

type Steps = { enter(status: TestRun["status"]): void; outdate(images: string[]): void };

async function test(parts: Parts, order: TestOrder, run: TestRun, { enter, outdate }: Steps, outputs: { setup: Output; printed: Output }, stopwatch: Stopwatch, signal: AbortSignal): Promise<void> {
  const { engine, store, config: { limits } } = parts;
  const { app, source, last } = order;
  const appJson = appJsonIn(order.appJson, "test");
  const config = applyConfigChange({ CI: "true", ...valuesOf(appJson.env) }, run.pipelineId === null ? {} : store.testRuns.config(run.pipelineId));

  enter("building");
  topic(outputs.setup, "Preparing tests");
  const { image, isOwn } = await buildForTests(parts, app, run.id, { source, appJson, config, last }, store.testRuns.imageOf(app.id), outputs.setup, stopwatch, signal);
  // The engine's builder keeps the steps of an image of the app's own by itself.
  outdate(isOwn ? [image, ...store.testRuns.keepImage(app.id, undefined)] : store.testRuns.keepImage(app.id, { runId: run.id, image }));

  enter("running");
  if (isOwn) topic(outputs.printed, "Running tests");
  const printed = wholeLines(outputs.printed);
  const spec = { runId: run.id, appId: app.id, image, ...whatToRun(run, appJson, config, isOwn), memoryMb: limits.buildMemoryMb };
  const { code, outOfMemory, timedOut } = await engine.runTests(spec, printed, limits.testMinutes * 60_000, signal).finally(printed.end);
  stopwatch.lap("tests");
  if (signal.aborted) throw signal.reason instanceof AppError ? signal.reason : new TestsFailed(run, "were interrupted", null);
  if (timedOut) throw new TestsFailed(run, `took longer than ${minutes(limits.testMinutes)} and were stopped (PAAS_TEST_MINUTES)`, null);
  if (outOfMemory) throw new TestsFailed(run, `used more than ${limits.buildMemoryMb} MB of memory and were killed (PAAS_BUILD_MEMORY_MB)`, code);
  if (code === NO_TESTS && !appJson.scripts.test) throw withoutTests(run);
  if (code !== 0) throw new TestsFailed(run, `exited with status ${code}`, code);
}

function withoutTests(run: TestRun): TestsFailed {
  return new TestsFailed(run, "could not be run, for neither environments.test.scripts.test of app.json nor a buildpack says how", null);
}

/** The app's own image has none of our programs in it: its shell runs one script after the other. */
function whatToRun(run: TestRun, { scripts }: AppJson, config: ConfigVars, isOwn: boolean): Pick<TestRunSpec, "env" | "ownCommand"> {
  const [setup = "", test = ""] = [scripts["test-setup"], scripts.test];
  const env = { ...config, ...environmentOf(run) };
  if (!isOwn) return { env: { ...env, PAAS_TEST: test, PAAS_TEST_SETUP: setup } };
  if (test === "") throw withoutTests(run);
  return { env, ownCommand: setup === "" ? test : `{ ${setup}\n} || exit\n${test}` };
}

/** The names that Heroku CI sets (devcenter: heroku-ci#immutable-environment-variables). */
function environmentOf(run: TestRun): ConfigVars {
  return {
    HEROKU_TEST_RUN_ID: run.id, HEROKU_TEST_RUN_NUMBER: String(run.number), HEROKU_TEST_RUN_BRANCH: run.branch, HEROKU_TEST_RUN_COMMIT_VERSION: run.commit,
    CI_NODE_INDEX: "0", CI_NODE_TOTAL: "1",
  };
}

/** Heroku's words: `errored` where the tests could not be run at all. */
function endingOf(error: unknown, signal: AbortSignal): Ending {
  const reason = publicMessage(error);
  if (signal.aborted) return { status: "cancelled", exitCode: null, reason };
  return error instanceof TestsFailed ? { status: "failed", exitCode: error.exitCode, reason } : { status: "errored", exitCode: null, reason };
}
