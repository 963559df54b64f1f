/** Custom domains: one canonical spelling for each, and which names may be one at all. */

import { domainToASCII, domainToUnicode } from "node:url";
import { invalidParams } from "../errors.ts";

/** Heroku's limit too. */
export const MAX_DOMAINS = 1000;

const MAX_INPUT = 1000;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Letters, marks and digits of any script: RFC 5892 leaves out the rest, emoji and invisible characters among them. */
const WORD = /^[\p{L}\p{M}\p{N}-]+$/u;
/** Names that the public DNS does not have (RFC 6761, RFC 6762, RFC 7686, RFC 9476, ICANN's `internal`). `test` and `example` are for trying things out. */
const NOT_PUBLIC = new Set(["localhost", "local", "internal", "invalid", "onion", "arpa", "alt", "lan", "home", "corp", "localdomain"]);
/** Cyrillic and Greek letters that a reader takes for Latin ones: a label of nothing else is a disguise (UTS 39 section 4). */
const LATIN_TWINS = /^[аеёорсухѕіїјһԁԛԝӏѵαοινυρ0-9-]+$/u;

/**
 * The canonical form of a host name that a person gave: lower case, IDNA in its ASCII form, without a port and one final dot.
 * @param platform PAAS_DOMAIN: it and all names below it are the platform's own.
 * @throws AppError invalid_params naming `hostname` and what would be right.
 */
export function customHostname(given: unknown, platform: string): string {
  if (typeof given !== "string" || given === "") throw wrong("must be a host name such as www.example.com");
  if (given.length > MAX_INPUT) throw wrong("is too long: a host name has at most 253 characters");
  if (given.includes("*")) throw wrong("wildcards are not routed here: add each name by itself, such as www.example.com");
  if (/[/?#@\\]/.test(given)) throw wrong("must be the host name alone, such as www.example.com: without http://, path, query or user");
  if (given.startsWith("[")) throw notAnAddress();

  const name = given.toLowerCase().replace(/:\d{1,5}$/, "").replace(/\.$/, "");
  const labels = name.split(".");
  if (labels.some((label) => label === "")) throw wrong("has an empty part: write one dot between two parts and none at the beginning");
  for (const label of labels) checkWords(label);
  // An address in any of the spellings that URLs know (127.1, 0x7f.1): no name of the DNS ends in a number.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) throw notAnAddress();

  const ascii = domainToASCII(name);
  if (ascii === "" || !ascii.split(".").every(isHonest)) throw wrong("is not a valid international name: give it as its registrar spells it");
  if (ascii.length > 253) throw wrong("is too long: a host name has at most 253 characters");
  const long = ascii.split(".").find((label) => label.length > 63);
  if (long !== undefined) throw wrong(`has a part of ${long.length} characters: at most 63 are allowed between two dots`);
  if (!ascii.split(".").every((label) => LABEL.test(label))) throw wrong("has a part that begins or ends with a dash: letters and digits stand there");

  if (ascii === platform || ascii.endsWith(`.${platform}`)) throw wrong(`${platform} and the names below it are the platform's own: every app has <app>.${platform} already`);
  if (!ascii.includes(".")) throw wrong("must have at least two parts, such as example.com");
  if (NOT_PUBLIC.has(ascii.slice(ascii.lastIndexOf(".") + 1))) throw wrong("must be a name of the public DNS, such as www.example.com");
  return ascii;
}

/** Whether a certificate for `names` is good for this host: an exact name, or `*.` in the place of its first label (RFC 9525 section 6.3). */
export function coversHost(names: string[], host: string): boolean {
  return names.includes(host) || names.includes(`*${host.slice(host.indexOf("."))}`);
}

function checkWords(label: string): void {
  if (!WORD.test(label)) throw wrong("can only contain letters, digits, dashes and dots");
  const latin = /\p{Script=Latin}/u.test(label);
  if (latin && /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u.test(label))
    throw wrong("mixes letters of different alphabets that look alike: if it is really yours, give it in its ASCII form (xn--...)");
  // As browsers do: what looks like Latin throughout and is not, is shown in its ASCII form; we ask for it.
  if (/[^\x00-\x7f]/.test(label) && LATIN_TWINS.test(label))
    throw wrong("is written in letters that only look like Latin ones: if it is really yours, give it in its ASCII form (xn--...)");
}

/** An `xn--` label stands for letters that a name may have, and is their one spelling. */
function isHonest(label: string): boolean {
  if (!label.startsWith("xn--")) return true;
  const unicode = domainToUnicode(label);
  return !unicode.startsWith("xn--") && WORD.test(unicode) && domainToASCII(unicode) === label;
}

function notAnAddress(): Error {
  return wrong("must be a name, not an IP address");
}

function wrong(rule: string): Error {
  return invalidParams(`hostname: ${rule}.`);
}
