/** The page on which a person signs in to the gateway's own pages at a development issuer: its code first, then who she is. */
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { escaped } from '../subjects/exports/page.ts';
import { type Language, TEXTS } from '../subjects/log/texts.ts';
import type { Person } from './people.ts';

interface Words {
  title: string;
  development: string;
  code: string;
  where: string;
  next: string;
  wrong: string;
  who: string;
  nobody: string;
  cancel: string;
  roles: Record<Role, string>;
}

const WORDS: Record<Language, Words> = {
  en: {
    title: 'Sign in',
    development: 'This is a demonstration: you choose who you are.',
    code: 'Sign-in code',
    where: 'npm start prints it beside this page’s address.',
    next: 'Continue',
    wrong: 'This is not the code. Nothing was done: try again.',
    who: 'Who are you?',
    nobody: 'Nobody is recorded here yet. Run npm run demo, then load this page again.',
    cancel: 'Cancel',
    roles: {
      ...{ system: 'A system of the organisation', practitioner: 'Clinician', patient: 'Patient' },
      ...{ caretaker: 'Caretaker', adjudicator: 'Claims desk', settlement: 'Payments desk' },
      ...{ auditor: 'Auditor', operator: 'Operator' },
    },
  },
  de: {
    title: 'Anmelden',
    development: 'Dies ist eine Vorführung: Sie wählen, wer Sie sind.',
    code: 'Anmeldecode',
    where: 'npm start zeigt ihn neben der Adresse dieser Seite.',
    next: 'Weiter',
    wrong: 'Das ist nicht der Code. Es ist nichts geschehen: Versuchen Sie es noch einmal.',
    who: 'Wer sind Sie?',
    nobody: 'Hier ist noch niemand erfasst. Starten Sie npm run demo und laden Sie diese Seite neu.',
    cancel: 'Abbrechen',
    roles: {
      ...{ system: 'Ein System der Organisation', practitioner: 'Ärztin oder Arzt', patient: 'Patientin oder Patient' },
      ...{ caretaker: 'Vertrauensperson', adjudicator: 'Leistungsabteilung', settlement: 'Zahlungsabteilung' },
      ...{ auditor: 'Aufsicht', operator: 'Betrieb' },
    },
  },
  es: {
    title: 'Iniciar sesión',
    development: 'Esto es una demostración: usted elige quién es.',
    code: 'Código de acceso',
    where: 'npm start lo muestra junto a la dirección de esta página.',
    next: 'Continuar',
    wrong: 'Ese no es el código. No se ha hecho nada: inténtelo de nuevo.',
    who: '¿Quién es usted?',
    nobody: 'Aquí todavía no hay nadie registrado. Ejecute npm run demo y vuelva a cargar esta página.',
    cancel: 'Cancelar',
    roles: {
      ...{ system: 'Un sistema de la organización', practitioner: 'Profesional sanitario', patient: 'Paciente' },
      ...{ caretaker: 'Cuidador', adjudicator: 'Gestión de reclamaciones', settlement: 'Gestión de pagos' },
      ...{ auditor: 'Auditoría', operator: 'Operación' },
    },
  },
  ar: {
    title: 'تسجيل الدخول',
    development: 'هذا عرض توضيحي: أنت تختار من تكون.',
    code: 'رمز الدخول',
    where: 'يعرضه الأمر npm start بجانب عنوان هذه الصفحة.',
    next: 'متابعة',
    wrong: 'هذا ليس الرمز. لم يحدث شيء: حاول مرة أخرى.',
    who: 'من أنت؟',
    nobody: 'لا أحد مسجّل هنا بعد. شغّل npm run demo ثم أعد تحميل هذه الصفحة.',
    cancel: 'إلغاء',
    roles: {
      ...{ system: 'نظام تابع للجهة', practitioner: 'طبيب', patient: 'مريض' },
      ...{ caretaker: 'شخص موثوق', adjudicator: 'مكتب المطالبات', settlement: 'مكتب المدفوعات' },
      ...{ auditor: 'مدقق', operator: 'مشغّل' },
    },
  },
};

const STYLE = `:root{color-scheme:light dark;--text:light-dark(#16211f,#e8efed);--soft:light-dark(#566461,#a3b3af);--ground:light-dark(#f4f7f6,#101716);
--card:light-dark(#fff,#18211f);--line:light-dark(#7d8b87,#7d8b87);--accent:light-dark(#0b6e6e,#5fc9c2);--on:light-dark(#fff,#06211f);--bad:light-dark(#a3261b,#ff9d90)}
*{box-sizing:border-box}body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground)}
main{max-width:28rem;margin:8vh auto;padding:2rem;background:var(--card);border-radius:1rem;box-shadow:0 1px 3px #0002}
h1{margin:0 0 .25rem;font-size:1.5rem}h2{font-size:.9rem;color:var(--soft);margin:1.25rem 0 .4rem}p{margin:.25rem 0 1rem;color:var(--soft)}
label{display:block;font-weight:600}input{display:block;width:100%;margin:.35rem 0;padding:.65rem;font:inherit;border:1px solid var(--line);border-radius:.5rem;background:var(--ground);color:inherit}
button{font:inherit;min-height:2.75rem;padding:.5rem 1rem;border-radius:.5rem;border:1px solid var(--line);background:none;color:inherit;cursor:pointer}
button.main{background:var(--accent);color:var(--on);border-color:var(--accent);font-weight:600}ul{list-style:none;margin:0;padding:0}li{margin:.4rem 0}
li button{width:100%;text-align:start;overflow-wrap:anywhere}button:focus-visible,input:focus-visible{outline:3px solid var(--accent);outline-offset:2px}.fault{color:var(--bad)}
form{margin:0}.row{display:flex;gap:.6rem;margin-top:1.25rem}@media(max-width:32rem){main{margin:0;border-radius:0;min-height:100vh;padding:1.25rem}}`;

export interface PeoplePage {
  /** Of the interaction. */
  uid: string;
  organisation: string;
  language: Language;
  /** Undefined until the code was shown. */
  people: readonly Person[] | undefined;
  isWrong?: boolean;
}

export function peoplePage({ uid, organisation, language, people, isWrong = false }: PeoplePage): string {
  const words = WORDS[language];
  const form = people === undefined ? codeForm(words, isWrong) : choice(words, people);
  return `<!doctype html><html lang="${language}" dir="${TEXTS[language].direction}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${escaped(words.title)}</title><style>${STYLE}</style><main><h1>${escaped(people === undefined ? words.title : words.who)}</h1>
<p>${escaped(organisation)} · ${escaped(words.development)}</p>
<form method="post" action="${escaped(uid)}">${form}</form></main></html>`;
}

const cancelling = ({ cancel }: Words): string =>
  `<button name="deny" value="1" formnovalidate>${escaped(cancel)}</button>`;

function codeForm(words: Words, isWrong: boolean): string {
  const fault = isWrong ? `<p class="fault" role="alert" id="fault">${escaped(words.wrong)}</p>` : '';
  const described = isWrong ? 'where fault" aria-invalid="true' : 'where';
  return `<label for="code">${escaped(words.code)}</label>
<input id="code" name="code" autocomplete="off" autocapitalize="off" spellcheck="false" required autofocus dir="ltr" aria-describedby="${described}">
<p id="where">${escaped(words.where)}</p>${fault}
<div class="row"><button class="main">${escaped(words.next)}</button>${cancelling(words)}</div>`;
}

function choice(words: Words, people: readonly Person[]): string {
  const groups = [...Map.groupBy(people, ({ role }) => role)].map(([role, ones]) => {
    const buttons = ones.map(
      ({ account, name }) =>
        `<li><button name="who" value="${escaped(account)}"><bdi>${escaped(name || words.roles[role])}</bdi></button></li>`,
    );
    const heading = ones.some(({ name }) => name !== '') ? `<h2>${escaped(words.roles[role])}</h2>` : '';
    return `${heading}<ul>${buttons.join('')}</ul>`;
  });
  const nobody = people.every(({ name }) => name === '') ? `<p>${escaped(words.nobody)}</p>` : '';
  return `${groups.join('')}${nobody}<div class="row">${cancelling(words)}</div>`;
}
