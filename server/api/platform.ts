/** What this machine offers: one region, two stacks. */

import type { FastifyInstance } from "fastify";
import { CONTAINER_STACK } from "../domain/own-image.ts";
import { invalidParams, notFound } from "../errors.ts";
import { STACK as STACK_NAME } from "../pipeline/build.ts";
import { sendPage } from "./range.ts";
import { stableId } from "./stable-id.ts";

export const REGION = { id: stableId("region", "local"), name: "local" };
export const STACK = { id: stableId("stack", STACK_NAME), name: STACK_NAME };
export const GENERATION = { id: stableId("generation", "cedar"), name: "cedar" };

const STACKS = [STACK_NAME, CONTAINER_STACK];

const SINCE = "2026-11-22T00:00:00.000Z";
const KEYS = { id: (item: { id: string }) => item.id, name: (item: { name: string }) => item.name };

/** Regions and stacks. */
export function servePlatform(api: FastifyInstance): void {
  const regions = [{
    ...REGION, country: "", created_at: SINCE, description: "This machine", locale: "", private_capable: false,
    provider: { name: "paas", region: "local" }, updated_at: SINCE,
  }];
  const stacks = STACKS.map((name) => ({ ...stackRef(name), created_at: SINCE, default: name === STACK_NAME, state: "public", updated_at: SINCE }));

  for (const [path, word, list] of [["/regions", "region", regions], ["/stacks", "stack", stacks]] as const) {
    api.get(path, { schema: { summary: `The ${word}s` } }, async (request, reply) => sendPage(request, reply, [...list], KEYS, (item) => item));
    api.get<{ Params: { key: string } }>(`${path}/:key`, { schema: { summary: `One ${word}, by id or name` } }, async ({ params }) => {
      const found = list.find(({ id, name }) => id === params.key || name === params.key);
      if (!found) throw notFound(word);
      return found;
    });
  }
}

/** @param given a stack's id or name. @throws AppError invalid_params naming the field */
export function stackNamed(field: string, given: string): string {
  const found = STACKS.find((name) => name === given || stackRef(name).id === given);
  if (found === undefined) throw invalidParams(`${field}: there are ${STACKS.join(" and ")}.`);
  return found;
}

/** A slug's stack in the form in which other objects name it. */
export function stackRef(name: string | undefined): { id: string; name: string } {
  return name === undefined ? STACK : { id: stableId("stack", name), name };
}
