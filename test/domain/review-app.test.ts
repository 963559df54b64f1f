import { describe, expect, test } from "vitest";
import { assertAppName } from "../../server/domain/app-name.ts";
import { isBranchName, isReviewBranch, reviewAppName } from "../../server/domain/review-app.ts";

test.each(["review/x", "review/JIRA-12_login.form", `review/${"a".repeat(60)}`])("%s gets a review app", (branch) => expect(isReviewBranch(branch)).toBe(true));
test.each(["review/", "review", "review/-x", "review/x-", "review/a/b", "review/a b", "review/ä", "review/.x", "review/x.lock", "review/a..b", `review/${"a".repeat(61)}`])("%s is refused", (branch) => expect(isReviewBranch(branch)).toBe(false));
test.each(["main", "feature", "reviews/x", "x/review/y"])("%s is none of review's", (branch) => expect(isReviewBranch(branch)).toBeUndefined());

test.each(["main", "feature/login", "a.b-c_d"])("the branch %s can be asked for", (branch) => expect(isBranchName(branch)).toBe(true));
test.each(["", "../x", "a/../b", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "-x", "a b", "a\0", "a".repeat(201), "--upload-pack=x", "@{-1}"])("the branch %j cannot", (branch) => expect(isBranchName(branch)).toBe(false));

describe("a review app's name", () => {
  test.each([
    ["myapp", "review/login", "myapp-review-login"], ["myapp", "login", "myapp-review-login"], ["myapp", "review/JIRA-12_Form", "myapp-review-jira-12-form"],
    ["a-long-name-of-an-app", "review/login", "a-long-name-review-login-10000"], ["myapp", "review/a-very-long-name-of-a-branch", "myapp-review-a-ver-10000"],
  ])("of %s's %s is %s", (base, branch, name) => {
    expect(reviewAppName(base, branch, () => false, () => 0)).toBe(name);
    expect(() => assertAppName(name)).not.toThrow();
  });

  test("that is taken is made again with a number, until it is free", () => {
    const taken = new Set(["myapp-review-login", "myapp-review-login-10000"]);
    const numbers = [0, 0.5];
    expect(reviewAppName("myapp", "review/login", (name) => taken.has(name), () => numbers.shift() ?? 0)).toBe("myapp-review-login-55000");
  });
});
