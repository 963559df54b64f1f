/** Version numbers of parts between dots. */

/** `3.11` of `3.11.2`: the line that it belongs to. */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
