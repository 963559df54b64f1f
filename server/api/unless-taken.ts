import { invalidParams } from "../errors.ts";

/**
 * Runs a write that a unique index of the schema may refuse.
 * @throws AppError invalid_params saying that the field's value is taken
 */
export function unlessTaken<T>(field: string, value: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "SQLITE_CONSTRAINT_UNIQUE") throw invalidParams(`${field}: ${value} is already taken.`);
    throw error;
  }
}
