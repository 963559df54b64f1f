import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallGem } from "./small-gem.ts";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

let bench: Workbench;
let app: Tree;
beforeAll(async () => {
  bench = await openWorkbench("10.213.251.32/29");
  app = {
    Gemfile: 'source "https://gems.example"\ngem "greeting", "1.0.0"\n',
    "Gemfile.lock": "GEM\n  remote: https://gems.example/\n  specs:\n    greeting (1.0.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  greeting (= 1.0.0)\n\nBUNDLED WITH\n   99.0.0\n",
    "vendor/cache/greeting-1.0.0.gem": await smallGem("greeting", "1.0.0", 'GREETING = "Hello from a gem"\n'),
    Procfile: "web: bundle exec ruby main.rb\n",
    "main.rb": 'require "greeting"\nputs GREETING\n',
  };
}, 300_000);
afterAll(() => bench.close());

it("Bundler installs the gems of vendor/cache without a server, once for an unchanged lock file, and a dyno finds them", { timeout: 300_000 }, async () => {
  const first = await bench.build(app, { cache: "ruby" });
  expect(first.output).toContain("Running: bundle install --jobs 4 --retry 2 --local");
  expect(first.code).toBe(0);
  const second = await bench.build({ ...app, "main.rb": 'require "greeting"\nputs GREETING + ", changed"\n' }, { cache: "ruby", keep: true });
  expect(second.output).toContain("Gemfile.lock is unchanged: using the dependencies of the last build");
  const dyno = await bench.start(second.image, "bundle exec ruby main.rb");
  expect(await dyno.ended()).toBe(0);
  expect(dyno.output()).toContain("Hello from a gem, changed");
});

describe("an app that cannot be built is told cause and fix", () => {
  it.each<[string, (tree: Tree) => Tree, string]>([
    ["without a lock file", ({ Gemfile = "" }) => ({ Gemfile }), "Gemfile.lock required. Please check it in."],
    ["with config.ru alone", () => ({ "config.ru": "" }), "There is config.ru, but no Gemfile to say which gems it needs."],
    ["for another Ruby", (tree) => ({ ...tree, Gemfile: `ruby "3.9.9"\n${String(tree["Gemfile"])}` }), "The Gemfile asks for Ruby 3.9.9; this stack has Ruby 3.1.2."],
    ["whose Gemfile was changed alone", (tree) => ({ ...tree, Gemfile: `${String(tree["Gemfile"])}gem "other"\n` }), "Gemfile.lock does not match the Gemfile."],
    ["whose lock file was not merged", (tree) => ({ ...tree, "Gemfile.lock": `<<<<<<< HEAD\n${String(tree["Gemfile.lock"])}` }), "Gemfile.lock is the leftover of a merge."],
  ])("%s", async (_name, change, reason) => {
    const built = await bench.build(change(app));
    expect(built.output).toContain(` !     ${reason}`);
    expect(built.code).toBe(1);
  });
});
