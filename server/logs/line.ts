/** One log line: as people read it, in Heroku's format, and as a record of the history. */

export type LogLine = {
  /** `2026-11-23T22:14:47.123456+00:00` */
  at: string;
  /** `app`: the app and its people. `heroku`: the platform. */
  source: "app" | "heroku";
  /** What printed it: a dyno (`web.1`, `release.7`), `router`, `api`, `logplex`. */
  ps: string;
  /** The release that it belongs to. */
  release: number | undefined;
  text: string;
  /** How far a dyno's log has been read with this line: see dyno-position.ts. */
  mark?: string | undefined;
};

/** Which lines a reader wants. */
export type LogFilter = {
  source?: string | undefined;
  /** A dyno (`web.1`), or a process type (`web`): Heroku's CLI sends either. */
  dyno?: string | undefined;
  release?: number | undefined;
};

/** Heroku's form (devcenter: logging#log-format), without a line feed. */
export function formatLine({ at, source, ps, text }: LogLine): string {
  return `${at} ${source}[${ps}]: ${text}`;
}

/** A record of the history, with its line feed: four words, then the text, which holds no line feed. */
export function toRecord({ at, source, ps, release, mark, text }: LogLine): string {
  return `${at} ${source}[${ps}] ${release === undefined ? "-" : `v${release}`} ${mark ?? "-"} ${text}\n`;
}

/** The line of a record without its line feed; undefined where it is none. */
export function fromRecord(record: string): LogLine | undefined {
  const words = /^(\S{32}) (app|heroku)\[([^\]\s]+)\] (?:v(\d+)|-) (\S+) /.exec(record);
  if (!words) return undefined;
  const [head, at = "", source, ps = "", release, mark] = words;
  return { at, source: source as LogLine["source"], ps, release: release === undefined ? undefined : Number(release), text: record.slice(head.length), mark: mark === "-" ? undefined : mark };
}

export function matches({ source, ps, release }: LogLine, filter: LogFilter): boolean {
  if (filter.source !== undefined && source !== filter.source) return false;
  if (filter.dyno !== undefined && ps !== filter.dyno && !ps.startsWith(`${filter.dyno}.`)) return false;
  return filter.release === undefined || release === filter.release;
}

/** Microseconds of the wall clock in the format of lines; two lines of one millisecond keep their order. */
export function createClock(now: () => number = Date.now): () => string {
  let last = 0;
  let micros = 0;
  return () => {
    const ms = now();
    micros = ms === last ? Math.min(micros + 1, 999) : 0;
    last = ms;
    return `${new Date(ms).toISOString().slice(0, 23)}${String(micros).padStart(3, "0")}+00:00`;
  };
}
