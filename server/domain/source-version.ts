/** What a source is called: a commit's id where it was pushed; of an archive what its sender says, or else its checksum. */

/** One line of up to 100 characters that show. It stands in logs, in descriptions of releases and in the environment of builds (`SOURCE_VERSION`). */
export const SOURCE_VERSION_PATTERN = "^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,100}$";

/** The same for what a person says of a release. */
export const DESCRIPTION_PATTERN = "^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,250}$";

const DIGEST = /^[0-9a-f]{40,64}$/;

/** As people read it: a commit's id or a checksum by its first eight digits, anything else whole. */
export function shortVersion(version: string): string {
  return DIGEST.test(version) ? version.slice(0, 8) : version;
}
