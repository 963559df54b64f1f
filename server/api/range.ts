/** Lists by ranges (devcenter: platform-api-reference#ranges): `Range: version ]12..; max=10, order=desc`. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { AppError } from "../errors.ts";

/** The attributes that a list can be sorted and cut by; the first is the default. */
export type SortKeys<T> = Record<string, (item: T) => string | number>;

/** Empty bounds are open. */
export type RangeRequest = { attribute: string; start: string; startExcluded: boolean; end: string; max: number; order: "asc" | "desc" };

const DEFAULT_MAX = 200;
const MAX_MAX = 1000;
/** Longer ones are nonsense, and the pattern's time grows with the square of the length. */
const MAX_LENGTH = 500;
const RANGE = /^([a-z_]+)(?: +(\]?)([^\s;,]*?)\.\.([^\s;,]*))? *(?:[;,](.*))?$/;

/**
 * Cuts a list to what the request's Range header asks and sets the status and headers: 200 with all of it, or 206 with
 * Next-Range where more follows. `range` is given where the route has read it already. `view` is called for the items of the page alone.
 * @throws AppError requested_range_not_satisfiable
 */
export function sendPage<T>(request: FastifyRequest, reply: FastifyReply, items: T[], keys: SortKeys<T>, view: (item: T) => unknown, range = parseRange(request.headers.range, Object.keys(keys))): unknown[] {
  const attributes = Object.keys(keys);
  const key = keys[range.attribute] as (item: T) => string | number;
  const { page, more, end } = cut(items, range, key);

  const [first, last] = [page.at(0), page.at(-1)];
  const name = (item: T | undefined): string => (item === undefined ? "" : String(key(item)));
  reply.header("Accept-Ranges", attributes.join(", ")).header("Content-Range", `${range.attribute} ${name(first)}..${name(last)}`);
  if (more) {
    const order = range.order === "desc" ? ", order=desc" : "";
    reply.code(206).header("Next-Range", `${range.attribute} ]${name(last)}..${end}; max=${range.max}${order}`);
  }
  return page.map(view);
}

/**
 * Reads a Range header. A missing or empty one asks for the first page by the first attribute.
 * @throws AppError requested_range_not_satisfiable
 */
export function parseRange(header: string | undefined, attributes: string[]): RangeRequest {
  const text = header?.trim() || `${attributes[0]} ..`;
  const [, attribute, bracket, start, end, options] = (text.length <= MAX_LENGTH && RANGE.exec(text)) || [];
  if (attribute === undefined || !attributes.includes(attribute)) throw unsatisfiable(`must begin with one of ${attributes.join(", ")} and read "${attributes[0]} <start>..<end>; max=<number>"`);
  const request: RangeRequest = { attribute, start: start ?? "", startExcluded: bracket === "]", end: end ?? "", max: DEFAULT_MAX, order: "asc" };
  for (const option of (options ?? "").split(/[;,]/).map((part) => part.trim()).filter(Boolean)) {
    const [, name, value] = /^(max|order) *= *(\w+)$/.exec(option) ?? [];
    if (name === "max" && /^[1-9]\d{0,8}$/.test(value ?? "")) request.max = Math.min(Number(value), MAX_MAX);
    else if (name === "order" && (value === "asc" || value === "desc")) request.order = value;
    else throw unsatisfiable("takes max=<1 to 1000> and order=<asc or desc>");
  }
  return request;
}

/** `start` is where the walk begins, so with order=desc it is the upper end; `1..5` with order=desc is taken as `5..1`. */
function cut<T>(items: T[], range: RangeRequest, key: (item: T) => string | number): { page: T[]; more: boolean; end: string } {
  const direction = range.order === "desc" ? -1 : 1;
  const compare = (a: string | number, b: string | number): number => (a === b ? 0 : a < b ? -direction : direction);
  const numeric = items[0] !== undefined && typeof key(items[0]) === "number";
  const bound = (text: string): string | number => {
    if (numeric && !/^\d{0,15}$/.test(text)) throw unsatisfiable(`by ${range.attribute} takes whole numbers`);
    return numeric ? Number(text) : text;
  };
  let { start, end } = range;
  if (start && end && !range.startExcluded && compare(bound(start), bound(end)) > 0) [start, end] = [end, start];

  const within = items
    .filter((item) => !start || compare(key(item), bound(start)) >= (range.startExcluded ? 1 : 0))
    .filter((item) => !end || compare(key(item), bound(end)) <= 0)
    .sort((a, b) => compare(key(a), key(b)));
  // Equal neighbours stay on one page: the next one begins after their value.
  let length = Math.min(range.max, within.length);
  while (length < within.length && key(within[length] as T) === key(within[length - 1] as T)) length += 1;
  return { page: within.slice(0, length), more: length < within.length, end };
}

function unsatisfiable(rule: string): AppError {
  return new AppError("requested_range_not_satisfiable", `The Range header ${rule}.`);
}
