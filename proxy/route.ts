/** What the router knows: which hosts go to which targets. The words of the control socket, shared by both ends. */

/** A place that answers HTTP: one web dyno. `id` is unique for ever (a new dyno is a new target). */
export type Target = {
  id: string;
  /** The dyno's name for logs, such as `web.1`. */
  dyno: string;
  /** An IP address, never a name: the router resolves nothing. */
  address: string;
  port: number;
};

/** Heroku's code for a route that has no target on purpose (devcenter: error-codes). */
export type Unavailable = "H10" | "H14" | "H80" | "H81";

/** One app's entry: its hosts (canonical: lower case, no port, no final dot) and the targets of its live deployment. */
export type Route = {
  /** The app's id; a route is replaced as a whole. */
  id: string;
  /** The deployment that made this entry: asking twice for the same one changes nothing. */
  deployment: string;
  hosts: string[];
  targets: Target[];
  /** Answered when `targets` is empty. */
  unavailable: Unavailable;
  /** Plain HTTP is answered with a redirect to the same URL over TLS (but for ACME's challenges). */
  redirectToTls: boolean;
  /** URLs that the router's own pages show in a frame, for what fails (status 500 and above) and for maintenance; empty: none. */
  errorPage: string;
  maintenancePage: string;
  /** Strict-Transport-Security's max-age in responses over TLS (RFC 6797 6.1.1); 0: none. */
  hstsSeconds: number;
};
