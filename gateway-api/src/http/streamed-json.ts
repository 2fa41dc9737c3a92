/**
 * Sends JSON as it is made: a long list goes out element by element, as fast as its reader takes it, so that neither its
 * text nor the time to make it is there at once.
 */
import type { ServerResponse } from 'node:http';
import { inTurn } from './pauses.ts';

/** Elements beyond which a list is sent in pieces, and about the length of a piece. */
const FEW = 50;
const PIECE_LENGTH = 64 * 1024;

type Members = Record<string, unknown>;

/**
 * Sends `value` and ends the response. The member `list` of it is sent in pieces where it has many elements, and comes
 * last: JSON objects have no order.
 * @param indent spaces by which what is inside is set off, for people; of a long list, inside its elements
 */
export async function sendJson(response: ServerResponse, value: object, list: string, indent = 0): Promise<void> {
  const { [list]: elements, ...rest } = value as Members;
  if (!Array.isArray(elements) || elements.length <= FEW) {
    response.end(JSON.stringify(value, undefined, indent));
    return;
  }
  const head = JSON.stringify(rest);
  let piece = `${head.slice(0, -1)}${head === '{}' ? '' : ','}${JSON.stringify(list)}:[`;
  let index = 0;
  /** Appends elements until a piece is full. */
  const fill = (): void => {
    for (; index < elements.length && piece.length < PIECE_LENGTH; index += 1) {
      piece += (index === 0 ? '' : ',') + JSON.stringify(elements[index], undefined, indent);
    }
  };
  while (index < elements.length) {
    await inTurn(fill);
    if (!(await written(response, piece))) return;
    piece = '';
  }
  response.end(']}');
}

/** Resolves when the reader can take more; false when it has gone. */
export function written(response: ServerResponse, piece: string | Uint8Array): Promise<boolean> | boolean {
  if (response.destroyed) return false;
  if (response.write(piece)) return true;
  return new Promise((resolve) => {
    const settle = (goesOn: boolean) => (): void => {
      response.off('drain', drained);
      response.off('close', closed);
      resolve(goesOn);
    };
    const drained = settle(true);
    const closed = settle(false);
    response.once('drain', drained);
    response.once('close', closed);
  });
}
