import type { Parts } from "./parts.ts";

/** Removes a slug's image, unless another app's slug stands on it too: a promotion shares it. Call it when the slug's own row no longer counts. */
export async function discardImage({ store, engine }: Pick<Parts, "store" | "engine">, image: string): Promise<void> {
  if (!store.slugs.images().includes(image)) await engine.removeImage(image);
}
