/**
 * Contexts of launches (hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html): what an EHR hands to an app with `launch`, and what
 * was granted with a sign-in. They live as long as this process.
 */
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export interface LaunchContext {
  /** Id of the Patient. */
  patient?: string;
  /** Id of the Encounter. */
  encounter?: string;
}

const LAUNCH_MS = 5 * 60_000;
const GRANT_MS = 24 * 3_600_000;
const MOST = 10_000;

export class Launches {
  readonly #launches = new LRUCache<string, LaunchContext>({ max: MOST, ttl: LAUNCH_MS });
  readonly #granted = new LRUCache<string, LaunchContext>({ max: MOST, ttl: GRANT_MS });

  /** The value of `launch` for an app's launch URL; it is good for five minutes. */
  begin(context: LaunchContext): string {
    const launch = randomBytes(24).toString('base64url');
    this.#launches.set(launch, context);
    return launch;
  }

  contextOf(launch: string): LaunchContext | undefined {
    return this.#launches.get(launch);
  }

  granted(grant: string, context: LaunchContext): void {
    this.#granted.set(grant, context);
  }

  /** What access tokens say of it. */
  claimsOf(grant: string | undefined): Pick<LaunchContext, 'patient'> {
    const { patient } = this.#granted.get(grant ?? '') ?? {};
    return patient === undefined ? {} : { patient };
  }

  /** What stands beside an access token. */
  answerOf(grant: string): object {
    const { patient, encounter } = this.#granted.get(grant) ?? {};
    return {
      ...(patient === undefined ? {} : { patient, need_patient_banner: true }),
      ...(encounter === undefined ? {} : { encounter }),
    };
  }
}
