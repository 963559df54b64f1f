/** Where an app can be reached. */

/** The host that every app has from birth, such as `myapp.localhost`. */
export function appHost(name: string, domain: string): string {
  return `${name}.${domain}`;
}

/** The app's URL as a person would open it. `port` is the router's. */
export function appUrl(name: string, config: { domain: string }, port: number): string {
  return `http://${appHost(name, config.domain)}${port === 80 ? "" : `:${port}`}/`;
}
