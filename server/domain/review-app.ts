/** Review apps: which branches get one, and what it is called. */

/** Branches below this one are deployed to review apps of their own by being pushed. */
export const REVIEW_PREFIX = "review/";
export const REVIEW_BRANCH_RULE = "a review branch is review/ and up to 60 letters, digits, dots, dashes or underscores, beginning and ending with a letter or digit, such as review/login-form";

const REVIEW_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,58}[A-Za-z0-9])?$/;
const BRANCH = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/;
const MAX_APP_NAME = 30;

/** Whether the branch gets a review app. @returns undefined for one that is none of review's; false for one with a bad name. */
export function isReviewBranch(branch: string): boolean | undefined {
  if (!branch.startsWith(REVIEW_PREFIX)) return branch === "review" ? false : undefined;
  return REVIEW_NAME.test(branch.slice(REVIEW_PREFIX.length)) && isBranchName(branch);
}

/** Names of branches that may be asked for through the API: git's rules (git-check-ref-format), and no others' alphabets. */
export function isBranchName(name: string): boolean {
  return BRANCH.test(name) && !/\.\.|\/\/|\.$|\/$|\.lock(\/|$)|\/\./.test(name);
}

/**
 * `myapp-review-login` for `review/login` or `login` of myapp; shortened and with a number where that is too long or taken.
 * @param base the parent's name, or what its pipeline says instead
 */
export function reviewAppName(base: string, branch: string, isTaken: (name: string) => boolean, random: () => number = Math.random): string {
  const word = dashed(branch.startsWith(REVIEW_PREFIX) ? branch.slice(REVIEW_PREFIX.length) : branch);
  const whole = dashed(`${base}-review-${word}`);
  if (whole.length <= MAX_APP_NAME && !isTaken(whole)) return whole;
  for (;;) {
    const short = dashed(`${base.slice(0, 11)}-review-${word.slice(0, 5)}-${10_000 + Math.floor(random() * 90_000)}`);
    if (!isTaken(short)) return short;
  }
}

function dashed(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "");
}
