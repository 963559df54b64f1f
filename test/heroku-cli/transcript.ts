/** What people type, and what must come of it. */

import type { Paas } from "../support/paas.ts";
import type { HerokuCli, Said } from "./client.ts";
import { builds } from "./builds.ts";
import { people } from "./people.ts";
import { tests } from "./tests.ts";

export type Scene = {
  cli: HerokuCli;
  paas: Paas;
  /** A git repository with an app. */
  dir: string;
  commit(files: Record<string, string>): Promise<string>;
  git(...args: string[]): Promise<Said>;
};

/** `always`: later steps stand on it. */
export type Step = { name: string; always?: boolean; run(scene: Scene): Promise<void> };

type Expected = RegExp | RegExp[];

/** A command whose output must match, with exit code 0 or the one given. */
function types(line: string, expected: Expected, options: { code?: number; input?: string; always?: boolean; env?: Record<string, string> } = {}): Step {
  const { code = 0, always, ...rest } = options;
  return {
    name: `heroku ${line}`,
    ...(always ? { always } : {}),
    run: async ({ cli, dir }) => check(await cli.run(split(line), { dir, ...rest }), expected, code),
  };
}

function check({ code, output }: Said, expected: Expected, wanted = 0): void {
  const missing = [expected].flat().filter((pattern) => !pattern.test(output));
  if (code !== wanted || missing.length > 0) throw new Error(`exit code ${code}${missing.length > 0 ? `, no ${missing.join(", no ")}` : ""} in:\n${output.trim().slice(0, 1500)}`);
}

/** Words, with '…' and "…" held together. */
function split(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain ?? "");
}

export const transcript: Step[] = [
  types("auth:whoami", /@/),
  types("auth:token", /\S{20}/),
  types("authorizations:create -d ci -s read", [/Token:\s+\S{20}/, /read/]),
  types("authorizations", /ci/),

  types("apps:create cliapp", [/cliapp/, /https:\/\/localhost/], { always: true }),
  types("git:remote -a cliapp", /cliapp/, { always: true }),
  { name: "git push heroku main", always: true, run: async ({ git }) => check(await git("push", "heroku", "main"), [/Released v2/, /cliapp/]) },
  types("apps", /cliapp/),
  types("apps:info -a cliapp", [/cliapp/, /Owner/]),
  types("apps:info -a cliapp --json", /"name": *"cliapp"/),
  types("apps:stacks -a cliapp", /debian-12/),
  types("stack:set container -a cliapp", /next release will be deployed on|container/),
  types("stack:set debian-12 -a cliapp", /debian-12/),
  types("regions", /Location|ID/),

  types("config:set -a cliapp GREETING=hello 'MOTTO=two words'", [/GREETING/, /v3/]),
  types("config -a cliapp", [/GREETING:\s+hello/, /two words/]),
  types("config:get GREETING -a cliapp", /^hello$/m),
  types("config:unset MOTTO -a cliapp", /v4/),
  types("releases -a cliapp", [/v4/, /Deploy/]),
  types("releases:info v2 -a cliapp", /v2/),
  types("releases --json -a cliapp", /"version": *4/),
  types("rollback v3 -a cliapp", /v5|v3/),

  types("ps -a cliapp", [/web/, /up/]),
  types("ps:scale web=2 worker+1 -a cliapp", [/web at 2/, /worker at 1/]),
  types("ps:scale -a cliapp", /web=2/),
  types("ps:scale web=1 worker=0 -a cliapp", /web at 1/),
  types("ps:type -a cliapp", /web/),
  types("ps:restart web.1 -a cliapp", /done/),
  types("ps:restart -a cliapp", /done/),
  types("ps:stop web.1 -a cliapp", /done/),
  types("ps:wait -a cliapp", /^/),

  types("run -a cliapp --no-tty -- echo 'over there'", /over there/),
  types("run -a cliapp -x --no-tty -- sh -c 'exit 7'", /./, { code: 7 }),
  types("run -a cliapp --no-tty -- cat", /piped in/, { input: "piped in\n" }),
  types("run:detached -a cliapp -- sleep 300", /run\.\d+/),
  types("run:inside web.1 hostname -a cliapp", /web-1/),

  types("logs -a cliapp -n 20", /app\[|heroku\[/),
  types("logs -a cliapp -n 5 -s heroku", /heroku\[/),
  types("logs -a cliapp -p web", /./),
  types("drains:add -a cliapp https://logs.example.com/in", /added/i),
  types("drains -a cliapp", /logs\.example\.com/),
  types("drains:remove -a cliapp https://logs.example.com/in", /removed/i),

  types("maintenance:on -a cliapp", /done/),
  types("maintenance -a cliapp", /on/),
  types("maintenance:off -a cliapp", /done/),
  types("domains:add www.example.com -a cliapp", /www\.example\.com/),
  types("domains -a cliapp", /www\.example\.com/),
  types("domains:info www.example.com -a cliapp", /www\.example\.com/),
  types("domains:remove www.example.com -a cliapp", /Removing/),
  types("certs -a cliapp", /no SSL|No SSL|Endpoint|cliapp/i),
  types("certs:auto -a cliapp", /disabled|Automatic/i),
  types("features -a cliapp", /force-https/),
  types("features:enable hsts -a cliapp", /done/),
  types("labs -a cliapp", /./),
  types("buildpacks -a cliapp", /./),
  types("buildpacks:set heroku/nodejs -a cliapp", /heroku\/nodejs/),
  types("buildpacks:add --index 1 paas/static -a cliapp", [/paas\/static/, /heroku\/nodejs/]),
  types("buildpacks:remove paas/static -a cliapp", /heroku\/nodejs/),
  types("buildpacks:clear -a cliapp", /Buildpacks cleared/),
  types("apps:create clipacked --no-remote --buildpack heroku/php", [/clipacked/, /Setting buildpack to heroku\/php/]),
  types("buildpacks -a clipacked", /heroku\/php/),
  types("apps:destroy clipacked --confirm clipacked", /done/),
  types("buildpacks:search node", /node/i),
  types("buildpacks:info heroku/nodejs", /nodejs/),
  types("buildpacks:versions heroku/nodejs", /\d/),
  types("access -a cliapp", /@/),
  types("addons -a cliapp", /No add-ons/),
  types("addons:services", /./),
  types("keys", /./),
  ...people,
  ...builds,
  ...tests,

  types("apps:rename newname -a cliapp", /newname/),
  types("apps:destroy -a newname -c newname", /Destroying/),
  types("apps:info -a newname", /Couldn't find that app/, { code: 2 }),
];
