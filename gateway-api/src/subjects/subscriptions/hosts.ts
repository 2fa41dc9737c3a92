/** The setting that says what endpoints of Subscriptions may be called. */

/** Host names and origins, separated by commas; what is neither is a mistake. */
export function hostsIn(text: string | undefined, mistakes: string[]): string[] {
  const hosts = (text ?? '').split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
  const isOrigin = (host: string) => /^https?:/.test(host) && URL.canParse(host) && new URL(host).origin === host;
  const wrong = hosts.filter((host) => !isOrigin(host) && !/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(host));
  if (wrong.length > 0) mistakes.push(`SUBSCRIPTION_HOSTS: ${wrong.join(', ')} is no host name and no origin`);
  return hosts;
}
