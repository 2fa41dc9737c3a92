/** What a patient signs of her claims: an appeal against a decision, the confirmation of a visit. A compact JWS of a few members. */
import canonicalize from 'canonicalize';
import { jwsOf, type OwnKey } from './key.ts';

export interface Statement {
  act: 'appeal' | 'confirm';
  /** `ClaimResponse/<id>`, as her ExplanationOfBenefit names it, or `Encounter/<id>`. */
  about: string;
  /** Name of the provider that has her record. */
  provider: string;
  /** Id of the Patient. */
  patient: string;
  /** Of an appeal, in her words. */
  reason?: string;
}

export async function signStatement(statement: Statement, key: OwnKey, when: Date = new Date()): Promise<string> {
  const said = canonicalize({ ...statement, when: when.toISOString() }) ?? '';
  return (await jwsOf({ typ: 'telemed-statement+jws' }, said, key)).join('.');
}
