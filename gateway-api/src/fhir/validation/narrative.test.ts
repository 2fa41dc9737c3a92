import { expect } from 'chai';
import fc from 'fast-check';
import { MAX_CHARACTERS, narrativeFault } from './narrative.ts';

const div = (inside: string): string => `<div xmlns="http://www.w3.org/1999/xhtml">${inside}</div>`;
const faultOf = (inside: string): string | undefined => narrativeFault(div(inside));

describe('narrative', () => {
  const sound = [
    'Plain text',
    'A <b>bold</b> word<br/>and <a href="https://example.org/?a=1&amp;b=2">a link</a>',
    '<table class="grid"><tr><td colspan="2">1 &lt; 2</td></tr></table>',
    '<img src="data:image/png;base64,AAAA" alt=""/>',
    '<img src="#picture"/>',
    '<img src="Binary/b-1"/>',
    '<img src="urn:uuid:0b0a4ee6-c3b0-4d1a-a5e0-7fe9d1a1b7b0"/>',
    '<!-- said aside --><p>Text</p>',
    'Smith &amp; Jones&#160;&#xA9; &quot;q&quot; &apos;a&apos;',
    '<a name="x" href="#x">here</a> <a href="mailto:a@example.org">mail</a> <a href="Patient/1?a=b:c">relative</a>',
    '<p style="color: rgb(1, 2, 3); width: calc(100% - 2px); margin: 0">Text</p>',
    '<p xml:lang="en" lang="en" id="p1" title="a > b">Text</p>',
    '<p>naïve 患者 😀</p>',
  ];
  for (const inside of sound) {
    it(`takes ${inside}`, () => expect(faultOf(inside)).to.equal(undefined));
  }

  const unsound: [rule: RegExp, inside: string[]][] = [
    [
      /^txt-2: The narrative says nothing\.$/,
      ['', '  \n ', '<p>&#160;</p>', '<img alt="no source"/>', '<!-- aside -->'],
    ],
    [
      /^txt-1: An & begins .*\(line 1, column \d+\)\.$/,
      [
        'Smith & Jones',
        'a&b',
        '&nbsp;Text',
        '&copy; us',
        '<a href="https://example.org/?a=1&b=2">Text</a>',
        'Text &amp',
      ],
    ],
    [
      /^txt-1: The narrative is not well-formed XML/,
      [
        '<p>Text',
        '<p>Text</b>',
        '<p a=b>Text</p>',
        'Text</div><div>',
        '<p nowrap>Text</p>',
        'a < b',
        '<p id="1" id="2">T</p>',
        'a\u0000b',
        'T<!-- a -- b -->',
      ],
    ],
    [
      /^txt-1: This element is not allowed/,
      [
        '<script>alert(1)</script>',
        '<iframe src="https://example.org"/>Text',
        '<P>Text</P>',
        '<form>Text</form>',
        '<style>p{}</style>T',
        '<object data="x"/>T',
        '<svg>T</svg>',
        '<link rel="stylesheet" href="x"/>T',
        '<base href="x"/>T',
        '<u>T</u>',
        '<font>T</font>',
        '<video src="x"/>T',
        '<body>T</body>',
        '<input value="1"/>T',
        '<meta name="x"/>T',
        '<p><template>T</template></p>',
      ],
    ],
    [
      /^txt-1: This attribute is not allowed/,
      [
        '<p onclick="x()">Text</p>',
        '<p onmouseover="x()">T</p>',
        '<a target="_blank">T</a>',
        '<p src="#x">T</p>',
        '<table background="x"><tr><td>T</td></tr></table>',
        '<img srcset="x" src="#x"/>',
        '<p STYLE="x">T</p>',
      ],
    ],
    [
      /^txt-1: A link may be/,
      [
        '<a href="javascript:x()">Text</a>',
        '<a href="java&#115;cript:x()">Text</a>',
        '<a href="java&#x0A;script:x()">Text</a>',
        '<a href=" JavaScript:x()">Text</a>',
        '<a href="&#x20;javascript:x()">T</a>',
        '<a href="vbscript:x">T</a>',
        '<a href="data:text/html;base64,AAAA">Text</a>',
        '<a href="file:///etc/passwd">T</a>',
        '<q cite="javascript:x">T</q>',
        '<a href="blob:x">T</a>',
        '<a href="x-odd:y">T</a>',
      ],
    ],
    [
      /^txt-1: An image must come with the resource/,
      [
        '<img src="https://example.org/pixel.gif"/>',
        '<img src="http://example.org/x"/>',
        '<img src="//example.org/x"/>',
        '<img src="/x.png"/>',
        '<img src="x.png"/>',
        '<img src="ftp://example.org/x"/>',
        '<img src="data:text/html,x"/>',
        '<img src="data:image/svg+xml;base64,AAAA"/>',
        '<img src="h&#116;tps://example.org/x"/>',
        '<img src="\\\\example.org\\x"/>',
        '<img src=""/>',
        '<img src="Binary/1/../../x"/>',
      ],
    ],
    [
      /^txt-1: A style may not name/,
      [
        '<p style="background: url(https://example.org/x)">T</p>',
        '<p style="background: URL( \'x\' )">T</p>',
        '<p style="background:u\\72l(x)">T</p>',
        '<p style="width: expression(alert(1))">T</p>',
        '<p style="behavior: none">T</p>',
        '<p style="-moz-binding: none">T</p>',
        '<p style="@import \'x\'">T</p>',
        '<p style="background: image-set(\'x\' 1x)">T</p>',
        '<p style="background: image(\'x\')">T</p>',
        '<p style="background: u&#114;l(x)">T</p>',
        '<p style="--a: url(x)">T</p>',
        '<p style="x } p { color: red">T</p>',
        '<p style="content: attr(x)">T</p>',
      ],
    ],
    [
      /^txt-1: Every element must be in the namespace/,
      ['<p xmlns="http://www.w3.org/2000/svg">T</p>', '<p xmlns="">T</p>', '<x:p xmlns:x="urn:x">T</p>'],
    ],
    [/^txt-1: A comment may not begin with >/, ['<!--><img src="#x"/>-->T', '<!---><b>T</b>-->T']],
    [/^txt-1: A CDATA section/, ['<![CDATA[><img src="x" onerror="x()">]]>T']],
    [/^txt-1: A processing instruction/, ['<?x ><img src="x" onerror="x()">?>T']],
  ];
  for (const [rule, all] of unsound) {
    for (const inside of all)
      it(`refuses ${inside === '' ? 'nothing' : inside}`, () => expect(faultOf(inside)).to.match(rule));
  }

  it('refuses what is not one div in the XHTML namespace', () => {
    const all: [text: string, rule: RegExp][] = [
      ['<div>Text</div>', /namespace/],
      ['<div xmlns="urn:other">Text</div>', /namespace/],
      ['<p xmlns="http://www.w3.org/1999/xhtml">Text</p>', /one div/],
      [`${div('one')}${div('two')}`, /well-formed/],
      [`${div('one')} more`, /well-formed/],
      ['<h:div xmlns:h="http://www.w3.org/1999/xhtml">Text</h:div>', /one div/],
      ['Text', /well-formed/],
      ['', /well-formed|nothing/],
      [`<?xml version="1.0"?>${div('Text')}`, /declaration/],
      [`<!DOCTYPE div [<!ENTITY nbsp "x">]>${div('&nbsp;')}`, /document type/],
    ];
    for (const [text, rule] of all) expect(narrativeFault(text), text).to.match(rule);
  });

  it('refuses what would take long to read, and takes an image of some size', () => {
    const image = `<img src="data:image/png;base64,${'A'.repeat(300_000)}"/>`;
    expect(faultOf(image)).to.equal(undefined);
    expect(faultOf('x'.repeat(MAX_CHARACTERS))).to.match(/^A narrative may have 524288 characters/);
  });

  it('says where, and repeats nothing of what it refuses', () => {
    expect(faultOf('one\ntwo <mrs-smith>T</mrs-smith>'))
      .to.match(/\(line 2, column \d+\)\.$/)
      .and.not.include('smith');
    expect(faultOf('Smith & Jones')).to.not.include('Jones');
    expect(faultOf('<p smith="1">T</p>')).to.not.include('smith');
  });

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '&',
      ';',
      '"',
      "'",
      '/',
      '=',
      '<p',
      '</p>',
      '<!--',
      '-->',
      '<![CDATA[',
      'a',
      ' ',
      '\0',
      '\ud800',
      '#',
      'xmlns',
      ':',
      '<div>',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        for (const text of [parts.join(''), div(parts.join(''))]) {
          const fault = narrativeFault(text);
          expect(fault === undefined || /^txt-[12]: /.test(fault)).to.equal(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('answers at once for text made to keep a parser busy', () => {
    const started = performance.now();
    faultOf(`${'<p '.repeat(20_000)}${'a="'.repeat(20_000)}`);
    faultOf('<!--'.repeat(50_000));
    faultOf(`<p${' a'.repeat(50_000)}>`);
    faultOf('<div>'.repeat(100_000));
    faultOf(`<p style="${'a('.repeat(100_000)}">T</p>`);
    faultOf('&#65;'.repeat(100_000));
    faultOf(`<p ${Array.from({ length: 20_000 }, (_, index) => `a${index}="1"`).join(' ')}>T</p>`);
    expect(performance.now() - started).to.be.lessThan(2000);
  });
});
