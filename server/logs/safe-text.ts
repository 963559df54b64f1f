/** Text of programs, made safe for a terminal: colours stay, everything else that a terminal would obey is shown instead. */

/** ECMA-48: C0 but for the tab, DEL and C1. SGR (colour, bold) is matched first, so that it stays. */
const UNSAFE = /\x1b\[[0-9;:]{0,32}m|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;
const ANY = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;
const CONTROL_PICTURES = 0x2400;
const PICTURE_OF_DEL = "\u2421";
const REPLACEMENT = "\ufffd";

/** The text with control characters as their pictures (`␛`, `␀`), C1 as U+FFFD, and SGR sequences as they are. */
export function safeText(text: string): string {
  return ANY.test(text) ? text.replace(UNSAFE, shown) : text;
}

function shown(match: string): string {
  if (match.length > 1) return match;
  const code = match.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(CONTROL_PICTURES + code) : code === 0x7f ? PICTURE_OF_DEL : REPLACEMENT;
}
