import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let image: string;

const GRACEFUL = `process.once("SIGTERM", () => { console.log(process.argv[2], "stops"); setTimeout(() => process.exit(7), 200); }); setInterval(() => {}, 1000); console.log(process.argv[2], "is up");`;
const APP = {
  "package.json": JSON.stringify({
    name: "dyno",
    version: "1.2.3",
    config: { colour: "blue" },
    scripts: {
      start: "node program.js started",
      quoted: `echo "it's $npm_package_name $npm_package_version $npm_lifecycle_event $npm_package_config_colour" '$HOME'`,
      prechain: "echo before",
      chain: "echo one && echo two",
      fails: "exit 9",
      later: "echo now",
      postlater: "echo afterwards",
    },
  }),
  "program.js": GRACEFUL,
  ".profile.d/10-mine.sh": 'export FROM_PROFILE_D="mine and $GREETING"\n',
  ".profile.d/not-a-script.txt": "exit 1\n",
  ".profile": 'export FROM_PROFILE="after $FROM_PROFILE_D"\n',
  "bin/own-tool": { program: "#!/bin/sh\necho own tool\n" },
  "server.js": "",
};

beforeAll(async () => {
  bench = await openWorkbench();
  ({ image } = await bench.build(APP, { keep: true }));
});
afterAll(() => bench.close());

async function outputOf(command: string, env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  const dyno = await bench.start(image, command, env);
  const code = await dyno.ended();
  return { code, output: dyno.output() };
}

describe("a command behind a shell", () => {
  it("ends with the program's own exit code, however soon it ends after the signal", async () => {
    const program = "trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done";
    // Eight at a time: the moment that matters is short, and a busy machine hits it.
    const { output } = await outputOf(`source /opt/paas/bin/become
      one() {
        coproc dyno { become bash "${program}"; }
        read -r <&"\${dyno[0]}"; kill -TERM "$dyno_PID"; wait "$dyno_PID"; echo $?
      }
      for round in $(seq 20); do for each in 1 2 3 4 5 6 7 8; do one & done; wait; done 2>/dev/null | sort | uniq -c`);
    expect(output.trim()).toMatch(/^160 7$/);
  });
});

describe("the environment of a dyno", () => {
  it("has what .profile.d and .profile say, in this order, beside the config vars", async () => {
    const { output } = await outputOf('echo "$FROM_PROFILE | $HOME | $PWD | $NODE_ENV"', { GREETING: "hello" });
    expect(output).toBe("after mine and hello | /app | /app | production\n");
  });

  it("leaves a NODE_ENV of the app's own alone, and finds the app's own programs", async () => {
    const { output } = await outputOf("echo $NODE_ENV; own-tool; node -v; npm -v", { NODE_ENV: "staging" });
    expect(output).toMatch(/^staging\nown tool\nv24\.\d+\.\d+\n11\./);
  });

  it("tells how many processes fit into the dyno's memory", async () => {
    const { output } = await outputOf("echo $WEB_CONCURRENCY $WEB_MEMORY $MEMORY_AVAILABLE", { LOG_CONCURRENCY: "true" });
    expect(output).toBe("Detected 1024 MB available memory, 512 MB limit per process (WEB_MEMORY)\nRecommending WEB_CONCURRENCY=2\n2 512 1024\n");
  });

  it("does not run as root, and can write nowhere but to /tmp on a read-only system", async () => {
    const { output } = await outputOf("id -u; id -un; touch /app/x /opt/paas/x /etc/x 2>/dev/null || echo refused; touch /tmp/x && echo allowed");
    expect(output).toBe("10000\ndyno\nrefused\nallowed\n");
  });
});

describe("a command", () => {
  it("ends with its own exit code", async () => {
    const codes = await Promise.all(["exit 5", "node -e 'process.exit(6)'", "true && node -e 'process.exit(7)'", "no-such-program"].map((command) => outputOf(command)));
    expect(codes.map(({ code }) => code)).toEqual([5, 6, 7, 127]);
  });

  it.each([
    ["a plain command", "node program.js alone"],
    ["npm start", "npm start"],
    ["npm run start", "npm run start"],
    ["a command with an assignment", "X=1 node program.js assigned"],
  ])("gets SIGTERM itself, once: %s", async (_name, command) => {
    const dyno = await bench.start(image, command);
    await dyno.says(/is up/);
    const processes = await dyno.processes();
    expect(processes).toHaveLength(2);
    expect(processes[1]).toMatch(/^node program\.js/);
    await dyno.signal("SIGTERM");
    expect(await dyno.ended()).toBe(7);
    expect(dyno.output().match(/stops/g)).toHaveLength(1);
  });

  it("of several programs: each gets SIGTERM, and the dyno stays until the last has finished", async () => {
    const dyno = await bench.start(image, "node program.js first & node program.js second & wait");
    await dyno.says(/first is up/);
    await dyno.says(/second is up/);
    await dyno.signal("SIGTERM");
    await dyno.ended();
    expect(dyno.output()).toContain("first stops");
    expect(dyno.output()).toContain("second stops");
  });
});

describe("npm in a dyno", () => {
  it("shows scripts what npm would, without npm", async () => {
    const { output } = await outputOf("npm run quoted");
    expect(output).toContain("\n> dyno@1.2.3 quoted\n> echo");
    expect(output).toContain("\nit's dyno 1.2.3 quoted blue $HOME\n");
  });

  it("runs what comes before a script first", async () => {
    const { output } = await outputOf("npm run chain");
    expect(output.split("\n").filter((line) => /^[a-z]/.test(line))).toEqual(["before", "one", "two"]);
  });

  it("passes a script's exit code on", async () => {
    expect((await outputOf("npm run fails")).code).toBe(9);
  });

  it("leaves to npm itself what comes after a script, arguments, and other folders", async () => {
    const [after, passed, elsewhere] = await Promise.all([outputOf("npm run later"), outputOf("npm run later -- more"), outputOf("cd /tmp && npm run later")]);
    expect(after.output).toContain("afterwards");
    expect(passed.output).toContain("now more");
    expect(elsewhere.output).toContain("package.json");
    expect(elsewhere.code).not.toBe(0);
  });
});
