/** Signature policies read back: their text, and the organisations that occur in them. */
import { Message } from '../protobuf/message.ts';

const ROLES = ['member', 'admin', 'client', 'peer', 'orderer'];

/** The policy as text, `OR('AMSP.member','BMSP.peer')`, from the bytes of a SignaturePolicyEnvelope. */
export function policyText(envelope: Uint8Array): string {
  const message = new Message(envelope);
  return ruleText(message.message(2), message.list(3).map(principalText));
}

/** MSP ids of the principals. */
export function policyMspIds(envelope: Uint8Array): Set<string> {
  return new Set(new Message(envelope).list(3).map((bytes) => principal(bytes).mspId));
}

function principal(bytes: Buffer): { mspId: string; role: string } {
  const role = new Message(bytes).inside(2);
  return { mspId: role.text(1), role: ROLES[role.number(2)] ?? 'member' };
}

function principalText(bytes: Buffer): string {
  const { mspId, role } = principal(bytes);
  return `'${mspId}.${role}'`;
}

function ruleText(rule: Message, principals: string[]): string {
  if (!rule.has(2)) return principals[rule.number(1)] ?? '';
  const outOf = rule.message(2);
  const parts = outOf.messages(2).map((each) => ruleText(each, principals));
  const n = outOf.number(1);
  if (n === 1) return `OR(${parts.join(',')})`;
  if (n === parts.length) return `AND(${parts.join(',')})`;
  return `OutOf(${n},${parts.join(',')})`;
}
