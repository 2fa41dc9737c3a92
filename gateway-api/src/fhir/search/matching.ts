/** Whether a resource is what a search asks for, by its own text. */
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { CompositeCriterion, RangeBound, RangeCriterion, Search, ValueCriterion } from '../repository.ts';
import { keptUnder, parameterOf } from '../search-parameters.ts';
import { componentName, rangesByName, type SearchTerm, searchTermsOf } from './extraction.ts';

const HOLDS: Record<RangeBound['operator'], (value: number, limit: number) => boolean> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
};

type Texts = Pick<ValueCriterion, 'anyOf' | 'isPrefix' | 'isPart'>;

function isText(term: SearchTerm, { anyOf, isPrefix, isPart }: Texts): boolean {
  const isValue = (wanted: string): boolean => {
    if (isPrefix === true) return term.value.startsWith(wanted);
    return isPart === true ? term.value.includes(wanted) : term.value === wanted;
  };
  return anyOf.some(
    ({ system, value }) => (system === undefined || term.system === system) && (value === undefined || isValue(value)),
  );
}

const isWithin = (term: SearchTerm, wanted: RangeCriterion['anyOf']): boolean =>
  wanted.some(
    ({ system, unit, alternatives }) =>
      (system === undefined || term.system === system) &&
      (unit === undefined || term.value === unit) &&
      alternatives.some((all) => all.every(({ end, operator, limit }) => HOLDS[operator](term[end], limit))),
  );

class Terms {
  readonly #resource: Resource;

  constructor(resource: Resource) {
    this.#resource = resource;
  }

  under(parameter: string): SearchTerm[] {
    const { resourceType: type } = this.#resource;
    const names = keptUnder(type, parameter);
    const kept = searchTermsOf(this.#resource, names).filter((term) => names.includes(term.parameter));
    const patient = parameterOf(type, parameter)?.column === 'patient' ? patientIdOf(this.#resource) : undefined;
    if (patient === undefined) return kept;
    const value = `Patient/${patient}`;
    return [...kept, { parameter, place: 0, system: '', value, ranged: 0, low: 0, high: 0 }];
  }

  hasValue(wanted: ValueCriterion): boolean {
    const names = [wanted.parameter, ...(wanted.orUnder ?? [])];
    return names.some((name) => this.under(name).some((term) => isText(term, wanted)));
  }

  isRanged(parameter: string, anyOf: RangeCriterion['anyOf']): boolean {
    return rangesByName(parameter, anyOf).some(([name, some]) => this.under(name).some((term) => isWithin(term, some)));
  }

  isComposite(parameter: string, wanted: CompositeCriterion): boolean {
    const components = wanted.map((_, index) => this.under(componentName(parameter, index + 1)));
    const places = new Set(components[0]?.map(({ place }) => place));
    return [...places].some((place) =>
      wanted.every((one, index) =>
        components[index]!.some(
          (term) => term.place === place && ('ranges' in one ? isWithin(term, one.ranges) : isText(term, one)),
        ),
      ),
    );
  }
}

/** Whether it has the values, ranges and composites by which it was found. What others say of it is not looked at. */
export function isAsked(resource: Resource, search: Search): boolean {
  const { values = [], ranges = [], composites = [], missing = [] } = search;
  if (values.length + ranges.length + composites.length + missing.length === 0) return true;
  const terms = new Terms(resource);
  return (
    values.every((one) => terms.hasValue(one) !== (one.isNot === true)) &&
    ranges.every(({ parameter, anyOf }) => terms.isRanged(parameter, anyOf)) &&
    composites.every(({ parameter, anyOf }) => anyOf.some((one) => terms.isComposite(parameter, one))) &&
    missing.every(({ parameter, isMissing }) => (terms.under(parameter).length === 0) === isMissing)
  );
}
