/** The default organisations, for tests that need a consortium and no network. */
import type { Consortium } from '../model/consortium.ts';

export const exampleConsortium: Consortium = {
  channel: 'telemed',
  chaincode: 'telemed',
  organisations: [
    { name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' },
    { name: 'clinic', mspId: 'ClinicMSP', kind: 'provider' },
    { name: 'patients', mspId: 'PatientsMSP', kind: 'custodian' },
    { name: 'payer', mspId: 'PayerMSP', kind: 'payer' },
    { name: 'bank', mspId: 'BankMSP', kind: 'bank' },
    { name: 'regulator', mspId: 'RegulatorMSP', kind: 'regulator' },
  ],
};
