/** Gives the memory that the start took and needs no more back to the machine: V8 keeps it for work that an idle platform does not have. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Costs some 50 ms, once: to be called when nobody waits. */
export function freeMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (options: object) => void;
  collect({ type: "major", flavor: "last-resort" });
}
