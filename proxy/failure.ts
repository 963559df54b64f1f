/** Every way a request can fail in the router: Heroku's code and description where it has one (devcenter: error-codes). */

import type { Unavailable } from "./route.ts";

export type Failure = {
  /** Heroku's code for the log; null where it has none. */
  code: string | null;
  status: number;
  /** Heroku's `desc` in the log line. */
  description: string;
  /** For programs, in the JSON answer. */
  id: string;
  /** For people, on the page. */
  sentence: string;
};

export const FAILURES = {
  noSuchHost: failure(null, 404, "No such app", "no_such_app", "There is no app at this address."),
  crashed: failure("H10", 503, "App crashed", "app_crashed", "The app has crashed. If it is yours, its logs say why."),
  backlog: failure("H11", 503, "Backlog too deep", "backlog_too_deep", "The app has more requests waiting than it can work off. Try again in a moment."),
  firstByte: failure("H12", 503, "Request timeout", "request_timeout", "The app did not answer in time."),
  noResponse: failure("H13", 503, "Connection closed without response", "closed_without_response", "The app closed the connection without an answer."),
  noDynos: failure("H14", 503, "No web processes running", "no_web_dynos", "The app has no web dyno running."),
  idle: failure("H15", 503, "Idle connection", "idle_connection", "The connection was idle for too long."),
  badResponse: failure("H17", 502, "Poorly formatted HTTP response", "bad_response", "The app's answer was not valid HTTP."),
  interrupted: failure("H18", 503, "Server Request Interrupted", "interrupted", "The app broke off its answer."),
  connectTimeout: failure("H19", 503, "Backend connection timeout", "connect_timeout", "The app could not be reached in time."),
  refused: failure("H21", 503, "Backend connection refused", "connection_refused", "The app does not accept connections."),
  tooManyConnections: failure("H22", 503, "Connection limit reached", "connection_limit", "There are too many connections open."),
  restricted: failure("H25", 502, "HTTP Restriction", "http_restriction", "The app's answer breaks a limit on header fields."),
  badRequest: failure("H26", 400, "Request Error", "bad_request", "The request is not valid HTTP."),
  clientGone: failure("H27", 499, "Client Request Interrupted", "client_gone", "The client went away."),
  clientIdle: failure("H28", 408, "Client Connection Idle", "client_idle", "The rest of the request did not come in time."),
  maintenance: failure("H80", 503, "Maintenance mode", "maintenance", "The app is down for maintenance. It will be back soon."),
  blank: failure("H81", 404, "Blank app", "blank_app", "The app has no release yet: push to deploy one."),
  internal: failure("H99", 503, "Platform error", "platform_error", "Something went wrong on our side."),
  drained: failure("H13", 504, "Connection cut at the end of a drain", "drained", "The dyno was replaced before it answered."),
} as const satisfies Record<string, Failure>;

export const UNAVAILABLE: Record<Unavailable, Failure> = {
  H10: FAILURES.crashed,
  H14: FAILURES.noDynos,
  H80: FAILURES.maintenance,
  H81: FAILURES.blank,
};

function failure(code: string | null, status: number, description: string, id: string, sentence: string): Failure {
  return { code, status, description, id, sentence };
}
