/** What can go wrong between the control plane and the router; over the socket goes the id, never prose. */

export type RouterErrorId =
  | "router_unreachable"
  | "router_timeout"
  | "host_in_use"
  | "target_live"
  | "invalid_route"
  | "invalid_certificate"
  | "invalid_request"
  | "not_found"
  | "snapshot_failed"
  | "upgrade_failed"
  | "router_failed";

export class RouterError extends Error {
  readonly id: RouterErrorId;
  /** What it is about: the host, the target id, the field. */
  readonly what: string;

  constructor(id: RouterErrorId, what: string, options?: ErrorOptions) {
    super(`${id}: ${what}`, options);
    this.name = "RouterError";
    this.id = id;
    this.what = what;
  }
}

const STATUS: Record<RouterErrorId, number> = {
  router_unreachable: 503,
  router_timeout: 504,
  host_in_use: 409,
  target_live: 409,
  invalid_route: 422,
  invalid_certificate: 422,
  invalid_request: 400,
  not_found: 404,
  snapshot_failed: 507,
  upgrade_failed: 500,
  router_failed: 500,
};

/** The HTTP status that the control socket sends with an id. */
export function statusOf(id: RouterErrorId): number {
  return STATUS[id];
}

export function isRouterErrorId(value: unknown): value is RouterErrorId {
  return typeof value === "string" && Object.hasOwn(STATUS, value);
}
