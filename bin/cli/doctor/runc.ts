/** Which escapes from a dyno the host's runc is known for. */

import { fail, ok, warn, type Finding } from "./finding.ts";

/** `candidate`: the number of a release candidate, RELEASED where it is none. */
type Version = { numbers: [number, number, number]; candidate: number };

/** Later than every candidate. */
const RELEASED = 1_000_000;

type Flaw = { cves: string; fixed: string[] };

/** Each with the first version of every series that has the repair. */
const FLAWS: Flaw[] = [
  { cves: "CVE-2024-21626", fixed: ["1.1.12"] },
  { cves: "CVE-2024-45310", fixed: ["1.1.14", "1.2.0-rc.3"] },
  { cves: "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881", fixed: ["1.2.8", "1.3.3", "1.4.0-rc.3"] },
];

/** @param version as the engine tells it, such as `1.1.5+ds1`. @param build such as `1.1.5+ds1-1+deb12u1`: a distribution's, which repairs old versions. */
export function judgeRunc(version: string, build: string): Finding {
  const parts = parse(version);
  if (!parts) return warn("runc", `version "${version}" is not understood`, "Look yourself: `runc --version`; 1.2.8, 1.3.3, 1.4.0 and later have no escape known to this program.");
  const flaws = FLAWS.filter(({ fixed }) => !fixed.some((one) => repairs(parse(one) as Version, parts, fixed)));
  if (flaws.length === 0) return ok("runc", version);
  const named = flaws.map(({ cves }) => cves).join(", ");
  if (/\+ds|\bdeb|ubuntu/.test(`${version} ${build}`))
    return warn("runc", `${build || version}: upstream's ${parts.numbers.join(".")} lets dynos escape (${named})`, "Your distribution may have repaired it: `apt update && apt install --only-upgrade runc`, then compare `apt changelog runc` with these numbers. Whatever it lacks is open.");
  return fail("runc", `${version} lets dynos escape to the host: ${named}`, "Upgrade runc to 1.2.8, 1.3.3 or later (with Docker's own packages: containerd.io), then restart the dynos.");
}

/** Each first version counts for its own series, and the last for all that come later, too. */
function repairs(fixed: Version, version: Version, all: string[]): boolean {
  const newest = parse(all.at(-1) ?? "") as Version;
  const series = ({ numbers: [major, minor] }: Version): number => major * 1000 + minor;
  if (series(version) > series(newest)) return true;
  return series(fixed) === series(version) && compare(version, fixed) >= 0;
}

function compare(a: Version, b: Version): number {
  return a.numbers[2] - b.numbers[2] || a.candidate - b.candidate;
}

function parse(text: string): Version | undefined {
  const [, major, minor, patch, candidate] = /^v?(\d+)\.(\d+)\.(\d+)(?:[-~]rc\.?(\d+))?/.exec(text) ?? [];
  return patch === undefined ? undefined : { numbers: [Number(major), Number(minor), Number(patch)], candidate: candidate === undefined ? RELEASED : Number(candidate) };
}
