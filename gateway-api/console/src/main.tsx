/** Where the pages begin: the language, whoever comes back from signing in, and the watch over idleness. */
import { render } from 'preact';
import { watchIdleness } from './idle.ts';
import { speak } from './language.ts';
import { Shell } from './shell/shell.tsx';
import { showTheme } from './shell/theme.ts';
import { finishSignIn } from './sign-in.ts';

showTheme();
await Promise.all([speak(), finishSignIn()]);
watchIdleness();
render(<Shell />, document.getElementById('app')!);
