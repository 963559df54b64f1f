/** How many dynos of each process type should run. */

import { invalidParams } from "../errors.ts";

export type Formation = Record<string, { quantity: number; size: string }>;

export const DEFAULT_SIZE = "standard";
export const MAX_QUANTITY = 100;

/**
 * The formation of a new release: what the app had, `web: 1` for a web process never seen before, what app.json asks for
 * types never seen before (only then: later the operator's scale holds), zero for the rest. Types that are gone go.
 */
export function nextFormation(types: string[], previous: Formation, requested: Record<string, { quantity: number; size?: string | undefined }> = {}): Formation {
  const formation: Formation = {};
  for (const type of types.filter((name) => name !== "release")) {
    // A type may be called like something that every object inherits: `constructor`.
    const known = Object.hasOwn(previous, type) ? previous[type] : undefined;
    const asked = Object.hasOwn(requested, type) ? requested[type] : undefined;
    formation[type] = known ?? { quantity: asked?.quantity ?? (type === "web" ? 1 : 0), size: asked?.size ?? DEFAULT_SIZE };
  }
  return formation;
}

/**
 * A quantity as Heroku's clients send it: 2, "2", "+1" or "-1" (relative to `current`).
 * @throws AppError invalid_params
 */
export function parseQuantity(value: unknown, current: number, type: string): number {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !/^[+-]?\d{1,6}$/.test(text))
    throw invalidParams(`quantity of ${type}: must be a whole number from 0 to ${MAX_QUANTITY} or a change such as "+1", not ${JSON.stringify(value)}.`);
  const relative = /^[+-]/.test(text) && typeof value === "string";
  const quantity = relative ? current + Number(text) : Number(text);
  if (quantity < 0 || quantity > MAX_QUANTITY) throw invalidParams(`quantity of ${type}: must be from 0 to ${MAX_QUANTITY}, not ${quantity}.`);
  return quantity;
}
