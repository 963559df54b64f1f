/** An app's entry in the router: what stands in the database, as a route. */

import { randomUUID } from "node:crypto";
import type { Route } from "../../proxy/route.ts";
import { pageUrl } from "../domain/error-page.ts";
import { appHost } from "../domain/hostname.ts";
import type { App, Deployment, Release, Slug } from "../domain/model.ts";
import { HSTS_SECONDS } from "../domain/switches.ts";
import type { Dyno } from "../engine/engine.ts";
import { webPort } from "./dyno-spec.ts";
import type { Parts } from "./parts.ts";

type Routed = { app: App; deployment: Deployment; release: Release; slug: Slug | undefined };

/**
 * The route that the app shall have while these dynos run: its own host and its custom domains, its web dynos, what it is told to do over plain HTTP.
 * In maintenance mode it has no targets and answers H80, whatever runs.
 */
export function appRoute({ store, config }: Pick<Parts, "store" | "config">, { app, deployment, release, slug }: Routed, dynos: Dyno[]): Route {
  const on = store.switches.of(app.id);
  const maintenance = on.has("maintenance");
  const web = dynos.filter(({ type, address }) => type === "web" && address !== undefined);
  return {
    id: app.id,
    // The router asks for one id a switch; a deployment may switch more than once (a restart, a crash, a domain more).
    deployment: `${deployment.id}/${randomUUID()}`,
    // PAAS_DOMAIN may have been changed to one that holds a custom domain: a host stands once.
    hosts: [...new Set([appHost(app.name, config.domain), ...store.domains.hostnames(app.id)])],
    targets: maintenance ? [] : web.map(({ id, name, address }) => ({ id, dyno: name, address: address as string, port: webPort(slug) })),
    unavailable: maintenance ? "H80" : slug === undefined ? "H81" : (release.formation["web"]?.quantity ?? 0) === 0 ? "H14" : "H10",
    // Without a port for TLS the way there would lead nowhere.
    redirectToTls: on.has("force-https") && config.httpsPort !== undefined,
    hstsSeconds: on.has("hsts") ? HSTS_SECONDS : 0,
    errorPage: pageUrl(release.config["ERROR_PAGE_URL"]),
    maintenancePage: pageUrl(release.config["MAINTENANCE_PAGE_URL"]),
  };
}

/** The deployment that a route in the router belongs to. */
export function deploymentOfRoute(route: Route): string {
  return route.deployment.split("/")[0] ?? "";
}

/** Whether both say the same, whichever switch put them there. */
export function sameRoute(a: Route, b: Route): boolean {
  const targets = ({ targets: list }: Route): string => JSON.stringify(list.map(({ id, address }) => [id, address]).sort());
  return deploymentOfRoute(a) === deploymentOfRoute(b) && targets(a) === targets(b) && sameSettings(a, b);
}

/** Whether both say the same but for their targets and the deployment. */
export function sameSettings(a: Route, b: Route): boolean {
  const key = ({ hosts, unavailable, redirectToTls, hstsSeconds, errorPage, maintenancePage }: Route): string =>
    JSON.stringify([[...hosts].sort(), unavailable, redirectToTls, hstsSeconds, errorPage, maintenancePage]);
  return key(a) === key(b);
}
