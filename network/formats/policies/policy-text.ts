/**
 * Fabric's policy language: `AND('AMSP.member', OR('BMSP.peer', 'CMSP.peer'))`, `OutOf(2, …)`. Writes the same bytes
 * as Fabric's policydsl: principals of inner gates are numbered before those of the gate around them, repeated ones
 * anew. See https://hyperledger-fabric.readthedocs.io/en/release-3.1/endorsement-policies.html
 */
import { common, type msp } from '@hyperledger/fabric-protos';
import { ROLES, type RoleName, rolePrincipal } from './roles.ts';

type Expression = { principal: string } | { threshold: number; children: Expression[] };

/** @throws PolicyTextError naming the place. */
export function parsePolicyText(text: string): common.SignaturePolicyEnvelope {
  const expression = new Parser(text).parse();
  const principals: msp.MSPPrincipal[] = [];
  const envelope = new common.SignaturePolicyEnvelope();
  envelope.setVersion(0);
  envelope.setRule(ruleOf(expression, principals));
  envelope.setIdentitiesList(principals);
  return envelope;
}

export class PolicyTextError extends Error {
  override name = 'PolicyTextError';
}

/** Inner gates are built before the principals beside them, as policydsl does. */
function ruleOf(expression: Expression, principals: msp.MSPPrincipal[]): common.SignaturePolicy {
  if ('principal' in expression) {
    principals.push(principalOf(expression.principal));
    return signedBy(principals.length - 1);
  }
  const built = new Map<Expression, common.SignaturePolicy>();
  const gatesFirst = expression.children.toSorted((a, b) => Number('principal' in a) - Number('principal' in b));
  for (const child of gatesFirst) built.set(child, ruleOf(child, principals));
  return nOutOf(
    expression.threshold,
    expression.children.map((child) => built.get(child)!),
  );
}

export function signedBy(index: number): common.SignaturePolicy {
  const rule = new common.SignaturePolicy();
  rule.setSignedBy(index);
  return rule;
}

export function nOutOf(n: number, rules: common.SignaturePolicy[]): common.SignaturePolicy {
  const gate = new common.SignaturePolicy.NOutOf();
  gate.setN(n);
  gate.setRulesList(rules);
  const rule = new common.SignaturePolicy();
  rule.setNOutOf(gate);
  return rule;
}

const PRINCIPAL = new RegExp(`^([A-Za-z0-9.-]+)\\.(${Object.keys(ROLES).join('|')})$`);

function principalOf(text: string): msp.MSPPrincipal {
  const [, mspId, role] = PRINCIPAL.exec(text) ?? [];
  if (mspId === undefined) {
    throw new PolicyTextError(`'${text}' is not an MSP id with a role such as 'OrgMSP.member'`);
  }
  return rolePrincipal({ mspId, role: role as RoleName });
}

const TOKEN = /\s*(?:([A-Za-z]+)|(\d+)|'([^']*)'|"([^"]*)"|([(),]))/y;

/** Recursive descent over gate := (AND|OR) '(' list ')' | OutOf '(' number ',' list ')'. */
class Parser {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Expression {
    const expression = this.#gate(this.#next('a gate'));
    if (this.#text.slice(this.#position).trim() !== '') this.#fail('something follows the last parenthesis');
    return expression;
  }

  #gate(name: string): Expression {
    const kind = name.toLowerCase();
    if (!['and', 'or', 'outof'].includes(kind)) this.#fail(`${name} is not AND, OR or OutOf`);
    this.#expect('(');
    const wanted = kind === 'outof' ? this.#count() : undefined;
    const children = this.#list();
    const threshold = wanted ?? (kind === 'and' ? children.length : 1);
    if (threshold < 1 || threshold > children.length) {
      this.#fail(`OutOf asks for ${threshold} of ${children.length}`);
    }
    return { threshold, children };
  }

  #list(): Expression[] {
    const children: Expression[] = [];
    for (;;) {
      const token = this.#next('a principal or a gate');
      children.push(token.startsWith("'") ? { principal: token.slice(1) } : this.#gate(token));
      const separator = this.#next(', or )');
      if (separator === ')') return children;
      if (separator !== ',') this.#fail(`found ${separator} where , or ) belongs`);
    }
  }

  #count(): number {
    const token = this.#next('a number');
    if (!/^\d+$/.test(token.replace("'", ''))) this.#fail(`found ${token} where a number belongs`);
    this.#expect(',');
    return Number(token.replace("'", ''));
  }

  #expect(token: string): void {
    const found = this.#next(token);
    if (found !== token) this.#fail(`found ${found} where ${token} belongs`);
  }

  /** The next token; a quoted one keeps an opening quote as its mark. */
  #next(wanted: string): string {
    TOKEN.lastIndex = this.#position;
    const match = TOKEN.exec(this.#text);
    if (match === null) this.#fail(`${wanted} is missing`);
    this.#position = TOKEN.lastIndex;
    const [, word, number, single, double, mark] = match;
    const quoted = single ?? double;
    return quoted === undefined ? (word ?? number ?? mark)! : `'${quoted}`;
  }

  #fail(reason: string): never {
    throw new PolicyTextError(`policy ${JSON.stringify(this.#text)}, character ${this.#position + 1}: ${reason}`);
  }
}
