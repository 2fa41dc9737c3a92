/**
 * Claims in an 837 (005010X222A1 professional, 005010X223A2 institutional) as far as they become FHIR Claims. What is read stands in
 * one table; everything else that is not empty is named by its place, so that nothing is lost without being said.
 */
import { dayIn, decimalIn, fault, type Served, servedIn } from './elements.ts';
import { demandKind, elementOf, placeOf, type Segment, type TransactionSet } from './segments.ts';
import { dotted } from './terms.ts';
import { type NotMapped, nameOf, noteElement, noteUnread } from './unread.ts';

/** One service of a claim. */
export interface Line {
  sequence: number;
  /** HCPCS or CPT; of an institutional line its revenue code where it has no other. */
  code: string;
  modifiers: string[];
  revenue?: string;
  /** Money, as it is written. */
  charge: unknown;
  /** Units; undefined where it is counted otherwise. */
  quantity: unknown;
  diagnoses: number[];
  place?: string;
  served?: Served;
  /** What the provider calls the line (REF*6R). */
  number?: string;
  segment: Segment;
}

export interface Claim837 {
  type: 'professional' | 'institutional';
  /** CLM01 */
  controlNumber: string;
  charge: unknown;
  created: string;
  place: string;
  /** CLM05-3: 1 original, 7 replacement, 8 void. */
  frequency: string;
  /** What the payer calls the claim that it corrects. */
  original?: string;
  authorization?: string;
  member: string;
  payer: string;
  /** ICD-10-CM, in their order. */
  diagnoses: string[];
  /** NPI of who rendered it. */
  rendering?: string;
  served?: Served;
  lines: Line[];
  segment: Segment;
  names: Names;
}

/** Whom a file names, as it does: what is acknowledged is said of these again. */
export interface Names {
  /** Position of its transaction set in the file. */
  set: number;
  /** BHT03 */
  reference: string;
  /** NM1*41, NM1*85, NM1*PR, and NM1*QC or else NM1*IL. */
  submitter: Segment | undefined;
  billing: Segment | undefined;
  payer: Segment | undefined;
  patient: Segment | undefined;
}

export interface Read837 {
  claims: Claim837[];
  notMapped: NotMapped;
}

const MOST_MODIFIERS = 4;

const TYPES: Readonly<Record<string, Claim837['type']>> = {
  '005010X222A1': 'professional',
  '005010X222A2': 'professional',
  '005010X223A2': 'institutional',
  '005010X223A3': 'institutional',
};

/** Which elements are read, by segment and qualifier: the qualifier itself is the first of them. */
const READ: Readonly<Record<string, readonly number[]>> = {
  BHT: [1, 2, 3, 4, 5, 6],
  HL: [1, 2, 3, 4],
  LX: [1],
  CLM: [1, 2, 5],
  'NM1*IL': [1, 2, 8, 9],
  'NM1*PR': [1, 2, 8, 9],
  'NM1*82': [1, 2, 8, 9],
  'NM1*71': [1, 2, 8, 9],
  HI: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  SV1: [1, 2, 3, 4, 5, 7],
  SV2: [1, 2, 3, 4, 5],
  'DTP*472': [1, 2, 3],
  'DTP*434': [1, 2, 3],
  'REF*F8': [1, 2],
  'REF*G1': [1, 2],
  'REF*6R': [1, 2],
};

/** @throws LedgerError INVALID with the segment and the element at fault */
export function read837(sets: readonly TransactionSet[]): Read837 {
  const read: Read837 = { claims: [], notMapped: new Map() };
  for (const set of sets) {
    demandKind(set, '837', Object.keys(TYPES));
    new Reader(set, TYPES[set.version]!, read).run();
  }
  return read;
}

const NAMED: Readonly<Record<string, Exclude<keyof Names, 'reference' | 'set'>>> = {
  ...{ '41': 'submitter', '85': 'billing', PR: 'payer', IL: 'patient', QC: 'patient' },
};

class Reader {
  readonly #set: TransactionSet;
  readonly #type: Claim837['type'];
  readonly #read: Read837;
  #created = '';
  #names: Names = {
    set: 0,
    reference: '',
    submitter: undefined,
    billing: undefined,
    payer: undefined,
    patient: undefined,
  };
  #level = '';
  #member: string | undefined;
  #payer = '';
  #claim: Claim837 | undefined;
  #line: Line | undefined;

  constructor(set: TransactionSet, type: Claim837['type'], read: Read837) {
    this.#set = set;
    this.#type = type;
    this.#read = read;
  }

  run(): void {
    for (const segment of this.#set.segments) {
      this.#take(segment);
      this.#note(segment);
    }
    for (const { lines, segment } of this.#read.claims)
      if (lines.length === 0) fault('has no service lines', placeOf(segment));
  }

  #take(segment: Segment): void {
    const qualifier = elementOf(segment, 1);
    if (segment.id === 'BHT') this.#head(segment);
    else if (segment.id === 'HL') this.#enter(segment);
    else if (segment.id === 'NM1') this.#name(segment, qualifier);
    else if (segment.id === 'CLM') this.#begin(segment);
    else if (segment.id === 'HI') this.#diagnosed(segment);
    else if (segment.id === 'LX') this.#line = undefined;
    else if (segment.id === 'SV1' || segment.id === 'SV2') this.#serve(segment);
    else if (segment.id === 'DTP' && (qualifier === '472' || qualifier === '434')) this.#date(segment);
    else if (segment.id === 'REF') this.#refer(qualifier, elementOf(segment, 2));
  }

  #head(segment: Segment): void {
    this.#created = dayIn(elementOf(segment, 4)) ?? fault('is no day', placeOf(segment, 4));
    this.#names = { ...this.#names, set: segment.position, reference: elementOf(segment, 3) };
  }

  #refer(qualifier: string, value: string): void {
    if (this.#line !== undefined) {
      if (qualifier === '6R') this.#line.number = value;
    } else if (this.#claim !== undefined) {
      if (qualifier === 'F8') this.#claim.original = value;
      if (qualifier === 'G1') this.#claim.authorization = value;
    }
  }

  /** What stands above a level does not go on below another one. */
  #enter(segment: Segment): void {
    this.#level = elementOf(segment, 3);
    this.#claim = undefined;
    this.#line = undefined;
    if (this.#level !== '23') this.#member = undefined;
    if (!['20', '22', '23'].includes(this.#level)) fault('is none of the levels of an 837', placeOf(segment, 3));
  }

  #name(segment: Segment, qualifier: string): void {
    const id = elementOf(segment, 9);
    const named = NAMED[qualifier];
    if (named !== undefined && this.#claim === undefined) this.#names = { ...this.#names, [named]: segment };
    if (qualifier === 'IL' && this.#claim === undefined) this.#member = id;
    else if (qualifier === 'PR' && this.#claim === undefined) this.#payer = id;
    else if ((qualifier === '82' || qualifier === '71') && this.#claim !== undefined && this.#line === undefined)
      this.#claim.rendering = id;
  }

  #begin(segment: Segment): void {
    const { component } = this.#set;
    const [place = '', , frequency = ''] = elementOf(segment, 5).split(component);
    const controlNumber = elementOf(segment, 1);
    if (controlNumber === '') fault('is empty', placeOf(segment, 1));
    if (!['1', '7', '8'].includes(frequency)) fault('is no frequency that is known: 1, 7 or 8', placeOf(segment, 5));
    this.#line = undefined;
    this.#claim = {
      ...{ type: this.#type, controlNumber, charge: decimalIn(segment, 2), created: this.#created, place, frequency },
      member: this.#member ?? fault('names no subscriber before it', placeOf(segment)),
      ...{ payer: this.#payer, diagnoses: [], lines: [], segment, names: this.#names },
    };
    this.#read.claims.push(this.#claim);
  }

  #diagnosed(segment: Segment): void {
    for (const [at, element] of segment.elements.entries()) {
      const [qualifier = '', code = ''] = element.split(this.#set.component);
      if (element === '') continue;
      if (/^(ABK|ABF)$/.test(qualifier) && this.#claim !== undefined) this.#claim.diagnoses.push(dotted(code));
      else noteElement(`HI*${qualifier}`, at + 1, this.#read.notMapped);
    }
  }

  #serve(segment: Segment): void {
    const claim = this.#claim ?? fault('stands in no claim', placeOf(segment));
    const shift = segment.id === 'SV2' ? 1 : 0;
    const [qualifier = '', code = '', ...modifiers] = elementOf(segment, 1 + shift).split(this.#set.component);
    const revenue = shift === 1 ? elementOf(segment, 1) : '';
    if (code === '' && revenue === '') fault('names no service', placeOf(segment, 1 + shift));
    if (code !== '' && qualifier !== 'HC') fault('is no HCPCS code (HC)', placeOf(segment, 1 + shift));
    const pointers =
      shift === 1
        ? []
        : elementOf(segment, 7)
            .split(this.#set.component)
            .filter((one) => one !== '');
    // A description, the end of a range of codes.
    if (modifiers.slice(MOST_MODIFIERS).some(Boolean)) noteElement(segment.id, 1 + shift, this.#read.notMapped);
    const isUnits = elementOf(segment, 3 + shift) === 'UN';
    if (!isUnits && elementOf(segment, 4 + shift) !== '') noteElement(segment.id, 4 + shift, this.#read.notMapped);
    const place = shift === 1 ? '' : elementOf(segment, 5);
    this.#line = {
      ...{
        sequence: claim.lines.length + 1,
        code: code === '' ? revenue : code,
        modifiers: modifiers.slice(0, MOST_MODIFIERS).filter((one) => one !== ''),
      },
      ...(revenue === '' ? {} : { revenue }),
      ...{ charge: decimalIn(segment, 2 + shift), quantity: isUnits ? decimalIn(segment, 4 + shift) : undefined },
      ...{ diagnoses: pointers.map(Number), segment, ...(place === '' ? {} : { place }) },
    };
    claim.lines.push(this.#line);
  }

  #date(segment: Segment): void {
    if (this.#line !== undefined && elementOf(segment, 1) === '472') this.#line.served = servedIn(segment);
    else if (this.#claim !== undefined && this.#line === undefined) this.#claim.served = servedIn(segment);
  }

  #note(segment: Segment): void {
    const read = this.#isOfOther(segment) ? [] : (READ[nameOf(segment)] ?? []);
    noteUnread(segment, read, this.#read.notMapped);
  }

  /** Of a line only its own number and day are read, of a claim not who else is insured; what else stands there is another's. */
  #isOfOther(segment: Segment): boolean {
    const [inClaim, inLine] = [this.#claim !== undefined, this.#line !== undefined];
    const name = nameOf(segment);
    if (segment.id === 'REF') return inLine !== (name === 'REF*6R');
    if (name === 'DTP*434') return inLine;
    if (name === 'NM1*IL' || name === 'NM1*PR') return inClaim;
    return (name === 'NM1*82' || name === 'NM1*71') && (!inClaim || inLine);
  }
}
