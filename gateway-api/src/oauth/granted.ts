/** Which of the scopes that a client asks for it may be granted: those of its registration, and of its kind. */
import { type Act, type Grant, grantOf } from '../auth/grants.ts';
import { type Client, LAUNCHING } from './clients.ts';

/** Whether a registered scope takes in one that is asked for. */
function takesIn(whole: Grant, part: Grant): boolean {
  const isType = whole.type === '*' || whole.type === part.type;
  const isQuery = whole.query === undefined || whole.query === part.query;
  return whole.level === part.level && isType && isQuery && part.acts.every((act: Act) => whole.acts.includes(act));
}

/** Scopes of resources among these, as the client may have them: an app's users are no systems, and a system is nobody. */
export function grantableOf(client: Pick<Client, 'role' | 'scope'>, asked: readonly string[]): string[] {
  const registered = client.scope?.split(' ').flatMap((one) => grantOf(one) ?? []);
  const isSystem = client.role !== undefined;
  return asked.filter((one) => {
    const grant = grantOf(one);
    if (grant === undefined || (grant.level === 'system') !== isSystem) return false;
    return registered === undefined || registered.some((whole) => takesIn(whole, grant));
  });
}

export const isOfLaunch = (scope: string): boolean => LAUNCHING.has(scope);
