/** A gateway as a process of its own, on PostgreSQL, by its environment alone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { FixtureConsortium, until } from './consortium.fixture.ts';
import { postgresql } from './index/databases.fixture.ts';
import { postgresAbsent } from './index/postgres/postgres.fixture.ts';

const suite = postgresAbsent === undefined ? describe : describe.skip;

suite(`A gateway process${postgresAbsent === undefined ? '' : `: skipped, ${postgresAbsent}`}`, function () {
  this.timeout(60_000);
  const directory = mkdtempSync(join(tmpdir(), 'telemed-process-'));
  let consortium: FixtureConsortium;
  let environment: Record<string, string>;
  let running: ChildProcess | undefined;
  before(async () => {
    consortium = await FixtureConsortium.start(['patients'], postgresql);
    environment = await environmentOf('hospital');
  });
  after(async () => {
    running?.kill('SIGKILL');
    await consortium?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const write = (name: string, content: string | object): string => {
    const path = join(directory, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  async function environmentOf(name: string): Promise<Record<string, string>> {
    const { connection, tokens, database } = await consortium.config(name);
    const { certificate, privateKey } = await consortium.identities(name).of('system');
    const system = { certificate: write('cert.pem', certificate), privateKey: write('key.pem', privateKey) };
    const profile = { ...connection, tlsRootCertificate: write('tls.pem', connection.tlsRootCertificate) };
    return {
      CONNECTION: write('connection.json', { ...profile, identities: { system } }),
      CONSORTIUM: write('consortium.json', consortium.members),
      JWKS: write('jwks.json', tokens.keys),
      PORT: '0',
      OPERATIONS_PORT: '0',
      DATABASE_HOST: database!.host,
      DATABASE_NAME: database!.name,
      DATABASE_USER: database!.user,
      DATABASE_PASSWORD_FILE: write('password', 'not asked for'),
    };
  }

  function start(entry: string, more: Record<string, string> = {}) {
    const { PATH = '' } = process.env;
    running = spawn(process.execPath, [join(import.meta.dirname, entry)], {
      env: { PATH, ...environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: Record<string, unknown>[] = [];
    let errors = '';
    createInterface({ input: running.stdout! }).on('line', (line) => lines.push(JSON.parse(line)));
    running.stderr!.on('data', (chunk) => {
      errors += chunk;
    });
    return { child: running, lines, errors: () => errors };
  }

  /** Starts the gateway, waits until it is ready, and answers what /readyz says; then stops it in order. */
  async function readyOnce(): Promise<{ ready: boolean; block: number }> {
    const { child, lines, errors } = start('main.ts');
    await until(() => lines.some(({ msg }) => msg === 'listening') || child.exitCode !== null, 20_000);
    expect(child.exitCode, errors()).to.equal(null);
    const { operations } = lines.find(({ msg }) => msg === 'listening')!;
    let answer = { ready: false, block: -1 };
    await until(async () => {
      answer = (await (await fetch(`${operations}/readyz`)).json()) as typeof answer;
      return answer.ready;
    }, 20_000);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code, errors()).to.equal(0);
    return answer;
  }

  it('starts, ends when it is told to, and has its read model emptied and filled again', async () => {
    const { block } = await readyOnce();
    expect(block).to.be.at.least(0);
    const { child, lines, errors } = start('reindex.ts');
    const [code] = await once(child, 'exit');
    expect(code, errors()).to.equal(0);
    expect(lines.at(-1)?.['msg']).to.match(/the read model is empty/);
    expect((await readyOnce()).block).to.be.at.least(block);
  });

  it('says what is wrong with its environment, or with its database, and ends', async () => {
    for (const [more, said] of [
      [{ DATABASE_NAME: '' }, /DATABASE_NAME: missing/],
      [{ DATABASE_NAME: 'nowhere' }, /did not start: the database nowhere at .* cannot be used: .* does not exist/],
    ] as const) {
      const { child, errors } = start('main.ts', more);
      const [code] = await once(child, 'close');
      expect(code).to.equal(1);
      expect(errors()).to.match(said);
    }
  });
});
