// Tables as text, in any of the usual dialects, and back.

const DELIMITERS = [',', ';', '\t', '|']

/** The text of a file: UTF-8 or UTF-16 by its mark, else UTF-8, else Windows-1252. */
export function decoded(bytes) {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** The sign between the cells of the first line: the one that is most often outside of quotes. */
export function delimiterOf(text) {
  const counts = new Map(DELIMITERS.map(sign => [sign, 0]))
  let quoted = false
  for (const sign of text) {
    if (sign === '"') quoted = !quoted
    else if (!quoted && (sign === '\n' || sign === '\r')) {
      if ([...counts.values()].some(Boolean)) break
    } else if (!quoted && counts.has(sign)) counts.set(sign, counts.get(sign) + 1)
  }
  return DELIMITERS.reduce((best, sign) => (counts.get(sign) > counts.get(best) ? sign : best))
}

/**
 * Rows of cells, as RFC 4180 has them: quoted cells may hold delimiters, line ends and doubled quotes. Blank lines are
 * left out, and a byte-order mark.
 */
export function parse(text, delimiter = delimiterOf(text)) {
  const rows = []
  let row = [],
    place = text.charCodeAt(0) === 0xfeff ? 1 : 0
  const end = () => {
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  for (;;) {
    let cell = ''
    if (text[place] === '"') {
      for (place += 1; ;) {
        const close = text.indexOf('"', place)
        cell += text.slice(place, close < 0 ? text.length : close)
        if (close < 0) throw new SyntaxError(`a quote in line ${text.slice(0, place).split('\n').length} has no end`)
        place = close + 1
        if (text[place] !== '"') break
        cell += '"'
        place += 1
      }
    }
    const from = place
    while (place < text.length && text[place] !== delimiter && text[place] !== '\n' && text[place] !== '\r') place += 1
    row.push(unmarked(cell + text.slice(from, place)))
    if (text[place] === delimiter) {
      place += 1
      continue
    }
    end()
    if (place >= text.length) return rows
    place += text[place] === '\r' && text[place + 1] === '\n' ? 2 : 1
    if (place >= text.length) return rows
  }
}

/** Whether a spreadsheet would compute a text, or one that is marked; a sign before digits alone is a number. */
const isFormula = text => /^'*[=+\-@\t\r]/.test(text) && !/^[+-][\d.,\s%]*(e[+-]?\d+)?$/i.test(text)
const marked = text => (isFormula(text) ? `'${text}` : text)
const unmarked = text => (text[0] === "'" && isFormula(text.slice(1)) ? text.slice(1) : text)

/** Rows as a CSV text with commas; cells are texts, numbers or null. A formula has a mark that makes it a text. */
export function write(rows) {
  return `${rows.map(row => row.map(cell).join(',')).join('\r\n')}\r\n`
}

function cell(value) {
  const text = value === null || value === undefined ? '' : typeof value === 'string' ? marked(value) : String(value)
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
