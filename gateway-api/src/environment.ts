/**
 * Single values of an environment, read with what is wrong with them: every mistake is noted, so that all of them are told at once. What a
 * gateway is told by which of them is in config.ts.
 */
import { readFileSync } from 'node:fs';
import type { JSONWebKeySet } from 'jose';
import { z } from 'zod';
import { isOrigin, networksIn } from './http/origin.ts';
import type { TlsSettings } from './http/server.ts';

export const present = (value: string | undefined): value is string => value !== undefined && value !== '';

export class Environment {
  protected readonly values: Record<string, string | undefined>;
  protected readonly mistakes: string[];

  constructor(values: Record<string, string | undefined>, mistakes: string[]) {
    this.values = values;
    this.mistakes = mistakes;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    if (value !== undefined && value !== '') return value;
    this.mistakes.push(`${name}: missing`);
    return undefined;
  }

  integer(name: string, fallback: number | undefined, from: number, to: number): number {
    const text = this.values[name];
    if (text === undefined && fallback !== undefined) return fallback;
    const value = Number(text);
    if (text !== undefined && text !== '' && Number.isInteger(value) && value >= from && value <= to) return value;
    this.mistakes.push(text === undefined ? `${name}: missing` : `${name}: not a whole number from ${from} to ${to}`);
    return fallback ?? from;
  }

  networks(name: string): string[] {
    return networksIn(name, this.values[name] ?? '', this.mistakes);
  }

  file(name: string, path: string): string | undefined {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.mistakes.push(`${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
      return undefined;
    }
  }

  json<T>(name: string, path: string | undefined, schema: z.ZodType<T>): T | undefined {
    const text = path === undefined ? undefined : this.file(name, path);
    if (text === undefined) return undefined;
    try {
      const parsed = schema.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues) this.mistakes.push(`${name}: ${issue.path.join('.')}: ${issue.message}`);
    } catch {
      this.mistakes.push(`${name}: ${path} is not JSON`);
    }
    return undefined;
  }

  /** Of an origin alone, as links begin with it. */
  origin(name: string): string | undefined {
    const text = this.values[name];
    if (!present(text)) return undefined;
    if (!isOrigin(text)) this.mistakes.push(`${name}: ${text} is no origin such as https://fhir.example`);
    return text;
  }

  issuer(name: string): string | undefined {
    const text = this.values[name];
    if (!present(text)) return undefined;
    if (!URL.canParse(text) || new URL(text).protocol !== 'https:' || new URL(text).search !== '')
      this.mistakes.push(`${name}: ${text} is no https address of an issuer`);
    return text;
  }

  tls(): TlsSettings | undefined {
    const [certificate, key, authority] = ['TLS_CERTIFICATE', 'TLS_KEY', 'TLS_CLIENT_CA'].map((name) => {
      const path = this.values[name];
      return present(path) ? { name, text: this.file(name, path) } : undefined;
    });
    if (certificate === undefined && key === undefined && authority === undefined) return undefined;
    if (certificate === undefined || key === undefined)
      this.mistakes.push('TLS_CERTIFICATE, TLS_KEY: one is there without the other');
    const ca = authority?.text;
    return {
      ...{ certificate: certificate?.text ?? '', key: key?.text ?? '' },
      ...(ca === undefined ? {} : { clientAuthorities: ca }),
    };
  }

  keys(name: string, place: string | undefined): JSONWebKeySet | URL | undefined {
    if (place === undefined) return undefined;
    if (/^https:\/\//.test(place)) return new URL(place);
    const schema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });
    return this.json(name, place, schema);
  }
}
