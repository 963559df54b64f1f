/** One line of what `paas doctor` says. */

export type Finding = {
  check: string;
  /** `warn`: it works, and could be better or not be judged. `fail`: the platform does not work like this, or is not safe. */
  status: "ok" | "warn" | "fail";
  found: string;
  /** What to do. Absent where all is well. */
  advice?: string;
};

export const ok = (check: string, found: string): Finding => ({ check, status: "ok", found });
export const warn = (check: string, found: string, advice: string): Finding => ({ check, status: "warn", found, advice });
export const fail = (check: string, found: string, advice: string): Finding => ({ check, status: "fail", found, advice });
