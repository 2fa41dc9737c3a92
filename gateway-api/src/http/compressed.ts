/** Answers in gzip for whoever accepts it (RFC 9110, section 12.5.3): JSON and lines of JSON, which shrink to a tenth. */
import compression from 'compression';
import type { RequestHandler } from 'express';

/** Below this it is not worth the time, bytes. */
const LEAST = 1_024;
/** A low level: most of what is to be saved, in a fraction of the time. */
const LEVEL = 3;
const COMPRESSED = /^application\/(?:[\w.-]+\+)?(?:nd)?json\b/;

/** To be mounted before whatever answers. Streams of events are sent as they are: each is to arrive at once. */
export const compressed = (): RequestHandler =>
  compression({
    threshold: LEAST,
    level: LEVEL,
    filter: (_request, response) => COMPRESSED.test(String(response.getHeader('content-type') ?? '')),
  });
