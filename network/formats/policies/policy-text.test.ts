import { expect } from 'chai';
import * as fc from 'fast-check';
import { policyMspIds, policyText } from './policy-bytes.ts';
import { PolicyTextError, parsePolicyText } from './policy-text.ts';

describe('Policy text', () => {
  it('numbers principals of inner gates first and repeats them, as Fabric does', () => {
    const envelope = parsePolicyText("OR('AMSP.member', AND('BMSP.peer', 'AMSP.member'))");
    expect(Buffer.from(envelope.serializeBinary()).toString('hex')).to.equal(
      // rule: 1 of (signed by 2, 2 of (signed by 0, signed by 1)); identities BMSP.peer, AMSP.member, AMSP.member
      '12161214080112020802120c120a0802120208001202080' +
        '11a0a12080a04424d535010031a0812060a04414d53501a0812060a04414d5350',
    );
  });

  it('takes either quotes, spaces and upper or lower case', () => {
    const canonical = parsePolicyText("OutOf(1,'AMSP.peer','BMSP.peer')").serializeBinary();
    expect(parsePolicyText(' or ( "AMSP.peer" ,\n \'BMSP.peer\' ) ').serializeBinary()).to.deep.equal(canonical);
  });

  const WRONG: [text: string, reason: string][] = [
    ['', 'a gate is missing'],
    ["'AMSP.peer'", 'is not AND, OR or OutOf'],
    ["XOR('AMSP.peer')", 'XOR is not AND, OR or OutOf'],
    ["OR('AMSP.boss')", 'not an MSP id with a role'],
    ["OR('AMSP')", 'not an MSP id with a role'],
    ["OR('AMSP.peer'", ', or ) is missing'],
    ["OR('AMSP.peer' 'BMSP.peer')", 'where , or ) belongs'],
    ["OR('AMSP.peer') OR('BMSP.peer')", 'something follows'],
    ["OutOf(3, 'AMSP.peer', 'BMSP.peer')", 'OutOf asks for 3 of 2'],
    ["OutOf(0, 'AMSP.peer')", 'OutOf asks for 0 of 1'],
    ["OutOf('AMSP.peer')", 'where a number belongs'],
    ['OR()', 'is not AND, OR or OutOf'],
  ];
  for (const [text, reason] of WRONG) {
    it(`refuses ${text || 'nothing'}`, () => {
      expect(() => parsePolicyText(text)).to.throw(PolicyTextError, reason);
    });
  }

  it('never fails otherwise than by refusing', () => {
    const pieces = fc.constantFrom('OR', 'AND', 'OutOf', '(', ')', ',', '2', "'AMSP.peer'", "'A'", '"', ' ', 'é');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        try {
          parsePolicyText(parts.join(''));
        } catch (error) {
          expect(error).to.be.instanceOf(PolicyTextError);
        }
      }),
    );
  });

  it('comes back from the bytes', () => {
    for (const text of ["OR('AMSP.member','BMSP.peer')", "AND('AMSP.peer',OR('BMSP.admin','CMSP.client'))"]) {
      expect(policyText(parsePolicyText(text).serializeBinary())).to.equal(text);
    }
    const twoOfThree = "OutOf(2,'AMSP.peer','BMSP.peer','CMSP.orderer')";
    expect(policyText(parsePolicyText(twoOfThree).serializeBinary())).to.equal(twoOfThree);
    expect([...policyMspIds(parsePolicyText(twoOfThree).serializeBinary())]).to.have.members(['AMSP', 'BMSP', 'CMSP']);
  });
});
