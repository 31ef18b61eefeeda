// The form of a contract, without a browser: which control a feature has, its values as JSON, and other values of it.
// A value is the text that somebody typed, or null for a missing one.

export const MOST_OPTIONS = 12
const DAY = 86400000

export const isNumber = feature => feature.kind === 'number' || feature.kind === 'integer'
const COUNTED = { '%s': 1000, '%Q': 1 } // milliseconds of each
export const hasClock = feature => feature.form in COUNTED || /%[HI]/.test(feature.form)
export const hasOffset = feature => feature.form in COUNTED || feature.form.includes('%z')

/** The known values of a feature that has them, the most usual first. */
export function levels(feature) {
  if (feature.kind === 'boolean') return ['false', 'true']
  return [...(feature.categories ?? []), ...(feature.rare ?? [])]
}

export function controlOf(feature) {
  switch (feature.kind) {
    case 'boolean':
      return 'select'
    case 'category':
      return levels(feature).length <= MOST_OPTIONS ? 'select' : 'combobox'
    case 'datetime':
      return !hasClock(feature) ? 'date' : 'datetime-local'
    case 'text':
      return 'textarea'
    default:
      return 'number'
  }
}

export const hasRange = feature => isNumber(feature) && feature.min !== undefined && feature.min < feature.max

/** A decimal step, of 1, 2 or 5 and zeros, that divides a range into at most so many. */
export function decimalStep(range, most) {
  const rough = range / most,
    power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough * (1 - 1e-9))
}

export function sliderOf(feature) {
  const step =
    feature.kind === 'integer'
      ? Math.max(1, Math.round(decimalStep(feature.max - feature.min, 1000)))
      : decimalStep(feature.max - feature.min, 200)
  return {
    min: tidy(Math.floor(feature.min / step + 1e-9) * step),
    max: tidy(Math.ceil(feature.max / step - 1e-9) * step),
    step,
  }
}

/** Without the last digit that multiples of fractions leave. */
export const tidy = number => Number(number.toPrecision(15))

const dayOf = feature => Date.parse(`${feature.origin}T00:00:00Z`)
const iso = (feature, milliseconds) => {
  const text = new Date(milliseconds).toISOString()
  return !hasClock(feature) ? text.slice(0, 10) : text.slice(0, 19)
}

/** The text of a feature's number: of a date, which the contract counts in days. */
export const written = (feature, number) =>
  feature.kind === 'datetime' ? iso(feature, dayOf(feature) + number * DAY) : String(number)
const numberOf = (feature, text) =>
  feature.kind === 'datetime' ? (Date.parse(withOffset(feature, text, true)) - dayOf(feature)) / DAY : Number(text)
const withOffset = (feature, text, always) =>
  /(Z|[+-]\d\d:?\d\d)$/.test(text) || !hasClock(feature) || !(always || hasOffset(feature)) ? text : `${text}Z`

/** What a control shows at first. */
export function startOf(feature) {
  const value = feature.example
  if (value === undefined || value === null) return feature.required ? '' : null
  return feature.kind === 'datetime'
    ? String(value)
        .replace(/Z$/, '')
        .slice(0, hasClock(feature) ? 19 : 10)
    : String(value)
}

/** A value as JSON; whole numbers keep all their digits. */
export function jsonOf(feature, text) {
  if (text === null) return 'null'
  if (feature.kind === 'boolean') return text
  if (isNumber(feature)) return /^-?(0|[1-9]\d*)$/.test(text) ? text : JSON.stringify(Number(text))
  return JSON.stringify(feature.kind === 'datetime' ? withOffset(feature, text) : text)
}

/** An instance as JSON in the order of the contract: an object of JavaScript would move a field called 2020. */
export function instanceOf(features, values) {
  return `{${features.map(feature => `${JSON.stringify(feature.name)}: ${jsonOf(feature, values.get(feature.name))}`).join(', ')}}`
}

/** What a field needs before it can be sent; null for nothing. */
export function lack(feature, value) {
  if (value === null || value !== '') return null
  return feature.required ? 'A value is needed.' : 'Give a value, or mark it as missing.'
}

export function rangeOf(feature) {
  if (feature.min === undefined) return null
  if (feature.kind === 'text') return `trained on ${feature.min} to ${feature.max} characters`
  const [low, high] = [feature.min, feature.max].map(end => written(feature, end).replace('T', ' '))
  return `trained on ${low} to ${high}`
}

/** How far a value is from another: as a share of the training range; another category, or a missing value, is all of it. */
export function distance(feature, from, to) {
  if (from === null || to === null || !(feature.max > feature.min) || levels(feature).length) return from === to ? 0 : 1
  return Math.abs(numberOf(feature, to) - numberOf(feature, from)) / (feature.max - feature.min)
}

/** Other values of a feature: at most `known` of those that it lists, or about `most`, each with its number. */
export function others(feature, value, most, known) {
  const found = levels(feature)
    .slice(0, known)
    .map(text => ({ text }))
  if (!found.length && feature.kind !== 'text' && feature.max > feature.min) {
    const whole = feature.kind === 'integer' || (feature.kind === 'datetime' && !hasClock(feature))
    found.push(
      ...grid(
        feature,
        feature.min,
        feature.max,
        whole
          ? Math.max(1, Math.round(decimalStep(feature.max - feature.min, most)))
          : decimalStep(feature.max - feature.min, most),
      ),
    )
  }
  if (!feature.required) found.push({ text: null })
  return found.filter(({ text }) => text !== value)
}

/** Values between two, in tenths of their distance: where a change begins is between them. */
export function between(feature, low, high) {
  const whole = feature.kind === 'integer' || (feature.kind === 'datetime' && !hasClock(feature))
  const step = decimalStep(Math.abs(high - low), 10)
  const inside = grid(feature, Math.min(low, high), Math.max(low, high), whole ? Math.max(1, Math.round(step)) : step)
  return inside.filter(({ number }) => number > Math.min(low, high) && number < Math.max(low, high))
}

function grid(feature, low, high, step) {
  const first = Math.ceil(low / step - 1e-9),
    count = Math.floor(high / step + 1e-9) - first + 1
  return Array.from({ length: count }, (_, place) => {
    const number = tidy((first + place) * step)
    return { number, text: written(feature, number) }
  })
}

export const placeOf = (feature, value) => (value === null ? null : numberOf(feature, value))

const two = number => String(number).padStart(2, '0')

/** A date as the table of training writes it; null where that is how it is written here. */
export function inTable(feature, text) {
  if (/^%Y-%m-%d(T%H:%M:%S(%z)?)?$/.test(feature.form)) return null
  const date = new Date(withOffset(feature, text, true))
  if (feature.form in COUNTED) return String(Math.floor(date.getTime() / COUNTED[feature.form]))
  const year = date.getUTCFullYear(),
    hour = date.getUTCHours()
  const named = part => date.toLocaleString('en-US', { timeZone: 'UTC', ...part })
  const parts = {
    Y: String(year).padStart(4, '0'),
    y: two(year % 100),
    m: two(date.getUTCMonth() + 1),
    b: named({ month: 'short' }),
    B: named({ month: 'long' }),
    a: named({ weekday: 'short' }),
    A: named({ weekday: 'long' }),
    d: two(date.getUTCDate()),
    H: two(hour),
    I: two(hour % 12 || 12),
    M: two(date.getUTCMinutes()),
    S: two(date.getUTCSeconds()),
    f: '000000',
    p: hour < 12 ? 'AM' : 'PM',
    z: '+0000',
  }
  return feature.form.replace(/%([A-Za-z])/g, (_, directive) => parts[directive])
}
