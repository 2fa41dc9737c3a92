/** Whether a consortium runs on a data directory: whether the peers that it wrote down there answer. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

const TIMEOUT_MS = 1_000;

export async function isRunning(dataDir: string): Promise<boolean> {
  const directory = join(dataDir, 'organisations');
  if (!existsSync(directory)) return false;
  const files = readdirSync(directory).map((name) => join(directory, name, 'connection.json'));
  const answers = await Promise.all(files.filter((file) => existsSync(file)).map(peerAnswers));
  return answers.includes(true);
}

function peerAnswers(file: string): Promise<boolean> {
  const { endpoint = '' } = JSON.parse(readFileSync(file, 'utf8')) as { endpoint?: string };
  const [host = '', port = ''] = endpoint.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: TIMEOUT_MS });
    const answer = (is: boolean) => () => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}
