/** What the FHIR API reads from a request beside its body: what it accepts, preferences, conditions. */
import type { Request, RequestHandler } from 'express';
import { isOtherVersion, JSON_TYPES } from '../http/json-types.ts';
import { asksForContent } from './binaries.ts';
import { refuse } from './outcomes.ts';

const FORMATS = new Set(['json', ...JSON_TYPES]);

export type Return = 'minimal' | 'representation' | 'OperationOutcome';

export interface Preferences {
  return?: Return;
  handling?: 'strict' | 'lenient';
}

/** The Prefer header (RFC 7240), as far as it is honoured; what is not known is ignored, as that RFC asks. */
export function preferencesOf(request: Request): Preferences {
  const text = request.get('prefer') ?? '';
  const returned = /(?:^|[,;\s])return\s*=\s*"?(minimal|representation|OperationOutcome)\b/.exec(text)?.[1];
  const handling = /(?:^|[,;\s])handling\s*=\s*"?(strict|lenient)\b/.exec(text)?.[1];
  return {
    ...(returned === undefined ? {} : { return: returned as Return }),
    ...(handling === undefined ? {} : { handling: handling as 'strict' | 'lenient' }),
  };
}

/** The versions of which an If-Match header asks for one (`W/"3"`, or several); undefined where there is none or it is `*`. */
export function ifMatchOf(header: string | undefined, expression: string): number[] | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const tags = header.split(',').map((tag) => /^\s*(?:W\/)?"([1-9][0-9]{0,8})"\s*$/.exec(tag)?.[1]);
  if (tags.includes(undefined)) refuse(400, 'value', 'If-Match names versions: W/"1".', expression);
  return tags.map(Number);
}

/** Whether an If-None-Match header forbids to touch what is at this version (RFC 9110 section 13.1.2). */
export const forbidsVersion = (header: string, version: number): boolean =>
  header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === `"${version}"`);

export const etagOf = (version: number): string => `W/"${version}"`;

/** Of parameters q=0 and another `fhirVersion` than R4's count. */
const acceptsJson = (accept: string | undefined): boolean =>
  accept === undefined ||
  accept.split(',').some((one) => {
    const [type = '', ...parameters] = one
      .toLowerCase()
      .split(';')
      .map((part) => part.trim());
    return (
      [...JSON_TYPES, 'application/*', '*/*'].includes(type) &&
      !parameters.some((part) => /^q=0(\.0*)?$/.test(part)) &&
      !isOtherVersion(one)
    );
  });

/** Refuses what cannot be answered in JSON (406). */
export const jsonOnly: RequestHandler = (request, _response, next) => {
  const format = request.query['_format'];
  if (format !== undefined && (typeof format !== 'string' || !FORMATS.has(format.split(';')[0]!.replace(' ', '+')))) {
    refuse(406, 'not-supported', 'Only JSON is answered.', '_format');
  }
  if (typeof format === 'string' && isOtherVersion(format)) {
    refuse(406, 'not-supported', 'Only FHIR R4 (fhirVersion=4.0) is answered.', '_format');
  }
  if (format === undefined && !asksForContent(request) && !acceptsJson(request.get('accept'))) {
    refuse(406, 'not-supported', 'Only application/fhir+json is answered.', 'Accept');
  }
  next();
};
