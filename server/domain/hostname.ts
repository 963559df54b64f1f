/** Where an app can be reached. */

/** The host that every app has from birth, such as `myapp.localhost`. */
export function appHost(name: string, domain: string): string {
  return `${name}.${domain}`;
}

/** The app's URL as a person would open it. `port` is the router's for that scheme. */
export function appUrl(name: string, config: { domain: string }, port: number, scheme: "http" | "https" = "http"): string {
  return `${scheme}://${appHost(name, config.domain)}${port === (scheme === "http" ? 80 : 443) ? "" : `:${port}`}/`;
}
