/** A page by the keyboard alone: what has the focus is what a key is for. */
import type { Page } from 'playwright-core';
import { tabTo } from './console.fixture.ts';

/** Presses what is wanted by the key that its kind takes. */
export async function pressOn(page: Page, selector: string): Promise<void> {
  await tabTo(page, selector);
  await page.keyboard.press('Enter');
}

/** Types into a field. */
export async function typeInto(page: Page, selector: string, text: string): Promise<void> {
  await tabTo(page, selector);
  await page.keyboard.type(text);
}
