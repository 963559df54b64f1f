import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const MODULE = join(import.meta.dirname, "../../server/engine/firewall.ts");

/** The rules in the order of their chains, made by this code in a network namespace of its own. */
async function rulesAfter(code: string): Promise<string[]> {
  const script = `
    import { execFileSync } from "node:child_process";
    const iptables = (...args) => execFileSync("iptables", args, { encoding: "utf8" });
    iptables("-N", "DOCKER-USER");
    iptables("-A", "DOCKER-USER", "-j", "RETURN");
    const { ensureFirewall } = await import("${MODULE}");
    ${code}
    console.log(iptables("-S", "INPUT") + iptables("-S", "DOCKER-USER"));`;
  const { stdout } = await run("unshare", ["--net", process.execPath, "--input-type=module", "-e", script], { timeout: 30_000 });
  return stdout.trim().split("\n").filter((line) => line.startsWith("-A"));
}

const REST = [
  "-A INPUT -i paas-+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
  "-A INPUT -i paas-+ -j DROP",
  "-A DOCKER-USER ! -i paas-+ -o paas-+ -m conntrack --ctstate NEW -j DROP",
  "-A DOCKER-USER -d 169.254.0.0/16 -i paas-+ -j DROP",
  "-A DOCKER-USER -j RETURN",
];

test("the rules stand once, however often they are asked for, and before what lets everything through", async () => {
  expect(await rulesAfter("await ensureFirewall(undefined); await ensureFirewall(undefined);")).toEqual(REST);
});

test("a router that listens on more than loopback is let through, also for a second installation with another port", async () => {
  const rules = await rulesAfter("await ensureFirewall(8080); await ensureFirewall(8080); await ensureFirewall(9090);");
  const accepts = rules.filter((rule) => rule.includes("--dport")).sort();
  expect(accepts).toEqual(["-A INPUT -i paas-+ -p tcp -m tcp --dport 8080 -j ACCEPT", "-A INPUT -i paas-+ -p tcp -m tcp --dport 9090 -j ACCEPT"]);
  expect(rules.filter((rule) => !accepts.includes(rule))).toEqual(REST);
  const drop = rules.indexOf("-A INPUT -i paas-+ -j DROP");
  for (const accept of accepts) expect(rules.indexOf(accept)).toBeLessThan(drop);
});

test("a rule that somebody took away comes back", async () => {
  const rules = await rulesAfter(`await ensureFirewall(undefined); iptables("-F", "DOCKER-USER"); iptables("-A", "DOCKER-USER", "-j", "RETURN"); await ensureFirewall(undefined);`);
  expect(rules).toEqual(REST);
});
