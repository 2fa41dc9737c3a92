/** Runs one of Fabric's commands to its end. */
import { execFile } from 'node:child_process';

/** The command failed; `output` is what it wrote, `message` its last telling line. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly output: string;

  constructor(command: string, output: string) {
    super(`${command}: ${tellingLine(output)}`);
    this.output = output.trim();
  }
}

const TIMEOUT_MS = 90_000;

/** `environment` is added to this process's own. @throws CommandError */
export function run(
  program: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...environment }, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr });
      const words = args.filter((argument) => !argument.startsWith('-') && !argument.includes('/')).slice(0, 3);
      const command = [program.split('/').at(-1), ...words].join(' ');
      const reason = error.killed ? `gave no answer within ${TIMEOUT_MS / 1000} s` : '';
      reject(new CommandError(command, [stdout, stderr, reason || (stdout || stderr ? '' : error.message)].join('\n')));
    });
  });
}

/** Fabric's commands end with `Error: …` among log lines. */
function tellingLine(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.findLast((line) => line.startsWith('Error:')) ?? lines.at(-1) ?? 'failed without a word';
}
