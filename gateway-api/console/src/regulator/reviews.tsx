/** Emergencies in which records were read without a consent: each is looked at once, and justified or not. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { Turn, useCursor } from '../parts/cursor.tsx';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { Choice, Field, Form } from '../parts/fields.tsx';
import { Empty, WhenLoaded } from '../parts/states.tsx';

const STATUSES = ['open', 'justified', 'not-justified'] as const;
type Status = (typeof STATUSES)[number];

interface Review {
  id: string;
  status: Status;
  licence: string;
  requestor: string;
  holder: string;
  reason: string;
  openedAt: string;
  delivered: boolean;
  closedAt?: string;
  text?: string;
  ofPractitioner: { open: number; justified: number; notJustified: number };
}

interface Page {
  reviews: Review[];
  next?: string;
  leftOut?: number;
}

export function Reviews() {
  const { t } = useWords();
  const [status, setStatus] = useState<Status>('open');
  const pages = useCursor<Page>(`/reviews?count=10&status=${status}`);
  return (
    <>
      <p class="lead">{t('reviewsLead')}</p>
      <div class="filters">
        <Choice
          label={t('filterStatus')}
          value={status}
          options={STATUSES.map((one) => [one, t(`review-${one}`)])}
          onChoose={setStatus}
        />
      </div>
      <WhenLoaded of={pages}>
        {({ reviews, leftOut }) => (
          <>
            {leftOut === undefined ? null : <p class="notice warn">{t('leftOut', { count: leftOut })}</p>}
            {reviews.length === 0 ? <Empty>{t('noReviews')}</Empty> : null}
            <ul class="cards">
              {reviews.map((one) => (
                <ReviewCard key={one.id} review={one} onClosed={pages.again} />
              ))}
            </ul>
          </>
        )}
      </WhenLoaded>
      <Turn of={pages} />
    </>
  );
}

function ReviewCard({ review, onClosed }: { review: Review; onClosed(): void }) {
  const { t, time } = useWords();
  const { requestor, holder, licence, reason, openedAt, delivered, ofPractitioner, status, text } = review;
  const { open, justified, notJustified } = ofPractitioner;
  return (
    <li class="card">
      <p>
        <strong>
          <bdi>{requestor}</bdi>
        </strong>{' '}
        ← <bdi>{holder}</bdi>{' '}
        <span class={delivered ? 'tag warn' : 'tag'}>{t(delivered ? 'recordsShown' : 'recordsNotShown')}</span>
      </p>
      <blockquote dir="auto">{reason}</blockquote>
      <p class="soft">
        {time(openedAt)} · {t('licence')} <code>{licence}</code> ·{' '}
        {t('emergenciesOf', { all: String(open + justified + notJustified), not: String(notJustified) })}
      </p>
      {status === 'open' ? <Closing review={review} onClosed={onClosed} /> : <p dir="auto">{text}</p>}
    </li>
  );
}

function Closing({ review: { id }, onClosed }: { review: Review; onClosed(): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const [outcome, setOutcome] = useState<'justified' | 'not-justified'>('justified');
  const [text, setText] = useState('');
  const close = (): void =>
    doing.run(async (key) => {
      const body = { outcome, text: text.trim() };
      await ask({ method: 'PUT', path: `/reviews/${id}/outcome`, body, headers: { 'Idempotency-Key': key } });
      onClosed();
    });
  return (
    <Form onSend={close}>
      <Choice
        label={t('decision')}
        value={outcome}
        options={(['justified', 'not-justified'] as const).map((one) => [one, t(`review-${one}`)])}
        onChoose={setOutcome}
      />
      <Field rows={3} label={t('decisionReason')} value={text} onInput={setText} isNeeded max={1_000} />
      <p class="soft">{t('reviewOnce')}</p>
      <p class="actions">
        <button type="submit" class="main" disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'closeReview')}
        </button>
      </p>
      <Done of={doing} again={close} />
    </Form>
  );
}
