/** Which target gets a request: of two random ones the one with less in flight ("the power of two choices"). */

import type { LiveTarget } from "./live-target.ts";

/** One of `targets` (at least one). Those that refused lately are passed over while there are others. */
export function chooseTarget(targets: LiveTarget[], now: number): LiveTarget {
  if (targets.length === 1) return targets[0]!;
  let able = targets;
  for (const target of targets) {
    if (target.setAsideUntil <= now) continue;
    able = targets.filter((other) => other.setAsideUntil <= now);
    break;
  }
  if (able.length === 0) able = targets;
  const first = Math.floor(Math.random() * able.length);
  if (able.length === 1) return able[first]!;
  const second = (first + 1 + Math.floor(Math.random() * (able.length - 1))) % able.length;
  return able[second]!.load < able[first]!.load ? able[second]! : able[first]!;
}

/** True while at least one target did not refuse lately. */
export function someAble(targets: LiveTarget[], now: number): boolean {
  return targets.some((target) => target.setAsideUntil <= now);
}
