/** All decision tables: tests go through every row, and docs/consents.md is made of them. */
import type { Table } from './cases.fixture.ts';
import { ACTOR_ROWS, CONFLICT_ROWS, LABEL_ROWS, PURPOSE_ROWS } from './criteria.fixture.ts';
import { EXAMPLES, EXAMPLES_WITH_TYPES } from './official.fixture.ts';
import { PCF_GIVEN, PCF_ROWS } from './pcf.fixture.ts';
import { REFUSALS } from './refused.fixture.ts';

export const TABLES: Table[] = [
  {
    title: 'Refused when it is given',
    about: 'What can be read in two ways, or what nobody could keep.',
    given: REFUSALS,
  },
  {
    title: "R4's official examples",
    about: 'As they are published, for the hospital: taken or refused.',
    given: EXAMPLES,
  },
  {
    title: "R4's official examples, with types",
    about: 'Each written as its own text says.',
    rows: EXAMPLES_WITH_TYPES,
  },
  {
    title: 'IHE PCF: taken or refused',
    about: 'The examples of Basic, Intermediate and Advanced Consent.',
    given: PCF_GIVEN,
  },
  {
    title: 'IHE PCF: decisions',
    about: 'All but those that are refused, which are written as two consents.',
    rows: PCF_ROWS,
  },
  {
    title: 'Purposes',
    about: "HL7's hierarchy; only what names BTG says anything of breaking the glass.",
    rows: PURPOSE_ROWS,
  },
  {
    title: 'Security labels',
    about: 'Levels are a high-water mark; a sensitivity covers its kinds and makes a record restricted.',
    rows: LABEL_ROWS,
  },
  { title: 'Actors', about: 'Who asks is an organisation, and the person whom it certified.', rows: ACTOR_ROWS },
  {
    title: 'Several consents',
    about: 'A denial by any of them wins; otherwise one that permits is enough.',
    rows: CONFLICT_ROWS,
  },
];
