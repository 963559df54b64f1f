import { AppError } from "../../server/errors.ts";

/** The AppError that the work throws. Anything else, and no error at all, fails the test. */
export function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
