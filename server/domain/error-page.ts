/** Pages of an app's own in place of the router's (devcenter: error-pages#customize-pages). */

const MAX_LENGTH = 2000;

/** The URL that a config var holds: http or https, whole; anything else is no page, as on Heroku. */
export function pageUrl(value: string | undefined): string {
  const url = value?.trim() ?? "";
  return /^https?:\/\//.test(url) && url.length <= MAX_LENGTH && URL.canParse(url) ? url : "";
}
