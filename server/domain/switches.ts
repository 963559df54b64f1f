/** What can be turned on and off for an app without a release: what Heroku calls features, maintenance mode and ACM. */

/** App features (devcenter: platform-api-reference#app-feature), each with the sentence that clients show. */
export const FEATURES = {
  "force-https": "Answer plain HTTP with a redirect to the same URL over TLS",
  hsts: "Tell browsers to use TLS alone for a year (Strict-Transport-Security)",
  "log-runtime-metrics": "Log what each dyno uses of memory and CPU, every 20 seconds",
  "test-gate": "Run the tests that app.json declares before each release of a pushed main branch",
} as const;

export type Feature = keyof typeof FEATURES;

export type SwitchName = Feature | "maintenance" | "acm";

/** What is on until somebody turns it off. */
export const ON_BY_DEFAULT: readonly SwitchName[] = ["test-gate"];

/** max-age of Strict-Transport-Security: a year, the least that browsers' preload lists take. */
export const HSTS_SECONDS = 31_536_000;

export function isFeature(name: string): name is Feature {
  return Object.hasOwn(FEATURES, name);
}
