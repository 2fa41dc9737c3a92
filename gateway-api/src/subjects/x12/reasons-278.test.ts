import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { expect } from 'chai';
import { told } from './reasons-278.ts';
import { messageSegments, reviewOf, reviewSegment } from './reviews-278.ts';

const CARC = 'https://x12.org/codes/claim-adjustment-reason-codes';
const LIST = 'https://codesystem.x12.org/external/886';
const ACTION = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-reviewAction';

const denied = (...reasons: object[]): Resource =>
  ({
    resourceType: 'ClaimResponse',
    item: [
      {
        itemSequence: 1,
        adjudication: [
          {
            extension: [
              {
                url: ACTION,
                extension: [
                  { url: `${ACTION}Code`, valueCodeableConcept: { coding: [{ code: 'A3' }] } },
                  ...reasons.map((valueCodeableConcept) => ({ url: 'reasonCode', valueCodeableConcept })),
                ],
              },
            ],
          },
        ],
      },
    ],
  }) as unknown as Resource;
const row = (record: string, code: string) => ({
  record: record.toUpperCase(),
  billed: `${LIST}|${code}`.toUpperCase(),
});
const written = (response: Resource, rows: ReturnType<typeof row>[] = []) => {
  const notMapped = new Map<string, number>();
  const [item] = told(response, rows, notMapped)['item'] as Record<string, unknown>[];
  const review = reviewOf(item!)!;
  const segments = [reviewSegment(review), ...messageSegments(review)].map((one) => one.join('*'));
  return { segments, notMapped: Object.fromEntries(notMapped) };
};

describe('Reasons in a 278', () => {
  const reason = { coding: [{ system: CARC, code: '50' }], text: 'not needed' };
  it('are of X12’s list where a loaded map says so, whatever it calls the code by', () => {
    for (const record of [`${CARC}|50`, '50'])
      expect(written(denied(reason), [row(record, '0C')])).to.deep.equal({
        ...{ segments: ['HCR*A3**0C', 'MSG*not needed 50'], notMapped: {} },
      });
  });
  it('are told in words and counted where none does', () => {
    const rows = [row(`${CARC}|51`, '0C'), row('https://other.example|50', '0C')];
    expect(written(denied(reason), rows)).to.deep.equal({
      ...{ segments: ['HCR*A3', 'MSG*not needed 50'], notMapped: { HCR03: 1 } },
    });
  });
  it('go as they are where they are of the list, and a second one is counted', () => {
    const own = (code: string) => ({ system: LIST, code });
    expect(written(denied({ coding: [own('83')] }))).to.deep.equal({ segments: ['HCR*A3**83'], notMapped: {} });
    expect(written(denied({ coding: [own('83'), own('84')] })).notMapped).to.deep.equal({ HCR03: 1 });
  });
  it('are none of a text alone', () => {
    expect(written(denied({ text: 'not needed' }))).to.deep.equal({
      segments: ['HCR*A3', 'MSG*not needed'],
      notMapped: {},
    });
  });
});
