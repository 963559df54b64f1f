/** Every error that a user can be shown: an id for programs, a status for HTTP, a sentence for people (docs/errors.md lists them). */

/** The ids and the HTTP status that each stands for. Ids up to `rate_limit` are Heroku's (devcenter: platform-api-reference#error-responses). */
export const ERROR_STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  suspended: 403,
  not_found: 404,
  not_acceptable: 406,
  conflict: 409,
  requested_range_not_satisfiable: 416,
  invalid_params: 422,
  rate_limit: 429,
  internal_server_error: 500,
  build_failed: 422,
  no_buildpack: 422,
  tests_failed: 422,
  release_phase_failed: 422,
  deploy_failed: 422,
  no_slug: 422,
  deploy_in_progress: 409,
  disk_full: 507,
  engine_unavailable: 503,
  router_unavailable: 503,
  shutting_down: 503,
  starting: 503,
} as const;

export type ErrorId = keyof typeof ERROR_STATUS;

/** An error whose message may be shown. `cause` is for the log alone. */
export class AppError extends Error {
  readonly id: ErrorId;
  readonly status: number;
  /** Heroku's extra field: which kind of thing was not found. */
  readonly resource: string | undefined;
  /** Seconds after which a new try may go better (RFC 9110 section 10.2.3). */
  readonly retryAfter: number | undefined;

  constructor(id: ErrorId, message: string, options: { cause?: unknown; resource?: string; retryAfter?: number } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "AppError";
    this.id = id;
    this.status = ERROR_STATUS[id];
    this.resource = options.resource;
    this.retryAfter = options.retryAfter;
  }
}

/** @param resource Heroku's word for the kind of thing, such as `app` or `release`. */
export function notFound(resource: string, message = `Couldn't find that ${resource}.`): AppError {
  return new AppError("not_found", message, { resource });
}

/** @param message names the field and what would be right. */
export function invalidParams(message: string): AppError {
  return new AppError("invalid_params", message);
}

/** The sentence to show for any thrown thing: an AppError's own, and nothing of the inside for the rest. */
export function publicMessage(error: unknown): string {
  return error instanceof AppError ? error.message : "Internal server error.";
}
