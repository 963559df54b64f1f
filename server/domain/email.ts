/** E-mail addresses: what people log in with and are named by. */

import { invalidParams } from "../errors.ts";

// No address that is in use breaks this, and nothing that could be mistaken for something else passes.
const EMAIL = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * The one spelling in which an address is kept: lower case, no blanks around it.
 * @throws AppError invalid_params
 */
export function canonicalEmail(given: string): string {
  const email = given.trim().toLowerCase();
  if (email.length > 254 || !EMAIL.test(email) || email.includes("..")) throw invalidParams("email: must be an address such as ann@example.com.");
  return email;
}
