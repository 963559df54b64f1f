import { createHash } from "node:crypto";

/** The same UUID (RFC 9562 version 8) for the same words: ids of things that have no row of their own, such as an app's `web` formation. */
export function stableId(...words: string[]): string {
  const hex = createHash("sha256").update(JSON.stringify(words)).digest("hex");
  const variant = ((parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20, 32)].join("-");
}
