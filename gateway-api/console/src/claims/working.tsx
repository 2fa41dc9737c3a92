/** Who works on a claim, and what was noted about it: for the payer's desk alone. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { Field, Form } from '../parts/fields.tsx';
import { session } from '../sign-in.ts';
import { type Desk, shortName } from './desk.ts';

interface WorkingProps {
  id: string;
  desk: Desk;
  /** Something was changed. */
  onChange(): void;
}

export function Assignment({ id, desk: { assignee }, onChange }: WorkingProps) {
  const { t } = useWords();
  const doing = useDoing();
  const me = session.now?.fhirUser;
  const assign = (to: string | undefined): void =>
    doing.run(async () => {
      const body = {
        ...(to === undefined ? {} : { assignee: to }),
        ...(assignee === undefined ? {} : { instead: assignee }),
      };
      await ask({ method: 'PUT', path: `/claims/${id}/assignee`, body });
      onChange();
    });
  const who = assignee === undefined ? t('nobodyWorks') : t('worksOnIt', { who: shortName(assignee) });
  return (
    <>
      <div class="row">
        <p role="status">{assignee !== undefined && assignee === me ? t('youWork') : who}</p>
        {me === undefined ? (
          <p class="soft">{t('signInByName')}</p>
        ) : assignee === me ? (
          <button type="button" disabled={doing.isBusy} onClick={() => assign(undefined)}>
            {t('giveBack')}
          </button>
        ) : (
          <button type="button" disabled={doing.isBusy} onClick={() => assign(me)}>
            {t(assignee === undefined ? 'takeIt' : 'takeOver')}
          </button>
        )}
      </div>
      <Done of={doing} again={onChange} />
    </>
  );
}

export function DeskNotes({ id, desk: { notes }, onChange }: WorkingProps) {
  const { t, time } = useWords();
  const doing = useDoing();
  const [text, setText] = useState('');
  const add = (): void =>
    doing.run(async (key) => {
      await ask({ method: 'PUT', path: `/claims/${id}/notes/${key}`, body: { text: text.trim() } });
      setText('');
      onChange();
    });
  return (
    <section>
      <h2>{t('deskNotes')}</h2>
      <p class="soft">{t('deskNotesWhose')}</p>
      <ul class="lines">
        {notes.map((note) => (
          <li key={note.id}>
            <span class="what" dir="auto">
              {note.text}
            </span>
            <span class="when">
              <bdi>{shortName(note.author)}</bdi> · {time(note.at)}
            </span>
          </li>
        ))}
      </ul>
      <Form onSend={add}>
        <Field rows={3} label={t('newNote')} value={text} onInput={setText} isNeeded max={4_000} />
        <p class="actions">
          <button type="submit" disabled={doing.isBusy}>
            {t(doing.isBusy ? 'working' : 'addNote')}
          </button>
        </p>
      </Form>
      <Done of={doing} again={add} />
    </section>
  );
}
