// Elements, and numbers as people read them.

export const $ = id => document.getElementById(id)

/** An element with properties and children; a property with a dash, or `role`, `for` or `list`, is an attribute. */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role' || name === 'for' || name === 'list') node.setAttribute(name, value)
    else node[name] = value
  }
  node.append(...children.filter(child => child !== null))
  return node
}

export const grouped = number => number.toLocaleString('en', { maximumFractionDigits: 20 })

/** A number with as many digits as matter. */
export function shown(number) {
  if (number === null || number === undefined) return 'none'
  if (number !== 0 && (Math.abs(number) < 1e-4 || Math.abs(number) >= 1e15)) return number.toExponential(2)
  return grouped(Math.abs(number) < 1e5 ? Number(number.toPrecision(6)) : Math.round(number))
}

/** A metric: four decimals, fewer where it has six digits without them, four significant digits of a small one. */
export function metricText(value) {
  const size = Math.abs(value)
  if (size >= 1e5) return shown(value)
  if (size !== 0 && size < 0.001) return shown(Number(value.toPrecision(4)))
  const digits = size < 100 ? 4 : 5 - Math.floor(Math.log10(size))
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** What writes numbers with the same decimals, so many digits of the largest one. */
export function decimals(largest, digits) {
  const count = digits - 1 - Math.floor(Math.log10(largest))
  if (count > 8 || largest >= 1e15) return number => (Math.abs(number) < 1e-6 * largest ? '0' : number.toExponential(2))
  const fraction = { minimumFractionDigits: Math.max(0, count), maximumFractionDigits: Math.max(0, count) }
  return number => number.toLocaleString('en', fraction)
}

/** A share; one that is neither nothing nor all does not look like it. */
export const percent = share =>
  (share > 0 && share < 0.001 ? '< 0.1' : share > 0.999 && share < 1 ? '> 99.9' : (100 * share).toFixed(1)) + '%'

/** Seconds in the unit that they are some of. */
export function duration(seconds) {
  const [size, unit] = [[86400, 'days'], [3600, 'hours'], [60, 'minutes'], [1, 's']].find(
    ([size]) => seconds >= 2 * size || size === 1,
  )
  return `${grouped(Math.round(seconds / size))} ${unit}`
}

export const moment = text =>
  text ? new Date(text).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }) : 'unknown'

/** A table of texts or nodes in an area that scrolls by itself, also by keyboard. */
export function table(caption, heads, rows, className = '') {
  const cells = (tag, row) => row.map(cell => make(tag, tag === 'th' ? { scope: 'col' } : {}, cell ?? ''))
  const node = make(
    'table',
    { className },
    make('caption', { className: 'spoken' }, caption),
    make('thead', {}, make('tr', {}, ...cells('th', heads))),
    make('tbody', {}, ...rows.map(row => make('tr', {}, ...cells('td', row)))),
  )
  return make('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption }, node)
}

/** Pairs of a term and what is said of it; pairs without anything to say are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
  return make('dl', {}, ...known.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]))
}

/** A bar from 0 to a share of the width, or of two directions from its middle. */
export function bar(share, { signed = false } = {}) {
  const inner = make('span', { className: share < 0 ? 'less' : '' })
  const width = Math.min(1, Math.abs(share)) * (signed ? 50 : 100)
  inner.style.width = `${width}%`
  if (signed) inner.style.marginLeft = `${share < 0 ? 50 - width : 50}%`
  return make('span', { className: signed ? 'track both' : 'track', 'aria-hidden': 'true' }, inner)
}

export function bars(rows, options) {
  return make(
    'ul',
    { className: 'bars' },
    ...rows.map(([name, share, number]) =>
      make(
        'li',
        {},
        make('span', { className: 'name' }, name),
        bar(share, options),
        make('span', { className: 'number' }, number),
      ),
    ),
  )
}
