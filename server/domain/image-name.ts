/** Names of images (distribution/reference): which of them an app may build on. */

import { invalidParams } from "../errors.ts";

export const DOCKER_HUB = "docker.io";
const NAME = /^[a-z0-9]+([._-]+[a-z0-9]+)*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/**
 * Refuses what would not be an image from a registry: the images of this platform (other apps' code), and ids, which the engine would look up among all of them.
 * @param where what the sentence begins with, such as `Dockerfile, line 1`
 * @throws AppError invalid_params
 */
export function assertImageName(image: string, where: string, registries: string[]): void {
  if (!NAME.test(image)) throw invalidParams(`${where}: "${image.slice(0, 100)}" is no name of an image; it must read like debian:12 or ghcr.io/owner/image:tag.`);
  if (/^[0-9a-f]+$/.test(image) || image.startsWith("sha256:")) throw invalidParams(`${where}: "${image.slice(0, 100)}" could be the id of an image of somebody else's. Write its tag too, such as ${image.slice(0, 20)}:latest.`);
  const { registry, repository } = parse(image);
  if (/^paas-/.test(repository)) throw invalidParams(`${where}: "${repository.slice(0, 100)}" is an image of the platform's own. Name one of a registry, such as debian:12.`);
  if (!registries.includes(registry)) throw invalidParams(`${where}: images come from ${registries.join(", ")} here, not from ${registry}. The operator may add a registry (PAAS_REGISTRIES).`);
}

function parse(image: string): { registry: string; repository: string } {
  const [name = ""] = image.split("@");
  const [first = "", ...rest] = name.split("/");
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = named ? first.replace(/^(index|registry-1)\.docker\.io$/, DOCKER_HUB) : DOCKER_HUB;
  const path = (named ? rest : [first, ...rest]).join("/").replace(/:[^:/]*$/, "");
  return { registry, repository: registry === DOCKER_HUB ? path.replace(/^library\//, "") : path };
}
