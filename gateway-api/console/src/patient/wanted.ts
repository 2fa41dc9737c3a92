/** The request that a new consent answers, and the appointment that is to be moved: on the way to the page where that is done. */
import type { Appointment } from '@medplum/fhirtypes';
import { Carried } from '../parts/carried.ts';
import type { AccessRequest } from './access.ts';

export const answered = new Carried<AccessRequest>();
export const moved = new Carried<Appointment>();
