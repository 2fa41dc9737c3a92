/** What a language of the log must say: a file in texts/ that lacks any of it does not compile. */

/** Every kind of entry. */
export const KINDS = [
  ...([
    'asked',
    'delivered',
    'emergency',
    'refused',
    'purged',
    'erased',
    'erasing',
    'grant',
    'amend',
    'revoke',
  ] as const),
  ...(['grant-delegation', 'amend-delegation', 'revoke-delegation'] as const),
  ...(['enrol-key', 'recover-key', 'rotate-key', 'end-key', 'cancel-key', 'issue-code', 'cancel-code'] as const),
  ...(['correction-asked', 'correction-accepted', 'correction-refused'] as const),
  ...(['restrict', 'lift-restriction', 'link', 'unlink', 'confirm', 'dispute', 'appeal'] as const),
  ...(['record', 'share', 'unshare'] as const),
  ...(['read', 'search', 'refusal', 'log', 'look', 'answer', 'told'] as const),
] as const;
export type Kind = (typeof KINDS)[number];

export const WHO = [
  ...(['system', 'practitioner', 'patient', 'caretaker', 'adjudicator', 'settlement', 'auditor', 'operator'] as const),
  'organisation',
] as const;

const PURPOSES = ['TREAT', 'ETREAT', 'BTG', 'HPAYMT', 'HOPERAT', 'PATRQT', 'HRESCH', 'PUBHLTH'] as const;
const COLUMNS = [
  ...([
    'requested',
    'decided',
    'holder',
    'recipient',
    'purpose',
    'types',
    'outcome',
    'consent',
    'until',
    'purged',
  ] as const),
] as const;
const STATUSES = ['requested', 'granted', 'refused', 'purged'] as const;

type Each<T extends readonly string[]> = Readonly<Record<T[number], string>>;

/** Messages in ICU MessageFormat (unicode-org.github.io/icu/userguide/format_parse/messages/). */
export interface Texts {
  direction: 'ltr' | 'rtl';
  sentences: Each<typeof KINDS>;
  /** What is put behind a sentence, where it is known. */
  purpose: string;
  consent: string;
  until: string;
  because: string;
  /** Of an emergency, by what became of what the patient has restricted. */
  restricted: Each<readonly ['delivered', 'withheld']>;
  /** Of a consent: with which key it is signed, or that nobody has signed it. */
  signed: string;
  trusted: string;
  /** A whole line. */
  on: string;
  somebody: string;
  roles: Each<typeof WHO>;
  purposes: Each<typeof PURPOSES>;
  title: string;
  accounting: string;
  columns: Each<typeof COLUMNS>;
  statuses: Each<typeof STATUSES>;
  all: string;
  page: string;
  made: string;
  /** Of an accounting. */
  complete: string;
  nothing: string;
  further: string;
}
