/** What came of something that a person did: it is done, or why not. */
import type { ComponentChildren } from 'preact';
import type { Doing } from './doing.ts';
import { Failure } from './failure.tsx';

interface DoneProps {
  of: Doing;
  again?: () => void;
  /** What is said once it is done; nothing until then. */
  children?: ComponentChildren;
}

export const Done = ({ of: { problem }, again, children }: DoneProps) => (
  <>
    {problem === undefined ? null : <Failure problem={problem} isWrite {...(again === undefined ? {} : { again })} />}
    <div role="status">
      {children === undefined || children === null ? null : <p class="notice good">{children}</p>}
    </div>
  </>
);
