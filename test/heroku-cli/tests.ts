/** What people type about the tests of their apps. */

import { scene } from "./people.ts";
import type { Step } from "./transcript.ts";

const appJson = (test: string): Record<string, string> => ({ "app.json": JSON.stringify({ environments: { test: { scripts: { test } } } }) });

export const tests: Step[] = [
  scene("review apps: one is made of a branch that was pushed, and goes with its branch", async ({ commit, git }, heroku) => {
    await heroku(["pipelines:create", "cliway", "-a", "cliapp", "-s", "staging"], /cliway/);
    await commit({ "review.txt": "reviewed" });
    await git("push", "heroku", "main:topic");
    await heroku(["reviewapps:create", "-p", "cliway", "-b", "topic"], /topic/);
    await heroku(["pipelines:info", "cliway"], /cliapp-review-topic/);
    await heroku(["reviewapps:enable", "-p", "cliway", "-a", "cliapp", "--autodeploy", "--autodestroy"], /Configuring|done/);
    await heroku(["reviewapps:disable", "-p", "cliway", "-a", "cliapp", "--no-autodeploy"], /Configuring|done/);
    const gone = await git("push", "heroku", ":topic");
    if (!gone.output.includes("Discarded the review app cliapp-review-topic")) throw new Error(gone.output);
    await heroku(["pipelines:destroy", "cliway"], /Destroying/);
  }),
  scene("tests: pushes leave runs that are listed and shown with their output and exit code", async ({ commit, git }, heroku) => {
    await heroku(["pipelines:create", "cliway", "-a", "cliapp", "-s", "staging"], /cliway/);
    await heroku(["ci:config:set", "-a", "cliapp", "WEATHER=fine"], /WEATHER:\s+fine/);
    await heroku(["ci:config", "-a", "cliapp"], /WEATHER:\s+fine/);
    await heroku(["ci:config:get", "WEATHER", "-a", "cliapp"], /^fine$/m);
    await commit(appJson("echo it is $WEATHER"));
    const passed = await git("push", "heroku", "main");
    if (!passed.output.includes("it is fine")) throw new Error(passed.output);
    await heroku(["ci:last", "-a", "cliapp"], /Building for tests[\s\S]*it is fine[\s\S]*✓ #1 main:\w{7} succeeded/);
    await commit(appJson("echo it rains; exit 4"));
    const failed = await git("push", "heroku", "main");
    if (failed.code === 0) throw new Error(failed.output);
    await heroku(["ci:info", "2", "-a", "cliapp"], /it rains[\s\S]*✗ #2 main:\w{7} failed/, { code: 4 });
    await heroku(["ci", "-a", "cliapp"], /✗\s+2\s+main\s+\w{7}\s+failed[\s\S]*✓\s+1\s+main\s+\w{7}\s+succeeded/);
    await heroku(["ci", "-a", "cliapp", "--json"], /"number": *2/);
    await heroku(["ci:config:unset", "WEATHER", "-a", "cliapp"], /Unsetting WEATHER/);
    await heroku(["ci:config:get", "WEATHER", "-a", "cliapp"], /undefined/);
    await heroku(["features:disable", "test-gate", "-a", "cliapp"], /done/);
    const untested = await git("push", "heroku", "main");
    if (untested.code !== 0) throw new Error(untested.output);
    await heroku(["features:enable", "test-gate", "-a", "cliapp"], /done/);
    await heroku(["pipelines:destroy", "cliway"], /Destroying/);
    await commit({ "app.json": "{}" });
  }),
];
