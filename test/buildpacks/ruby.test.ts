import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { causeOf } from "../../buildpacks/lib/causes.ts";
import type { Build } from "../../buildpacks/ruby/lib/build.ts";
import { CAUSES } from "../../buildpacks/ruby/lib/causes.ts";
import { processTypes } from "../../buildpacks/ruby/lib/process-types.ts";
import { writeProfile } from "../../buildpacks/ruby/lib/profile.ts";
import { RUBY_FAILURES } from "./ruby-failures.ts";
import { smallGem } from "./small-gem.ts";
import { openWorkbench, type Tree, type Workbench } from "./workbench.ts";

/** The process types of a release.yml. */
function typesOf(release: string): Record<string, string> {
  return Object.fromEntries([...release.matchAll(/^ {2}(\w+): (".*")$/gm)].map(([, name = "", command = ""]) => [name, JSON.parse(command) as string]));
}

/** Gemfile, lock file and vendor/cache of gems, each of one file of Ruby. */
async function bundleOf(gems: Record<string, string>, programs: Record<string, string> = {}): Promise<Tree> {
  const names = Object.keys(gems);
  const files = await Promise.all(names.map(async (name) => [`vendor/cache/${name}-1.0.0.gem`, await smallGem(name, "1.0.0", gems[name] ?? "", programs[name])] as const));
  return {
    Gemfile: `source "https://gems.example"\n${names.map((name) => `gem "${name}", "1.0.0"\n`).join("")}`,
    "Gemfile.lock": lockOf(names),
    ...Object.fromEntries(files),
  };
}

function lockOf(names: string[]): string {
  const [specs, wanted] = [names.map((name) => `    ${name} (1.0.0)\n`), names.map((name) => `  ${name} (= 1.0.0)\n`)].map((lines) => lines.sort().join(""));
  return `GEM\n  remote: https://gems.example/\n  specs:\n${specs}\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n${wanted}\nBUNDLED WITH\n   99.0.0\n`;
}

let bench: Workbench;
let app: Tree;
let folder: string;
const build = (gems: string[]): Build => ({ buildDir: folder, cacheDir: join(folder, "cache"), stack: "debian-12", mode: "production", env: {}, rubyVersion: "3.1.2", bundlerVersion: "2.3.15", lock: lockOf(gems) });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ruby-"));
  mkdirSync(join(folder, "cache"));
});
afterEach(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  bench = await openWorkbench();
  app = {
    ...(await bundleOf({ greeting: 'GREETING = "Hello from a gem"\n' })),
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

it("a build for tests has the gems of the group `test`, and RSpec runs where it is among them; a release has neither", async () => {
  const bundle = await bundleOf({ greeting: 'GREETING = "Hello"\n', "rspec-core": "" }, { "rspec-core": "" });
  const tested: Tree = {
    ...bundle,
    Gemfile: String(bundle["Gemfile"]).replace('gem "rspec-core", "1.0.0"', 'gem "rspec-core", "1.0.0", group: :test'),
    // In the place of RSpec's own program, which Bundler would find in its gem.
    "bin/rspec": { program: '#!/usr/bin/env ruby\nrequire "greeting"\nputs [GREETING, ENV["RAILS_ENV"], Gem.loaded_specs.key?("rspec-core")].join(" ")\n' },
    Procfile: "web: true\n",
  };
  const [forTests, toServe] = await Promise.all([bench.build(tested, { env: { PAAS_BUILD_FOR: "test" }, keep: true }), bench.build(tested)]);
  expect([forTests.code, forTests.out["testpack"]]).toEqual([0, "/opt/paas/buildpacks/ruby"]);
  expect([forTests.output.includes("Installing rspec-core 1.0.0"), toServe.output.includes("Installing rspec-core 1.0.0")]).toEqual([true, false]);
  expect(await bench.runTests(forTests.image)).toEqual({ code: 0, output: expect.stringContaining("-----> Running tests\nHello test true\n") as string });
});

describe("an app of Rails, with gems of our own in the places of its parts", () => {
  /** The stack's own Rake, which is real. */
  const STACK_RAKE = '$LOAD_PATH.unshift(Dir["/usr/share/rubygems-integration/all/gems/rake-*/lib"].first)\nrequire "rake"\nRake.application.run\n';
  const SERVER = `require "socket"
server = TCPServer.new("0.0.0.0", ARGV[ARGV.index("-p") + 1].to_i)
loop do
  client = server.accept
  while (line = client.gets) && line != "\\r\\n"; end
  body = [Dir["public/assets/*"].map { |path| File.read(path) }, ARGV.join(" "), ENV["RAILS_ENV"], ENV["SECRET_KEY_BASE"].size].join(" | ")
  client.write "HTTP/1.1 200 OK\\r\\nContent-Length: #{body.bytesize}\\r\\nConnection: close\\r\\n\\r\\n#{body}"
  client.close
end
`;
  let rails: Tree;
  beforeAll(async () => {
    const gems = { rake: "", railties: "", puma: "", delayed_job: 'puts "jobs are done"\n' };
    rails = {
      ...(await bundleOf(gems, { rake: STACK_RAKE })),
      "config.ru": "",
      "bin/rails": { program: `#!/usr/bin/env ruby\n${SERVER}` },
      Rakefile: 'task("assets:precompile") { Dir.mkdir("public") unless Dir.exist?("public"); Dir.mkdir("public/assets"); File.write("public/assets/app.css", "made in #{ENV["RAILS_ENV"]}") }\ntask("jobs:work") { require "delayed_job" }\n',
    };
  });

  it("gets its assets, and without a Procfile a web process and a worker that answer", { timeout: 300_000 }, async () => {
    const built = await bench.build(rails, { keep: true });
    expect(built.output).toContain("-----> Preparing app for Rails asset pipeline");
    expect(built.code).toBe(0);
    const types = typesOf(built.out["release.yml"] ?? "");
    expect(Object.keys(types)).toEqual(["rake", "worker", "console", "web"]);
    const [web, worker] = await Promise.all([bench.start(built.image, types["web"] ?? ""), bench.start(built.image, types["worker"] ?? "")]);
    expect((await web.get("/")).body).toBe("made in production | server -b 0.0.0.0 -p 5000 -e production | production | 128");
    expect(await worker.ended()).toBe(0);
    expect(worker.output()).toContain("jobs are done");
  });

  it("is refused with the cause when its rake tasks do not load", async () => {
    const built = await bench.build({ ...rails, Rakefile: 'require "no_such_library"\n' });
    expect(built.output).toContain(" !     Ruby cannot load no_such_library.");
    expect(built.code).toBe(1);
  });

  it("is refused with the cause when assets:precompile fails", async () => {
    const built = await bench.build({ ...rails, Rakefile: 'task("assets:precompile") { sh "yarn build" }\n' });
    expect(built.output).toContain(" !     A rake task runs yarn, which is not here.");
    expect(built.code).toBe(1);
  });
});

describe("without a Procfile", () => {
  const RAKE = { rake: "bundle exec rake" };
  const IRB = { console: "bundle exec irb" };

  it.each<[string, string[], boolean, Record<string, string>]>([
    ["an app of Rails is served by its own command, even with Puma", ["rake", "railties", "puma"], true, { ...RAKE, console: "bin/rails console", web: "bin/rails server -b 0.0.0.0 -p ${PORT:-5000} -e $RAILS_ENV" }],
    ["config.ru is served by Puma where the lock file has it", ["puma"], true, { ...IRB, web: "bundle exec puma -b tcp://0.0.0.0:${PORT:-5000} config.ru" }],
    ["config.ru is served by rackup where there is no Puma", ["rake", "rack"], true, { ...RAKE, ...IRB, web: "bundle exec rackup config.ru -o 0.0.0.0 -p ${PORT:-5000}" }],
    ["an app without config.ru has no web process", ["puma"], false, IRB],
    ["an app with delayed_job has a worker, served or not", ["rake", "delayed_job"], false, { ...RAKE, worker: "bundle exec rake jobs:work", ...IRB }],
  ])("%s", (_name, gems, hasRackup, types) => {
    if (hasRackup) writeFileSync(join(folder, "config.ru"), "");
    expect(processTypes(build(gems))).toEqual(types);
  });
});

describe("the secret of a Rails app", () => {
  const secret = (gems: string[]): string | undefined => {
    writeProfile(build(gems));
    return /^export SECRET_KEY_BASE=\$\{SECRET_KEY_BASE:-([0-9a-f]{128})\}$/m.exec(readFileSync(join(folder, ".profile.d/ruby.sh"), "utf8"))?.[1];
  };

  it("is made once, and the same in the next release", () => {
    const first = secret(["railties"]);
    expect(first).toBeDefined();
    expect(secret(["railties"])).toBe(first);
  });

  it("is another one in another app", () => {
    const first = secret(["railties"]);
    rmSync(join(folder, "cache/secret-key-base"));
    expect(secret(["railties"])).not.toBe(first);
  });

  it("is not made for an app without Rails", () => {
    expect(secret(["rack"])).toBeUndefined();
  });
});

describe("what the tools say is told with cause and fix", () => {
  it.each(RUBY_FAILURES)("$name", ({ said, reads }) => {
    expect(causeOf(CAUSES, said)).toEqual(reads);
  });
});

describe("an app that cannot be built is told cause and fix", () => {
  it.each<[string, (tree: Tree) => Tree, string]>([
    ["without a lock file", ({ Gemfile = "" }) => ({ Gemfile }), "Gemfile.lock required. Please check it in."],
    ["with config.ru alone", () => ({ "config.ru": "" }), "There is config.ru, but no Gemfile to say which gems it needs."],
    ["for another Ruby", (tree) => ({ ...tree, Gemfile: `ruby "3.9.9"\n${String(tree["Gemfile"])}` }), "The Gemfile asks for Ruby 3.9.9; this stack has Ruby 3.1.2."],
    ["whose Gemfile was changed alone", (tree) => ({ ...tree, Gemfile: `${String(tree["Gemfile"])}gem "other"\n` }), "Gemfile.lock does not match the Gemfile."],
    ["for other machines", (tree) => ({ ...tree, "Gemfile.lock": String(tree["Gemfile.lock"]).replace("  ruby\n", "  arm64-darwin-22\n") }), "Gemfile.lock was written for other machines than this one (x86_64-linux)."],
    ["with a damaged gem", (tree) => ({ ...tree, "vendor/cache/greeting-1.0.0.gem": "half" }), "vendor/cache/greeting-1.0.0.gem is not a whole gem."],
    ["whose lock file was not merged", (tree) => ({ ...tree, "Gemfile.lock": `<<<<<<< HEAD\n${String(tree["Gemfile.lock"])}` }), "Gemfile.lock is the leftover of a merge."],
  ])("%s", async (_name, change, reason) => {
    const built = await bench.build(change(app));
    expect(built.output).toContain(` !     ${reason}`);
    expect(built.code).toBe(1);
  });
});
