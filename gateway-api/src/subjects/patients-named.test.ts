/** Every list that is narrowed to a patient takes her as references name her, and nothing that could be anybody's. */
import { expect } from 'chai';
import type { z } from 'zod';
import { ROUTES } from './table.ts';

type Query = z.ZodObject<{ patient: z.ZodType }> | undefined;

describe('A list that is narrowed to a patient', () => {
  const routes = ROUTES.flatMap(({ path, query }) => {
    const patient = (query as Query)?.shape?.patient;
    return patient === undefined ? [] : [{ path, patient }];
  });

  it('is there for logs, accounts, corrections, restrictions, keys and links', () => {
    const paths = routes.map(({ path }) => path);
    expect(paths).to.include.members(['/reads', '/access-log', '/accounting', '/log-anchors/:organisation/proofs']);
    expect(paths).to.include.members(['/corrections', '/restrictions', '/patient-keys', '/health-links']);
  });

  for (const { path, patient } of routes)
    it(`${path} takes an id and Patient/<id> for the same, and refuses anything else`, () => {
      expect(patient.parse('a-1')).to.equal('a-1');
      expect(patient.parse('Patient/a-1')).to.equal('a-1');
      for (const other of [
        '',
        'Patient/',
        'Patient/a/b',
        'Group/a-1',
        'https://x.example/Patient/a-1',
        'a b',
        'urn:x|a-1',
      ])
        expect(patient.safeParse(other).success, other).to.equal(false);
    });
});
