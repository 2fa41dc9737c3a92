/** Amounts as the language writes them. */
import type { Money } from '@medplum/fhirtypes';
import { useWords } from '../language.ts';

export function useAmount(): (amount: Money | undefined) => string {
  const { money, number } = useWords();
  return (amount) => {
    if (amount?.value === undefined) return '–';
    return amount.currency === undefined ? number(Number(amount.value)) : money(Number(amount.value), amount.currency);
  };
}
