/**
 * Operations that every gateway has and that write nothing (hl7.org/fhir/R4/operations.html), one row each: the routes and the
 * CapabilityStatement read this table. What subjects mount is in operations.ts.
 */
import type { Answer } from './answers.ts';
import type { Asked } from './asked.ts';
import { docref } from './docref.ts';
import { everything } from './everything.ts';
import { medications } from './medications.ts';
import { meta } from './meta.ts';
import type { Scope } from './repository.ts';
import { summary } from './summary.ts';
import { expand } from './terminology/expansion.ts';
import { lookup } from './terminology/lookup.ts';
import { validateCode } from './terminology/validation.ts';
import { validate } from './validating.ts';

export interface BuiltIn {
  /** Without the $. */
  name: string;
  /** Undefined for all types. */
  type?: string;
  levels: readonly ('type' | 'instance')[];
  methods: readonly ('get' | 'post')[];
  /** One line for the documentation. */
  summary: string;
  definition: string;
  answer(scope: Scope, asked: Asked): Promise<Answer>;
}

const R4 = 'http://hl7.org/fhir/OperationDefinition';
const BOTH = ['get', 'post'] as const;

/** An operation on one patient. */
const ofPatient =
  (work: typeof everything): BuiltIn['answer'] =>
  (scope, { id = '', parameters, lenient }) =>
    work(scope, id, parameters, lenient);

export const BUILT_IN: readonly BuiltIn[] = [
  {
    ...{ name: 'everything', type: 'Patient', levels: ['instance'], methods: BOTH },
    ...{ summary: 'All of a patient’s records, in pages.', definition: `${R4}/Patient-everything` },
    answer: ofPatient(everything),
  },
  {
    ...{ name: 'summary', type: 'Patient', levels: ['instance'], methods: BOTH },
    summary: 'A patient summary (IPS), as a document.',
    definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary',
    answer: ofPatient(summary),
  },
  {
    ...{ name: 'medications', type: 'Patient', levels: ['instance'], methods: BOTH },
    summary: 'What a patient takes, as a List: one entry a medicine, with what was due, taken and missed in 30 days.',
    definition: 'https://telemed-ledger.example/fhir/OperationDefinition/patient-medications',
    answer: ofPatient(medications),
  },
  {
    ...{ name: 'docref', type: 'DocumentReference', levels: ['type'], methods: BOTH },
    summary: 'The documents of a patient.',
    definition: 'http://hl7.org/fhir/us/core/OperationDefinition/docref',
    answer: docref,
  },
  {
    ...{ name: 'expand', type: 'ValueSet', levels: ['type', 'instance'], methods: BOTH },
    summary: 'The codes of a value set that is known here.',
    definition: `${R4}/ValueSet-expand`,
    answer: expand,
  },
  {
    ...{ name: 'validate-code', type: 'ValueSet', levels: ['type', 'instance'], methods: BOTH },
    summary: 'Whether a code is in a value set that is known here.',
    definition: `${R4}/ValueSet-validate-code`,
    answer: validateCode,
  },
  {
    ...{ name: 'validate-code', type: 'CodeSystem', levels: ['type', 'instance'], methods: BOTH },
    summary: 'Whether a code system that is known here has a code.',
    definition: `${R4}/CodeSystem-validate-code`,
    answer: validateCode,
  },
  {
    ...{ name: 'lookup', type: 'CodeSystem', levels: ['type'], methods: BOTH },
    summary: 'What a code of a code system that is known here means.',
    definition: `${R4}/CodeSystem-lookup`,
    answer: lookup,
  },
  {
    ...{ name: 'meta', levels: ['instance'], methods: ['get'] },
    ...{ summary: 'The tags, labels and profiles of a resource.', definition: `${R4}/Resource-meta` },
    answer: meta,
  },
  {
    ...{ name: 'validate', levels: ['type', 'instance'], methods: ['post'] },
    summary: 'What a create, an update or a delete would be told of a resource.',
    definition: `${R4}/Resource-validate`,
    answer: validate,
  },
];
