/**
 * The page on which somebody says who she is and what an application may: of a development issuer, so it asks for the issuer's code instead of
 * a password, and takes her word for the rest.
 */
import { timingSafeEqual } from 'node:crypto';
import { type Kind, ROLES_OF_KIND, type Role } from '@telemed-ledger/consortium/members.ts';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { LRUCache } from 'lru-cache';
import type { InteractionResults, default as Provider } from 'oidc-provider';
import { escaped } from '../subjects/exports/page.ts';
import { languageIn } from '../subjects/log/texts.ts';
import type { Clients } from './clients.ts';
import { isConsole } from './console-client.ts';
import { grantableOf, isOfLaunch } from './granted.ts';
import type { LaunchContext, Launches } from './launches.ts';
import type { Person } from './people.ts';
import { peoplePage } from './people-page.ts';
import { accountOf, type User, userOf } from './users.ts';

export interface SignInOptions {
  provider: () => Promise<Provider>;
  /** Name of the organisation. */
  organisation: string;
  kind: Kind;
  /** What whoever signs in must know. */
  code: string;
  fhirBase: () => string;
  clients: Clients;
  launches: Launches;
  /** Whom one may choose to be on the gateway's own pages. */
  people: () => Promise<readonly Person[]>;
}

/** Sign-ins under way that have shown the code. */
const MOST_PROVED = 1_000;
const PROVED_MS = 600_000;

const ID = '[A-Za-z0-9.\\-]{1,64}';
const USER = new RegExp(`^(?:Practitioner|Patient|RelatedPerson|Person)/${ID}$`);
const PATIENT = new RegExp(`^${ID}$`);
const FORM_BYTES = '16kb';

/** A redirect to the application follows the form, wherever that is. */
const page = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: ["'unsafe-inline'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
});

type Details = Awaited<ReturnType<Provider['interactionDetails']>>;

interface Asked {
  /** It is the gateway's own pages that ask. */
  isOwn: boolean;
  name: string;
  scopes: readonly string[];
  launch: LaunchContext | undefined;
}

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

class SignIn {
  readonly #options: SignInOptions;
  readonly #proved = new LRUCache<string, true>({ max: MOST_PROVED, ttl: PROVED_MS });

  constructor(options: SignInOptions) {
    this.#options = options;
  }

  show: RequestHandler = async (request, response) => {
    const details = await this.#details(request, response as never);
    const asked = this.#asked(details);
    if (asked.isOwn) await this.#showPeople(request, response, details.uid);
    else response.type('html').send(this.#page(details.uid, asked));
  };

  /** The first of two steps, or the second for whoever has shown the code. */
  async #showPeople(request: Request, response: Response, uid: string, isWrong = false): Promise<void> {
    const people = this.#proved.has(uid) ? await this.#options.people() : undefined;
    const language = languageIn(request.get('accept-language'));
    const { organisation } = this.#options;
    response.set('Cache-Control', 'no-store');
    response.type('html').status(isWrong ? 400 : 200);
    response.send(peoplePage({ uid, organisation, language, people, isWrong }));
  }

  /** Who was chosen; undefined where the page was shown again instead. */
  async #chosen(request: Request, response: Response, uid: string): Promise<User | undefined> {
    const { code, who } = request.body as Record<string, unknown>;
    const isCode = code !== undefined && isSame(String(code), this.#options.code);
    if (isCode) this.#proved.set(uid, true);
    if (!this.#proved.has(uid) || who === undefined) {
      await this.#showPeople(request, response, uid, code !== undefined && !isCode);
      return undefined;
    }
    const isOffered = (await this.#options.people()).some(({ account }) => account === who);
    if (isOffered) return userOf(String(who));
    await this.#showPeople(request, response, uid);
    return undefined;
  }

  take: RequestHandler = async (request, response) => {
    const provider = await this.#options.provider();
    const details = await this.#details(request, response as never);
    const asked = this.#asked(details);
    const form = request.body as Record<string, string | string[] | undefined>;
    const finish = (result: InteractionResults) =>
      provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    if (form['deny'] !== undefined) return finish({ error: 'access_denied', error_description: 'it was not let in' });
    const fault = (why: string) =>
      response
        .status(400)
        .type('html')
        .send(this.#page(details.uid, asked, why));
    if (asked.isOwn) {
      const chosen = await this.#chosen(request, response, details.uid);
      return chosen && finish(await this.#granted(details, asked, { user: chosen, scopes: asked.scopes, context: {} }));
    }
    if (!isSame(String(form['code'] ?? ''), this.#options.code)) return fault('This is not the code.');
    const user = this.#userIn(form);
    if (user === undefined) return fault('This is no user of that role here: a user is written as Practitioner/ID.');
    const scopes = [form['scope'] ?? []].flat().filter((one) => asked.scopes.includes(one));
    const context = contextOf(user, String(form['patient'] ?? ''), asked, scopes);
    if (context === undefined) return fault('Name the patient by the id of her Patient.');
    await finish(await this.#granted(details, asked, { user, scopes, context }));
  };

  /** What is granted to whom, kept. @param granted scopes of those that were asked for */
  async #granted(
    details: Details,
    asked: Asked,
    granted: { user: User; scopes: readonly string[]; context: LaunchContext },
  ): Promise<InteractionResults> {
    const provider = await this.#options.provider();
    const accountId = accountOf(granted.user);
    const grant = new provider.Grant({ accountId, clientId: String(details.params['client_id']) });
    const base = this.#options.fhirBase();
    const isIn = (one: string): boolean => granted.scopes.includes(one);
    const isOut = (one: string): boolean => !isIn(one);
    const ofLaunch = asked.scopes.filter(isOfLaunch);
    grant.addOIDCScope(ofLaunch.filter(isIn).join(' '));
    grant.rejectOIDCScope(ofLaunch.filter(isOut).join(' '));
    const resources = asked.scopes.filter((one) => !isOfLaunch(one));
    grant.addResourceScope(base, resources.filter(isIn).join(' '));
    grant.rejectResourceScope(base, resources.filter(isOut).join(' '));
    const grantId = await grant.save();
    this.#options.launches.granted(grantId, granted.context);
    return { login: { accountId, remember: false }, consent: { grantId } };
  }

  async #details(request: Request, response: never): Promise<Details> {
    return (await this.#options.provider()).interactionDetails(request, response);
  }

  #asked({ params }: Details): Asked {
    const { clients, launches } = this.#options;
    const client = clients.find(String(params['client_id']));
    const scopes = String(params['scope'] ?? '').split(' ');
    const granted = client === undefined ? [] : grantableOf(client, scopes);
    return {
      isOwn: client !== undefined && isConsole(client),
      name: client?.name ?? '',
      scopes: [...scopes.filter(isOfLaunch), ...granted],
      launch: typeof params['launch'] === 'string' ? launches.contextOf(params['launch']) : undefined,
    };
  }

  #userIn(form: Record<string, unknown>): User | undefined {
    const [role, fhirUser] = [String(form['role'] ?? '') as Role, String(form['fhirUser'] ?? '').trim()];
    if (!ROLES_OF_KIND[this.#options.kind].includes(role)) return undefined;
    if (fhirUser === '') return role === 'patient' ? undefined : { role };
    return USER.test(fhirUser) ? { role, fhirUser } : undefined;
  }

  #page(uid: string, { name, scopes, launch }: Asked, fault?: string): string {
    const { organisation, kind } = this.#options;
    const roles = ROLES_OF_KIND[kind].map((role) => `<option>${role}</option>`).join('');
    const boxes = scopes
      .map(
        (one) => `<label><input type="checkbox" name="scope" value="${escaped(one)}" checked> ${escaped(one)}</label>`,
      )
      .join('');
    const patient =
      launch === undefined
        ? '<label>Patient in context (id; of a patient it is her own) <input name="patient"></label>'
        : '<p>The patient is the one of the launch.</p>';
    return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<style>body{font:16px sans-serif;max-width:36em;margin:2em auto}label{display:block;margin:.6em 0}.fault{color:#a00}</style>
<h1>${escaped(name)}</h1><p>asks for access at ${escaped(organisation)}. This is a development issuer.</p>
${fault === undefined ? '' : `<p class="fault" role="alert">${escaped(fault)}</p>`}
<form method="post" action="${escaped(uid)}">
<label>Code of this issuer <input name="code" type="password" autocomplete="off"></label>
<label>Role <select name="role">${roles}</select></label>
<label>User, such as Practitioner/ID <input name="fhirUser"></label>
${patient}<fieldset><legend>It may</legend>${boxes}</fieldset>
<button name="allow" value="1">Allow</button> <button name="deny" value="1">Deny</button></form></html>`;
  }
}

/** The context that is granted; undefined where a patient is needed and not known. */
function contextOf(
  { role, fhirUser }: User,
  stated: string,
  { launch }: Asked,
  scopes: readonly string[],
): LaunchContext | undefined {
  if (launch !== undefined && scopes.includes('launch')) return launch;
  const needsPatient = scopes.some((one) => one === 'launch/patient' || one.startsWith('patient/'));
  if (!needsPatient) return {};
  const own = role === 'patient' ? fhirUser?.replace(/^Patient\//, '') : undefined;
  const patient = own ?? stated.trim();
  return PATIENT.test(patient) ? { patient } : undefined;
}

export function signInRouter(options: SignInOptions): Router {
  const one = new SignIn(options);
  const router = Router();
  router.get('/sign-in/:uid', page, one.show);
  router.post('/sign-in/:uid', page, express.urlencoded({ extended: false, limit: FORM_BYTES }), one.take);
  return router;
}
