/** The chaincodes that are part of the peer. */
const SYSTEM_CHAINCODES = ['qscc', 'cscc', '_lifecycle'];

export function isSystemChaincode(name: string): boolean {
  return SYSTEM_CHAINCODES.includes(name);
}
