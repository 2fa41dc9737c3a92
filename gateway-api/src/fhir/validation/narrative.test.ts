import { expect } from 'chai';
import { isNarrative } from './narrative.ts';

const div = (inside: string): string => `<div xmlns="http://www.w3.org/1999/xhtml">${inside}</div>`;

describe('narrative', () => {
  const sound = [
    'Plain text',
    'A <b>bold</b> word<br/>and <a href="https://example.org/?a=1">a link</a>',
    '<table class="grid"><tr><td colspan="2">1 &lt; 2</td></tr></table>',
    '<img src="data:image/png;base64,AAAA" alt=""/>',
    '<!-- said aside --><p>Text</p>',
  ];
  for (const inside of sound) {
    it(`takes ${inside}`, () => expect(isNarrative(div(inside))).to.equal(true));
  }

  const unsound = [
    '',
    '  <p>&nbsp;</p>',
    '<script>alert(1)</script>',
    '<p onclick="x()">Text</p>',
    '<a href="javascript:x()">Text</a>',
    '<a href="java&#115;cript:x()">Text</a>',
    '<a href="java&#x0A;script:x()">Text</a>',
    '<a href="data:text/html;base64,AAAA">Text</a>',
    '<iframe src="https://example.org"/>Text',
    '<p>Text',
    '<p>Text</b>',
    '<p a=b>Text</p>',
    'Text</div><div>',
  ];
  for (const inside of unsound) {
    it(`refuses ${inside === '' ? 'nothing' : inside}`, () => expect(isNarrative(div(inside))).to.equal(false));
  }

  it('refuses what is not one div in the XHTML namespace', () => {
    expect(isNarrative('<div>Text</div>')).to.equal(false);
    expect(isNarrative(`<p xmlns="http://www.w3.org/1999/xhtml">Text</p>`)).to.equal(false);
    expect(isNarrative(`${div('one')}${div('two')}`)).to.equal(false);
  });

  it('answers at once for text made to keep a parser busy', () => {
    const started = performance.now();
    isNarrative(div(`${'<p '.repeat(20_000)}${'a="'.repeat(20_000)}`));
    isNarrative(div('<!--'.repeat(50_000)));
    isNarrative(div(`<p${' a'.repeat(50_000)}>`));
    expect(performance.now() - started).to.be.lessThan(1000);
  });
});
