/** Every bound the router keeps: sizes in bytes, times in milliseconds. Heroku's figures where it names one. */

export type Limits = {
  requestLineBytes: number;
  fieldLineBytes: number;
  fieldNameBytes: number;
  methodBytes: number;
  headBytes: number;
  fields: number;
  responseHeadBytes: number;
  responseCookieBytes: number;
  /** Whole request head, from its first byte. */
  headMs: number;
  connectMs: number;
  /** From the whole request sent to the first byte of the response. */
  firstByteMs: number;
  /** Silence allowed in a body or a tunnel, in either direction. */
  rollingMs: number;
  clientIdleMs: number;
  upstreamIdleMs: number;
  /** A request that must not be sent twice uses a kept connection only when it rested no longer than this. */
  freshMs: number;
  /** How long a connection that we closed may still send before it is cut. */
  lingerMs: number;
  /** How often, and how long, a request is tried while every target refuses; as long after its only dyno crashed it waits for another. */
  refusedTries: number;
  refusedMs: number;
  /** How long a target that refused gets no request while others are there. */
  setAsideMs: number;
  /** The longest request body kept for sending it again. */
  replayBytes: number;
  /** Bytes read ahead of the request that is being answered. */
  pipelineBytes: number;
  idlePerTarget: number;
  connections: number;
  /**
   * A sixth of all, and no less: a CDN, a load balancer or the NAT of an office or a phone network is one address. What one address
   * can do with that many is bounded by the time limits above; this one only keeps it from taking the whole router.
   */
  connectionsPerAddress: number;
  /** Requests that wait for their response to begin, per target of a route, before it is full (H11). */
  requestsPerTarget: number;
  /** Streams of one HTTP/2 connection at a time (RFC 9113 5.1.2); 0: HTTP/2 is not offered. */
  http2Streams: number;
  /** At SIGTERM: what is in flight may take this long. */
  shutdownMs: number;
};

export const DEFAULT_LIMITS: Limits = {
  requestLineBytes: 8_192,
  fieldLineBytes: 8_192,
  fieldNameBytes: 1_000,
  methodBytes: 127,
  headBytes: 65_536,
  fields: 1_000,
  responseHeadBytes: 524_288,
  responseCookieBytes: 8_192,
  headMs: 10_000,
  connectMs: 5_000,
  firstByteMs: 30_000,
  rollingMs: 55_000,
  clientIdleMs: 90_000,
  upstreamIdleMs: 90_000,
  freshMs: 500,
  lingerMs: 2_000,
  refusedTries: 10,
  refusedMs: 5_000,
  setAsideMs: 5_000,
  replayBytes: 65_536,
  pipelineBytes: 65_536,
  idlePerTarget: 256,
  connections: 12_000,
  connectionsPerAddress: 2_000,
  requestsPerTarget: 200,
  http2Streams: 100,
  shutdownMs: 30_000,
};
