import type { FastifyInstance, FastifyRequest } from "fastify";
import type { TestRun } from "../domain/model.ts";
import { notFound } from "../errors.ts";
import { mayUse } from "../identity/access.ts";
import type { TestPart } from "../pipeline/test-gate.ts";
import { userRef } from "./account.ts";
import { gitUrl } from "./apps.ts";
import { appOf, pipelineOf, testRunOf, userOf } from "./auth.ts";
import { sendText } from "./build-output.ts";
import type { ApiDeps } from "./deps.ts";
import type { OutputUrls } from "./output-urls.ts";
import { ownUrl } from "./own-url.ts";
import { sendPage, type SortKeys } from "./range.ts";
import { stableId } from "./stable-id.ts";

const KEYS: SortKeys<TestRun> = { number: ({ number }) => number, created_at: ({ createdAt }) => createdAt, id: ({ id }) => id };
const NODE_KEYS: SortKeys<TestRun> = { id: nodeId, index: () => 0 };
const SETUP = "-setup";

type Numbered = { Params: { number: string } };

/** Test runs (devcenter: platform-api-reference#test-run): of a pipeline, or of an app that is in none; each has one node. */
export function serveTestRuns(api: FastifyInstance, deps: ApiDeps, urls: OutputUrls): void {
  const { store } = deps;

  const view = (request: FastifyRequest, run: TestRun) => {
    const app = store.apps.find(run.appId);
    const user = userRef(store, run.userId);
    return {
      actor_email: user.email, app: { id: run.appId, name: app?.name }, app_setup: null, clear_cache: false, commit_branch: run.branch, commit_message: run.message, commit_sha: run.commit,
      created_at: run.createdAt, debug: false, dyno: null, id: run.id, message: run.reason, number: run.number, organization: null, pipeline: run.pipelineId === null ? null : { id: run.pipelineId },
      source_blob_url: app ? gitUrl(deps, request, app) : "", status: run.status, updated_at: run.updatedAt, user, warning_message: null,
    };
  };
  const nodeView = (request: FastifyRequest, run: TestRun) => ({
    created_at: run.createdAt, dyno: null, error_status: run.status === "errored" ? "building" : null, exit_code: run.exitCode, id: nodeId(run), index: 0, message: run.reason,
    output_stream_url: ownUrl(request, deps) + urls.path(run.id), pipeline: run.pipelineId === null ? null : { id: run.pipelineId }, setup_stream_url: ownUrl(request, deps) + urls.path(run.id + SETUP),
    status: run.status, test_run: { id: run.id }, updated_at: run.updatedAt,
  });

  /** Of apps that the asking person may use: others' tests print what is theirs. */
  const ofPipeline = (request: FastifyRequest): TestRun[] =>
    store.testRuns.ofPipeline(pipelineOf(request).id).filter(({ appId }) => {
      const app = store.apps.find(appId);
      return app !== undefined && mayUse(store, userOf(request), app);
    });
  const numbered = (runs: TestRun[], number: string): TestRun => {
    const run = runs.find((one) => String(one.number) === number);
    if (!run) throw notFound("test_run", "Couldn't find that test run.");
    return run;
  };

  api.get("/pipelines/:pipeline/test-runs", { schema: { summary: "The test runs of a pipeline's apps" } }, async (request, reply) =>
    sendPage(request, reply, ofPipeline(request), KEYS, (run) => view(request, run)));

  api.get<Numbered>("/pipelines/:pipeline/test-runs/:number", { schema: { summary: "One test run of a pipeline, by its number" } }, async (request) =>
    view(request, numbered(ofPipeline(request), request.params.number)));

  api.get("/apps/:app/test-runs", { schema: { summary: "The app's test runs" } }, async (request, reply) =>
    sendPage(request, reply, store.testRuns.ofApp(appOf(request).id), KEYS, (run) => view(request, run)));

  api.get<Numbered>("/apps/:app/test-runs/:number", { schema: { summary: "One test run of an app, by its number" } }, async (request) =>
    view(request, numbered(store.testRuns.ofApp(appOf(request).id), request.params.number)));

  api.get("/test-runs/:run", { schema: { summary: "One test run" } }, async (request) => view(request, testRunOf(request)));

  api.get("/test-runs/:run/test-nodes", { schema: { summary: "Where a test run took place: one node, with its exit code and the URLs of its output" } }, async (request, reply) =>
    sendPage(request, reply, [testRunOf(request)], NODE_KEYS, (run) => nodeView(request, run)));
}

/** What a run printed as plain text, live while it goes on. */
export function serveTestRunOutput(fastify: FastifyInstance, { store, pipeline }: ApiDeps, urls: OutputUrls): void {
  fastify.get<{ Params: { output: string; capability: string } }>("/test-run-output/:output/:capability", { schema: { summary: "A test run's output" } }, async ({ params: { output, capability } }, reply) => {
    const part: TestPart = output.endsWith(SETUP) ? "setup" : "output";
    const run = urls.permits(output, capability) ? store.testRuns.find(part === "setup" ? output.slice(0, -SETUP.length) : output) : undefined;
    if (!run) throw notFound("test_run", "Couldn't find that test run.");
    return sendText(reply, pipeline.testOutput(run, part));
  });
}

function nodeId({ id }: TestRun): string {
  return stableId("test-node", id);
}
